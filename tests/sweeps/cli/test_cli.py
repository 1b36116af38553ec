"""The command line: help that teaches, mistakes in one sentence with exit code 2."""

import re

import pytest
import torch
from typer.testing import CliRunner

from sweeps.cli import app, common
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from tests.finished_cells import fill

RUNNER = CliRunner()


def test_help_teaches():
    result = RUNNER.invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("sweep", "grid", "tables", "sync", "simulate"):
        assert command in result.output


@pytest.mark.parametrize("command", ["sweep", "grid", "tables", "sync", "train"])
def test_mistakes_end_with_code_two_before_any_work(command, tiny_file, tmp_path):
    result = RUNNER.invoke(app, [command, str(tiny_file), "grid.method=DeepLft"])
    assert result.exit_code == 2
    assert "did you mean 'DeepLift'" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["sweep", "train", "validity"])
def test_trials_too_short_for_a_decoder_are_refused_before_any_work(command, tiny_file, tmp_path):
    result = RUNNER.invoke(app, [command, str(tiny_file), "grid.seed=0", "data.sfreq=130"])
    assert result.exit_code == 2, result.output
    assert "n_times=130 is too short; at least 140 are needed" in result.output
    assert not (tmp_path / "runs").exists()


def test_a_missing_configuration_is_told(tiny_file):
    result = RUNNER.invoke(app, ["grid", "quikstart"])
    assert result.exit_code == 2
    assert "configuration 'quikstart' is unknown; did you mean 'quickstart'?" in result.output
    assert "quikstart.yaml was looked up in" in result.output
    result = RUNNER.invoke(app, ["grid", "nothing.yaml"])
    assert result.exit_code == 2
    assert "'nothing.yaml' cannot be read" in result.output


def test_two_configurations_are_refused(tiny_file):
    result = RUNNER.invoke(app, ["grid", "quickstart", "paper"])
    assert result.exit_code == 2
    assert "one configuration at a time" in result.output


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_told_before_any_work(tiny_file, tmp_path):
    result = RUNNER.invoke(app, ["sweep", str(tiny_file), "resources.train.gpu=0.5"])
    assert result.exit_code == 2
    assert "resources.train.gpu=0.5" in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sweep", "--local"], "data for temporal: n_trials=1000000000000 of 10 channels and 250"),
        (["sweep"], "data for temporal: n_trials=1000000000000 of 10 channels and 250"),
        (["train", "grid.seed=0"], "trials fit"),
        (["sweep", "output=tiny.yaml"], "output='tiny.yaml': 'tiny.yaml/tiny' cannot be written"),
        (["sweep", "store=tiny.yaml/a"], "store='tiny.yaml/a': 'tiny.yaml/a/tiny' cannot be writ"),
    ],
)
def test_what_cannot_fit_or_be_written_is_told_before_any_work(arguments, told, tiny_file):
    command, *rest = arguments
    result = RUNNER.invoke(app, [command, "tiny.yaml", f"data.n_trials={10**12}", *rest])
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output
    assert [path.name for path in tiny_file.parent.iterdir()] == ["tiny.yaml"]


def test_a_data_set_for_larger_machines_can_be_listed_on_this_one(tiny_file):
    result = RUNNER.invoke(app, ["grid", "tiny.yaml", f"data.n_trials={10**12}"])
    assert result.exit_code == 0, result.output
    assert "decoders: " in result.output
    told = " ".join(result.stderr.split())
    assert "more memory than this one: data for temporal: n_trials=1000000000000 of 10" in told
    assert not RUNNER.invoke(app, ["grid", "tiny.yaml"]).stderr


@pytest.mark.parametrize("arguments", [["sweep"], ["sweep", "--local"], ["train", "grid.seed=0"]])
@pytest.mark.usefixtures("tiny_file")
def test_memory_is_checked_before_a_network_is_built(arguments, monkeypatch):
    def build(*_shape):
        raise AssertionError("a network was built")

    monkeypatch.setattr(common, "initialised", build)
    command, *rest = arguments
    result = RUNNER.invoke(app, [command, "tiny.yaml", "data.sfreq=1e6", "data.tmax=8", *rest])
    assert result.exit_code == 2
    assert "10 channels and 8000000 samples takes" in " ".join(result.output.split())


def test_a_head_file_that_is_none_is_told(tiny_file):
    head = f"data.head={{model: forward, file: {tiny_file}}}"
    result = RUNNER.invoke(app, ["sweep", "tiny.yaml", head])
    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_unknown_axis_of_tables(tiny_file):
    result = RUNNER.invoke(app, ["tables", str(tiny_file), "--by", "snr"])
    assert result.exit_code == 2
    assert "did you mean 'snr_db'" in result.output


def test_tables_without_runs_say_what_to_do(tiny_file):
    result = RUNNER.invoke(app, ["tables", str(tiny_file)])
    assert result.exit_code == 2
    assert "run: eegxai sweep" in result.output


def test_colours_of_a_table_are_not_printed_as_text(tiny_file):
    config = load(tiny_file)
    fill(store_of(config), methods=method_cells(config))
    result = RUNNER.invoke(app, ["tables", str(tiny_file), "--source", "store"])
    assert result.exit_code == 0, result.output
    assert "intervals are over" in result.output
    assert not re.search(r"\[(/|…|dim|green)", result.output)


@pytest.mark.slow
def test_the_paper_grid_is_listed():
    result = RUNNER.invoke(app, ["grid", "paper"])
    assert result.exit_code == 0
    assert "decoders: 4500 cells, 0 done" in result.output
    assert len(result.output.splitlines()) < 20
    listed = RUNNER.invoke(app, ["grid", "quickstart", "--cells", "grid.seed=0"])
    assert "open  temporal" in listed.output
