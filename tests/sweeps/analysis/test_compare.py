"""``eegxai compare``: two sweeps in real stores, tables, and two metrics of one sweep."""

import re
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from eegxai.seeding import generator
from sweeps.analysis.compare import (
    TABLE_READERS,
    Quantity,
    above_chance,
    agreement_by_feature,
    difference_bounds,
    differences,
    scores_of,
    unpaired,
)
from sweeps.cli import app
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.report.comparison import write_differences
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of
from tests.paths import ROOT
from tests.sweeps.store.test_artefacts import SCORES

PAGE = (ROOT / "docs" / "statistics.md").read_text()
COMMANDS = re.findall("^    eegxai compare (.*)", PAGE, re.MULTILINE)
RUNNER = CliRunner()
SEEDS = "grid.seed=[0,1,2,3,4,5,6]"
CHANCE = 0.1
LATER = 0.2  # what DeepLift gains in the second sweep


def scores_table(score):
    """Scores of one cell: headlines of both modes, chance, and a cascade of two steps."""
    rows = [
        ("ground_truth", "channel_time", "auprc_magnitude", 0, score),
        ("ground_truth", "channel_frequency", "band_mass", 0, score),
        ("ground_truth", "topography", "auprc_magnitude", 0, -1.0),
        ("ground_truth", "channel_time", "mass_clipped", 0, 1 - score),
        ("same_spectrum", "channel_time", "auprc_magnitude", 0, CHANCE),
        ("same_spectrum", "channel_time", "mass_clipped", 0, CHANCE),
        ("surrogate", "channel_time", "pearson_raw", 0, 0.0),
        ("cascade", "channel_time", "pearson_raw", 1, 0.99),
        ("cascade", "channel_time", "pearson_raw", 8, score / 2),
    ]
    columns = ["check", "domain", "metric", "step", "mean"]
    return pd.DataFrame(rows, columns=columns).assign(std=0.1, n_valid=4)


def score_of(cell):
    """Seeded; DeepLift is better where decoders train for two epochs."""
    seed = cell.decoder.data.seed
    score = generator(seed, cell.method).uniform(0.2, 0.6)
    gain = LATER + 0.01 * seed if cell.method == "DeepLift" else 0.0
    return score + gain * (cell.decoder.training.epochs == 2)


def fill(config):
    store = store_of(config)
    for cell in method_cells(config):
        table = scores_table(score_of(cell))
        store.write_scores(cell, replace(SCORES, table=table, at_chance=False))
    return tidy_from_store(method_cells(config), store)


@pytest.fixture
def before(tiny_file):
    return fill(load(tiny_file, [SEEDS, METHODS]))


@pytest.fixture
def after(tiny_file):
    return fill(load(tiny_file, ["training.epochs=2", "grid.seed=[1,2,3,4,5,6,7]", METHODS]))


METHODS = "grid.method=[DeepLift,Saliency,RandomMap]"
A = ("--a", SEEDS, "--a", METHODS)
B = ("--b", "training.epochs=2", "--b", "grid.seed=[1,2,3,4,5,6,7]", "--b", METHODS)
CALIBRATED = Quantity("calibrated")


def run(*arguments):
    return RUNNER.invoke(app, ["compare", *map(str, arguments)])


def refused(*arguments):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1
    return result.output


def test_scores_are_read_on_the_headlines_domain_and_at_the_last_step(before):
    scores = scores_of(before, CALIBRATED)
    assert list(scores.columns) == ["DeepLift", "Saliency", "RandomMap"]
    assert scores.index.names == ["feature", "snr_db", "seed", "fold", "architecture"]
    assert scores["DeepLift"].iloc[3] == generator(3, "DeepLift").uniform(0.2, 0.6)
    ends = scores_of(before, Quantity("pearson_raw", "cascade"))
    pd.testing.assert_frame_equal(ends, scores / 2)
    pd.testing.assert_frame_equal(scores_of(before, Quantity("study")), 1 - scores)


def test_features_keep_the_order_of_the_grid(tiny_file):
    tidy = fill(load(tiny_file, ["grid.feature=[temporal,spectral]"]))
    scores = scores_of(tidy, CALIBRATED)
    assert list(differences(scores, scores)["feature"].unique()) == ["temporal", "spectral"]


def test_scores_above_chance_are_normalised(before):
    scores = scores_of(before, CALIBRATED)
    pd.testing.assert_frame_equal(
        above_chance(before, CALIBRATED), (scores - CHANCE) / (1 - CHANCE)
    )
    similar = Quantity("pearson_raw", "cascade")
    pd.testing.assert_frame_equal(above_chance(before, similar), scores_of(before, similar))


def test_differences_are_those_of_scipys_paired_tests(before, after):
    one, other = scores_of(before, CALIBRATED), scores_of(after, CALIBRATED)
    table = differences(one, other).set_index("method")
    gains = LATER + 0.01 * np.arange(1, 7)
    row = table.loc["DeepLift"]
    expected = stats.t.interval(0.95, 5, gains.mean(), stats.sem(gains))
    assert (row["low"], row["high"]) == pytest.approx(expected, abs=1e-6)
    assert row["difference"] == pytest.approx(gains.mean(), abs=1e-6)
    assert row["p"] == pytest.approx(2**-5)
    assert row["p_holm"] == pytest.approx(3 * 2**-5)
    assert (table["n_pairs"] == 6).all()
    assert (table.loc[["Saliency", "RandomMap"], ["difference", "low", "high"]] == 0).all(axis=None)
    assert table.loc["Saliency", "p"] == 1
    assert unpaired(one, other) == ["only in a: 1 of 7 decoders", "only in b: 1 of 7 decoders"]
    assert unpaired(one, other[["DeepLift"]])[1] == "only in a: Saliency, RandomMap"


def test_agreement_of_rankings(before):
    scores = scores_of(before, CALIBRATED)
    assert agreement_by_feature(differences(scores, scores + 0.1)).to_dict() == {"temporal": 1}
    assert agreement_by_feature(differences(scores, -scores)).to_dict() == {"temporal": 0}


def test_two_configurations_are_compared(before, after, tiny_file, tmp_path):
    out = tmp_path / "tables" / "change.csv"
    result = run(tiny_file, tiny_file, *A, *B, "--out", out)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    row = lines[1].split()
    assert row[:2] == ["temporal", "DeepLift"]
    assert row[4:] == ["+0.235", "+0.215", "..", "+0.255", "0.094", "6"]
    assert max(map(len, lines[:4])) <= 80
    assert "only in a: 1 of 7 decoders" in lines
    table = pd.read_csv(out)
    bounds = difference_bounds(CALIBRATED, CALIBRATED)
    scores = (scores_of(each, CALIBRATED) for each in (before, after))
    expected = differences(*scores, bounds=bounds)
    pd.testing.assert_frame_equal(table, expected)
    assert [path.name for path in out.parent.iterdir()] == ["change.csv"]


def test_the_second_run_is_the_first_with_its_overrides_and_others(before, tiny_file):
    fill(load(tiny_file, [SEEDS, METHODS, "training.epochs=2"]))
    result = run(tiny_file, *A, "--b", "training.epochs=2")
    assert result.exit_code == 0, result.output
    assert f"b: {tiny_file} {SEEDS} {METHODS} training.epochs=2: calibrated" in result.output
    assert result.output.splitlines()[1].split()[4] == "+0.230"


def test_two_metrics_of_one_sweep_are_compared(before, tiny_file):
    """The study's score is here 1 - the calibrated one: opposite rankings."""
    result = run(tiny_file, *A, "--metric", "study", "--metric-b", "calibrated")
    assert result.exit_code == 0, result.output
    assert "(Kendall's W): temporal 0.00" in result.output


@pytest.mark.parametrize("ending", TABLE_READERS)
def test_exported_tables_are_compared(before, after, tiny_file, tmp_path, ending):
    path = tmp_path / f"before{ending}"
    before.to_csv(path) if ending == ".csv" else before.to_parquet(path)
    result = run(path, tiny_file, *B, "--interval", "bootstrap")
    assert result.exit_code == 0, result.output
    assert "+0.235" in result.output


def test_a_single_pair_has_no_interval(before, after, tiny_file):
    result = run(tiny_file, "--a", "grid.seed=[2]", "--a", METHODS, *B)
    assert result.exit_code == 0, result.output
    assert "-- .. --" not in result.output
    assert "no difference can be shown with 1 pair: signed-rank tests of " in result.output


def test_tables_are_written_as_markdown(before, tmp_path):
    scores = scores_of(before, CALIBRATED)
    path = tmp_path / "change.md"
    write_differences(differences(scores, scores + 0.1), path)
    assert "| temporal  | DeepLift" in path.read_text()


def test_a_file_that_cannot_be_written_is_told(before, tmp_path):
    scores = scores_of(before, CALIBRATED)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot be written: "):
        write_differences(differences(scores, scores), tmp_path / "file" / "change.md")


def test_mistakes_are_told_before_any_work(tiny_file, tmp_path):
    itself = f"{tiny_file} is compared with itself"
    assert itself in refused(tiny_file).replace("\n", "")
    assert "is not a run: --a training.epochs=2" in refused(tiny_file, "training.epochs=2")
    assert "must have the form section.field=value" in refused(tiny_file, "--b", "seeds")
    assert "--interval 'boot' is unknown" in refused(tiny_file, *B, "--interval", "boot")
    assert "choices: .csv, .md" in refused(tiny_file, *B, "--out", "change.xls")
    assert "is for a configuration" in refused("a.csv", tiny_file, "--a", "training.epochs=2")
    assert "cannot be read: No such file" in refused("a.csv", tiny_file)
    assert not (tmp_path / "runs").exists()


def test_a_table_of_something_else_is_refused(tiny_file, tmp_path):
    pd.DataFrame({"method": ["DeepLift"]}).to_csv(tmp_path / "other.csv")
    told = refused("other.csv", tiny_file).replace("\n", "")
    assert "has no column 'feature': it must be a table of tidy scores, such as" in told
    assert "the tidy.parquet in a sweep's store" in told
    (tmp_path / "other.parquet").write_text("no Parquet")
    assert "cannot be read: it must be a table of tidy" in refused("other.parquet", tiny_file)


def test_a_sweep_without_scores_is_told(before, tiny_file):
    assert "run: eegxai sweep" in refused(tiny_file, *A, "--b", "training.epochs=9")


def test_unknown_metrics_are_told(before, after, tiny_file):
    assert "did you mean 'auprc_magnitude'" in refused(
        tiny_file, *A, *B, "--metric", "auprc_magnitud"
    )
    assert "check 'cascad' is unknown" in refused(tiny_file, *A, *B, "--check", "cascad")
    assert "no score of 'calibrated' is in the check 'cascade'" in refused(
        tiny_file, *A, *B, "--check", "cascade"
    )


def test_what_cannot_be_paired_is_told(before, after, tiny_file):
    apart = ("--a", "grid.seed=[0]", "--a", METHODS, "--b", "grid.seed=[1]", "--b", METHODS)
    assert "(0 against 1), so nothing can be paired" in refused(tiny_file, *apart)


def test_scores_that_are_undefined_cannot_be_paired(before):
    scores = scores_of(before, CALIBRATED)
    with pytest.raises(ValueError, match="no decoder has a score in both"):
        differences(scores, scores * np.nan)


def test_several_scores_of_one_decoder_are_refused(before):
    with pytest.raises(ValueError, match=r"seed 0.* has several scores of 'calibrated'"):
        scores_of(pd.concat([before, before]), CALIBRATED)


@pytest.fixture
def documented(tiny_file):
    """What the page's commands read: two quickstarts, a configuration of the reader's, a table."""
    tiny_file.rename("mine.yaml")
    fill(load("mine.yaml"))
    quickstart = ROOT / "conf" / "quickstart.yaml"
    fill(load(quickstart, ["training.epochs=20"]))
    fill(load(quickstart, ["output=runs-after"]))
    fill(load(quickstart))
    fill(load(quickstart, ["grid.seed=0"])).to_parquet("before.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_run(documented, command):
    result = run(*shlex.split(command))
    assert result.exit_code == 0, result.output
    assert "temporal" in result.output


def test_the_example_of_the_page_runs(documented, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(example, "statistics.md", "exec"), {})
    assert "InputXGradient" in capsys.readouterr().out


def test_the_combined_table_of_a_store_is_compared(before, tiny_file):
    result = run("runs/store/tidy.parquet", tiny_file, "--b", METHODS, "--b", SEEDS)
    assert result.exit_code == 0, result.output
