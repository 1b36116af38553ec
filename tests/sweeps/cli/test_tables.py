"""``eegxai tables`` on made-up scores: what is printed, written and refused."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.analysis.tables import TABLE_KINDS
from sweeps.cli import app
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.scores.selection import slug
from sweeps.store.artefacts import store_of
from tests.finished_cells import fill

RUNNER = CliRunner()


@pytest.fixture
def tables(tiny_file):
    """The command on a store that is filled."""
    config = load(tiny_file)
    fill(store_of(config), methods=method_cells(config))
    return lambda *options: RUNNER.invoke(app, ["tables", str(tiny_file), *options])


def test_the_headline_is_printed_and_written_in_every_format(tables, tmp_path):
    shown = tables("--out", str(tmp_path / "out"))
    assert shown.exit_code == 0, shown.output
    assert "Saliency" in shown.output
    endings = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert endings == {".csv", ".parquet", ".md", ".tex", ".xlsx"}


def test_all_tables_of_chosen_runs_in_one_format(tables, tmp_path):
    options = ["--table", "all", "--where", "seed == 1", "--format", "csv"]
    shown = tables(*options, "--out", str(tmp_path / "out"))
    assert shown.exit_code == 0, shown.output
    chosen = f"-where-{slug('seed == 1')}.csv"
    further = {f"tiny-{kind}{chosen}" for kind in TABLE_KINDS if kind != "headline"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"tiny{chosen}", *further}
    assert (pd.read_csv(tmp_path / "out" / f"tiny{chosen}")["n_decoders"] == 1).all()


def test_a_selection_leaves_the_files_of_the_whole_sweep_as_they_are(tables, tmp_path):
    whole = ("--format", "csv", "--out", str(tmp_path / "out"))
    assert tables(*whole).exit_code == 0
    before = (tmp_path / "out" / "tiny.csv").read_bytes()
    for where in ("seed == 0", "seed ==  1", "seed == 1"):
        assert tables(*whole, "--where", where).exit_code == 0
    assert (tmp_path / "out" / "tiny.csv").read_bytes() == before
    held = [pd.read_csv(path)["where"].unique() for path in (tmp_path / "out").iterdir()]
    assert sorted(map(list, held)) == [["all finished cells"], ["seed == 0"], ["seed == 1"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--table", "hedline"], "headline"),
        (["--format", "xls"], "excel"),
        (["--by", "snr"], "snr_db"),
        (["--source", "disk"], "store"),
        (["--where", "snr > 3"], "snr_db"),
        (["--where", "seed == 9"], "matches no finished run"),
        (["--where", "open('x') == seed"], "not allowed"),
    ],
)
def test_a_mistake_is_errors_in_one_sentence_before_anything_is_written(
    tables, options, message, tmp_path
):
    refused = tables(*options, "--out", str(tmp_path / "out"))
    assert refused.exit_code == 2
    assert message in refused.output
    assert len(refused.output.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_sweep_without_a_finished_run_is_told(tiny_file):
    refused = RUNNER.invoke(app, ["tables", str(tiny_file)])
    assert refused.exit_code == 2
    assert "eegxai sweep" in refused.output
