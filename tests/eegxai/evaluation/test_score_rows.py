"""Rows of the table of scores: differences are trial by trial, ratios have their own error."""

import numpy as np
import pandas as pd
import pytest

from eegxai.evaluation.controls.null_maps import CHANCE
from eegxai.evaluation.score_rows import (
    GROUND_TRUTH,
    IDEAL_OBSERVER,
    CheckStep,
    TrialScores,
    rows_against_truth,
    with_levels,
)

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
