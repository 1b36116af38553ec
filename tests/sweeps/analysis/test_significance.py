"""``eegxai statistics``: tests over decoders, on scores whose order is known."""

import io
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from eegxai.statistics import (
    axis_effect,
    equivalence_p,
    holm,
    independent,
    repeated_measures,
    signed_rank_pairs,
)
from sweeps.analysis.compare import scores_of
from sweeps.analysis.quantity import Quantity
from sweeps.analysis.significance import (
    FeatureTests,
    axis_lines,
    compare_methods,
    equality_line,
    summary_lines,
    tables_by_name,
)
from sweeps.cli import app
from sweeps.design.config_file import load
from sweeps.report.inference_tables import method_tests_table
from sweeps.report.terminal import terminal_parts
from tests.paths import ROOT
from tests.sweeps.analysis.test_compare import METHODS, SEEDS, fill
from tests.tidy_tables import tidy_table

PAGE = (ROOT / "docs" / "statistics.md").read_text()
COMMANDS = re.findall("^    eegxai (statistics .*)", PAGE, re.MULTILINE)
RUNNER = CliRunner()
NAMES = ("Saliency", "DeepLift", "GradCAM", "LRP")
CALIBRATED = Quantity("calibrated")


@pytest.fixture(scope="module")
def tidy():
    """The later a method stands, the better: by 0.05, with noise of as much."""
    return tidy_table(NAMES, seeds=range(9))


def test_methods_come_best_first_with_what_they_lack(tidy):
    first, second = compare_methods(tidy, CALIBRATED)
    assert (first.feature, second.feature) == ("temporal", "spatial")
    assert list(first.methods["method"]) == list(reversed(NAMES))
    means = scores_of(tidy, CALIBRATED).xs("temporal").mean()
    by_name = first.methods.set_index("method")
    pd.testing.assert_series_equal(
        by_name["mean"], means[list(reversed(NAMES))], check_names=False, atol=1e-6
    )
    assert by_name["difference"]["Saliency"] == pytest.approx(
        means["Saliency"] - means["LRP"], abs=1e-6
    )
    assert pd.isna(by_name["p_holm"]["LRP"])
    by_seed = independent(scores_of(tidy, CALIBRATED).xs("temporal").round(6))
    pairs = signed_rank_pairs(by_seed)
    pair = pairs[(pairs["method_a"] == "GradCAM") & (pairs["method_b"] == "LRP")].iloc[0]
    assert by_name["p_holm"]["GradCAM"] == pair["p_holm"]
    assert by_name["n_needed"]["GradCAM"] == pair["n_needed"]


def test_methods_that_are_not_significantly_different_share_a_letter(tidy):
    (found, _) = compare_methods(tidy, CALIBRATED)
    by_name = found.methods.set_index("method")["letters"]
    for pair in found.compared.pairs.to_dict("records"):
        shared = set(by_name[pair["method_a"]]) & set(by_name[pair["method_b"]])
        assert not shared or pair["p_holm"] >= 0.05


def test_axes_of_several_values_are_tested(tidy):
    (found, _) = compare_methods(tidy, CALIBRATED)
    scores = scores_of(tidy, CALIBRATED).xs("temporal")
    assert list(found.axes["axis"]) == ["snr_db", "architecture"]
    by_axis = found.axes.set_index("axis")
    assert by_axis["share"]["snr_db"] == pytest.approx(axis_effect(scores, "snr_db").share)
    assert by_axis["p_F"]["architecture"] == repeated_measures(scores)["p"]["method:architecture"]
    one = tidy[(tidy["snr_db"] == -3.5) & (tidy["architecture"] == "deepnet")]
    assert all(part.axes.empty for part in compare_methods(one, CALIBRATED))


def test_one_seed_or_one_method_is_told_with_what_is_lacking(tidy):
    assert list(compare_methods(tidy[tidy["seed"] == 0], CALIBRATED)) == [
        f"{feature}: nothing can be tested with scores of 1 seed: one pair of methods needs at "
        "least 6, all pairs of 4 methods 8"
        for feature in ("temporal", "spatial")
    ]
    (only, _) = compare_methods(tidy[tidy["method"] == "LRP"], CALIBRATED)
    assert only == "temporal: nothing can be tested: only one method has enough scores"
    gaps = tidy[(tidy["method"] != "LRP") | (tidy["seed"] == 0)]
    gaps = gaps[gaps["method"].isin(["LRP", "GradCAM"])].assign(
        mean=gaps["mean"].where((gaps["method"] == "LRP") == (gaps["seed"] == 0))
    )
    assert "nothing can be tested" in next(compare_methods(gaps, CALIBRATED))


@pytest.mark.parametrize("n_seeds", [2, 3, 5, 7])
@pytest.mark.parametrize("names", [NAMES, NAMES[:2]])
def test_what_few_seeds_cannot_show_is_said_in_words(n_seeds, names):
    tidy = tidy_table(names, ["temporal"], seeds=range(n_seeds))
    (found,) = compare_methods(tidy, CALIBRATED)
    lines = [*summary_lines(found), equality_line(found), *axis_lines(found)]
    assert "nan" not in printed(found) + " ".join(lines)
    assert (n_seeds < found.fewest_seeds) == any("cannot be tested: " in line for line in lines[1:])
    tested = found.methods["p_holm"].notna()
    assert tested.any() == (n_seeds >= found.fewest_seeds)
    if len(names) == 2:
        assert "Friedman's test needs at least 3 methods" in lines[0]


def test_what_friedmans_test_shows_is_said_in_words(tidy):
    (found, _) = compare_methods(tidy, CALIBRATED)
    assert "they differ (Friedman's test of equal ranks: p < 0.001)" in summary_lines(found)[0]
    few = tidy_table(NAMES, ["temporal"], seeds=(0, 1))
    (found,) = compare_methods(few, CALIBRATED)
    assert "cannot be tested: Friedman's test needs 3 seeds" in summary_lines(found)[0]
    alike = tidy.assign(mean=0.5)
    (found, _) = compare_methods(alike, CALIBRATED)
    assert "all have the same mean rank" in summary_lines(found)[0]
    assert "none, the methods differ in the same way" in axis_lines(found)[0]
    assert "inf" not in printed(found)
    assert equality_line(found).endswith("within 0.05: DeepLift, GradCAM, LRP")


def test_equality_with_the_best_is_tested_and_not_inferred(tidy):
    """Methods 0.05 apart: equal within 0.2 as far as the third, and within 0.01 none is."""
    found = {margin: next(compare_methods(tidy, CALIBRATED, margin)) for margin in (0.01, 0.13)}
    assert equality_line(found[0.01]) == "shown to be equal to LRP within 0.01: none"
    assert equality_line(found[0.13]) == "shown to be equal to LRP within 0.13: GradCAM, DeepLift"
    seeds = independent(scores_of(tidy, CALIBRATED).xs("temporal").round(6))
    differences = [seeds[name] - seeds["LRP"] for name in ("GradCAM", "DeepLift", "Saliency")]
    expected = holm([equivalence_p(values, 0.13) for values in differences])
    np.testing.assert_allclose(found[0.13].methods["p_equal"], [np.nan, *expected])


def test_an_axis_that_cannot_be_tested_is_told():
    tidy = tidy_table(NAMES, ["temporal"], seeds=(0, 1), architectures=["deepnet"])
    (found,) = compare_methods(tidy, CALIBRATED)
    (line,) = axis_lines(found)
    assert "cannot be tested, because so few decoders allow no p value below 0.5" in line


def printed(found):
    console = Console(file=io.StringIO(), width=100)
    for part in terminal_parts(method_tests_table(found)):
        console.print(part)
    return console.file.getvalue()


def test_files_hold_all_features_and_pairs(tidy):
    found = [one for one in compare_methods(tidy, CALIBRATED) if isinstance(one, FeatureTests)]
    tables = tables_by_name(found)
    assert {name: len(table) for name, table in tables.items()} == {
        "methods": 2 * 4,
        "pairs": 2 * 6,
        "axes": 2 * 2,
    }
    assert all(
        list(table["feature"].unique()) == ["temporal", "spatial"] for table in tables.values()
    )


def test_the_command_prints_and_writes(tiny_file, tmp_path):
    fill(load(tiny_file, [SEEDS, METHODS]))
    result = RUNNER.invoke(
        app, ["statistics", str(tiny_file), SEEDS, METHODS, "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 0, result.output
    assert "temporal: " in result.output
    assert "on 7 seeds" in result.output
    assert "cannot be tested" not in result.output
    assert max(map(len, result.output.splitlines())) <= 100
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {f"tiny-{name}.csv" for name in ("methods", "pairs", "axes")}


def test_too_few_decoders_for_any_pair_are_told(tiny_file):
    fill(load(tiny_file, [SEEDS, METHODS]))
    given = ["statistics", str(tiny_file), SEEDS, METHODS, "--where", "seed < 6"]
    result = RUNNER.invoke(app, given)
    told = "which methods differ cannot be tested: 3 pairs of methods need at least 7 seeds"
    assert told in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_run(tiny_file, command):
    fill(load(ROOT / "conf" / "quickstart.yaml"))
    result = RUNNER.invoke(app, shlex.split(command))
    assert result.exit_code == 0, result.output
    assert "temporal: nothing can be tested with scores of 1 seed" in result.output


def test_mistakes_are_errors_in_one_sentence(tiny_file):
    empty = RUNNER.invoke(app, ["statistics", str(tiny_file)])
    assert (empty.exit_code, "run: eegxai sweep" in empty.output) == (2, True)
    fill(load(tiny_file, [SEEDS, METHODS]))
    given = ["statistics", str(tiny_file), SEEDS, METHODS]
    for option, value, told in (
        ("--metric", "auprc_magnitud", "did you mean 'auprc_magnitude'"),
        ("--where", "seed > 100", "matches no finished run"),
    ):
        result = RUNNER.invoke(app, [*given, option, value])
        assert (result.exit_code, told in result.output) == (2, True), result.output
