"""``eegxai statistics``: tests over decoders, on scores whose order is known."""

import re
import shlex

import pandas as pd
import pytest
from typer.testing import CliRunner

from eegxai.statistics import axis_effect, independent, repeated_measures, signed_rank_pairs
from sweeps.analysis.compare import scores_of
from sweeps.analysis.quantity import Quantity
from sweeps.analysis.significance import FeatureTests, compare_methods, tables_by_name
from sweeps.cli import app
from sweeps.design.config_file import load
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
    return tidy_table(NAMES)


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
    by_name = found.methods.set_index("method")["tied"]
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


def test_one_seed_is_errors_in_one_sentence(tidy):
    assert list(compare_methods(tidy[tidy["seed"] == 0], CALIBRATED)) == [
        f"{feature}: 1 seed, tests need 2: add seeds to the grid"
        for feature in ("temporal", "spatial")
    ]


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
    assert "none can be significantly" not in result.output
    assert max(map(len, result.output.splitlines())) <= 100
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {f"tiny-{name}.csv" for name in ("methods", "pairs", "axes")}


def test_too_few_decoders_for_any_pair_are_told(tiny_file):
    fill(load(tiny_file, [SEEDS, METHODS]))
    given = ["statistics", str(tiny_file), SEEDS, METHODS, "--where", "seed < 6"]
    result = RUNNER.invoke(app, given)
    assert "3 pairs are tested: none can be significantly different below 7 seeds" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_run(tiny_file, command):
    fill(load(ROOT / "conf" / "quickstart.yaml"))
    result = RUNNER.invoke(app, shlex.split(command))
    assert result.exit_code == 0, result.output
    assert "temporal: 1 seed, tests need 2" in result.output


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
