"""A method from another package, installed for real: listed, swept and in every table."""

import os
import shutil
import subprocess
import sys

import pytest

import eegxai.plugins
from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "method_package"
PIP = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder with the example package installed in it."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(EXAMPLE, folder / "source")
    subprocess.run([*PIP, "--target", folder / "site", source], check=True, timeout=120)
    return folder / "site"


@pytest.fixture
def eegxai_command(site, tiny_file):
    root = str(ROOT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), root])}

    def run(*arguments):
        command = [sys.executable, "-c", "from sweeps.cli import main; main()", *arguments]
        done = subprocess.run(
            command, env=environment, cwd=tiny_file.parent, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.slow
def test_it_is_listed_with_its_options(eegxai_command):
    code, output = eegxai_command("methods")
    assert code == 0, output
    assert "SquaredSaliency" in output
    assert "power=2.0" in output


@pytest.mark.slow
@pytest.mark.usefixtures("with_database")
def test_it_is_swept_and_in_every_table(eegxai_command, tiny_file):
    arguments = (str(tiny_file), "grid.seed=0", "grid.method=[SquaredSaliency,RandomMap]")
    options = "attribution.per_method.SquaredSaliency={power: 1}"
    code, output = eegxai_command("sweep", "--local", *arguments, options)
    assert code == 0, output
    assert "SquaredSaliency" in output
    code, output = eegxai_command("tables", *arguments, options)
    assert code == 0, output
    table = (tiny_file.parent / "runs" / "tables" / "tiny.csv").read_text()
    assert "SquaredSaliency" in table


@pytest.mark.slow
def test_a_mistake_in_its_options_is_told(eegxai_command, tiny_file):
    wrong = "attribution.per_method.SquaredSaliency={pover: 1}"
    code, output = eegxai_command("grid", str(tiny_file), wrong)
    assert code == 2, output
    assert "did you mean 'power'" in output


def test_a_broken_plug_in_is_named_and_stands_in_nobodys_way(monkeypatch):
    class Broken:
        value = "broken_module"

        def load(self):
            raise ImportError("no module named broken")

    monkeypatch.setattr(eegxai.plugins, "entry_points", lambda group: [Broken()])
    with pytest.warns(UserWarning, match=r"'broken_module' \(eegxai.methods\) .* no module named"):
        eegxai.plugins.load_plugins("eegxai.methods")
