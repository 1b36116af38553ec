"""Mean, spread and number of scores over the trials in which they are defined."""

from typing import NamedTuple

import numpy as np


class TrialMoments(NamedTuple):
    """Moments over the trials with a score, (metrics,) each.

    Attributes
    ----------
    mean : array
        NaN where there is no such trial.
    std : array
        With ddof = 1; NaN where there are fewer than two.
    number : array
        Number of these trials.
    """

    mean: np.ndarray
    std: np.ndarray
    number: np.ndarray


def trial_moments(values: np.ndarray) -> TrialMoments:
    """Moments of scores (metrics, trials) over the trials where they are not NaN.

    A cell has hundreds of such tables, with which pandas took most of the time of a cell of a few
    trials.

    Examples
    --------
    >>> trial_moments(np.array([[1.0, 3.0, np.nan]])).number
    array([2])
    """
    missing = np.isnan(values)
    number = values.shape[1] - missing.sum(1)
    mean = _divided(_sums(values, missing), number)
    squares = np.square(mean[:, None] - values)
    return TrialMoments(mean, np.sqrt(_divided(_sums(squares, missing), number - 1)), number)


def _sums(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return (np.where(missing, 0.0, values) if missing.any() else values).sum(1)


def _divided(total: np.ndarray, number: np.ndarray) -> np.ndarray:
    return total / np.where(number > 0, number, np.nan)
