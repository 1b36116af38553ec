"""``eegxai train``: one decoder, by the function and into the store of the sweep."""

import re

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.cells import decoder_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import Store
from sweeps.tasks.train import train_decoder

RUNNER = CliRunner()
ONE = ("grid.seed=0", "training.epochs=2")


@pytest.mark.slow
def test_it_trains_shows_and_does_not_train_again(tiny_file, tmp_path):
    first = RUNNER.invoke(app, ["train", str(tiny_file), *ONE])
    assert first.exit_code == 0, first.output
    assert first.output.count("validation loss") == 2
    (cell,) = decoder_cells(load(tiny_file, ONE))
    stored = Store(str(tmp_path / "runs" / "store")).read_decoder(cell)
    assert f"accuracy {stored.accuracy:.3f} of {stored.n_test} test trials" in first.output
    shown = re.findall(r"^ *(?:P60|P900|N500 region \d) +([\d ]+)$", first.output, re.MULTILINE)
    assert [list(map(int, row.split())) for row in shown] == stored.confusion
    again = RUNNER.invoke(app, ["train", str(tiny_file), *ONE])
    assert again.exit_code == 0
    assert "validation loss" not in again.output
    assert again.output.splitlines()[-1] == first.output.splitlines()[-1]
    other = Store(str(tmp_path / "other"))
    assert train_decoder(cell, other).confusion == stored.confusion


def test_one_decoder_at_a_time(tiny_file, tmp_path):
    result = RUNNER.invoke(app, ["train", str(tiny_file)])
    assert result.exit_code == 2
    assert "'tiny' has 2 decoders, and this command trains one" in result.output
    assert not (tmp_path / "runs").exists()
