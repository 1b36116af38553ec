"""What the README shows works: its Python, its install line, and its commands in their order."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from sweeps.cli import app
from tests.backgrounds import write_raw
from tests.own_decoder_files import write_own_decoder
from tests.paths import ROOT
from tests.pictures import pixels

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text()
PAGES = [path.read_text() for path in (ROOT / "docs").glob("*.md")]
SIMULATIONS = re.findall(r"^    eegxai (simulate .*)", "\n".join(PAGES), re.MULTILINE)
OWN_DECODER = (ROOT / "docs" / "own-decoder.md").read_text()
SHELL = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
SHOWN = [
    shlex.split(command)
    for line in re.findall(r"^    (\S.*)", SHELL, re.MULTILINE)
    for command in line.split(" && ")
]
# The configurations that the README names, made small: what is read of them stays.
SMALL = {
    "grid": {
        "feature": ["temporal"],
        "seed": [0],
        "architecture": ["eegnet_relu"],
        "method": ["DeepLift", "GradCAM"],
    },
    "data": {
        "n_trials": 120,
        "noise": {"n_dipoles": 4},
        "head": {"model": "sphere", "channels": ["Fz", "C3", "Cz", "C4", "Pz", "Oz"]},
    },
    # Above chance, or its scores would be left out.
    "training": {"epochs": 25, "learning_rate": 1e-2, "batch_size": 16, "per_architecture": {}},
    "evaluation": {"n_trials": 4},
    "tracking": {"figures": False},
}


def test_the_notebook_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert 0 <= float(capsys.readouterr().out.split()[-1]) <= 1


@pytest.mark.parametrize("command", SIMULATIONS)
def test_simulations_shown_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0, result.output
    assert (tmp_path / "demo-epo.fif").exists()
    assert pixels(tmp_path / "demo.png").shape[2] == 3


@pytest.fixture
def fresh_folder(tmp_path, monkeypatch):
    """A folder with small configurations of the names that are shown, and a decoder in files."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("conf").mkdir()
    for name in ("quickstart", "paper", "study-small"):
        values = yaml.safe_load((ROOT / "conf" / f"{name}.yaml").read_text())
        small = {part: {**values.get(part, {}), **own} for part, own in SMALL.items()}
        Path("conf", f"{name}.yaml").write_text(yaml.safe_dump({**values, **small}))
    write_own_decoder(tmp_path)
    write_raw(tmp_path / "rest_raw.fif")


def run(command):
    """A command as it stands in the README; sweeps run the same cells without Ray."""
    program, *arguments = command
    if program == "mlflow":
        assert Path(arguments[-1].removeprefix("sqlite:///")).is_file()
    elif program == "eegxai":
        local = ["--local"] * (arguments[0] == "sweep")
        result = CliRunner().invoke(app, [*arguments, *local])
        assert result.exit_code == 0, f"{shlex.join(command)}: {result.output}"
    else:
        assert program in ("pip", "pytest")  # what CI runs, see below


def test_the_commands_work_in_the_order_in_which_they_stand(fresh_folder):
    for command in SHOWN:
        run(command)
    assert {"report.html", "demo.png", "figures"} <= {path.name for path in Path().iterdir()}
    assert any("-where-" in path.name for path in Path("runs/tables").iterdir())


def test_the_page_on_ones_own_decoder_works_from_training_to_figure(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", OWN_DECODER, flags=re.DOTALL)
    told = {}
    exec(compile("\n".join(blocks), "own-decoder.md", "exec"), told)
    assert told["result"].accuracy["above_chance"].all()
    assert pixels(tmp_path / "topographies.png").shape[2] == 3
    (command,) = re.findall(r"^    eegxai (explain .* --out .*)", OWN_DECODER, re.MULTILINE)
    result = CliRunner().invoke(app, [*command.split(), "--no-track"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "sub-01" / "report.html").is_file()
    with np.load(tmp_path / "sub-01" / "maps.npz") as maps:
        np.testing.assert_allclose(maps["DeepLift"], told["result"].maps["DeepLift"], atol=1e-5)


def test_ci_runs_the_install_and_the_test_line():
    script = (ROOT / ".ci" / "run").read_text()
    assert "pip install -q -c constraints.txt -e '.[dev]' && eegxai sweep" in script
    assert "pip install -c constraints.txt -e '.[dev]' && eegxai sweep" in README
    assert script.rstrip().endswith('\npytest\npytest -m "slow or cluster"')
