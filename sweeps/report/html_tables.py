"""The tables of a report: cells with what is read and what is sorted by."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pandas as pd

from eegxai.figures import digits
from sweeps.analysis.tables import TableKind
from sweeps.analysis.verdicts import NOT_APPLICABLE, PASSED, UNJUDGED, VERDICT_RULES
from sweeps.scores.table import AXES
from sweeps.store.status import STATES, Status

# Column of the headline and its name; intervals stand beside those that have one.
SCORE_HEADINGS: Mapping[str, str] = {
    "calibrated": "AUPRC",
    "score": "study's score",
    "class_r": "class r",
    "model_r": "model r",
}
VERDICT_SCORE = "calibrated"  # the one that accuracy is judged by
AXES_SHOWN: Mapping[str, str] = {"snr_db": "SNR (dB)"}
SCORE_MEANINGS: Mapping[str, str] = {
    "AUPRC": "average precision of the map's magnitude as a detector of the planted signal; 1 is "
    "best, chance is close to 0",
    "study's score": "share of the positive part of the map that lies on the planted signal "
    "(spatial: cosine of topographies)",
    "class r": "correlation of the map with the one for a wrong class",
    "model r": "correlation with the map of the network whose weights are all random",
}
UNSCORED: Mapping[str, str] = {NOT_APPLICABLE: "not applicable", UNJUDGED: "baseline"}
NO_FLAGS = ""


@dataclass(frozen=True)
class Cell:
    """What a cell shows, what it is sorted by, and what kind it is (a class of the page)."""

    text: str
    sort: str
    kind: str = "number"
    note: str = ""


@dataclass(frozen=True)
class Group:
    """A name over several columns."""

    name: str
    span: int


@dataclass(frozen=True)
class Table:
    """A table of the page; the first cell of a row names it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    groups: Sequence[Group] = field(default_factory=tuple)


def verdict_table(headline: pd.DataFrame) -> Table:
    """A row a method, and for each feature type its scores and the verdict."""
    features = list(headline["feature"].unique())
    columns = ["verdict", SCORE_HEADINGS[VERDICT_SCORE]]
    rows = []
    for method, own in headline.groupby("method", sort=False):
        by_feature = {row["feature"]: row for row in own.to_dict("records")}
        judged = (_judged(by_feature.get(name), [VERDICT_SCORE]) for name in features)
        rows.append([word(method), *chain.from_iterable(judged)])
    return Table(
        caption="Verdict on each method by feature type, with 95 % intervals over decoders",
        columns=["method", *columns * len(features)],
        rows=rows,
        groups=[Group(name, len(columns)) for name in features],
    )


def headline_table(headline: pd.DataFrame, apart: Sequence[str]) -> Table:
    """A row a method, feature type and value of the axes that are kept apart."""
    axes = ["feature", *apart]
    rows = [
        [
            word(row["method"]),
            *(_value(row[axis]) for axis in axes),
            *_judged(row, list(SCORE_HEADINGS)),
            number(row["accuracy"]),
            _value(row["n_decoders"]),
        ]
        for row in headline.to_dict("records")
    ]
    shown = [AXES_SHOWN.get(axis, axis) for axis in axes]
    named = f"by {' and '.join(shown[1:])}" if apart else "over all decoders"
    return Table(
        caption=f"Scores {named}",
        columns=[
            "method",
            *shown,
            "verdict",
            *SCORE_HEADINGS.values(),
            "test accuracy",
            "decoders",
        ],
        rows=rows,
    )


def aggregate_table(aggregate: TableKind, tidy: pd.DataFrame) -> Table:
    """A row a method and feature type, as ``eegxai tables`` has them."""
    made = aggregate.make(tidy, ("feature",))
    rows = [
        [
            word(row["method"]),
            word(row["feature"]),
            *(_of_aggregate(row, column.name) for column in aggregate.columns),
        ]
        for row in made.to_dict("records")
    ]
    headings = [column.heading for column in aggregate.columns]
    caption = aggregate.about[0].upper() + aggregate.about[1:]
    return Table(caption, ["method", "feature", *headings], rows)


def _of_aggregate(row: Mapping[Hashable, Any], name: str) -> Cell:
    """A mean with its interval, or a count."""
    if f"{name}_low" in row:
        return number(row[name], (row[f"{name}_low"], row[f"{name}_high"]))
    return _value(row[name])


def _judged(row: Mapping[Hashable, Any] | None, measures: Sequence[str]) -> list[Cell]:
    """Verdict on a method and its scores with their intervals; dashes where nothing is known."""
    if row is None:
        return [Cell("–", "")] * (len(measures) + 1)
    scores = [number(row[name], (row[f"{name}_low"], row[f"{name}_high"])) for name in measures]
    return [verdict(row["verdict"]), *scores]


def verdict(letters: str) -> Cell:
    """The verdict in words."""
    if letters in UNSCORED:
        return Cell(UNSCORED[letters], f"2 {letters}", "none")
    if letters == PASSED:
        return Cell("✓ passes", "0", "pass")
    missed = [f"not {rule.name}" for rule in VERDICT_RULES if rule.letter in letters]
    return Cell(f"✗ {', '.join(missed)}", f"1 {len(missed)} {letters}", "fail")


def number(value: float, interval: tuple[float, float] | None = None) -> Cell:
    """A number of two digits, with its interval where that is known."""
    if pd.isna(value):
        return Cell(digits(value), "")
    known = interval is not None and not pd.isna(interval[0])
    note = f"[{', '.join(map(digits, interval))}]" if interval and known else ""
    return Cell(digits(value), str(value), note=note)


def word(text: object) -> Cell:
    """Words, sorted by the alphabet."""
    return Cell(str(text), str(text), "text")


def _value(value: Any) -> Cell:
    """A value of an axis or a count, as it is."""
    if isinstance(value, str):
        return word(value)
    return Cell(f"{value:g}".replace("-", "−"), str(value))


def legend() -> dict[str, str]:
    """What the columns are, and what each rule of the verdict asks."""
    return {**SCORE_MEANINGS, **{rule.name: rule.asks for rule in VERDICT_RULES}}


def answer(headline: pd.DataFrame) -> str:
    """The verdict in two sentences."""
    judged = headline[headline["verdict"] != UNJUDGED]
    passed = judged[judged["verdict"] == PASSED]
    counts = passed["method"].value_counts()
    features = list(headline["feature"].unique())
    everywhere = [name for name in passed["method"].unique() if counts[name] == len(features)]
    each = [
        f"{feature}: {', '.join(passed[passed['feature'] == feature]['method']) or 'none'}"
        for feature in features
    ]
    told = f"Of {judged['method'].nunique()} methods, {len(everywhere) or 'none'} pass every rule"
    named = f": {', '.join(everywhere)}" if everywhere else ""
    return f"{told} on every feature type{named}. By feature type, {'; '.join(each)}."


def missing_table(status: Status) -> Table:
    """Cells by stage, architecture and state."""
    rows = [
        [word(row["stage"]), word(row["architecture"]), *(_value(row[name]) for name in STATES)]
        for row in status.counts.to_dict("records")
    ]
    return Table("Cells by state", ["stage", "architecture", *STATES], rows)


def invalid_table(tidy: pd.DataFrame) -> Table:
    """On how many decoders something speaks against a method's maps, and what, for example."""
    cells = tidy.drop_duplicates(list(AXES))
    flagged = cells[cells["flags"] != NO_FLAGS]
    rows = [
        [
            *map(word, names),
            _value(len(part)),
            word(", ".join(part["feature"].unique())),
            word(part["flags"].iloc[0]),
        ]
        for names, part in flagged.groupby(["method", "architecture", "validity"], sort=False)
    ]
    caption = "Methods with flags: their scores count, their verdict is not valid"
    columns = ["method", "architecture", "validity", "decoders", "feature types", "such as"]
    return Table(caption, columns, rows)
