"""Rows of the table of scores: differences are trial by trial, ratios have their own error."""

import numpy as np
import pandas as pd
import pytest

from eegxai.evaluation.controls.null_maps import CHANCE
from eegxai.evaluation.metrics.names import metric_named
from eegxai.evaluation.score_rows import (
    GROUND_TRUTH,
    IDEAL_OBSERVER,
    CheckStep,
    TrialScores,
    rows_against_truth,
    with_levels,
)
from eegxai.evaluation.scoring import CALIBRATED_HEADLINE, HEADLINE, TRIALS_KEPT

N_TRIALS = 400
MEANS = {GROUND_TRUTH: 0.6, CHANCE: 0.2, IDEAL_OBSERVER: 0.9, "input_magnitude": 0.5}


@pytest.fixture(scope="module")
def trials():
    """Scores that differ between trials more than between checks of a trial, one missing."""
    random = np.random.default_rng(0)
    easy = random.normal(0, 0.2, N_TRIALS)
    found = {check: mean + easy + random.normal(0, 0.05, N_TRIALS) for check, mean in MEANS.items()}
    found["input_magnitude"][3] = np.nan
    return found


@pytest.fixture(scope="module")
def rows(trials):
    parts = [
        TrialScores(CheckStep(check), "channel_time", "calibrated", pd.DataFrame({metric: scores}))
        for check, scores in trials.items()
        for metric in ("auprc_magnitude", "emd_ms")
    ]
    table = with_levels(rows_against_truth(parts))
    return table[table["metric"] == "auprc_magnitude"].set_index("check")


def test_a_difference_is_that_of_the_trials_that_both_have(trials, rows):
    differences = trials[GROUND_TRUTH] - trials["input_magnitude"]
    row = rows.loc["input_magnitude"]
    assert row["difference"] == pytest.approx(np.nanmean(differences))
    assert row["difference_std"] == pytest.approx(np.nanstd(differences, ddof=1))
    assert row["n_both"] == N_TRIALS - 1
    # As if both were of different trials, it would be several times as wide.
    assert row["difference_std"] < 0.4 * np.hypot(row["std"], rows.loc[GROUND_TRUTH, "std"])
    assert rows.loc[[GROUND_TRUTH], ["difference", "difference_std"]].isna().all(axis=None)


@pytest.mark.parametrize("check", [GROUND_TRUTH, "input_magnitude"])
def test_the_error_of_an_efficiency_is_that_of_the_bootstrap(trials, rows, check):
    random = np.random.default_rng(1)
    draws = random.integers(N_TRIALS, size=(4000, N_TRIALS))
    scores, chance, ceiling = (trials[name] for name in (check, CHANCE, IDEAL_OBSERVER))
    known = ~np.isnan(scores)
    room = np.where(known, ceiling - chance, np.nan)
    ratios = np.nanmean((scores - chance)[draws], 1) / np.nanmean(room[draws], 1)
    error = rows.loc[check, "efficiency_std"] / np.sqrt(known.sum())
    assert error == pytest.approx(ratios.std(), rel=0.05)


def test_the_scores_of_the_methods_own_map_that_people_compare_stay_trial_by_trial(trials, rows):
    kept = rows.loc[GROUND_TRUTH, "trials"]
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept, trials[GROUND_TRUTH].astype(np.float32))
    assert kept.mean() == pytest.approx(rows.loc[GROUND_TRUTH, "mean"], rel=1e-6)
    assert rows["trials"].drop(GROUND_TRUTH).isna().all()


def test_both_headlines_of_each_feature_type_and_named_metrics_are_kept():
    of_headlines = {*HEADLINE.values(), *CALIBRATED_HEADLINE.values(), ("channel", "used_pearson")}
    assert of_headlines < TRIALS_KEPT
    named = [metric_named(name) for name in ("RMA", "RRA", "AUC", "AUPRC", "cosine")]
    assert {(HEADLINE[feature][0], name) for feature in HEADLINE for name in named} < TRIALS_KEPT
    assert len(TRIALS_KEPT) == 12
    others = {(each.domain, name) for each in parts_of(1) for name in each.scores} - TRIALS_KEPT
    table = with_levels(rows_against_truth(parts_of(5)))
    assert others == {("channel_time", "emd_ms")}
    assert table.loc[table["metric"] == "emd_ms", "trials"].isna().all()


def parts_of(n_trials):
    scores = pd.DataFrame(np.eye(n_trials, 2), columns=["rank", "emd_ms"])
    return [TrialScores(CheckStep(GROUND_TRUTH), "channel_time", "paper", scores)]
