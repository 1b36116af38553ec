"""Tables, pictures and files of a result, against closed forms."""

import mne
import numpy as np
import pandas as pd
import pytest

import eegxai
from eegxai.evaluation.score_rows import CheckStep, TrialScores, rows_of
from eegxai.explaining.decoding_accuracy import accuracy_table
from eegxai.explaining.evidence import with_intervals
from eegxai.explaining.method_tables import frequency_table, map_agreements
from eegxai.explaining.summaries import over_scalp, over_time
from eegxai.explaining.trust import trust_by_method
from eegxai.statistics import Bounds, student_interval
from tests.eegxai.explaining.small_case import CHANNELS, CLASSES, N_TIMES, Reader, epochs, trials


@pytest.fixture(scope="module")
def result():
    x, y = trials()
    return eegxai.explain(
        Reader(), epochs(x, y), methods=["InputXGradient", "DeepLift"], checks=["cascade"]
    )


# ------------------------------------------------------------------ tables


def test_accuracy_has_wilsons_interval():
    y = np.repeat([0, 1], 10)
    predicted = y.copy()
    predicted[:4] = 1
    row = accuracy_table(y, predicted).iloc[0]
    n, p, z = 20, 0.8, 1.959963985
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (row["accuracy"], row["chance"], row["above_chance"]) == (0.8, 0.5, True)
    np.testing.assert_allclose([row["low"], row["high"]], [centre - half, centre + half])


def test_intervals_are_those_of_student():
    scores = np.random.default_rng(0).uniform(-0.2, 0.9, 12)
    trial_scores = pd.DataFrame({"pearson_raw": scores})
    rows = rows_of(TrialScores(CheckStep("cascade"), "d", "m", trial_scores))
    rows = with_intervals(pd.DataFrame(rows))
    expected = student_interval(scores, Bounds(-1, 1))
    np.testing.assert_allclose(rows[["mean", "low", "high"]].iloc[0], expected[:3])


def test_agreement_is_the_mean_correlation_of_magnitudes():
    maps = {n: np.random.default_rng(k).normal(size=(5, 3, 8)) for k, n in enumerate("ab")}
    maps["minus a"] = -maps["a"]
    maps["zero"] = np.zeros((5, 3, 8))
    table = map_agreements(maps)
    pairs = zip(np.abs(maps["a"]), np.abs(maps["b"]), strict=True)
    expected = np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs])
    assert table.loc["a", "b"] == pytest.approx(expected)
    assert table.loc["a", "minus a"] == pytest.approx(1)
    assert np.isnan(table.loc["a", "zero"])


def test_frequency_is_the_mean_of_trials_that_count_the_same():
    relevance = np.zeros((3, 2, 5))
    relevance[0, :, 1] = 1, 3
    relevance[1, :, 2] = 50
    relevance[2, 0, 4] = -2
    table = frequency_table({"m": relevance}, np.array([0, 0, 2]), ("a", "b", "c"), 8, 16.0)
    wide = table.pivot(index="frequency_hz", columns="class", values="relevance")
    assert list(wide.index) == [0, 2, 4, 6, 8]
    assert wide["a"].tolist() == [0, 0.5, 0.5, 0, 0]
    assert wide["c"].tolist() == [0, 0, 0, 0, -1]


def test_means_over_scalp_and_time_do_not_depend_on_a_trials_scale():
    maps = np.zeros((3, 2, 4))
    maps[0, 0, 1], maps[1, 0, 1], maps[2, 1, 3] = 1, -100, 7
    target = np.array([0, 0, 1])
    scalp = over_scalp(maps, target, ("a", "b"), ("C3", "C4"))
    assert scalp.to_numpy().tolist() == [[2, 0], [0, 2]]
    course = over_time(maps, target, ("a", "b"), np.arange(4) / 10)
    assert course["a"].tolist() == [0, 4, 0, 0]


# ------------------------------------------------------------------ trust


def judged(status="ok", duplicate="", completeness=np.nan, batch=0.0, **similarities):
    validity = pd.DataFrame(
        [
            {
                "method": "M", "status": status, "reason": "why", "duplicate_of": duplicate,
                "completeness": completeness, "completeness_worst": completeness,
                "batch_dependence": batch, "flags": "flagged",
            }
        ]
    )  # fmt: skip
    values = {"target_swap": (0.1, 0.2), "all_weights": (0.0, 0.1), "noise": (0, 0)} | similarities
    checks = pd.DataFrame(
        [
            {"method": "M", "check": check, "domain": "channel_time", "metric": "pearson_raw",
             "mean": np.mean(ends), "low": ends[0], "high": ends[1]}
            for check, ends in values.items()
        ]
    )  # fmt: skip
    agreement = pd.DataFrame({"M": [1, 0.25]}, index=["M", "N"])
    return lambda testable=True, above=True: trust_by_method(
        validity, checks, agreement, testable, above
    ).iloc[0]


@pytest.mark.parametrize(
    ("case", "trust"),
    [
        (judged(), "no check failed"),
        (judged(completeness=1.01), "no check failed"),
        (judged(completeness=0.8), "doubtful"),
        (judged(target_swap=(0.4, 0.6)), "doubtful"),
        (judged(target_swap=(0.5, 0.6)), "do not use"),
        (judged(all_weights=(0.7, 0.9)), "do not use"),
        (judged(all_weights=(0.7, 0.75), noise=(0.8, 0.8)), "no check failed"),
        (judged(batch=0.1), "do not use"),
        (judged("degenerate"), "do not use"),
        (judged("duplicate", "N", target_swap=(0.9, 0.95)), "same as N"),
    ],
)
def test_trust_follows_from_the_intervals(case, trust):
    row = case()
    assert row["trust"] == trust
    assert row["reason"]
    assert row["agreement"] == 0.25


def test_trust_knows_two_classes_and_chance():
    case = judged(target_swap=(0.9, 0.95))
    assert case(testable=False)["class_specific"] == "not testable"
    assert case(testable=False)["trust"] == "no check failed"
    assert "not tested: whether a map changes" in case(testable=False)["reason"]
    assert "not tested" not in judged()()["reason"]
    unlabelled = judged()(above=None)
    assert unlabelled["trust"] == "no check failed"
    assert "not tested: whether the decoder is better" in unlabelled["reason"]
    row = judged()(above=False)
    assert row["trust"] == "doubtful"
    assert "better than chance" in row["reason"]


def test_the_real_one_passes(result):
    trust = result.trust.set_index("method")
    assert trust.loc["InputXGradient", "model_specific"] == "shown"
    assert trust.loc["DeepLift", "complete"] == "shown"


# ------------------------------------------------------------------ objects and files


def test_maps_as_mne_has_them(result):
    epochs_ = result.epochs("DeepLift")
    assert epochs_.ch_names == list(CHANNELS)
    data = epochs_.get_data()
    np.testing.assert_allclose(data, result.maps["DeepLift"], rtol=1e-6)
    assert [CLASSES[code - 1] for code in epochs_.events[:, 2]] == [
        CLASSES[k] for k in result.target
    ]
    evoked = result.evoked("DeepLift", "right")
    own = result.maps["DeepLift"][result.target == 2]
    np.testing.assert_allclose(evoked.data, own.mean(0), rtol=1e-5, atol=1e-9)
    assert evoked.nave == len(own)
    with pytest.raises(ValueError, match=r"did you mean 'DeepLift'|closest"):
        result.epochs("Deeplift")
    with pytest.raises(ValueError, match="class 'rigth' is unknown; did you mean 'right'"):
        result.evoked("DeepLift", "rigth")


def test_files_hold_what_the_result_holds(result, tmp_path):
    folder = result.write(tmp_path / "deep" / "er")
    held = np.load(folder / "maps.npz")
    np.testing.assert_array_equal(held["DeepLift"], result.maps["DeepLift"])
    np.testing.assert_array_equal(held["target"], result.target)
    assert held["ch_names"].tolist() == list(CHANNELS)
    read = mne.read_epochs(folder / "DeepLift-epo.fif", verbose="error")
    np.testing.assert_allclose(read.get_data(), result.maps["DeepLift"], rtol=1e-5, atol=1e-12)
    evoked = mne.read_evokeds(folder / "InputXGradient-ave.fif", verbose="error")
    assert [one.comment for one in evoked] == [f"InputXGradient: {name}" for name in CLASSES]
    trust = pd.read_csv(folder / "trust.csv")
    assert trust["method"].tolist() == list(result.methods)
    notes = (folder / "notes.txt").read_text()
    assert "because it needs a known ground truth" in notes
    assert not list(folder.glob(".writing-*"))
    result.write(folder)  # again, in place of it


def test_pictures_have_names_and_can_be_chosen(result):
    assert list(result.figures()) == [
        "confusion", "topographies", "time_courses", "checks", "cascade", "frequency", "agreement",
        "patterns", "curves",
    ]  # fmt: skip
    (figure,) = result.figures(["agreement"]).values()
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert shown == [
        f"{value:.2f}".replace("-", "−") for value in result.agreement.to_numpy().ravel()
    ]
    (figure,) = result.figures(["confusion"]).values()
    counts = [int(text.get_text()) for text in figure.axes[0].texts]
    assert counts == result.confusion.to_numpy().ravel().tolist()
    (figure,) = result.figures(["time_courses"]).values()
    line = figure.axes[0].lines[0]
    assert len(line.get_xdata()) == N_TIMES
    course = result.time_course("InputXGradient")
    np.testing.assert_allclose(line.get_ydata(), course["left"] / course.to_numpy().max())


def test_a_notebook_shows_it_at_a_glance(result):
    page = result._repr_html_()
    for text in ("Accuracy", "no check failed", "DeepLift", "data:image/png", "notes"):
        assert text in page
    assert "<script" not in page
