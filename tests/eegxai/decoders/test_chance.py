"""Chance: the exact binomial test, from its definition."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegxai.decoders import at_chance, confusion_matrix


def tail(n_correct, n_trials, chance):
    """Probability of at least so many correct trials."""
    hits = range(n_correct, n_trials + 1)
    return sum(comb(n_trials, k) * chance**k * (1 - chance) ** (n_trials - k) for k in hits)


@given(counts=st.lists(st.integers(0, 12), min_size=4, max_size=4).filter(any))
def test_chance_is_the_share_of_the_largest_class(counts):
    confusion = np.array(counts).reshape(2, 2)
    n_trials, n_correct = sum(counts), counts[0] + counts[3]
    chance = max(counts[0] + counts[1], counts[2] + counts[3]) / n_trials
    probability = tail(n_correct, n_trials, chance)
    if abs(probability - 0.05) > 1e-9:
        assert at_chance(confusion) == (probability > 0.05)


def test_naming_the_largest_class_is_chance_however_accurate():
    assert at_chance(np.array([[95, 0], [5, 0]]))
    assert not at_chance(np.array([[95, 0], [0, 5]]))


def test_confusion_counts_true_by_predicted():
    y, predicted = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 0, 0])
    expected = [[1, 1, 0, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]
    assert confusion_matrix(y, predicted, 4).tolist() == expected


def test_no_trials_are_told():
    with pytest.raises(ValueError, match="contains no trials"):
        at_chance(np.zeros((2, 2), int))
