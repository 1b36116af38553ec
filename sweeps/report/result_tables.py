"""The tables of a sweep's results, from the tables of ``sweeps.analysis``."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import pandas as pd

from eegxai.attribution import CONTROLS
from eegxai.rounding import digits
from sweeps.analysis.tables import Column, TableKind
from sweeps.analysis.verdicts import (
    NOT_APPLICABLE,
    NOT_TESTABLE,
    PASSED,
    UNJUDGED,
    VERDICT_RULES,
)
from sweeps.report.table import (
    MISSING,
    ColumnGroup,
    Table,
    TableCell,
    ends_text,
    plain_value,
    spread,
    word,
)
from sweeps.scores.table import AXES

VERDICT = Column("verdict", "verdict")
ACCURATE_BY = Column("calibrated", "calibrated score")  # the score that accuracy is judged by
TERMINAL_COLUMNS = (
    Column("score", "score"),
    Column("calibrated", "calib"),
    Column("class_r", "class"),
    Column("model_r", "model"),
    Column("verdict", "ok?"),  # as narrow as two feature types side by side need it
)
PAGE_COLUMNS = (
    VERDICT,
    ACCURATE_BY,
    Column("score", "study's score"),
    Column("class_r", "class r"),
    Column("model_r", "model r"),
    Column("cascade_area", "cascade area"),
    Column("cascade_below", "first below"),
    Column("null_r", "null r"),
    Column("accuracy", "test accuracy"),
    Column("n_decoders", "decoders"),
    Column("at_chance", "at chance"),
    Column("n_seeds", "seeds"),
)
AXIS_HEADINGS: Mapping[str, str] = {"snr_db": "SNR (dB)"}
UNSCORED: Mapping[str, str] = {NOT_APPLICABLE: "no score", UNJUDGED: "control"}
NO_FLAGS = ""
UNKNOWN = TableCell(MISSING)

Row = Mapping[Hashable, Any]


def result_cell(
    row: Row, column: Column, best: float = float("nan"), starred: bool = False
) -> TableCell:
    """A verdict, a count, or a mean with its interval where that is known."""
    value = row[column.name]
    testable = row.get("class_testable", True)
    if column.name == VERDICT.name:
        return verdict_cell(value, testable)
    if not isinstance(value, float):
        return plain_value(value)
    if column.name == "class_r" and not testable:
        return TableCell(NOT_TESTABLE, short="2 cl")
    if pd.isna(value):
        return UNKNOWN
    low, high = (row.get(f"{column.name}_{end}", float("nan")) for end in ("low", "high"))
    known = column.with_interval and not pd.isna(high)
    return TableCell(
        text=digits(value),
        sort=str(value),
        spread=spread(value, low, high) if known else "",
        interval=ends_text(low, high) if known else "",
        short=digits(value),
        bold=value == best,
        starred=starred,
    )


def verdict_cell(letters: str, testable: bool = True) -> TableCell:
    """The verdict in words, in short as letters; ``testable`` is whether classes can be told."""
    if letters in UNSCORED:
        return TableCell(UNSCORED[letters], f"2 {letters}", kind="none", short=letters)
    unknown = "" if testable else f" (classes: {NOT_TESTABLE})"
    if letters == PASSED:
        return TableCell(f"✓ passes{unknown}", "0", kind="pass", short=letters)
    missed = [f"not {rule.name}" for rule in VERDICT_RULES if rule.letter in letters]
    sort = f"1 {len(missed)} {letters}"
    return TableCell(f"✗ {', '.join(missed)}{unknown}", sort, kind="fail", short=letters)


def tables_by_group(frame: pd.DataFrame, kind: TableKind, by: Sequence[str]) -> Iterator[Table]:
    """A table for each group of the axes ``by``, such as ``temporal, seed 0``: one row per method.

    The values of the kind's axis ``across`` stand side by side, of its first column alone.
    """
    axes = [axis for axis in by if axis != kind.across]
    for values, rows in frame.groupby(axes, sort=False):
        columns = (
            _columns_across(rows, kind) if kind.across else _columns_beside(rows, kind.columns)
        )
        methods = rows["method"].drop_duplicates()
        body = [
            [word(method), *(cells.get(method, UNKNOWN) for cells in columns.values())]
            for method in methods
        ]
        yield Table(group_name(axes, values), ["method", *columns], body)


def group_name(axes: Sequence[str], values: Sequence[object]) -> str:
    """Such as ``temporal, seed 0``."""
    named = zip(axes, values, strict=True)
    return ", ".join(str(v) if axis == "feature" else f"{axis} {v}" for axis, v in named)


Columns = dict[str, dict[str, TableCell]]  # by heading, then by method


def _columns_beside(rows: pd.DataFrame, columns: Sequence[Column]) -> Columns:
    return {column.heading: _column(rows, column) for column in columns}


def _column(rows: pd.DataFrame, column: Column) -> dict[str, TableCell]:
    best = _best(rows, column)
    shown = column.shown(rows) if column.shown else pd.Series(False, index=rows.index)
    return {
        row["method"]: result_cell(row, column, best, bool(starred))
        for row, starred in zip(rows.to_dict("records"), shown, strict=True)
    }


def _columns_across(rows: pd.DataFrame, kind: TableKind) -> Columns:
    parts = rows.groupby(kind.across, sort=False)
    return {plain_value(value).text: _column(part, kind.columns[0]) for value, part in parts}


def _best(rows: pd.DataFrame, column: Column) -> float:
    """Best value of a method that is not a control; NaN where none is best."""
    methods = rows.loc[~rows["method"].isin(list(CONTROLS)), column.name]
    if not column.best or methods.empty:
        return float("nan")
    return float(getattr(methods.astype(float), column.best)())


def whole_table(
    frame: pd.DataFrame, columns: Sequence[Column], axes: Sequence[str], title: str
) -> Table:
    """One row per method and value of the axes."""
    rows = [
        [word(row["method"]), *(plain_value(row[axis]) for axis in axes),
         *(result_cell(row, column) for column in columns)]
        for row in frame.to_dict("records")
    ]  # fmt: skip
    headings = [AXIS_HEADINGS.get(axis, axis) for axis in axes]
    return Table(title, ["method", *headings, *(column.heading for column in columns)], rows)


def headline_table(headline: pd.DataFrame, further: Sequence[str]) -> Table:
    """One row per method, feature type and value of the further axes, with verdict and scores."""
    shown = [AXIS_HEADINGS.get(axis, axis) for axis in further]
    title = f"Scores by {' and '.join(shown)}" if further else "Scores over all decoders"
    return whole_table(headline, PAGE_COLUMNS, ["feature", *further], title)


def kind_table(kind: TableKind, tidy: pd.DataFrame) -> Table:
    """One row per method and feature type of a kind of table."""
    title = kind.about[0].upper() + kind.about[1:]
    return whole_table(kind.make(tidy, ("feature",)), kind.columns, ["feature"], title)


def feature_table(headline: pd.DataFrame, columns: Sequence[Column], title: str) -> Table:
    """One row per method, the feature types side by side."""
    features = list(headline["feature"].unique())
    rows = []
    for method, own in headline.groupby("method", sort=False):
        found = {row["feature"]: row for row in own.to_dict("records")}
        cells = chain.from_iterable(_cells(found.get(name), columns) for name in features)
        rows.append([word(method), *cells])
    headings = [column.heading for column in columns]
    groups = [ColumnGroup(name, len(columns)) for name in features]
    return Table(title, ["method", *headings * len(features)], rows, groups)


def _cells(row: Row | None, columns: Sequence[Column]) -> list[TableCell]:
    """Dashes where nothing is known of a method."""
    return [UNKNOWN if row is None else result_cell(row, column) for column in columns]


def verdict_table(headline: pd.DataFrame) -> Table:
    """One row per method: verdict and calibrated score of each feature type."""
    title = "Verdict on each method by feature type, with 95 % intervals over seeds"
    return feature_table(headline, (VERDICT, ACCURATE_BY), title)


def terminal_headlines(headline: pd.DataFrame, by: Sequence[str]) -> Iterator[Table]:
    """The headline without its intervals, a table for each group of the axes beside the feature.

    ``!`` marks feature types with decoders that decode no better than chance.
    """
    others = [axis for axis in by if axis != "feature"]
    parts = headline.groupby(others, sort=False) if others else [((), headline)]
    for values, part in parts:
        table = feature_table(part, TERMINAL_COLUMNS, group_name(others, values))
        at_chance = set(part.loc[part["at_chance"] > 0, "feature"])
        marked = [
            replace(group, name=f"{group.name}{'!' * (group.name in at_chance)}")
            for group in table.groups
        ]
        yield replace(table, groups=marked)


def flagged_table(tidy: pd.DataFrame) -> Table:
    """On how many decoders something speaks against a method's maps, with an example."""
    cells = tidy.drop_duplicates(list(AXES))
    flagged = cells[cells["flags"] != NO_FLAGS]
    rows = [
        [
            *map(word, names),
            plain_value(len(part)),
            word(", ".join(part["feature"].unique())),
            word(part["flags"].iloc[0]),
        ]
        for names, part in flagged.groupby(["method", "architecture", "validity"], sort=False)
    ]
    title = "Flagged methods: their scores are reported, but they do not pass the rule “valid”"
    columns = ["method", "architecture", "validity", "decoders", "feature types", "for example"]
    return Table(title, columns, rows)
