"""Figures of methods draw the numbers of their tables, with names a reader finds."""

import io
from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from eegxai.evaluation import KINDS, Explanation, choose_examples
from eegxai.figures import (
    FIGURE_FORMATS,
    cascade_curves,
    classes_over_time,
    critical_difference,
    heat_map,
    map_against_truth,
    maps_beside_truth,
    rankings,
    reference_scores,
    save,
    score_by_snr,
)
from eegxai.figures.heatmap import TITLES
from eegxai.figures.style import DOUBLE, SERIES, in_lines, series_of
from eegxai.rounding import digits
from eegxai.simulation import simulate
from eegxai.statistics import compare_ranks

METHODS = ["Saliency", "DeepLift", "LRP", "GradCAM", "ScoreCAM"]


def panels(figure):
    return {ax.get_title(): ax for ax in figure.axes if ax.get_title()}


def texts(figure):
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


def snr_table(methods=METHODS, features=("temporal", "spatial")):
    rows = [
        (feature, snr, method, 0.5 + 0.1 * place + snr / 100)
        for feature in features
        for snr in (-12.0, -3.5, -19.0)
        for place, method in enumerate(methods)
    ]
    table = pd.DataFrame(rows, columns=["feature", "snr_db", "method", "score"])
    return table.assign(
        score_low=table.score - 5, score_high=table.score + 5, floor=0.2, at_chance=0
    )


def test_scores_are_drawn_by_snr_in_the_panel_of_their_method():
    table = snr_table([*METHODS, "RandomMap"])
    figure = score_by_snr(table, "a score", "chance")
    shown = panels(figure)
    assert list(shown) == METHODS  # a baseline is a floor, not a method
    for (method, _), rows in table[table["method"] != "RandomMap"].groupby(["method", "feature"]):
        ordered = rows.sort_values("snr_db")
        lines = [np.column_stack(line.get_data()) for line in shown[method].lines]
        for column in ("score", "floor"):
            wanted = ordered[["snr_db", column]].to_numpy()
            assert any(np.array_equal(wanted, line) for line in lines)
    assert {"temporal", "spatial", "chance", "a score", "SNR (dB)", "−12"} <= texts(figure)


def test_bands_far_outside_do_not_flatten_the_curves():
    low, high = panels(score_by_snr(snr_table(), "a score", "chance"))["Saliency"].get_ylim()
    assert -0.2 < low < 0 < 1 < high < 1.2
    band = panels(score_by_snr(snr_table(), "a score", "chance"))["Saliency"].collections[0]
    assert band.get_datalim(matplotlib.transforms.IdentityTransform()).ymax > 5


def test_cascades_start_at_one_before_any_layer_is_randomized():
    rows = [("temporal", "DeepLift", step, 1 / step - 0.4) for step in (3, 1, 2)]
    table = pd.DataFrame(rows, columns=["feature", "method", "step", "mean"])
    limits = {"low": table["mean"] - 0.1, "high": table["mean"] + 0.1, "null": 0.07}
    figure = cascade_curves(table.assign(**limits), 0.5)
    ax = panels(figure)["DeepLift"]
    curve = next(line for line in ax.lines if len(line.get_xdata()) == 4)
    np.testing.assert_array_equal(curve.get_xdata(), [0, 1, 2, 3])
    np.testing.assert_allclose(curve.get_ydata(), [1, 0.6, 0.1, 1 / 3 - 0.4])
    for level in (0.5, 0.07):
        assert any(set(line.get_ydata()) == {level} for line in ax.lines)


def test_the_heat_map_writes_every_value_in_its_cell():
    values = {("DeepLift", "calibrated"): 0.8, ("LRP", "calibrated"): -0.1,
              ("DeepLift", "cascade"): 0.25, ("LRP", "cascade"): np.nan}  # fmt: skip
    rows = [(*key, "temporal", value) for key, value in values.items()]
    figure = heat_map(pd.DataFrame(rows, columns=["method", "check", "feature", "value"]))
    blocks = [ax for ax in figure.axes if ax.images]
    scores, similarities = (ax.images[0].get_array()[:, 0] for ax in blocks)
    np.testing.assert_array_equal(scores, [0.8, -0.1])
    assert similarities[0] == 0.25
    assert similarities.mask.tolist() == [False, True]
    assert [t.get_text() for ax in blocks for t in ax.texts] == ["0.80", "−0.10", "0.25", "–"]
    assert {"DeepLift", "LRP", "temporal", "random weights"} <= texts(figure)


@pytest.fixture(scope="module")
def compared():
    rng = np.random.default_rng(0)
    means = np.array([0.1, 0.12, 0.5, 0.9, 0.9])
    return compare_ranks(pd.DataFrame(means + 0.02 * rng.normal(size=(20, 5)), columns=METHODS))


def test_the_diagram_leads_every_method_to_its_mean_rank(compared):
    (ax,) = critical_difference(compared, "temporal").axes
    labels = {text.get_text().strip() for text in ax.texts}
    for method, rank in compared.mean_ranks.items():
        assert labels & {f"{method}  {rank:.1f}", f"{rank:.1f}  {method}"}
        assert any(line.get_xdata()[0] == rank and len(line.get_xdata()) == 3 for line in ax.lines)
    assert ax.figure.get_suptitle() == "temporal"


def test_bars_join_methods_that_are_not_told_apart(compared):
    (ax,) = critical_difference(compared, "temporal").axes
    bars = {tuple(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 3}
    spans = {tuple(sorted(compared.mean_ranks[list(c)])[:: len(c) - 1]) for c in compared.cliques}
    assert bars == spans != set()


@pytest.fixture(scope="module")
def shown():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=24)
    truth, random = torch.from_numpy(eeg.ground_truth), torch.Generator().manual_seed(0)
    noise = torch.randn(truth.shape, generator=random)
    y, trials = torch.from_numpy(eeg.y), np.arange(24)
    return {
        name: choose_examples(Explanation(maps), truth, y, trials, eeg.info, eeg.spec, 0.05)
        for name, maps in {"good": truth, "bad": noise, "zero": 0 * truth}.items()
    }


def test_maps_stand_beside_the_truth_of_the_same_trial(shown, tmp_path):
    figure = maps_beside_truth(shown)
    assert {"good", "bad", "zero", "median trial", "best trial", "worst trial"} <= texts(figure)
    courses = [ax for ax in figure.axes if ax.lines and not ax.images]
    scores = [ax.texts[0].get_text() for ax in courses]
    wanted = [shown[m].scores[KINDS.index(k)] for k in ("median", "best", "worst") for m in shown]
    assert scores == [digits(score) for score in wanted]
    values = abs(shown["bad"].attribution[KINDS.index("median")]).mean(0)
    line = courses[1].lines[0]
    np.testing.assert_allclose(line.get_ydata(), values / values.max())
    np.testing.assert_array_equal(line.get_xdata()[:2], [0, 4])
    save(figure, tmp_path / "maps.png", "png", 60)
    assert len([ax for ax in figure.axes if ax.images]) == 2 * 3 * 3


@pytest.fixture(scope="module")
def unresolved():
    """Maps that do not resolve channels, and that do not resolve times."""
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=24)
    truth, y = torch.from_numpy(eeg.ground_truth), torch.from_numpy(eeg.y)
    means = {
        "times only": truth.mean(1, keepdim=True),
        "channels only": truth.mean(2, keepdim=True),
    }
    return {
        name: choose_examples(
            Explanation(mean.expand_as(truth)), truth, y, np.arange(24), eeg.info, eeg.spec, 0.05
        )
        for name, mean in means.items()
    }


def test_what_a_map_does_not_resolve_is_told_in_its_place(unresolved):
    figure = maps_beside_truth(unresolved, "Whose maps")
    assert len([ax for ax in figure.axes if ax.images]) == 3 * (2 + 1)
    told = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert told.count("channels\nnot\nresolved") == told.count("times not resolved") == 3
    courses = [ax for ax in figure.axes if ax.collections]
    assert [len(ax.lines) for ax in courses] == [1, 0] * 3
    assert "Whose maps" in told


def test_a_map_without_channels_is_drawn_over_time(unresolved):
    examples = unresolved["times only"]
    planted, shown, _ = map_against_truth(examples, "Whose").axes
    assert [t.get_text() for t in shown.texts].count("channels not resolved") == 3
    assert (len(planted.images), len(shown.images)) == (3, 0)
    for row, kind in enumerate(("best", "median", "worst")):
        course = examples.attribution[KINDS.index(kind), 0]
        drawn, zero = (line.get_ydata() for line in shown.lines[2 * row : 2 * row + 2])
        above = (drawn - zero[0]) / abs(drawn - zero[0]).max()
        np.testing.assert_allclose(above, course / abs(course).max(), atol=1e-6)
    planted, shown, over_time = map_against_truth(unresolved["channels only"]).axes
    assert len(planted.images) == len(shown.images) == 3
    assert [t.get_text() for t in over_time.texts].count("times not resolved") == 3


def test_trials_stand_below_each_other_between_their_frames(unresolved):
    examples = unresolved["times only"]
    planted, _, over_time = map_against_truth(examples).axes
    rows = [image.get_extent()[2:] for image in planted.images]
    assert all(above[0] > below[1] for above, below in pairwise(rows))
    labels = [text.get_text().split()[0] for text in planted.texts]
    assert labels == ["best", "median", "worst"]
    curves = [line.get_ydata() for line in over_time.lines if line.get_label() == "planted"]
    for (lowest, highest), label, curve in zip(rows, planted.texts, curves, strict=True):
        assert lowest < min(curve) < label.xy[1] < max(curve) < highest
    assert [text.get_text() for text in over_time.get_legend().texts] == ["planted", "attribution"]


def test_classes_over_time_are_the_means_of_their_trials(unresolved):
    examples = unresolved["times only"]
    figure = classes_over_time(examples, ["a", "b", "c", "d"], "Whose")
    assert "Channels are not resolved" in figure.get_suptitle()
    assert [ax.get_ylabel() for ax in figure.axes] == ["a", "b", "c", "d"]
    for ax, signal, course in zip(
        figure.axes, examples.class_ground_truth_courses, examples.class_courses, strict=True
    ):
        drawn = [line.get_ydata() for line in ax.lines]
        np.testing.assert_allclose(drawn[0], signal / signal.max())
        np.testing.assert_allclose(drawn[1], course)
    with pytest.raises(ValueError, match="no class_courses"):
        classes_over_time(replace(examples, class_courses=None), ["a", "b", "c", "d"])


LONG = [f"captum.ShapleyValueSampling{'Twice' * place}" for place in range(3)]


def outside(figure):
    """Names of methods that extend beyond the figure."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    page = figure.bbox.padded(2)
    names = [t for t in figure.findobj(matplotlib.text.Text) if t.get_text().startswith("captum")]
    assert names
    corners = {t.get_text(): t.get_window_extent(renderer).corners() for t in names}
    return [name for name, ends in corners.items() if not all(page.contains(*end) for end in ends)]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ranks, title: score_by_snr(snr_table(LONG[-1:]), "a score", "chance", title),
        lambda ranks, title: critical_difference(compare_ranks(ranks), title),
        lambda ranks, title: rankings(
            snr_table(LONG, ["temporal"]).assign(other=0.1)[:3], "score", "other", title
        ),
    ],
    ids=["by SNR", "critical difference", "rankings"],
)
def test_long_names_stay_on_the_page(draw):
    ranks = pd.DataFrame(np.random.default_rng(0).random((8, 3)), columns=LONG)
    assert outside(draw(ranks, "A title of many words that go on and on. " * 5)) == []


def test_long_names_stay_beside_their_maps(unresolved):
    figure = maps_beside_truth({LONG[1]: unresolved["times only"]}, "A title. " * 30)
    assert outside(figure) == []


def test_checks_that_have_no_room_side_by_side_go_on_below():
    checks = [("LRP", check, feature, 0.5) for feature in "abcde" for check in TITLES]
    table = pd.DataFrame(checks, columns=["method", "check", "feature", "value"])
    parts = heat_map(table).subfigs
    assert len(parts) > 1
    shown = [ax.get_title() for part in parts for ax in part.axes if ax.images]
    assert sorted(shown) == sorted(TITLES.values())


def test_names_are_broken_where_words_begin():
    assert in_lines("captum.ShapleyValueSampling", 20) == "captum.ShapleyValue\nSampling"
    assert in_lines("braindecode.amplitude_gradients", 20) == "braindecode.\namplitude_gradients"
    assert in_lines("random maps of noise", 12) == "random maps\nof noise"
    assert in_lines("Short", 20) == "Short"


def test_names_that_are_no_mathematics_are_drawn_as_they_are():
    hostile = ["<script>", r"$\frac{", "a_b$c$"]
    table = snr_table(hostile)
    scores = table[table["snr_db"] == -12].assign(other=table["score"])
    for figure in (score_by_snr(table, "a", "b"), rankings(scores, "score", "other")):
        file = io.BytesIO()
        save(figure, file, "svg")
        assert b"<script>" not in file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("form", FIGURE_FORMATS)
def test_equal_figures_are_equal_files(form):
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        save(score_by_snr(snr_table(METHODS[:1]), "a score", "chance"), file, form)
    assert files[0].getvalue() == files[1].getvalue()


def test_figures_fit_a_page_and_their_letters_are_legible():
    figure = score_by_snr(snr_table(), "a score", "chance")
    assert figure.get_figwidth() == DOUBLE
    figure.draw_without_rendering()
    sizes = [t.get_fontsize() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]
    assert min(sizes) >= 6


def test_more_series_than_a_reader_tells_apart_are_refused():
    assert len({style["color"] for style in SERIES}) == len(SERIES) <= 8
    with pytest.raises(ValueError, match="8 series in one picture; at most 7"):
        series_of(list("abcdefgh"))


def test_panels_above_a_gap_carry_the_numbers():
    ax = panels(score_by_snr(snr_table(), "a", "b"))["DeepLift"]  # nothing is below it
    assert ax.xaxis.get_tick_params()["labelbottom"]


def test_references_have_a_panel_each_with_their_levels():
    names = ["planted", "used"]
    rows = [
        (feature, method, name, 0.1 * m, 0.1 * m - 0.05, 0.1 * m + 0.05, 0.02, ceiling, "AUPRC")
        for feature in ("temporal", "spatial")
        for m, method in enumerate("ABC")
        for name, ceiling in zip(names, (0.9, np.nan), strict=True)
    ]
    columns = ["feature", "method", "reference", "score", "score_low", "score_high", "chance"]
    figure = reference_scores(pd.DataFrame(rows, columns=[*columns, "ceiling", "unit"]))
    planted, used = figure.axes
    assert [ax.get_title() for ax in figure.axes] == names
    assert planted.get_xlabel() == "AUPRC"
    assert [tick.get_text() for tick in planted.get_yticklabels()] == ["A", "B", "C"]
    levels = [sorted({line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 2})
              for ax in (planted, used)]  # fmt: skip
    assert levels == [[0.02, 0.9], [0.02]]
    drawn = [line.get_xdata() for line in planted.lines if len(line.get_xdata()) == 3]
    np.testing.assert_allclose(drawn, [[0, 0.1, 0.2]] * 2)
