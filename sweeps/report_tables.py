"""The tables of a report: cells with what is read and what is sorted by."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sweeps.status import STATES, Status
from sweeps.tidy import AXES
from sweeps.verdicts import NOT_APPLICABLE, PASSED, RULES, UNJUDGED

# Column of the headline and its name; intervals stand beside those that have one.
MEASURES: Mapping[str, str] = {
    "calibrated": "AUPRC",
    "score": "study's score",
    "class_r": "class r",
    "model_r": "model r",
}
LEGEND: Mapping[str, str] = {
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
    columns = [*MEASURES.values(), "verdict"]
    rows = []
    for method, own in headline.groupby("method", sort=False):
        by_feature = {row["feature"]: row for row in own.to_dict("records")}
        cells = [cell for name in features for cell in _judged(by_feature.get(name))]
        rows.append([word(method), *cells])
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
            *_judged(row),
            number(row["accuracy"]),
            _value(row["n_decoders"]),
        ]
        for row in headline.to_dict("records")
    ]
    named = f"by {' and '.join(apart)}" if apart else "over all decoders"
    return Table(
        caption=f"Scores {named}",
        columns=["method", *axes, *MEASURES.values(), "verdict", "test accuracy", "decoders"],
        rows=rows,
    )


def _judged(row: Mapping[Hashable, Any] | None) -> list[Cell]:
    """Scores of a method with their intervals, and the verdict; dashes where nothing is known."""
    if row is None:
        return [Cell("–", "")] * (len(MEASURES) + 1)
    scores = [number(row[name], (row[f"{name}_low"], row[f"{name}_high"])) for name in MEASURES]
    return [*scores, verdict(row["verdict"])]


def verdict(letters: str) -> Cell:
    """The verdict in words."""
    if letters in UNSCORED:
        return Cell(UNSCORED[letters], f"2 {letters}", "none")
    if letters == PASSED:
        return Cell("✓ passes", "0", "pass")
    missed = [rule.name for rule in RULES if rule.letter in letters]
    return Cell(f"✗ not {', '.join(missed)}", f"1 {len(missed)} {letters}", "fail")


def number(value: float, interval: tuple[float, float] | None = None) -> Cell:
    """A number of two digits; a dash where there is none."""
    if pd.isna(value):
        return Cell("–", "")
    known = interval is not None and not pd.isna(interval[0])
    note = f"[{_digits(interval[0])}, {_digits(interval[1])}]" if interval and known else ""
    return Cell(_digits(value), str(value), note=note)


def _digits(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def word(text: object) -> Cell:
    """Words, sorted by the alphabet."""
    return Cell(str(text), str(text), "text")


def _value(value: Any) -> Cell:
    """A value of an axis or a count, as it is."""
    text = f"{value:g}".replace("-", "−") if isinstance(value, int | float) else str(value)
    return Cell(text, str(value))


def legend() -> dict[str, str]:
    """What the columns are, and what each rule of the verdict asks."""
    return {**LEGEND, **{rule.name: rule.asks for rule in RULES}}


def answer(headline: pd.DataFrame) -> str:
    """The verdict in two sentences."""
    judged = headline[headline["verdict"] != UNJUDGED]
    passed = judged[judged["verdict"] == PASSED]
    counts = passed["method"].value_counts()
    features = list(headline["feature"].unique())
    everywhere = [name for name in passed["method"].unique() if counts[name] == len(features)]
    each = [
        f"{feature} signals: {_listed(list(passed[passed['feature'] == feature]['method']))}"
        for feature in features
    ]
    return (
        f"Of {judged['method'].nunique()} methods, those that pass every rule on every feature "
        f"type: {_listed(everywhere)}. By feature type, {'; '.join(each)}."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def missing_table(status: Status) -> Table:
    """Cells by stage, architecture and state."""
    rows = [
        [word(row["stage"]), word(row["architecture"]), *(_value(row[name]) for name in STATES)]
        for row in status.counts.to_dict("records")
    ]
    return Table("Cells by state", ["stage", "architecture", *STATES], rows)


def invalid_table(tidy: pd.DataFrame) -> Table:
    """What speaks against the maps of a method, and on how many decoders."""
    cells = tidy.drop_duplicates(list(AXES))
    flagged = cells[cells["flags"] != NO_FLAGS]
    groups = flagged.groupby(["method", "architecture", "validity", "flags"], sort=False)
    rows = [
        [*map(word, names), _value(len(part)), word(", ".join(part["feature"].unique()))]
        for names, part in groups
    ]
    caption = "Methods with flags: their scores count, the verdict tells"
    columns = ["method", "architecture", "validity", "flags", "decoders", "feature types"]
    return Table(caption, columns, rows)
