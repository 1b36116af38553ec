"""Classes of trials: shares that hold from the first trial on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegxai.simulation.labels import fewest_trials, labels

shares = st.lists(st.integers(1, 20), min_size=2, max_size=5).map(
    lambda weights: tuple(weight / sum(weights) for weight in weights)
)


@given(n_classes=st.integers(2, 7), n_trials=st.integers(1, 100))
def test_equal_classes_take_turns(n_classes, n_trials):
    found = labels((1 / n_classes,) * n_classes, n_trials)
    np.testing.assert_array_equal(found, np.arange(n_trials) % n_classes)
    assert found.dtype == np.int64


@given(shares=shares, few=st.integers(1, 60), more=st.integers(0, 60))
def test_fewer_trials_are_a_prefix_of_more(shares, few, more):
    np.testing.assert_array_equal(labels(shares, few), labels(shares, few + more)[:few])


@given(shares=shares, n_trials=st.integers(1, 300))
def test_no_class_is_ever_a_trial_ahead_and_none_stays_behind(shares, n_trials):
    counts = np.cumsum(np.eye(len(shares))[labels(shares, n_trials)], axis=0)
    ahead = counts - np.arange(1, n_trials + 1)[:, None] * shares
    assert ahead.max() < 1
    assert ahead.min() > -len(shares)


def test_the_targets_of_an_oddball_are_evenly_spread():
    targets = np.flatnonzero(labels((0.2, 0.8), 100) == 0)
    assert len(targets) == 20
    assert set(np.diff(targets)) == {5}


@given(shares=shares, per_class=st.integers(1, 10))
def test_the_fewest_trials_are_just_enough(shares, per_class):
    needed = fewest_trials(shares, per_class)
    enough, less = (
        np.bincount(labels(shares, n), minlength=len(shares)).min() for n in (needed, needed - 1)
    )
    assert enough == per_class
    assert less < per_class


@pytest.mark.parametrize("n_classes", [2, 4])
def test_equal_classes_need_no_more_than_their_number(n_classes):
    assert fewest_trials((1 / n_classes,) * n_classes, 3) == 3 * n_classes
