"""Which class each trial belongs to: shares that hold for any number of trials."""

import math
from functools import lru_cache

import numpy as np

Array = np.ndarray


def labels(shares: tuple[float, ...], n_trials: int) -> Array:
    """Class of each trial, (trials,) int64: the one that is furthest behind its share.

    Each class is thus spread evenly, fewer trials are a prefix of more, and of classes with equal
    shares trial i belongs to class i modulo their number.

    Parameters
    ----------
    shares : tuple of float
        Share of the trials that each class has; they sum to 1.
    n_trials : int
    """
    return _labels_by_shares(shares, n_trials).copy()


@lru_cache(maxsize=8)
def _labels_by_shares(shares: tuple[float, ...], n_trials: int) -> Array:
    expected, counts = np.array(shares), np.zeros(len(shares))
    found = np.empty(n_trials, np.int64)
    for trial in range(n_trials):
        found[trial] = label = np.argmax((trial + 1) * expected - counts)
        counts[label] += 1
    return found


@lru_cache(maxsize=64)
def fewest_trials(shares: tuple[float, ...], per_class: int) -> int:
    """Fewest trials of which every class has at least ``per_class``."""
    enough = math.ceil((per_class + len(shares)) / min(shares))
    sequence = _labels_by_shares(shares, enough)
    last = [np.flatnonzero(sequence == label)[per_class - 1] for label in range(len(shares))]
    return int(max(last)) + 1
