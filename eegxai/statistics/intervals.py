"""Intervals of means over decoders."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from eegxai.seeding import generator

CONFIDENCE = 0.95
RESAMPLES = 9999


class Interval(NamedTuple):
    """Mean over decoders, its 95 % interval, and how many of them have a value."""

    mean: float
    low: float
    high: float
    n: int


def student_interval(values: ArrayLike) -> Interval:
    """Mean of the values that are not NaN, and Student's 95 % interval; NaN bounds for one."""
    known = known_values(values)
    if len(known) < 2:
        return _unbounded(known)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1) * stats.sem(known))
    mean = float(known.mean())
    return Interval(mean, mean - half, mean + half, len(known))


def bootstrap_interval(values: ArrayLike, seed: int = 0) -> Interval:
    """Mean of the values that are not NaN, and its bootstrap 95 % interval; NaN bounds for one.

    Bias-corrected and accelerated (Efron, J. Am. Stat. Assoc. 82:171, 1987).
    """
    known = known_values(values)
    if len(known) < 2:
        return _unbounded(known)
    mean = float(known.mean())
    if np.ptp(known) == 0:
        return Interval(mean, mean, mean, len(known))
    found = stats.bootstrap(
        (known,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE,
        method="BCa", rng=generator(seed, "bootstrap"),
    )  # fmt: skip
    low, high = found.confidence_interval
    return Interval(mean, float(low), float(high), len(known))


IntervalOf = Callable[[ArrayLike], Interval]
INTERVALS: dict[str, IntervalOf] = {"student": student_interval, "bootstrap": bootstrap_interval}


def known_values(values: ArrayLike) -> np.ndarray:
    """Values that are not NaN."""
    values = np.asarray(values, dtype=float)
    return values[~np.isnan(values)]


def _unbounded(known: np.ndarray) -> Interval:
    return Interval(float(known.mean()) if len(known) else math.nan, math.nan, math.nan, len(known))
