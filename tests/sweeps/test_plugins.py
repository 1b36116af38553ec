"""A method and a feature type from other packages, installed for real."""

import json
import shutil
import subprocess
import sys

import pytest

import eegxai.plugins
from tests.paths import ROOT
from tests.sweeps.processes import environment

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"
PIP = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder with the example packages installed in it."""
    folder = tmp_path_factory.mktemp("plugin")
    sources = shutil.copytree(EXAMPLES, folder / "sources").glob("*_package")
    subprocess.run([*PIP, "--target", folder / "site", *sources], check=True, timeout=120)
    return folder / "site"


# A process in which the package is found, and what commands print there one after another.
COMMANDS = """
import json, sys
from typer.testing import CliRunner
from sweeps.cli import app
results = [CliRunner().invoke(app, words) for words in json.loads(sys.argv[1])]
print(json.dumps([(result.exit_code, result.output) for result in results]))
"""


@pytest.fixture
def outcomes(site, tiny_file):
    """What gives exit code and output of commands, each a list of words."""

    def run(*commands):
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS, json.dumps(commands)],
            env=environment(paths=[str(site)]),
            cwd=tiny_file.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.usefixtures("with_database")
def test_it_is_listed_checked_swept_and_in_every_table(outcomes, tiny_file):
    ours = [str(tiny_file), "grid.seed=0", "grid.method=[SquaredSaliency,RandomMap]"]
    ours += ["evaluation.checks=[target_swap]"]
    wrong, right = (
        f"attribution.per_method.SquaredSaliency={{{o}: 1}}" for o in ("pover", "power")
    )
    listed, mistaken, swept, shown = outcomes(
        ["methods"],
        ["grid", str(tiny_file), wrong],
        ["sweep", "--local", *ours, right],
        ["tables", *ours, right],
    )
    assert listed[0] == 0, listed
    assert "SquaredSaliency" in listed[1]
    assert "power=2.0" in listed[1]
    assert mistaken[0] == 2, mistaken
    assert "did you mean 'power'" in mistaken[1]
    assert swept[0] == 0, swept
    assert "SquaredSaliency" in swept[1]
    assert shown[0] == 0, shown
    table = (tiny_file.parent / "runs" / "tables" / "tiny.csv").read_text()
    assert "SquaredSaliency" in table


def test_a_feature_type_is_simulated_and_a_sweep_knows_it(outcomes, tiny_file):
    ours = [str(tiny_file), "grid.feature=my_oddball", "data.n_trials=60"]
    simulated, listed, mistaken = outcomes(
        ["simulate", "my_oddball", "--n-trials", "10", "--out", "a.npz"],
        ["grid", *ours],
        ["grid", *ours, "grid.feature=my_odball"],
    )
    assert simulated[0] == 0, simulated
    assert "10 trials (2 target, 8 standard)" in simulated[1]
    assert listed[0] == 0, listed
    assert "my_oddball" in listed[1]
    assert mistaken[0] == 2, mistaken
    assert "did you mean 'my_oddball'" in mistaken[1]


def test_a_broken_plug_in_is_named_and_stands_in_nobodys_way(monkeypatch):
    class Broken:
        value = "broken_module"

        def load(self):
            raise ImportError("no module named broken")

    monkeypatch.setattr(eegxai.plugins, "entry_points", lambda group: [Broken()])
    with pytest.warns(UserWarning, match=r"'broken_module' \(eegxai.methods\) .* no module named"):
        eegxai.plugins.load_plugins("eegxai.methods")
