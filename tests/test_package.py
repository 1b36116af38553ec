"""What is installed: one version, the types, the configurations, the command."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml

import eegxai
from tests.paths import ROOT

SOURCE = ("eegxai", "sweeps", "conf")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
PIP = [sys.executable, "-m", "pip"]


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "eegxai.__version__"}


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == eegxai.__version__


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "eegxai", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"eegxai {eegxai.__version__}\n"), done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built of a copy: setuptools leaves a build folder behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCE:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder / "source" / name)
    options = ["--no-deps", "--no-build-isolation", "-w", folder, folder / "source"]
    subprocess.run([*PIP, "wheel", "-q", *options], check=True, timeout=300)
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_all_that_is_needed(wheel):
    assert wheel.name.startswith(f"eegxai-{eegxai.__version__}-")
    held = set(zipfile.ZipFile(wheel).namelist())
    needed = {"eegxai/py.typed", "sweeps/py.typed", "eegxai/__init__.pyi"}
    needed |= {f"sweeps/{path.relative_to(ROOT)}" for path in (ROOT / "conf").rglob("*.yaml")}
    for package in ("eegxai", "sweeps"):
        needed |= {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
    templates = (ROOT / "sweeps" / "report" / "templates").iterdir()
    needed |= {str(path.relative_to(ROOT)) for path in templates}
    assert needed <= held


@pytest.mark.slow
def test_an_installed_wheel_brings_its_configurations_to_an_empty_folder(wheel, tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([*PIP, "install", "-q", "--no-deps", "--target", site, wheel], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "eegxai", "grid", "quickstart"],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=empty,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "decoders: 3 cells, 0 done" in done.stdout
