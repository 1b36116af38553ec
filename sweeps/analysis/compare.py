"""Two sweeps, or two metrics of one, compared: paired differences over the decoders of both."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from eegxai.evaluation import chance_corrected
from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.registry import lookup
from eegxai.rounding import counted
from eegxai.statistics import (
    ALPHA,
    INTERVALS,
    UNBOUNDED,
    Bounds,
    fewest_decoders,
    holm,
    kendall_w,
    paired_differences,
)
from sweeps.analysis.estimates import headline_scores, last_steps
from sweeps.analysis.quantity import HEADLINES, KNOWN_METRICS, Quantity, bounds_named
from sweeps.scores.selection import DECODER_AXES, without_chance_decoders
from sweeps.scores.table import AXES

STUDY_HAS = "; scores of evaluation.mode=study have the headline of the study (--metric study)"
MOST_SHOWN = 6  # metrics that a sentence lists
WHICH_TABLE = (
    "it must be a table of tidy scores, such as the tidy.parquet in a sweep's store or in its "
    "MLflow summary run (the files of eegxai tables hold means over decoders)"
)

TABLE_READERS: dict[str, Callable[..., pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".csv": pd.read_csv,
}


def difference_bounds(a: Quantity, b: Quantity) -> Bounds:
    """Bounds of paired differences; none of different quantities, which are read above chance."""
    return bounds_named(a.metric).of_differences if a == b else UNBOUNDED


def read_tidy(path: Path, keep_at_chance: bool = False) -> pd.DataFrame:
    """Tidy scores from a Parquet or CSV file; decoders at chance are left out by default.

    Raises
    ------
    ValueError
        When the file cannot be read, is of another kind, or lacks a column.
    """
    reader = lookup(TABLE_READERS, path.suffix, "kind of table")
    try:
        table = reader(path)
    except OSError as error:
        raise ValueError(
            f"table {str(path)!r} cannot be read: {error.strerror or error}"
        ) from error
    except ValueError as error:  # of another content than its ending says
        raise ValueError(f"table {str(path)!r} cannot be read: {WHICH_TABLE}") from error
    needed = (*AXES, "check", "domain", "metric", "step", "mean")
    missing = [name for name in needed if name not in table]
    if missing:
        raise ValueError(f"table {str(path)!r} has no column {missing[0]!r}: {WHICH_TABLE}")
    return table if keep_at_chance else without_chance_decoders(table)


def scores_of(tidy: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    """Scores (decoders, methods) of a quantity; the index levels are the axes.

    Raises
    ------
    ValueError
        When the check or the metric is not among the scores, the one has none of the other, or
        a method has several scores on one decoder.
    """
    held = {name: tidy[name].dropna().unique() for name in ("check", "metric")}
    if quantity.metric in {*KNOWN_METRICS} - {*held["metric"], *HEADLINES}:
        raise ValueError(_not_computed(quantity, held["metric"]))
    quantity.require_known((*held["metric"], *HEADLINES), held["check"])
    rows = headline_scores(tidy, quantity.check, quantity.headlines)
    if rows.empty:
        raise ValueError(_where_score_is_missing(tidy, quantity))
    rows = last_steps(rows)
    twice = rows[rows.duplicated(list(AXES))]
    if len(twice):
        first = ", ".join(f"{axis} {twice[axis].iloc[0]}" for axis in AXES)
        raise ValueError(f"{first} has several scores of {quantity.metric!r}")
    wide = rows.pivot(index=DECODER_AXES, columns="method", values="mean")
    decoders = pd.MultiIndex.from_frame(rows[DECODER_AXES].drop_duplicates())
    return wide.reindex(index=decoders, columns=rows["method"].unique())  # the grid's order


def _not_computed(quantity: Quantity, held: Collection[str]) -> str:
    """The metric is known, and not one of this evaluation or of these features."""
    return (
        f"metric {quantity.metric!r} is not among these scores (another evaluation.mode may have "
        f"it); they have {_first_few(sorted(held))}"
    )


def _first_few(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")


def _where_score_is_missing(tidy: pd.DataFrame, quantity: Quantity) -> str:
    """Where the metric was looked for, and what the check holds there."""
    rows = tidy[tidy["check"] == quantity.check]
    sought = [(feature, quantity.headlines[feature][0]) for feature in rows["feature"].unique()]
    there = pd.MultiIndex.from_frame(rows[["feature", "domain"]]).isin(sought)
    shown = _first_few(list(rows.loc[there, "metric"].unique()))
    places = ", ".join(f"{domain} ({feature})" for feature, domain in sought)
    advice = STUDY_HAS if quantity.metric == "calibrated" and shown else ""
    return (
        f"no score of {quantity.metric!r} is in the check {quantity.check!r} on {places}; "
        f"it holds {shown or 'none: not every method is applicable, or says something about it'}"
        + advice
    )


Asked = tuple[pd.DataFrame, Quantity]  # tidy scores, and what is read of them


def readable(a: Asked, b: Asked) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores (decoders, methods) of both on one scale.

    Different quantities have none in common: they are read from chance, 0, to the best value, 1.
    """
    read = scores_of if a[1] == b[1] else above_chance
    return read(*a), read(*b)


def above_chance(tidy: pd.DataFrame, quantity: Quantity) -> pd.DataFrame:
    """Scores (decoders, methods) on the scale where chance is 0 and the best value 1."""
    found, chance = scores_of(tidy, quantity), scores_of(tidy, quantity.chance)
    chance = chance.reindex(index=found.index, columns=found.columns)
    best = 0.0 if quantity.metric in ERRORS else 1.0
    return pd.DataFrame(chance_corrected(found, chance, best), found.index, found.columns)


def differences(
    a: pd.DataFrame, b: pd.DataFrame, interval: str = "student", bounds: Bounds = UNBOUNDED
) -> pd.DataFrame:
    """Paired differences b - a of each method and feature type over the decoders of both.

    Parameters
    ----------
    a, b : DataFrame (decoders, methods)
        See ``scores_of``.
    interval : str
        A name of ``eegxai.statistics.INTERVALS``.
    bounds : Bounds
        Of the differences, see ``difference_bounds``.

    Returns
    -------
    DataFrame
        feature, then the columns of ``paired_differences``, then p_holm (over all rows).

    Raises
    ------
    ValueError
        When nothing can be paired; the sentence states why.
    """
    _check_common(a, b)
    interval_of = lookup(INTERVALS, interval, "interval")
    features = [name for name in a.index.unique("feature") if name in b.index.unique("feature")]
    parts = [
        paired_differences(_rows_of(a, name), _rows_of(b, name), interval_of, bounds)
        for name in features
    ]
    table = pd.concat(parts, keys=features, names=["feature"]).reset_index("feature")
    table = table.reset_index(drop=True).assign(p_holm=holm(table["p"]))
    if not table["n_pairs"].any():
        raise ValueError(
            "no decoder has a score in both (decoders at chance are left out), so nothing can be "
            "paired"
        )
    return table


def _rows_of(table: pd.DataFrame, feature: str) -> pd.DataFrame:
    return table[table.index.get_level_values("feature") == feature]


def _check_common(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Refuse tables that differ in every value of an axis."""
    for axis in AXES:
        one, other = _axis_values(a, axis), _axis_values(b, axis)
        if not set(one) & set(other):
            both = f"{', '.join(map(str, one))} against {', '.join(map(str, other))}"
            raise ValueError(f"no {axis} is in both ({both}), so nothing can be paired")


def _axis_values(table: pd.DataFrame, axis: str) -> list[object]:
    return list(table.columns if axis == "method" else table.index.unique(axis))


def agreement_by_feature(table: pd.DataFrame) -> pd.Series:
    """Kendall's W of the rankings of methods by their means in a and in b, by feature type."""
    groups = table.groupby("feature", sort=False)[["mean_a", "mean_b"]]
    return pd.Series({feature: kendall_w(means) for feature, means in groups})


def comparison_notes(table: pd.DataFrame, interval: str) -> list[str]:
    """What a reader of the differences must know, one line each."""
    ranks = ", ".join(
        f"{feature} not defined" if pd.isna(w) else f"{feature} {w:.2f}"
        for feature, w in agreement_by_feature(table).items()
    )
    return [
        f"pairs: seeds, each the mean of the decoders that both have; intervals: {interval}, of "
        "the mean difference",
        _tests_note(table),
        f"agreement of the two rankings (Kendall's W): {ranks}",
    ]


def _tests_note(table: pd.DataFrame) -> str:
    """How the rows are tested, or why no difference can be significant."""
    tested, most = int((table["n_pairs"] > 0).sum()), int(table["n_pairs"].max())
    fewest = fewest_decoders(ALPHA / max(tested, 1))
    if most >= fewest:
        return (
            f"p: signed-rank tests, Holm over {tested} rows; bold: p < {ALPHA}, which needs at "
            f"least {fewest} pairs"
        )
    return (
        f"p: no difference can be shown with {counted(most, 'pair')}: signed-rank tests of "
        f"{counted(tested, 'row')}, Holm-corrected, need at least {fewest} pairs, and a test of "
        f"one row {fewest_decoders()}"
    )


def readings(a: Quantity, b: Quantity, features: Iterable[str]) -> Iterator[str]:
    """How the numbers of each feature type are read, one line each."""
    for feature in features:
        both = dict.fromkeys(quantity.reading(feature) for quantity in (a, b))
        scale = "" if a == b else "; both rescaled: chance is 0, the best value 1"
        yield f"{feature}: {' against '.join(both)}{scale}"


def without_pairs(table: pd.DataFrame) -> Iterator[str]:
    """Sentences on methods of which no decoder has a score in both."""
    for feature, rows in table[table["n_pairs"] == 0].groupby("feature", sort=False):
        undefined = rows[(rows["unpaired_a"] == 0) & (rows["unpaired_b"] == 0)]
        for names, why in (
            (undefined["method"], "no score in either (not applicable, or undefined)"),
            (rows["method"].drop(undefined.index), "a score in only one of them"),
        ):
            if len(names):
                yield f"{feature}, {why}: {', '.join(names)}"


def unpaired(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Sentences on what only one of the tables has."""
    lines = []
    for name, one, other in (("a", a, b), ("b", b, a)):
        decoders = len(one.index.difference(other.index))
        methods = [str(method) for method in one if method not in other]
        if decoders:
            lines.append(f"only in {name}: {decoders} of {len(one)} decoders")
        if methods:
            lines.append(f"only in {name}: {', '.join(methods)}")
    return lines
