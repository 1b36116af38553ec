"""What pyproject.toml cannot say: ``conf/`` is installed too, as ``sweeps/conf``."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithConfigurations(build_py):
    """Copies the configurations into the package; an editable install reads them where they are."""

    def run(self) -> None:
        """Build the packages, then put ``conf/`` inside."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # modules that are gone by now
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "sweeps" / "conf"
            shutil.copytree(ROOT / "conf", target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithConfigurations})
