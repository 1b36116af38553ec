"""Whether a decoder is better than chance, from its confusion matrix."""

import numpy as np
import scipy

CHANCE_ALPHA = 0.05


def confusion_matrix(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts (true classes, predicted classes) of trials (trials,)."""
    counts = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(counts, (y, predicted), 1)
    return counts


def at_chance(confusion: np.ndarray) -> bool:
    """Whether a decoder is no better than always predicting the largest class.

    One-sided exact binomial test of the accuracy against the share of the largest class, at
    the level 0.05.

    Parameters
    ----------
    confusion : ndarray (true classes, predicted classes)
        Numbers of test trials.

    Raises
    ------
    ValueError
        When there are no trials.
    """
    n_trials = int(confusion.sum())
    if n_trials == 0:
        raise ValueError("confusion contains no trials; at least one is needed")
    chance = confusion.sum(axis=1).max() / n_trials
    correct = int(np.trace(confusion))
    p_value = scipy.special.bdtrc(correct - 1, n_trials, chance) if correct else 1.0
    return bool(p_value >= CHANCE_ALPHA)
