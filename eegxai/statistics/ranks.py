"""Methods compared by their ranks: Friedman's test, the critical-difference diagram, agreement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from eegxai.statistics.pairs import ALPHA, DECIMALS, decoders_needed, holm, signed_rank_p
from eegxai.statistics.units import independent


class Blocks(NamedTuple):
    """Scores without NaN, and what was dropped to obtain them."""

    scores: pd.DataFrame
    methods_left_out: list[str]
    decoders_left_out: list[Any]


def complete_blocks(scores: pd.DataFrame, fewest: float = 0.5) -> Blocks:
    """Part of a table that tests of whole blocks can use.

    Parameters
    ----------
    scores : DataFrame (decoders, methods)
    fewest : float
        Methods defined on less than this share of the decoders are dropped first, then the
        decoders on which one of the remaining methods is undefined. With 1 no decoder is dropped,
        with 0 no method is.

    Raises
    ------
    ValueError
        When nothing is left.
    """
    enough = (scores.notna().mean() >= fewest) & scores.notna().any()
    kept = scores.loc[:, enough]
    whole = kept.notna().all(axis=1)
    if kept.empty or not whole.any():
        raise ValueError(f"none of {len(scores)} decoders has a score of every method")
    return Blocks(
        kept[whole].round(DECIMALS), list(scores.columns[~enough]), list(scores.index[~whole])
    )


def signed_rank_pairs(scores: pd.DataFrame) -> pd.DataFrame:
    """Signed-rank tests of all pairs of methods, Holm-corrected.

    Parameters
    ----------
    scores : DataFrame (decoders, methods)
        Without NaN, see ``complete_blocks``.

    Returns
    -------
    DataFrame
        method_a, method_b, difference (mean of a - b), p, p_holm, n_needed (see
        ``decoders_needed``, at the level of Holm's first step).
    """
    names = list(combinations(scores.columns, 2))
    pairs = pd.DataFrame(names, columns=["method_a", "method_b"])
    differences = [scores[a] - scores[b] for a, b in names]
    level = ALPHA / max(len(names), 1)
    pairs["difference"] = [values.mean() for values in differences]
    pairs["p"] = [signed_rank_p(values) for values in differences]
    pairs["p_holm"] = holm(pairs["p"])
    pairs["n_needed"] = [decoders_needed(values, level) for values in differences]
    return pairs


def mean_ranks(scores: pd.DataFrame) -> pd.Series:
    """Mean rank of each method over the decoders, best (1) first; ties share their mean rank."""
    return scores.rank(axis=1, ascending=False).mean().sort_values(kind="stable")


def nemenyi_difference(n_methods: int, n_decoders: int) -> float:
    """Smallest significant difference between two mean ranks (Demsar, JMLR 7:1, 2006)."""
    q = scipy.stats.studentized_range.ppf(1 - ALPHA, n_methods, np.inf) / math.sqrt(2)
    return float(q * math.sqrt(n_methods * (n_methods + 1) / (6 * n_decoders)))


def cliques(ranks: pd.Series, pairs: pd.DataFrame) -> list[tuple[str, ...]]:
    """Longest runs of neighbours by rank without a significant pair: the diagram's bars.

    Parameters
    ----------
    ranks : Series
        Methods, best first.
    pairs : DataFrame
        method_a, method_b, p_holm.
    """
    told = pairs[pairs["p_holm"] < ALPHA]
    apart = {frozenset(pair) for pair in zip(told["method_a"], told["method_b"], strict=True)}
    names = list(ranks.index)
    runs: list[tuple[str, ...]] = []
    end = 0  # of the last run: a run that reaches no further is part of it
    for start in range(len(names)):
        stop = _reach(names, start, apart)
        if stop > max(end, start + 1):
            runs.append(tuple(names[start:stop]))
            end = stop
    return runs


def _reach(names: Sequence[str], start: int, apart: set[frozenset[str]]) -> int:
    """End of the longest run from ``start`` in which no pair is significantly different."""
    for stop in range(start + 1, len(names)):
        if any(frozenset((name, names[stop])) in apart for name in names[start:stop]):
            return stop
    return len(names)


@dataclass(frozen=True)
class RankComparison:
    """Methods compared over decoders: what a critical-difference diagram shows.

    Attributes
    ----------
    mean_ranks : Series
        Mean rank of each method, best first.
    p : float
        P value of Friedman's test that all methods rank equally; NaN for fewer than three.
    pairs : DataFrame
        See ``signed_rank_pairs``.
    cliques : list of tuple of str
        Methods that are not significantly different, see ``cliques``.
    critical_difference : float
        Nemenyi's, in mean ranks.
    n_blocks : int
        Number of independent blocks in the comparison: seeds, or rows without seeds.
    methods_left_out, decoders_left_out : list
        What was dropped because of NaN scores, see ``complete_blocks``.
    """

    mean_ranks: pd.Series
    p: float
    pairs: pd.DataFrame
    cliques: list[tuple[str, ...]]
    critical_difference: float
    n_blocks: int
    methods_left_out: list[str]
    decoders_left_out: list[Any]


def compare_ranks(scores: pd.DataFrame, fewest: float = 0.5) -> RankComparison:
    """Compare methods by their ranks on each seed, or on each row of a table without seeds.

    Friedman's test, then Wilcoxon's signed-rank tests of all pairs with Holm's correction
    (Demsar, JMLR 7:1, 2006; pairs as recommended by Benavoli et al., JMLR 17:5, 2016).

    Parameters and raises are those of :func:`complete_blocks`.
    """
    whole, methods_left_out, decoders_left_out = complete_blocks(scores, fewest)
    complete = independent(whole).round(DECIMALS)
    n_blocks, n_methods = complete.shape
    ranks, pairs = mean_ranks(complete), signed_rank_pairs(complete)
    return RankComparison(
        mean_ranks=ranks,
        p=friedman_p(complete),
        pairs=pairs,
        cliques=cliques(ranks, pairs),
        critical_difference=nemenyi_difference(n_methods, n_blocks),
        n_blocks=n_blocks,
        methods_left_out=methods_left_out,
        decoders_left_out=decoders_left_out,
    )


def friedman_p(scores: pd.DataFrame) -> float:
    """P value of Friedman's test that all methods rank equally; NaN for fewer than three."""
    if scores.shape[1] < 3:
        return math.nan
    if (scores.nunique(axis=1) == 1).all():
        return 1.0
    return float(scipy.stats.friedmanchisquare(*scores.to_numpy().T).pvalue)


def fewest_blocks(n_methods: int, alpha: float = ALPHA) -> int:
    """Fewest blocks on which Friedman's test can reach a level, at three methods or more.

    Its statistic is at most n (k - 1), where all n blocks rank the k methods alike.
    """
    return math.ceil(scipy.stats.chi2.isf(alpha, n_methods - 1) / (n_methods - 1))


def kendall_w(scores: pd.DataFrame) -> float:
    """Agreement between rankings of the same methods: 1 if they are equal, less if they differ.

    Kendall & Babington Smith, Ann. Math. Stat. 10:275, 1939, with the correction for ties:
    12 S / (m² (k³ - k) - m sum(t³ - t)).

    Parameters
    ----------
    scores : DataFrame (methods, metrics)
        Larger is better in every column. Methods with a NaN are dropped.
    """
    ranks = scores.dropna().rank()
    k, m = ranks.shape
    spread = ((ranks.sum(axis=1) - m * (k + 1) / 2) ** 2).sum()
    ties = sum(
        (counts**3 - counts).sum() for counts in map(pd.Series.value_counts, _columns_of(ranks))
    )
    most = m**2 * (k**3 - k) - m * ties
    return float(12 * spread / most) if most else math.nan


def ranking_agreement(scores: pd.DataFrame) -> float:
    """Kendall's W on the scale where unrelated rankings have 0 and equal ones 1.

    (m W - 1) / (m - 1), of m rankings. Without ties it is the mean of Spearman's correlations of
    all pairs of rankings (Kendall & Babington Smith, Ann. Math. Stat. 10:275, 1939).

    Parameters
    ----------
    scores : DataFrame (methods, metrics)
        Larger is better in every column. Methods with a NaN are dropped.

    Examples
    --------
    >>> ranking_agreement(pd.DataFrame({"a": [1, 2, 3], "b": [10, 20, 30]}))
    1.0
    """
    n_rankings = scores.shape[1]
    return (n_rankings * kendall_w(scores) - 1) / (n_rankings - 1)


def _columns_of(table: pd.DataFrame) -> list[pd.Series]:
    return [table[name] for name in table]
