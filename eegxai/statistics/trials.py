"""Differences of two methods over the trials of single decoders, where seeds are too few."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from eegxai.statistics.intervals import (
    CONFIDENCE,
    UNBOUNDED,
    Bounds,
    Interval,
    known_values,
    within_bounds,
)
from eegxai.statistics.pairs import DECIMALS, DifferenceTest


class TrialDifference(NamedTuple):
    """Mean difference over trials with its 95 % interval, and its test.

    Attributes
    ----------
    interval : Interval
        Its ``n`` is the number of trials in which both are defined, counted for each decoder.
    test : DifferenceTest
        That the mean difference over such trials is zero.
    left_out : int
        Number of trials in which one is undefined.
    """

    interval: Interval
    test: DifferenceTest
    left_out: int


def trial_difference(
    differences: Sequence[ArrayLike], bounds: Bounds = UNBOUNDED
) -> TrialDifference:
    """Mean difference over the trials of some decoders; it says nothing about other decoders.

    Of one decoder, Student's interval and the paired t test. Of several, the mean of their means,
    with the mean of their half-widths and standard errors, as if their errors were one: decoders
    of a seed may explain the same trials, so this is on the safe side.

    Parameters
    ----------
    differences : sequence of array_like (trials,)
        Of each decoder the paired differences of its trials; NaN is left out.
    bounds : Bounds
        Of the differences; see :func:`within_bounds`.

    Returns
    -------
    TrialDifference
        NaN where no decoder has two trials.

    Examples
    --------
    >>> found = trial_difference([[0.1, 0.3, 0.2, 0.2]])
    >>> round(found.interval.mean, 3), round(found.interval.high, 3), round(found.test.p, 3)
    (0.2, 0.33, 0.016)
    """
    # Rounded as for the other tests: maps that are equal but for rounding do not differ.
    known = [np.round(known_values(each), DECIMALS) for each in differences]
    known = [each for each in known if len(each) > 1]
    n_trials, n = sum(map(np.size, differences)), sum(map(len, known))
    mean, error, half = (
        np.mean([_decoder_moments(each) for each in known], axis=0) if n else [math.nan] * 3
    )
    low, high = within_bounds(mean, half, *bounds)
    interval = Interval(float(mean), float(low), float(high), n)
    freedom = min(map(len, known), default=0) - 1
    test = DifferenceTest("paired t test over trials", _p(mean, error, freedom))
    return TrialDifference(interval, test, n_trials - n)


def _decoder_moments(known: np.ndarray) -> tuple[float, float, float]:
    """Mean of a decoder's differences, its standard error and Student's half-width."""
    error = float(scipy.stats.sem(known))
    return (
        float(known.mean()),
        error,
        float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1)) * error,
    )


def _p(mean: float, error: float, freedom: int) -> float:
    if error == 0:
        return float(mean == 0)
    return float(2 * scipy.stats.t.sf(abs(mean) / error, freedom))
