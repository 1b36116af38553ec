"""The numbers that decide a claim: means over trained seeds with their intervals, and gaps."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.statistics import Bounds, ranking_agreement, within_bounds
from sweeps.analysis.claims.cells import Cells, Group, plain
from sweeps.analysis.claims.study import FEWEST_RANKED, Agreement, Condition, Evaluation, Measure
from sweeps.analysis.estimates import CLASS_CHECKS
from sweeps.scores.table import interval_half

FEWEST_SEEDS = 2
# How reasons begin that more seeds leave as they are.
UNDEFINED, NOT_TESTABLE = "no seed has", "another class is not testable on"
SEEDS = ["seed", "method"]
NUMBERS = ("mean", "low", "high", "n_seeds")
ASKED: dict[str, Callable[[float, float], bool]] = {
    "at least": operator.ge,
    "above": operator.gt,
    "below": operator.lt,
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """The numbers of one evaluation of a claim.

    Attributes
    ----------
    by : tuple of str
        Axes whose values are judged apart.
    table : DataFrame
        One row per method, condition and group: the axes of ``by``, method (of agreements, how
        many), number (what it is), asks, threshold (NaN: the study's), mean, low and high (95 %
        interval over seeds), n_seeds, lacking (why there is no interval; empty where there is).
    """

    by: tuple[str, ...]
    table: pd.DataFrame

    @property
    def depends_on_the_threshold(self) -> bool:
        """Whether any condition has the study's threshold."""
        return bool(self.table["threshold"].isna().any())

    def at(self, threshold: float) -> pd.DataFrame:
        """The table with the study's threshold filled in, and with the answers.

        Further columns: holds (True, False, or None where that cannot be decided), by_mean (the
        answer of the mean alone) and margin (how far the mean is on the side that is asked for).
        """
        table = self.table.assign(threshold=self.table["threshold"].fillna(threshold))
        asked = [table[name] for name in ("asks", "low", "high", "threshold")]
        holds = [interval_shows(*values) for values in zip(*asked, strict=True)]
        means = [table[name] for name in ("asks", "mean", "mean", "threshold")]
        by_mean = [interval_shows(*values) for values in zip(*means, strict=True)]
        contains = [f"interval contains the threshold {value:g}" for value in table["threshold"]]
        unclear = np.array([answer is None for answer in holds]) & (table["lacking"] == "")
        side = np.where(table["asks"] == "below", -1.0, 1.0)
        return table.assign(
            holds=pd.Series(holds, table.index, dtype=object),
            by_mean=pd.Series(by_mean, table.index, dtype=object),
            margin=side * (table["mean"] - table["threshold"]),
            lacking=np.where(unclear, contains, table["lacking"]),
        )


def interval_shows(asks: str, low: float, high: float, threshold: float) -> bool | None:
    """Whether an interval shows what is asked, shows the opposite, or (None) neither.

    Examples
    --------
    >>> [interval_shows("below", *ends, 0.5) for ends in ((0.1, 0.4), (0.5, 0.9), (0.4, 0.6))]
    [True, False, None]
    """
    at_low, at_high = (bool(ASKED[asks](end, threshold)) for end in (low, high))
    return at_low if at_low == at_high and not math.isnan(low + high) else None


def claim_evidence(cells: Cells, evaluation: Evaluation) -> Evidence:
    """The numbers that decide a claim."""
    parts = [
        *(_of_methods(cells, evaluation.methods, one) for one in evaluation.conditions),
        *(_of_agreement(cells, evaluation.methods, one) for one in evaluation.agreements),
    ]
    return Evidence(cells.by, pd.concat(parts, ignore_index=True))


def _of_methods(cells: Cells, methods: Sequence[str], asked: Condition) -> pd.DataFrame:
    """One row per group and method."""
    table = over_seeds(cells.seed_means(asked), cells.by, asked.bounds)
    wanted = [(*group, method) for group in cells.groups for method in methods]
    table = table.reindex(pd.MultiIndex.from_tuples(wanted, names=table.index.names))
    lacking = [
        _gap(cells, group, [method], asked, n)
        for (*group, method), n in zip(wanted, table["n_seeds"].fillna(0), strict=True)
    ]
    return _asked_of(table.assign(null=_null_levels(cells, asked)), asked, lacking)


def _null_levels(cells: Cells, asked: Measure) -> pd.Series:
    """The highest similarity of maps without any information, by group and method."""
    levels = [
        cells.seed_means(level).groupby([*cells.by, "method"])["mean"].mean()
        for level in asked.null_levels
        if not asked.less
    ]
    return pd.concat(levels, axis=1).max(axis=1) if levels else pd.Series(dtype=float)


def _of_agreement(cells: Cells, methods: Sequence[str], asked: Agreement) -> pd.DataFrame:
    """One row per group; its method says how many are ranked."""
    means = {
        group: [
            _sign(one) * cells.of_group(cells.seed_means(one), group).set_index(SEEDS)["mean"]
            for one in asked.rankings
        ]
        for group in cells.groups
    }
    ranked = {group: _ranked(cells, group, methods, means[group]) for group in cells.groups}
    labels = {group: _label(own, methods) for group, own in ranked.items()}
    seeds = [
        _agreements(means[group], own, cells.whole_seeds(group, own)).assign(
            **dict(zip(cells.by, group, strict=True)), method=labels[group]
        )
        for group, own in ranked.items()
    ]
    table = over_seeds(pd.concat(seeds), cells.by, asked.bounds)
    wanted = [(*group, label) for group, label in labels.items()]
    table = table.reindex(pd.MultiIndex.from_tuples(wanted, names=table.index.names))
    lacking = [
        _gap(cells, group, own, asked, n)
        for (group, own), n in zip(ranked.items(), table["n_seeds"].fillna(0), strict=True)
    ]
    return _asked_of(table.assign(null=np.nan), asked, lacking)


def _ranked(
    cells: Cells, group: Group, methods: Sequence[str], rankings: Sequence[pd.Series]
) -> Sequence[str]:
    """Methods to rank: all but those that have no score by design, unless too few are left.

    That is so where a method has all cells of the others, and some ranking has no score of it on
    any of them. One that lacks cells is waited for.
    """
    scored = [set(one.index.get_level_values("method")) for one in rankings]
    found = [
        name
        for name in methods
        if cells.fewer(group, name, methods) or all(name in one for one in scored)
    ]
    return found if len(found) >= FEWEST_RANKED else methods


def _agreements(
    rankings: Sequence[pd.Series], ranked: Sequence[str], whole: set[int]
) -> pd.DataFrame:
    """Agreement of the rankings on each whole seed that has scores of all methods: seed, mean."""
    table = pd.concat(rankings, axis=1, keys=range(len(rankings))).dropna()
    rows = [
        (seed, ranking_agreement(scores.droplevel("seed").loc[list(ranked)]))
        for seed, scores in table.groupby("seed")
        if seed in whole and set(ranked) <= set(scores.index.get_level_values("method"))
    ]
    return pd.DataFrame(rows, columns=["seed", "mean"]).astype({"mean": float})


def _label(ranked: Sequence[str], methods: Sequence[str]) -> str:
    """How many methods are ranked.

    Examples
    --------
    >>> _label("ABC", "ABC"), _label("ABC", "ABCDE")
    ('3 methods', '3 of 5 methods')
    """
    fewer = f"{len(ranked)} of " * (len(ranked) < len(methods))
    return f"{fewer}{len(methods)} methods"


def _gap(
    cells: Cells,
    group: Sequence[Any],
    methods: Sequence[str],
    asked: Condition | Agreement,
    n_seeds: float,
) -> str:
    """Why a group has no interval, in a few words; empty where it has one."""
    if n_seeds >= FEWEST_SEEDS:
        return ""
    gaps = dict.fromkeys(
        cells.gap(tuple(group), method) or cells.fewer(tuple(group), method, methods)
        for method in methods
    )
    if found := [gap for gap in gaps if gap]:
        return "; ".join(found)
    if n_seeds:
        return f"needs at least {FEWEST_SEEDS} seeds with all their cells, has {n_seeds:.0f}"
    where = " ".join(map(plain, group))
    if cells.at_chance(tuple(group), methods):
        return f"all decoders are at chance on {where}"
    if cells.of_two_classes(tuple(group), methods) and asked.checks & set(CLASS_CHECKS):
        return f"{NOT_TESTABLE} {where}, of two classes"
    whose = methods[0] if len(methods) == 1 else f"all {len(methods)} methods"
    return f"{UNDEFINED} {asked.short} on all its cells for {whose}"


def lies_in_the_measure(lacking: str) -> bool:
    """Whether all that is lacking are numbers that no decoder has, however many are trained.

    Examples
    --------
    >>> lies_in_the_measure("no seed has all 2 rankings on all its cells for all 12 methods")
    True
    >>> lies_in_the_measure("interval contains the threshold 0.5")
    False
    """
    return all(reason.startswith((UNDEFINED, NOT_TESTABLE)) for reason in lacking.split("; "))


def _asked_of(
    table: pd.DataFrame, asked: Condition | Agreement, lacking: Sequence[str]
) -> pd.DataFrame:
    """Numbers beside what is asked of them."""
    threshold = np.nan if asked.threshold is None else asked.threshold
    counted = table.assign(n_seeds=table["n_seeds"].fillna(0).astype(int))
    return counted.reset_index().assign(
        number=asked.text, asks=asked.asks, threshold=threshold, lacking=list(lacking)
    )


def over_seeds(seeds: pd.DataFrame, by: Sequence[str], bounds: Bounds) -> pd.DataFrame:
    """Mean over seeds, 95 % interval and number of seeds, of each group and method.

    The interval is Student's, within the bounds (see ``eegxai.statistics.within_bounds``).
    """
    grouped = seeds.groupby([*by, "method"])["mean"]
    mean, n = grouped.mean(), grouped.count()
    half = interval_half(grouped.std(), n)
    low, high = within_bounds(mean, half, *bounds)
    numbers = dict(zip(NUMBERS, (mean, low, high, n), strict=True))
    return pd.DataFrame(numbers, index=mean.index)


def _sign(measure: Measure) -> float:
    """-1 where less is better: errors, and similarities to the map that must differ."""
    return -1.0 if measure.is_similarity != (measure.metric in ERRORS) else 1.0
