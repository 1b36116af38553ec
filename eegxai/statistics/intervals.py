"""Intervals of means over decoders, which stay within the bounds of what is averaged."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from eegxai.seeding import generator

CONFIDENCE = 0.95
RESAMPLES = 9999


class Interval(NamedTuple):
    """Mean over decoders, its 95 % interval, and how many of them have a value."""

    mean: float
    low: float
    high: float
    n: int


class Bounds(NamedTuple):
    """Lowest and highest value that a number can have."""

    lowest: float
    highest: float

    @property
    def of_differences(self) -> "Bounds":
        """Bounds of the difference of two such numbers."""
        widest = self.highest - self.lowest
        return Bounds(-widest, widest)


UNBOUNDED = Bounds(-math.inf, math.inf)


def within_bounds(
    mean: ArrayLike, half: ArrayLike, lowest: ArrayLike, highest: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of an interval that stays within the bounds of the number, from its half-width.

    Where both bounds are finite, the interval is symmetric on the logit scale, ``log((mean -
    lowest) / (highest - mean))``, which of a number in -1 .. 1 is Fisher's z; where one is, on the
    logarithmic scale; else it is symmetric. The half-width there is the given one times the slope
    of the scale at the mean (delta method), so that far from the bounds nothing changes. Near them
    scores are skewed and a symmetric interval, cut at the bound, covers too little: of 5 seeds with
    a true mean of 0.97 and a standard deviation of 0.04 it covers 84 %, this one 90 %.

    Parameters
    ----------
    mean : array_like
        Within the bounds; where it is at one, the interval has no width.
    half : array_like
        Half-width, such as Student's.
    lowest, highest : array_like
        Bounds; infinite where there are none.

    Returns
    -------
    low, high : ndarray
        NaN where the mean or the half-width is.

    Examples
    --------
    >>> low, high = within_bounds([0.5, 0.95], 0.1, 0, 1)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.401, 0.698], [0.599, 0.994])
    """
    mean, half = np.asarray(mean, dtype=float), np.asarray(half, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Closeness to either bound: zero where there is none, infinite at it.
        under, over = (1 / np.clip(room, 0, None) for room in (mean - lowest, highest - mean))
        shrunk = np.exp(-half * (under + over))
        lost = -np.expm1(-half * (under + over))
        down, up = lost / (under + over * shrunk), lost / (over + under * shrunk)
    free, none = under + over == 0, (half == 0) | np.isinf(under + over)
    down, up = (np.where(free, half, np.where(none, 0 * half, side)) for side in (down, up))
    return mean - down, mean + up


def student_interval(values: ArrayLike, bounds: Bounds = UNBOUNDED) -> Interval:
    """Mean of the values that are not NaN, and Student's 95 % interval; NaN bounds for one.

    It stays within the bounds of the values, see :func:`within_bounds`.
    """
    known = known_values(values)
    if len(known) < 2:
        return _without_ends(known)
    half = float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1) * scipy.stats.sem(known))
    mean = float(known.mean())
    low, high = within_bounds(mean, half, *bounds)
    return Interval(mean, float(low), float(high), len(known))


def bootstrap_interval(values: ArrayLike, bounds: Bounds = UNBOUNDED, seed: int = 0) -> Interval:
    """Mean of the values that are not NaN, and its bootstrap 95 % interval; NaN bounds for one.

    Bias-corrected and accelerated (Efron, J. Am. Stat. Assoc. 82:171, 1987). Means of resampled
    values are within the bounds of the values, whatever these are.
    """
    known = known_values(values)
    if len(known) < 2:
        return _without_ends(known)
    mean = float(known.mean())
    if np.ptp(known) == 0:
        return Interval(mean, mean, mean, len(known))
    found = scipy.stats.bootstrap(
        (known,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE,
        method="BCa", rng=generator(seed, "bootstrap"),
    )  # fmt: skip
    low, high = found.confidence_interval
    return Interval(mean, float(low), float(high), len(known))


IntervalOf = Callable[[ArrayLike, Bounds], Interval]
INTERVALS: dict[str, IntervalOf] = {"student": student_interval, "bootstrap": bootstrap_interval}


def known_values(values: ArrayLike) -> np.ndarray:
    """Values that are not NaN."""
    values = np.asarray(values, dtype=float)
    return values[~np.isnan(values)]


def _without_ends(known: np.ndarray) -> Interval:
    return Interval(float(known.mean()) if len(known) else math.nan, math.nan, math.nan, len(known))
