"""The pictures of a sweep: the right rows, and a reason for what is dropped."""

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from eegxai.evaluation import Explanation, chance_corrected, choose_examples
from eegxai.head import montage_info
from eegxai.simulation import DataSpec
from eegxai.statistics import ALPHA
from sweeps.analysis.references import references
from sweeps.analysis.summary import headline
from sweeps.cli import app
from sweeps.design.cells import DecoderCell
from sweeps.report.figures import draw_figures
from sweeps.report.map_pictures import maps_beside_truth, over_frequency
from sweeps.report.picture import DroppedPicture, Picture
from sweeps.report.recordings import ESTIMATED_NAME
from sweeps.report.score_pictures import (
    against_references,
    checks,
    critical_differences,
    with_floor,
)
from sweeps.report.shown_decoders import at_chance_line
from sweeps.scores.selection import without_chance_decoders
from sweeps.scores.table import AXES
from tests.pictures import pixels
from tests.tidy_tables import N_LAYERS, SIMILARITY, tidy_table

pytestmark = pytest.mark.slow  # whole sweeps

METHODS = ["DeepLift", "LRP", "GradCAM", "RandomMap"]
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def tidy():
    return tidy_table(METHODS)


@pytest.fixture(scope="module")
def drawn(tidy):
    return {shown.name: shown for shown in draw_figures(tidy, {})}


def test_all_pictures_that_scores_allow_are_drawn(drawn):
    found = {name for name, shown in drawn.items() if isinstance(shown, Picture)}
    assert found == {
        "checks",
        "references",
        "calibrated-by-snr",
        "score-by-snr",
        "cascade-deepnet",
        "cascade-eegnet_relu",
        "critical-difference-temporal",
        "critical-difference-spatial",
        "rankings",
    }
    for name in ("maps", "frequency"):
        assert drawn[name] == DroppedPicture(name, "the store holds no example maps")
    assert all(shown.alt and shown.caption for shown in drawn.values() if shown.name in found)


def test_what_one_decoder_does_not_tell_is_dropped_with_a_reason():
    tidy = tidy_table(METHODS, ["temporal"], [-3.5], [0], ["deepnet"])
    tidy = tidy[tidy["check"] != "cascade"]
    reasons = {s.name: s.reason for s in draw_figures(tidy, {}) if isinstance(s, DroppedPicture)}
    assert reasons == {
        "calibrated-by-snr": "one SNR only",
        "score-by-snr": "one SNR only",
        "cascade": "the check cascade was not run",
        "maps": "the store holds no example maps",
        "frequency": "the store holds no example maps",
        "critical-difference-temporal": "one seed only",
    }


def test_the_table_of_references_has_its_levels_beside_each_score(tidy):
    rows = against_references(tidy).set_index(["feature", "method", "reference"])
    table = references(tidy).set_index(["feature", "method"])
    for place, row in rows.iterrows():
        name, own = place[2], table.loc[place[:2]]
        assert row["score"] == own[name] or np.isnan(row["score"])
        assert row["chance"] == own[f"{name}_chance"] or np.isnan(row["chance"])


def test_baselines_alone_and_methods_without_scores_draw_no_curves():
    drawn = list(draw_figures(tidy_table(["RandomMap"], ["temporal"]), {}))
    assert DroppedPicture("curves", "controls only") in drawn
    unscored = tidy_table(["LRP"], ["temporal"], [-3.5]).drop_duplicates(list(AXES))
    unscored[["check", "domain", "metric"]] = None
    unscored[["mean", "half_width"]] = np.nan
    found = {shown.name for shown in draw_figures(unscored, {}) if isinstance(shown, Picture)}
    assert found == {"checks"}


def test_the_heat_map_takes_means_over_decoders_at_the_last_step(tidy):
    values = checks(tidy).set_index(["method", "feature", "check"])["value"]
    rows = tidy[(tidy["method"] == "LRP") & (tidy["feature"] == "spatial")]
    curves = rows[(rows["check"] == "cascade") & (rows["metric"] == SIMILARITY)]
    last = [
        curves[(curves["architecture"] == name) & (curves["step"] == n)]
        for name, n in N_LAYERS.items()
    ]
    key = ("LRP", "spatial")
    assert values[(*key, "cascade")] == pytest.approx(pd.concat(last)["mean"].mean())
    truth = rows[(rows["check"] == "ground_truth") & (rows["metric"] == "auprc_magnitude")]
    assert values[(*key, "calibrated")] == pytest.approx(
        chance_corrected(truth["mean"].mean(), 0.01)
    )


def test_the_floor_is_the_best_that_knows_no_decoder(tidy):
    table = headline(tidy, ("feature", "snr_db"))
    floors = with_floor(table, "calibrated")
    np.testing.assert_allclose(floors["floor"], 0.3)  # |x|, above random maps
    pd.testing.assert_series_equal(floors["score_low"], table["calibrated_low"], check_names=False)
    np.testing.assert_allclose(with_floor(table, "score")["floor"], 0.05)


def test_cascades_are_means_over_the_decoders_of_one_architecture(tidy, drawn):
    panel = next(
        ax for ax in drawn["cascade-eegnet_relu"].figure.axes if ax.get_title() == "DeepLift"
    )
    curves = [line for line in panel.lines if len(line.get_xdata()) == 5]
    chosen = tidy[
        (tidy["check"] == "cascade")
        & (tidy["metric"] == SIMILARITY)
        & (tidy["architecture"] == "eegnet_relu")
        & (tidy["method"] == "DeepLift")
        & (tidy["feature"] == "temporal")
    ]
    means = chosen.groupby("step")["mean"].mean()
    np.testing.assert_allclose(curves[0].get_ydata(), [1, *means])


def title_of(picture):
    return picture.figure.get_suptitle()


def legend_of(picture):
    return [text.get_text() for text in picture.figure.legends[0].get_texts()]


def test_titles_name_the_decoders_levels_and_seeds_and_captions_repeat_them(drawn):
    both = "Decoders: deepnet, eegnet_relu at −12 and −3.5 dB; 12 for each feature type (3 seeds)."
    wanted = {
        **dict.fromkeys(("checks", "references", "rankings", "score-by-snr"), both),
        "cascade-deepnet": "Decoders: deepnet at −12 and −3.5 dB; 6 for each feature type (3 seed",
        "critical-difference-spatial": "deepnet, eegnet_relu at −12 and −3.5 dB; 12 spatial (3",
    }
    for name, words in wanted.items():
        title = " ".join(title_of(drawn[name]).split())
        assert words in title
        assert "chance, included" not in title
        assert drawn[name].caption.startswith(title)
    assert "AUPRC of |map|" in title_of(drawn["checks"])
    assert "1 is best" in title_of(drawn["critical-difference-spatial"])


@pytest.fixture(scope="module")
def weak(tidy):
    """What is drawn where the spatial decoders of one architecture at one level are at chance."""
    at_chance = (tidy["feature"] == "spatial") & (tidy["snr_db"] == -12)
    at_chance &= tidy["architecture"] == "deepnet"
    given = tidy.assign(at_chance=at_chance)[tidy["method"].isin(METHODS[:2])]
    return {shown.name: shown for shown in draw_figures(given, {})}


def test_decoders_at_chance_are_marked_wherever_they_enter(weak):
    whole = "† no better than chance, included: 3 of 12 spatial decoders."
    for name in ("checks", "references", "rankings", "critical-difference-spatial"):
        assert whole in title_of(weak[name])
    assert "† no better than chance, included: 3 of 6" in title_of(weak["cascade-deepnet"])
    for clean in ("cascade-eegnet_relu", "critical-difference-temporal"):
        assert "†" not in title_of(weak[clean])
    for name in ("references", "calibrated-by-snr", "score-by-snr", "cascade-deepnet"):
        assert {"temporal", "spatial†"} <= {*legend_of(weak[name])}
    (part,) = weak["checks"].figure.subfigs
    labels = [tick.get_text() for tick in part.axes[0].get_xticklabels()]
    assert labels == ["temporal", "spatial†"]
    assert [ax.get_title() for ax in weak["rankings"].figure.axes] == ["temporal", "spatial†"]


def test_levels_at_chance_have_open_markers(weak, drawn):
    ax = next(ax for ax in weak["score-by-snr"].figure.axes if ax.get_title() == "LRP")
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata().tolist() for line in hollow] == [[], [-12.0]]
    assert "some decoders no better than chance" in legend_of(weak["score-by-snr"])
    assert "some decoders no better than chance" not in legend_of(drawn["score-by-snr"])


def drawn_of(maps, at_chance=False):
    """Pictures of maps, with the scores of their decoders."""
    tidy = tidy_table(["LRP"], ["temporal", "spectral"], [-3.5], [0], ["deepnet"])
    tidy = tidy.assign(at_chance=at_chance, snr_db=0.0)
    return {s.name: s for draw in (maps_beside_truth, over_frequency) for s in draw(tidy, maps)}


@pytest.mark.parametrize("at_chance", [False, True])
def test_pictures_of_maps_name_their_decoder_and_how_it_decodes(at_chance):
    maps = {decoder_of("spectral"): examples_of("spectral")}
    drawn = drawn_of(maps, at_chance)
    ending = " († no better than chance)." * at_chance or "."
    for name in ("maps-spectral", "frequency-spectral"):
        whose = "Decoder: deepnet at 0 dB, spectral, seed 0, fold 0; test accuracy 0.90"
        assert title_of(drawn[name]).endswith(whose + ending)
    title = " ".join(title_of(drawn["maps-spectral"]).split())
    assert "share of the map's positive part on the planted signal" in title


def test_relevance_over_frequency_is_drawn_of_methods_that_say_it_where_bands_are_planted():
    maps = {decoder_of(name): examples_of(name) for name in ("spectral", "temporal")}
    drawn = drawn_of(maps)
    assert "frequency-temporal" not in drawn
    picture = drawn["frequency-spectral"]
    assert "of 1 methods" in picture.alt  # GradCAM says nothing about frequency
    assert "up to 72.5 Hz (at most" in picture.caption


def test_methods_that_say_nothing_about_frequency_are_told():
    silent = {decoder_of("spectral"): {"GradCAM": examples_of("spectral")["GradCAM"]}}
    name = "frequency-spectral"
    assert drawn_of(silent)[name].reason.startswith("no stored map says anything about frequency")


def decoder_of(feature):
    data = DataSpec(feature=feature, snr_db=0, n_trials=100, seed=0)
    return DecoderCell(data=data, architecture="deepnet")


def examples_of(feature):
    random = torch.Generator().manual_seed(0)
    maps = torch.randn(8, 62, 250, generator=random)
    frequency = torch.rand(8, 62, 126, generator=random)
    data, info = decoder_of(feature).data, montage_info(250.0)
    return {
        method: choose_examples(
            said, maps, torch.arange(8) % 4, np.arange(8), info, data, threshold=0.05
        )
        for method, said in {
            "GradCAM": Explanation(maps),
            "LRP": Explanation(maps, frequency),
        }.items()
    }


def test_captions_tell_the_test_and_alternative_texts_the_order(drawn):
    shown = drawn["critical-difference-temporal"]
    tested = f"at {ALPHA:g}; they differ (Friedman's test of equal ranks: p = "
    assert tested in shown.caption
    assert shown.alt.endswith("RandomMap, GradCAM, LRP, DeepLift.")


def test_two_methods_have_no_test_of_friedman_and_a_caption_without_a_p_value(tidy):
    two = tidy[tidy["method"].isin(METHODS[:2])]
    (shown, *_) = critical_differences(two, {})
    assert "; Friedman's test needs at least 3 methods." in shown.caption
    assert "nan" not in shown.caption


def test_where_all_decoders_are_at_chance_no_seed_is_left(tidy):
    left = without_chance_decoders(tidy.assign(at_chance=tidy["feature"] == "spatial"))
    dropped = [one for one in critical_differences(left, {}) if isinstance(one, DroppedPicture)]
    assert dropped == [DroppedPicture("critical-difference-spatial", "no seed has scores")]
    assert at_chance_line(left) == "† no better than chance, left out: 12 of 12 spatial decoders."


def test_the_command_writes_each_picture_in_each_format(done_tiny, tmp_path):
    # So little training leaves the decoders at chance.
    options = ["--out", "figs", "--keep-at-chance"]
    result = RUNNER.invoke(app, ["figures", "tiny.yaml", *options])
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "figs").iterdir()}
    stems = {"checks", "references", "cascade-deepnet", "maps-temporal", "rankings"}
    stems.add("critical-difference-temporal")
    assert names == {f"{stem}.{form}" for stem in stems for form in ("png", "pdf")}
    for stem in stems:
        assert min(pixels(tmp_path / "figs" / f"{stem}.png").shape[:2]) > 100
    assert result.output.count("wrote figs/") == len(names)
    *_, dropped = result.output.strip().splitlines()
    assert dropped == "dropped: calibrated-by-snr (one SNR only); score-by-snr (one SNR only)"


def test_nothing_is_drawn_of_a_sweep_without_results(tiny_file, tmp_path):
    result = RUNNER.invoke(app, ["figures", str(tiny_file), "--out", "figs"])
    assert result.exit_code == 2
    asked = "eegxai: no method of the sweep 'tiny' is scored yet with these settings"
    assert result.output == f"{asked}; run: eegxai sweep with the same arguments\n"
    assert not (tmp_path / "figs").exists()


def test_an_unknown_format_is_told_before_any_work(tiny_file):
    result = RUNNER.invoke(app, ["figures", str(tiny_file), "--format", "jpg"])
    assert result.exit_code == 2
    assert "--format" in result.output
    assert "png" in result.output


def test_a_file_in_the_place_of_the_folder_is_told(tiny_file):
    result = RUNNER.invoke(app, ["figures", str(tiny_file), "--out", str(tiny_file)])
    assert result.exit_code == 2
    assert result.output.endswith("is a file; it must be a folder\n")


def test_an_estimated_observer_is_no_ceiling():
    tidy = tidy_table(["DeepLift"], ["temporal"])
    drawn = {shown.name: shown for shown in draw_figures(tidy, {}, ESTIMATED_NAME)}["references"]
    labels = [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    assert any(label.startswith("estimated ideal observer") for label in labels)
    assert "the most to expect" not in " ".join([*labels, drawn.caption])


@pytest.fixture(scope="module")
def doubtful(tidy):
    """What is drawn where a method is another's, and the maps of one are refuted on a decoder."""
    is_lrp, is_cam = (tidy["method"] == name for name in ("LRP", "GradCAM"))
    is_first = (tidy["seed"] == 0) & (tidy["architecture"] == "deepnet") & (tidy["snr_db"] == -12)
    given = tidy.assign(
        duplicate_of=np.where(is_lrp, "DeepLift", ""),
        flags=np.where(is_lrp, "the maps of DeepLift", np.where(is_cam & is_first, "empty", "")),
    )
    return {shown.name: shown for shown in draw_figures(given, {})}


def test_methods_are_marked_wherever_something_speaks_against_their_maps(doubtful, drawn):
    same = "= has the maps of another method: LRP (= DeepLift)."
    for name in ("checks", "references", "rankings", "critical-difference-spatial"):
        title = " ".join(title_of(doubtful[name]).split())
        assert same in title
        assert "‡ its validity check found a fault: GradCAM (" in title
        assert doubtful[name].caption.startswith(title)
        assert "‡" not in title_of(drawn[name])
    assert "GradCAM (2 of 24 decoders)" in " ".join(title_of(doubtful["checks"]).split())
    (part,) = doubtful["checks"].figure.subfigs
    rows = [tick.get_text() for tick in part.axes[0].get_yticklabels()]
    assert rows == ["DeepLift", "LRP =", "GradCAM ‡", "RandomMap"]
    panels = [ax.get_title() for ax in doubtful["calibrated-by-snr"].figure.axes]
    assert {"LRP =", "GradCAM ‡"} <= set(panels)
    assert "LRP =" in doubtful["critical-difference-spatial"].alt
