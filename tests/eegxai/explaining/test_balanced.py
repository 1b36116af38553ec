"""Balanced accuracies and their tests, against closed forms and exact tests."""

import numpy as np
import pytest
from scipy import stats

from eegxai.decoders.chance import confusion_matrix
from eegxai.explaining.balanced import (
    above_guessing,
    balanced_accuracies,
    balanced_accuracy,
    p_of_difference,
    p_of_shuffled,
)

ODDBALL = np.array([[76, 32], [0, 12]])


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_present():
    assert balanced_accuracy(ODDBALL) == pytest.approx((76 / 108 + 1) / 2)
    assert balanced_accuracy(np.array([[5, 5, 0], [0, 0, 0], [0, 1, 3]])) == pytest.approx(0.625)


def test_an_oddball_is_decoded_though_the_largest_class_has_a_higher_accuracy():
    assert above_guessing(ODDBALL)


@pytest.mark.parametrize("row", [0, 1])
def test_one_class_always_is_never_above_guessing(row):
    always = np.zeros((2, 2), int)
    always[:, row] = 12, 500
    assert not above_guessing(always)
    assert not above_guessing(np.array([[30, 2], [0, 0]]))  # labels of one class


@pytest.mark.parametrize("table", [[[20, 10], [4, 8]], [[9, 3], [5, 7]], [[30, 8], [2, 2]]])
def test_for_two_classes_the_test_is_fishers(table):
    exact = stats.fisher_exact(table, alternative="greater").pvalue
    drawn = p_of_shuffled(np.array(table), balanced_accuracies)
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(exact / 1999) + 1e-3)


def test_guesses_are_above_guessing_in_one_of_twenty_at_most():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 10, 5])
    found = [above_guessing(confusion_matrix(y, rng.integers(0, 3, 75), 3)) for _ in range(100)]
    assert sum(found) <= 11  # 5 +- 3 standard errors


def test_with_classes_of_one_size_the_paired_test_is_mcnemars():
    y = np.arange(60) % 2
    one, other = y.copy(), y.copy()
    one[:4], other[4:18] = 1 - y[:4], 1 - y[4:18]
    exact = stats.binomtest(4, 18).pvalue
    assert p_of_difference(y, one, other) == pytest.approx(exact, abs=0.015)
    assert p_of_difference(y, one, other) == p_of_difference(y, one, other)
    assert p_of_difference(y, one, one) == 1


def test_the_paired_test_weighs_the_classes():
    y = np.repeat([0, 1], [108, 12])
    one = np.repeat([0, 1], [76, 44])  # all targets, 32 false alarms
    assert p_of_difference(y, one, np.zeros(120, int)) < 0.05
