"""Paired comparisons over decoders: Wilcoxon's signed-rank test, Holm's correction, sample size."""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from eegxai.statistics.intervals import (
    UNBOUNDED,
    Bounds,
    IntervalOf,
    known_values,
    student_interval,
)
from eegxai.statistics.units import independent

ALPHA = 0.05
POWER = 0.8
# Scores that differ by less count as equal, as do LRP and InputXGradient on ReLU networks.
DECIMALS = 6
# Of the signed-rank test relative to the t test on normal data, 3 / pi (Hodges & Lehmann 1956).
SIGNED_RANK_EFFICIENCY = 3 / math.pi
PAIRED = [
    "method", "mean_a", "mean_b", "difference", "low", "high", "p",
    "n_pairs", "unpaired_a", "unpaired_b",
]  # fmt: skip


def holm(p: ArrayLike) -> np.ndarray:
    """Holm's adjusted p values; NaN stays NaN and is not counted (Scand. J. Stat. 6:65, 1979)."""
    adjusted = np.asarray(p, dtype=float).copy()
    order = np.argsort(adjusted)[: np.count_nonzero(~np.isnan(adjusted))]  # NaN come last
    steps = adjusted[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.maximum.accumulate(steps).clip(max=1)
    return adjusted


def signed_rank_p(differences: ArrayLike) -> float:
    """P value of Wilcoxon's two-sided signed-rank test; NaN for fewer than two, 1 if all are zero.

    With n differences it cannot fall below 2 ** (1 - n): see ``fewest_decoders``.
    """
    known = np.round(known_values(differences), DECIMALS)
    if len(known) < 2:
        return math.nan
    return float(scipy.stats.wilcoxon(known).pvalue) if known.any() else 1.0


class DifferenceTest(NamedTuple):
    """Test of the hypothesis that the mean of paired differences is zero: its name and p value."""

    name: str
    p: float


def difference_test(differences: ArrayLike) -> DifferenceTest:
    """Wilcoxon's signed-rank test, or the paired t test of too few differences.

    With fewer than ``fewest_decoders()`` differences the signed-rank test cannot be significant
    whatever they are, so the t test takes its place: it needs differences that are normally
    distributed, as Student's interval beside it does. NaN for fewer than two differences.

    Examples
    --------
    >>> difference_test([0.1, 0.2, 0.15, 0.1, 0.12, 0.2])
    DifferenceTest(name='Wilcoxon signed-rank test', p=0.03125)
    >>> difference_test([0.1, 0.2, 0.15]).name
    'paired t test'
    """
    known = np.round(known_values(differences), DECIMALS)
    if len(known) >= fewest_decoders():
        return DifferenceTest("Wilcoxon signed-rank test", signed_rank_p(known))
    return DifferenceTest("paired t test", _t_test_p(known))


def _t_test_p(known: np.ndarray) -> float:
    if len(known) < 2:
        return math.nan
    if np.ptp(known) == 0:
        return float(not known.any())
    return float(scipy.stats.ttest_1samp(known, 0).pvalue)


def equivalence_p(differences: ArrayLike, margin: float) -> float:
    """P value of the hypothesis that the mean difference is as large as the margin, or larger.

    The larger one of two one-sided t tests: of a mean at or below -margin, and of one at or above
    it. Below alpha, the scores are shown to be equal to within the margin, which a difference that
    is not significant does not show (Schuirmann, J. Pharmacokinet. Biopharm. 15:657, 1987).

    Parameters
    ----------
    differences : array_like
        Paired differences, of independent units such as seeds. NaN is left out.
    margin : float
        Differences that are smaller do not matter, such as ``config.verdict.equality``.

    Returns
    -------
    float
        NaN for fewer than two differences.

    Raises
    ------
    ValueError
        When the margin is not above 0.

    Examples
    --------
    >>> round(equivalence_p([0.01, -0.02, 0.00, 0.01], margin=0.05), 3)
    0.003
    """
    if not margin > 0:
        raise ValueError(f"margin of equality: {margin} is not above 0")
    known = known_values(differences)
    if len(known) < 2:
        return math.nan
    distance = margin - abs(known.mean())  # to the nearer end of the margin
    if np.ptp(known) == 0:
        return float(distance <= 0)
    return float(scipy.stats.t.sf(distance / scipy.stats.sem(known), len(known) - 1))


def fewest_decoders(alpha: float = ALPHA) -> int:
    """Smallest number of pairs for a signed-rank test to reach a level: 2 ** (1 - n) <= alpha."""
    return 1 + math.ceil(-math.log2(alpha))


def decoders_needed(differences: ArrayLike, alpha: float = ALPHA) -> float:
    """Decoders that the signed-rank test needs to find the observed difference 4 times in 5.

    The number that the paired t test needs for the effect mean / std, divided by the efficiency
    3 / pi (Noether, J. Am. Stat. Assoc. 82:645, 1987, on such formulas), and at least
    ``fewest_decoders``. Infinite for no difference, NaN for fewer than two values.
    """
    known = np.round(known_values(differences), DECIMALS)
    if len(known) < 2:
        return math.nan
    mean, std = abs(known.mean()), known.std(ddof=1)
    if mean == 0:
        return math.inf
    if std == 0:
        return fewest_decoders(alpha)
    return max(
        math.ceil(_pairs_for(mean / std, alpha) / SIGNED_RANK_EFFICIENCY), fewest_decoders(alpha)
    )


def _pairs_for(effect: float, alpha: float) -> int:
    """Smallest number of pairs with which the two-sided t test has ``POWER``, by bisection."""
    below, enough = 1, 2
    while _paired_t_power(effect, enough, alpha) < POWER:
        below, enough = enough, 2 * enough
    while enough - below > 1:
        middle = (below + enough) // 2
        if _paired_t_power(effect, middle, alpha) < POWER:
            below = middle
        else:
            enough = middle
    return enough


def _paired_t_power(effect: float, n: int, alpha: float) -> float:
    """Power of the paired t test; significance with the wrong sign is not counted."""
    quantile = scipy.special.stdtrit(n - 1, 1 - alpha / 2)
    return float(1 - scipy.special.nctdtr(n - 1, effect * math.sqrt(n), quantile))


def paired_differences(
    a: pd.DataFrame,
    b: pd.DataFrame,
    interval: IntervalOf = student_interval,
    bounds: Bounds = UNBOUNDED,
) -> pd.DataFrame:
    """Differences b - a of each method over the decoders that both tables have.

    Parameters
    ----------
    a, b : DataFrame (decoders, methods)
        With the same index levels.
    interval : callable
        One of ``INTERVALS``.
    bounds : Bounds
        Of the differences, see ``Bounds.of_differences``.

    Returns
    -------
    DataFrame
        One row per method that both have: method, mean_a, mean_b, difference, low, high, p
        (signed-rank test), n_pairs (of seeds, see ``independent``; of decoders without seeds), and
        unpaired_a, unpaired_b, the number of decoders that only one table has.
    """
    rows = [_paired(str(name), a[name], b[name], interval, bounds) for name in a if name in b]
    return pd.DataFrame(rows, columns=PAIRED)


def _paired(
    method: str, a: pd.Series, b: pd.Series, interval: IntervalOf, bounds: Bounds
) -> tuple[Any, ...]:
    a, b = a.dropna(), b.dropna()
    both = a.index.intersection(b.index)
    one, other = independent(a[both]), independent(b[both])
    found = interval((other - one).round(DECIMALS), bounds)
    means = one.mean(), other.mean(), found.mean, found.low, found.high
    unpaired = len(a) - len(both), len(b) - len(both)
    return method, *means, signed_rank_p(other - one), len(one), *unpaired
