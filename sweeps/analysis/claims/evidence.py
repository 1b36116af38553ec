"""The numbers that decide a claim: means over trained seeds with their intervals, and gaps."""

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd

from eegxai.evaluation import HEADLINE
from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.statistics import ranking_agreement
from sweeps.analysis.claims.study import Agreement, Claim, Condition, Evaluation, Measure, Study
from sweeps.analysis.compare import HEADLINES, TRUTH_CHECK
from sweeps.analysis.summary import headline_scores
from sweeps.scores.table import AXES, interval_half

FEWEST_SEEDS = 2
WITHIN_A_SEED = ("snr_db", "fold", "architecture")
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
        rows = list(table.itertuples())
        holds = [shown(row.asks, row.low, row.high, row.threshold) for row in rows]
        by_mean = [shown(row.asks, row.mean, row.mean, row.threshold) for row in rows]
        open_ = [not row.lacking and found is None for row, found in zip(rows, holds, strict=True)]
        contains = [f"interval contains the threshold {row.threshold:g}" for row in rows]
        side = np.where(table["asks"] == "below", -1.0, 1.0)
        return table.assign(
            holds=pd.Series(holds, table.index, dtype=object),
            by_mean=pd.Series(by_mean, table.index, dtype=object),
            margin=side * (table["mean"] - table["threshold"]),
            lacking=np.where(open_, contains, table["lacking"]),
        )


def shown(asks: str, low: float, high: float, threshold: float) -> bool | None:
    """Whether an interval shows what is asked, shows the opposite, or (None) neither.

    Examples
    --------
    >>> shown("below", 0.1, 0.4, 0.5), shown("below", 0.5, 0.9, 0.5), shown("below", 0.4, 0.6, 0.5)
    (True, False, None)
    """
    at_low, at_high = (bool(ASKED[asks](end, threshold)) for end in (low, high))
    return at_low if at_low == at_high and not math.isnan(low + high) else None


def evidence(tidy: pd.DataFrame, study: Study, claim: Claim, evaluation: Evaluation) -> Evidence:
    """The numbers that decide a claim, from tidy scores (columns ``TIDY``)."""
    kept = tidy[tidy["architecture"] == study.architecture]
    by = list(claim.by)
    groups = pd.MultiIndex.from_tuples(product(*map(study.values, by)), names=by)
    parts = [
        *(_condition_rows(kept, study, evaluation, groups, one) for one in evaluation.conditions),
        *(_agreement_rows(kept, study, evaluation, groups, one) for one in evaluation.agreements),
    ]
    return Evidence(claim.by, pd.concat(parts, ignore_index=True))


def _condition_rows(
    tidy: pd.DataFrame,
    study: Study,
    evaluation: Evaluation,
    groups: pd.MultiIndex,
    asked: Condition,
) -> pd.DataFrame:
    """One row per group and method."""
    by = list(groups.names)
    seeds = seed_means(tidy, asked, by)
    wanted = pd.MultiIndex.from_tuples(
        [(*group, method) for group in groups for method in evaluation.methods],
        names=[*by, "method"],
    )
    table = over_seeds(seeds, [*by, "method"]).reindex(wanted)
    gaps = partial(_gap, tidy, study, asked)
    lacking = [
        gaps(dict(zip(by, place[:-1], strict=True)), place[-1:], n)
        for place, n in zip(wanted, table["n_seeds"].fillna(0), strict=True)
    ]
    return _answerable(table, asked, lacking)


def _agreement_rows(
    tidy: pd.DataFrame,
    study: Study,
    evaluation: Evaluation,
    groups: pd.MultiIndex,
    asked: Agreement,
) -> pd.DataFrame:
    """One row per group; its method says how many are ranked."""
    by = list(groups.names)
    ranked = [
        seed_means(tidy, one, by).assign(
            ranking=place, mean=lambda t, one=one: _sign(one) * t["mean"]
        )
        for place, one in enumerate(asked.rankings)
    ]
    seeds = _agreements(pd.concat(ranked), by, evaluation.methods, len(asked.rankings))
    table = over_seeds(seeds, by).reindex(groups)
    lacking = []
    for group, n in zip(groups, table["n_seeds"].fillna(0), strict=True):
        place = dict(zip(by, group, strict=True))
        gaps = (_gap(tidy, study, one, place, evaluation.methods, n) for one in asked.rankings)
        lacking.append("; ".join(dict.fromkeys(gap for gap in gaps if gap)))
    named = table.assign(method=f"{len(evaluation.methods)} methods").set_index(
        "method", append=True
    )
    return _answerable(named, asked, lacking)


def _answerable(
    table: pd.DataFrame, asked: Condition | Agreement, lacking: Sequence[str]
) -> pd.DataFrame:
    threshold = np.nan if asked.threshold is None else asked.threshold
    counted = table.assign(n_seeds=table["n_seeds"].fillna(0).astype(int))
    return counted.reset_index().assign(
        number=asked.text, asks=asked.asks, threshold=threshold, lacking=list(lacking)
    )


def seed_means(tidy: pd.DataFrame, measure: Measure, by: Sequence[str]) -> pd.DataFrame:
    """Mean of a measure over the decoders of each trained seed: columns of by, method, seed, mean.

    Seeds that lack a decoder which others have are left out, since another mixture of signal levels
    and folds has another mean.
    """
    group, cells = [*by, "method"], [axis for axis in WITHIN_A_SEED if axis not in by]
    known = _measured(tidy, measure).dropna(subset="mean")
    needed = known[[*group, *cells]].drop_duplicates().groupby(group).size().rename("needed")
    seeds = known.groupby([*group, "seed"])["mean"].agg(["mean", "count"]).reset_index()
    whole = seeds.join(needed, on=group)
    return whole.loc[whole["count"] == whole["needed"], [*group, "seed", "mean"]]


def over_seeds(seeds: pd.DataFrame, group: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds, Student's 95 % interval and number of seeds of each group."""
    grouped = seeds.groupby(list(group))["mean"]
    mean, n = grouped.mean(), grouped.count()
    half = interval_half(grouped.std(), n)
    return pd.DataFrame(dict(zip(NUMBERS, (mean, mean - half, mean + half, n), strict=True)))


def _measured(tidy: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """A measure of each decoder and method: columns ``AXES`` and mean."""
    found = _read(tidy, measure, measure.check, measure.steps)
    if measure.less:
        found = found - _read(tidy, measure, measure.less, "last").reindex(found.index)
    return found.rename("mean").reset_index()


def _read(tidy: pd.DataFrame, measure: Measure, check: str, steps: str) -> pd.Series:
    """Value on each decoder, by ``AXES``; NaN where a mean over steps lacks one of them."""
    named = HEADLINES.get(measure.metric, HEADLINE.with_metric(measure.metric))
    rows = headline_scores(tidy, check, named)
    each = rows.groupby(list(AXES), sort=False)
    if steps == "last":
        last = rows[rows["step"] == each["step"].transform("max")]
        return last.groupby(list(AXES), sort=False)["mean"].first().astype(float)
    values = each["mean"]
    whole = (values.count() == each["step"].max()) & (each["step"].nunique() == values.size())
    return values.mean().astype(float).where(whole)


def _sign(measure: Measure) -> float:
    """-1 where less is better: errors, and similarities to the map that must differ."""
    similar = measure.check != TRUTH_CHECK
    return -1.0 if similar != (measure.metric in ERRORS) else 1.0


def _agreements(
    ranked: pd.DataFrame, by: Sequence[str], methods: Sequence[str], n_rankings: int
) -> pd.DataFrame:
    """Agreement of the rankings of each seed that has all methods and rankings."""
    rows = []
    for place, part in ranked.groupby([*by, "seed"], sort=False):
        scores = part.pivot(index="method", columns="ranking", values="mean").reindex(list(methods))
        if scores.shape[1] == n_rankings and scores.notna().all(axis=None):
            rows.append((*place, ranking_agreement(scores)))
    return pd.DataFrame(rows, columns=[*by, "seed", "mean"]).astype({"mean": float})


def _gap(
    tidy: pd.DataFrame, study: Study, asked: Measure, place: dict[str, object],
    methods: Sequence[str], n_seeds: float,
) -> str:  # fmt: skip
    """Why a group has no interval, in a few words; empty where it has one."""
    if n_seeds >= FEWEST_SEEDS:
        return ""
    gap = "" if n_seeds else next(_gaps(tidy, study, asked, place, methods), "")
    return gap or f"needs at least {FEWEST_SEEDS} seeds with all their cells, has {n_seeds:.0f}"


def _gaps(
    tidy: pd.DataFrame, study: Study, asked: Measure, place: dict[str, object],
    methods: Sequence[str],
) -> Iterator[str]:  # fmt: skip
    """What is not there: from all cells, by the method and the axes, down to the metric."""
    if tidy.empty:
        yield f"no cells of architecture {study.architecture}"
    yield from (
        f"no cells of method {method}" for method in methods if method not in set(tidy["method"])
    )
    rows, whose = tidy[tidy["method"].isin(list(methods))], _named(methods)
    for axis, value in place.items():
        rows, shown_value = rows[rows[axis] == value], f"{value:g}" if axis == "snr_db" else value
        if rows.empty:
            of = f" for {whose}" if (tidy[axis] == value).any() else ""
            yield f"no cells of {axis} {shown_value}{of}"
    if not _measured(rows, asked)["mean"].notna().any():
        yield f"no scores of {asked.text} for {whose}"


def _named(methods: Sequence[str]) -> str:
    return methods[0] if len(methods) == 1 else f"{len(methods)} methods"
