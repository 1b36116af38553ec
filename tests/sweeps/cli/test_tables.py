"""``eegxai tables`` on made-up scores: what is printed, written and refused."""

from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.analysis.tables import TABLE_KINDS
from sweeps.cli import app
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.scores.selection import slug
from sweeps.store.artefacts import store_of
from tests.finished_cells import fill, method_scores

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


def test_a_legend_says_what_columns_and_signs_are_and_nothing_of_signs_that_are_not_there(tables):
    robustness = " ".join(tables("--table", "robustness").output.split())
    assert "target swap: the map for a wrong class" in robustness
    assert "--: no value" in robustness
    assert "bold" not in robustness  # a pipe shows none
    assert "--: no value" not in tables("--table", "coverage").output


@pytest.mark.slow
def test_all_tables_of_chosen_runs_in_one_format(tables, tmp_path):
    options = ["--table", "all", "--where", "seed == 1", "--format", "csv"]
    shown = tables(*options, "--out", str(tmp_path / "out"))
    assert shown.exit_code == 0, shown.output
    chosen = f"-where-{slug('seed == 1')}.csv"
    further = {f"tiny-{kind}{chosen}" for kind in TABLE_KINDS if kind != "headline"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"tiny{chosen}", *further}
    assert (pd.read_csv(tmp_path / "out" / f"tiny{chosen}")["n_decoders"] == 1).all()


@pytest.mark.slow
def test_a_selection_leaves_the_files_of_the_whole_sweep_as_they_are(tables, tmp_path):
    whole = ("--format", "csv", "--out", str(tmp_path / "out"))
    assert tables(*whole).exit_code == 0
    before = (tmp_path / "out" / "tiny.csv").read_bytes()
    for where in ("seed == 0", "seed ==  1", "seed == 1"):
        assert tables(*whole, "--where", where).exit_code == 0
    assert (tmp_path / "out" / "tiny.csv").read_bytes() == before
    held = [pd.read_csv(path)["where"].unique() for path in (tmp_path / "out").iterdir()]
    assert sorted(map(list, held)) == [["all finished cells"], ["seed == 0"], ["seed == 1"]]


@pytest.fixture
def half_at_chance(tiny_file):
    """The configuration of a store in which the decoders of seed 1 are at chance."""
    config = load(tiny_file)
    store = store_of(config)
    for place, cell in enumerate(method_cells(config)):
        scores = replace(method_scores(place), at_chance=cell.decoder.data.seed == 1)
        store.write_scores(cell, scores)
    return str(tiny_file)


LEFT_OUT = "decoders decode no better than chance and are left out of means, intervals, tests"
KEPT = "decoders decode no better than chance and are kept in means, intervals, tests"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["tables", "statistics", "claims"])
def test_decoders_at_chance_are_left_out_in_sight_unless_they_are_kept(
    half_at_chance, command, tmp_path
):
    out = ["--out", str(tmp_path / "out")]
    left_out = RUNNER.invoke(app, [command, half_at_chance, *out])
    kept = RUNNER.invoke(app, [command, half_at_chance, "--keep-at-chance", *out])
    assert (left_out.exit_code, kept.exit_code) == (0, 0), left_out.output + kept.output
    assert LEFT_OUT in " ".join(left_out.output.split())
    assert KEPT in " ".join(kept.output.split())


def test_the_tables_means_are_those_of_the_other_decoders(half_at_chance, tmp_path):
    options = ["--format", "csv", "--out", str(tmp_path)]
    chosen = {"all": [], "one": ["--where", "seed == 0"]}
    for name, where in chosen.items():
        RUNNER.invoke(app, ["tables", half_at_chance, *options, *where])
        (written,) = tmp_path.glob("tiny*.csv")
        written.rename(tmp_path / f"{name}.csv")
    found, expected = (pd.read_csv(tmp_path / f"{name}.csv") for name in chosen)
    pd.testing.assert_series_equal(found["score"], expected["score"])
    assert (found["at_chance"] == found["n_decoders"] - expected["n_decoders"]).all()
    assert (expected["at_chance"] == 0).all()


@pytest.mark.parametrize("kept", [False, True])
def test_the_report_asks_for_decoders_at_chance_only_where_they_are_kept(
    half_at_chance, kept, tmp_path, monkeypatch
):
    asked = []

    def written(_config, path, source, keep_at_chance):
        path.write_text(source)
        asked.append(keep_at_chance)

    monkeypatch.setattr("sweeps.cli.report.write_report", written)
    options = ["--out", str(tmp_path / "report.html"), *["--keep-at-chance"] * kept]
    assert RUNNER.invoke(app, ["report", half_at_chance, *options]).exit_code == 0
    assert asked == [kept]


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
