"""Differences over the trials of single decoders: against scipy's paired test."""

import numpy as np
import pytest
from scipy import stats

from eegxai.statistics import Bounds, trial_difference


def scores(n_trials, seed=0):
    """Of two methods (2, trials), which share what is hard about a trial."""
    random = np.random.default_rng(seed)
    easy = random.normal(0, 0.2, n_trials)
    return np.stack([0.5 + easy, 0.45 + easy]) + random.normal(0, 0.05, (2, n_trials))


def test_of_one_decoder_it_is_the_paired_t_test_of_scipy():
    first, second = scores(40)
    found, expected = trial_difference([first - second]), stats.ttest_rel(first, second)
    interval = expected.confidence_interval(0.95)
    assert found.interval == pytest.approx(
        ((first - second).mean(), interval.low, interval.high, 40), abs=1e-6
    )
    assert found.test.p == pytest.approx(expected.pvalue, rel=1e-3)
    assert found.test.name == "paired t test over trials"
    # Trial by trial the interval is far narrower than two half-widths allow.
    half = sum(stats.t.ppf(0.975, 39) * stats.sem(each) for each in (first, second))
    assert found.interval.high - found.interval.mean < 0.3 * half


def test_of_several_decoders_means_errors_and_half_widths_are_averaged():
    differences = [np.subtract(*scores(30, seed)) for seed in range(3)]
    alone = [trial_difference([each]) for each in differences]
    found = trial_difference(differences)
    mean = np.mean([each.interval.mean for each in alone])
    assert found.interval.mean == pytest.approx(mean)
    halves = [each.interval.high - each.interval.mean for each in alone]
    assert found.interval.high - mean == pytest.approx(np.mean(halves))
    error = np.mean([stats.sem(each.round(6)) for each in differences])
    assert found.test.p == pytest.approx(2 * stats.t.sf(mean / error, 29))
    assert found.interval.n == 90


def test_the_same_decoder_twice_says_no_more_than_once():
    each = np.subtract(*scores(30))
    once, twice = trial_difference([each]), trial_difference([each, each])
    assert twice.interval[:3] == pytest.approx(once.interval[:3])
    assert twice.test.p == pytest.approx(once.test.p)


def test_trials_without_both_scores_are_left_out_and_counted():
    each = np.subtract(*scores(30))
    with_gaps = np.insert(each, [0, 7], np.nan)
    found = trial_difference([with_gaps, [0.3], [np.nan, np.nan]])
    assert found[:2] == trial_difference([each])[:2]
    assert found.left_out == 5


def test_an_interval_stays_within_its_bounds():
    found = trial_difference([[1.0, 0.9, 0.2, 1.0]], Bounds(-1, 1))
    assert 0.8 < found.interval.high < 1
    assert trial_difference([[1.0, 0.9, 0.2, 1.0]]).interval.high > 1


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (1e-9, 1.0), (0.1, 0.0)])
def test_the_same_difference_everywhere_has_no_width(value, p):
    found = trial_difference([np.full(5, value)])
    assert found.interval == pytest.approx((value, value, value, 5), abs=1e-6)
    assert found.test.p == p


def test_nothing_is_told_of_a_trial_alone():
    for few in ([], [[]], [[0.5]]):
        found = trial_difference(few)
        assert np.isnan([*found.interval[:3], found.test.p]).all()
        assert found.interval.n == 0
