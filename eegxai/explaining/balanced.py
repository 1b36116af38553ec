"""How well a decoder separates classes of any sizes: its balanced accuracy, and tests of it."""

from collections.abc import Callable, Iterator

import numpy as np
import scipy

from eegxai.decoders.chance import CHANCE_ALPHA

N_DRAWS = 1999
BALANCING_SEED = 0  # of the draws: the same trials give the same p
ENTRIES = 10**6  # of the tables that are drawn at once
SHARE_ROUNDING = 1e-9  # within which two balanced accuracies are the same

Array = np.ndarray


def balanced_accuracy(confusion: Array) -> float:
    """Mean over the classes that have trials of the share that is right (the recall).

    Brodersen et al. (2010), The balanced accuracy and its posterior distribution, ICPR: always
    predicting one class has 1 / number of classes, however large that class is.

    Parameters
    ----------
    confusion : ndarray (true classes, predicted classes)
        Numbers of trials.

    Examples
    --------
    >>> balanced_accuracy(np.array([[90, 0], [10, 0]]))
    0.5
    """
    return float(balanced_accuracies(confusion[None])[0])


def balanced_accuracies(confusions: Array) -> Array:
    """That of each of many confusions (confusions, true classes, predicted classes)."""
    n_present = (confusions.sum(2) > 0).sum(1)
    return np.trace(recalls(confusions), axis1=1, axis2=2) / n_present


def recalls(confusions: Array) -> Array:
    """Shares of each class's trials by predicted class; 0 for a class without trials."""
    return confusions / np.maximum(confusions.sum(-1, keepdims=True), 1)


def above_guessing(confusion: Array) -> bool:
    """Whether the balanced accuracy is higher than without a relation of predictions and labels.

    One-sided permutation test of the labels at the level 0.05. A decoder that predicts one class
    always is never above.

    Examples
    --------
    >>> above_guessing(np.array([[76, 32], [0, 12]])), above_guessing(np.array([[108, 0], [12, 0]]))
    (True, False)
    """
    return p_of_shuffled(confusion, balanced_accuracies) < CHANCE_ALPHA


def p_of_shuffled(confusion: Array, statistic: Callable[[Array], Array]) -> float:
    """How often a statistic of the confusions is as large with permuted labels.

    Permutation test 1 of Ojala & Garriga (2010), Permutation tests for studying classifier
    performance, JMLR 11:1833-1863, by 1999 draws of a fixed seed; the observed confusions count as
    one of them (Phipson & Smyth, 2010).

    Parameters
    ----------
    confusion : ndarray (true classes, predicted classes)
    statistic : callable
        From confusions (confusions, true classes, predicted classes) to a number of each.
    """
    used = np.ix_(confusion.sum(1) > 0, confusion.sum(0) > 0)
    if 1 in confusion[used].shape:  # of one class alone: no other pairs
        return 1.0
    reached = statistic(confusion[None])[0] - SHARE_ROUNDING
    as_large = sum((statistic(tables) >= reached).sum() for tables in _shuffled(confusion, used))
    return float((1 + as_large) / (1 + N_DRAWS))


def _shuffled(confusion: Array, used: tuple[Array, ...]) -> Iterator[Array]:
    """Confusions with the same labels and predictions in random pairs, many at once."""
    pairs = scipy.stats.random_table(confusion[used].sum(1), confusion[used].sum(0))
    draws, at_once = np.random.default_rng(BALANCING_SEED), max(1, ENTRIES // confusion.size)
    rows, columns = used
    for first in range(0, N_DRAWS, at_once):
        n_tables = min(at_once, N_DRAWS - first)
        tables = np.zeros((n_tables, *confusion.shape))
        tables[:, rows, columns] = pairs.rvs(n_tables, random_state=draws)
        yield tables


def p_of_difference(y: Array, one: Array, other: Array) -> float:
    """How often two balanced accuracies on the same trials differ as much by chance.

    Two-sided paired randomization test (Yeh, 2000, More accurate tests for the statistical
    significance of result differences, COLING, 947-953), by 1999 draws of a fixed seed: of each
    trial that one of two predictions alone gets right, either could be the right one. With classes
    of one size it is McNemar's test.

    Parameters
    ----------
    y, one, other : ndarray (trials,)
        Classes, and those predicted in either case.

    Examples
    --------
    >>> y = np.arange(40) % 2
    >>> p_of_difference(y, y, 1 - y) < 0.01, p_of_difference(y, y, y)
    (True, 1.0)
    """
    classes, n_trials = np.unique(y, return_counts=True)
    gained = np.array([((one == y) & (other != y) & (y == k)).sum() for k in classes])
    lost = np.array([((one != y) & (other == y) & (y == k)).sum() for k in classes])
    heads = np.random.default_rng(BALANCING_SEED).binomial(
        gained + lost, 0.5, (N_DRAWS, len(classes))
    )
    drawn = np.abs((2 * heads - gained - lost) @ (1 / n_trials))
    reached = abs((gained - lost) @ (1 / n_trials)) - SHARE_ROUNDING
    return float((1 + (drawn >= reached).sum()) / (1 + N_DRAWS))
