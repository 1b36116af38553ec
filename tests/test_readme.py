"""What the README shows works: its Python, its install line and its simulations run."""

import re

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from tests.paths import ROOT
from tests.pictures import pixels

README = (ROOT / "README.md").read_text()
PAGES = [README, *(path.read_text() for path in (ROOT / "docs").glob("*.md"))]
SIMULATIONS = re.findall(r"^    eegxai (simulate .*)", "\n".join(PAGES), re.MULTILINE)


@pytest.mark.slow
def test_the_notebook_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert 0 <= float(capsys.readouterr().out.split()[-1]) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("command", SIMULATIONS)
def test_simulations_shown_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0, result.output
    assert (tmp_path / "demo-epo.fif").exists()
    assert pixels(tmp_path / "demo.png").shape[2] == 3


def test_ci_runs_the_install_and_the_test_line():
    script = (ROOT / ".ci" / "run").read_text()
    assert "pip install -q -c constraints.txt -e '.[dev]' && eegxai sweep" in script
    assert "pip install -c constraints.txt -e '.[dev]' && eegxai sweep" in README
    assert script.rstrip().endswith("\npytest")
