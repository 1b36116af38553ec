"""Ray is imported late: it reads its environment, and the token of a private Ray, only then."""

import ast
import subprocess
import sys

import pytest

from tests.paths import ROOT

IMPORT_RAY = {"ray_tune", "ray_cluster"}
LATE = {"eegxai.explaining", "ray", "scipy.signal", "scipy.stats"}


def imported_at_top(path):
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_two_modules_import_ray_and_only_they_import_each_other():
    for path in (ROOT / "sweeps").rglob("*.py"):
        names = set(imported_at_top(path))
        needs_ray = {f"sweeps.execution.{name}" for name in IMPORT_RAY} | {"ray"}
        assert path.stem in IMPORT_RAY or not names & needs_ray, path


@pytest.mark.slow
def test_the_command_that_starts_ray_imports_late_what_not_every_process_uses():
    code = f"import sys, sweeps.cli.sweep, sweeps.cli.submit; print({LATE} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
