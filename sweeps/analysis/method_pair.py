"""Two methods on the same decoders: one difference, its interval, and whether it is real."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.registry import unknown_name
from eegxai.rounding import counted
from eegxai.statistics import (
    ALPHA,
    Bounds,
    Interval,
    TrialDifference,
    difference_test,
    equivalence_p,
    independent,
    student_interval,
    trial_difference,
)
from eegxai.statistics.intervals import IntervalOf
from sweeps.analysis.compare import DECODER_AXES, scores_of
from sweeps.analysis.estimates import headline_scores
from sweeps.analysis.quantity import Quantity, bounds_named
from sweeps.scores.selection import chance_note
from sweeps.scores.table import FIRST_BELOW
from sweeps.scores.trials import TrialsByCell

MethodPairNames = tuple[str, str]
WITHOUT_MARGIN = (*ERRORS, FIRST_BELOW)  # the margin of equality is one of scores


@dataclass(frozen=True)
class MethodPair:
    """Two methods on the decoders of a feature type that have a score of both.

    Attributes
    ----------
    feature, domain, metric : str
        What is read.
    methods : tuple of str
        Their names.
    means, chances : tuple of float
        Of each method, over seeds: its score, and that of random maps, or NaN.
    ceiling : float
        Score of the best map there is, or NaN.
    difference : Interval
        First less second, over seeds, with its 95 % interval.
    test : str
        Which test ``p`` is of.
    p : float
        That there is no difference; NaN with one seed.
    margin : float
        Differences that are smaller do not matter; NaN where none is set, for errors in ms or mm.
    p_equal : float
        That the difference is at least the margin; NaN with one seed or without a margin.
    decoders : MultiIndex
        Those that have a score of both; the levels are the axes.
    left_out : int
        Number of decoders that lack one.
    over_trials : TrialDifference or str
        With one seed, the difference over the trials of its decoders, or why there is none.
    """

    feature: str
    domain: str
    metric: str
    methods: MethodPairNames
    means: tuple[float, float]
    chances: tuple[float, float]
    ceiling: float
    difference: Interval
    test: str
    p: float
    margin: float
    p_equal: float
    decoders: pd.MultiIndex
    left_out: int
    over_trials: TrialDifference | str = ""

    @property
    def n_seeds(self) -> int:
        """Number of independent units."""
        return self.difference.n

    @property
    def differs(self) -> bool:
        """Whether a difference is shown."""
        return self.p < ALPHA

    @property
    def is_equal(self) -> bool:
        """Whether it is shown that the difference is smaller than the margin."""
        return self.p_equal < ALPHA


def require_methods(methods: MethodPairNames, known: list[str]) -> None:
    """Refuse a pair of the same method, and one that is not among those known.

    Raises
    ------
    ValueError
        Names the closest method.
    """
    for name in methods:
        if name not in known:
            raise ValueError(unknown_name("--methods: in this sweep the method", name, known))
    if methods[0] == methods[1]:
        raise ValueError(f"--methods: {methods[0]!r} is compared with itself; give two methods")


def method_pairs(
    tidy: pd.DataFrame,
    quantity: Quantity,
    methods: MethodPairNames,
    margin: float,
    interval: IntervalOf = student_interval,
) -> Iterator[MethodPair | str]:
    """Of each feature type its pair, or a sentence on why there is none.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    quantity : Quantity
        What is read of them.
    methods : tuple of str
        Their names.
    margin : float
        See :class:`MethodPair`.
    interval : callable
        One of ``eegxai.statistics.INTERVALS``.

    Raises
    ------
    ValueError
        When the quantity is not among the scores, or no decoder has a score of both methods.
    """
    own = tidy[tidy["method"].isin(methods)]
    decoders = pd.MultiIndex.from_frame(own[DECODER_AXES].drop_duplicates())
    scores = scores_of(own, quantity).reindex(index=decoders, columns=list(methods))
    if why := _nothing_common(scores, own, quantity):
        raise ValueError(f"{why}; nothing can be compared")
    for feature, rows in scores.groupby("feature", sort=False):
        if why := _nothing_common(rows, own[own["feature"] == feature], quantity):
            yield f"{feature}: {why}"
            continue
        domain, metric = quantity.headlines[str(feature)]
        levels = _chance_and_ceiling(own, quantity, rows.dropna())
        of_metric = _within_bounds(interval, bounds_named(quantity.metric).of_differences)
        found = _tested(rows, float("nan") if metric in WITHOUT_MARGIN else margin, of_metric)
        yield MethodPair(str(feature), domain, metric, methods, **levels, **found)


def difference_over_trials(pair: MethodPair, trials: TrialsByCell) -> TrialDifference | str:
    """Difference of two methods over the trials of their decoders, or why there is none.

    Parameters
    ----------
    pair : MethodPair
        The methods, and the decoders that have a score of both.
    trials : dict of tuple to ndarray (trials,)
        Scores of each method on each decoder, by the values of ``AXES``.
    """
    differences = []
    for decoder in pair.decoders:
        first, second = (trials.get((*decoder, method)) for method in pair.methods)
        if first is None or second is None:
            lacking = pair.methods[first is not None]
            return (
                f"{lacking} has no scores trial by trial in the store on {_decoder_name(decoder)}"
            )
        if len(first) != len(second):
            numbers = f"{len(first)} and {len(second)}"
            return f"the methods have scores of {numbers} trials on {_decoder_name(decoder)}"
        differences.append(first - second)
    return trial_difference(differences, bounds_named(pair.metric).of_differences)


def _decoder_name(decoder: tuple[Any, ...]) -> str:
    axes = dict(zip(DECODER_AXES, decoder, strict=True))
    return "{feature} {snr_db:g} dB {architecture} seed {seed} fold {fold}".format(**axes)


def _nothing_common(scores: pd.DataFrame, tidy: pd.DataFrame, quantity: Quantity) -> str:
    """Why no decoder has a score of both methods; empty where one has."""
    if len(scores.dropna()):
        return ""
    reasons = [
        _why_method_has_no_score(str(name), tidy[tidy["method"] == name], quantity)
        for name in scores
        if scores[name].isna().all()
    ]
    both = f"no decoder has a score of both {' and '.join(map(str, scores))}"
    return "; ".join(reasons) or both


def _why_method_has_no_score(method: str, tidy: pd.DataFrame, quantity: Quantity) -> str:
    """What was looked for, and what is known of the method's maps."""
    sought = dict.fromkeys(quantity.headlines[feature] for feature in tidy["feature"].unique())
    names = " or ".join(f"{metric!r} on {domain}" for domain, metric in sought)
    counts = tidy.drop_duplicates(DECODER_AXES)["validity"].value_counts()
    maps = ", ".join(f"{status} on {counted(n, 'decoder')}" for status, n in counts.items())
    mute = "; not every method has maps over frequency" if "frequency" in names else ""
    note = f"; {chance}" if (chance := chance_note(tidy)) else ""
    about = f"its maps: {maps or 'none'}{mute}{note}"
    return f"{method} has no score of {names or quantity.metric} ({about})"


def _chance_and_ceiling(
    tidy: pd.DataFrame, quantity: Quantity, scores: pd.DataFrame
) -> dict[str, Any]:
    """Chance level of each method and the ceiling, on the decoders of the scores."""
    chance = _means_in(tidy, quantity.chance, scores)
    best = _means_in(tidy, quantity.ceiling, scores)
    return {"chances": tuple(map(float, chance)), "ceiling": float(best.mean())}


def _means_in(tidy: pd.DataFrame, level: Quantity | None, scores: pd.DataFrame) -> pd.Series:
    """Means over seeds of another quantity on the same decoders; NaN where it is not scored."""
    if level is None or headline_scores(tidy, level.check, level.headlines).empty:
        return pd.Series(float("nan"), scores.columns)
    there = scores_of(tidy, level).reindex(index=scores.index, columns=scores.columns)
    return independent(there).mean()


def _within_bounds(interval: IntervalOf, bounds: Bounds) -> Callable[[pd.Series], Interval]:
    return lambda differences: interval(differences, bounds)


def _tested(
    rows: pd.DataFrame, margin: float, interval: Callable[[pd.Series], Interval]
) -> dict[str, Any]:
    """Means, difference and tests over the seeds of the decoders that have both scores."""
    both = rows.dropna()
    seeds = independent(both)
    differences = seeds.iloc[:, 0] - seeds.iloc[:, 1]
    tested = difference_test(differences)
    return {
        "means": tuple(map(float, seeds.mean())),
        "difference": interval(differences),
        "test": tested.name,
        "p": tested.p,
        "margin": margin,
        "p_equal": equivalence_p(differences, margin) if margin > 0 else float("nan"),
        "decoders": both.index,
        "left_out": len(rows) - len(both),
    }
