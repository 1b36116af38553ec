"""The tables of a sweep's results, from the tables of ``sweeps.analysis``."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from eegxai.attribution import CONTROLS
from eegxai.rounding import digits
from sweeps.analysis.conditions import UNTESTABLE
from sweeps.analysis.tables import SHOWN_WITH_VERDICT, VERDICT, Column, TableKind
from sweeps.analysis.verdicts import STUDY_VERDICT, TOLD
from sweeps.report.table import (
    MISSING,
    Row,
    Table,
    TableCell,
    ends_text,
    plain_value,
    spread,
    word,
)
from sweeps.report.verdict_tables import property_cell, state_cell, verdict_cell
from sweeps.scores.table import AXES

PAGE_COLUMNS = (
    VERDICT,
    Column("calibrated", "calibrated score"),
    Column("score", "study's score"),
    Column("efficiency", "efficiency"),
    Column("used_r", "use r"),
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
NO_FLAGS = ""
UNKNOWN = TableCell(MISSING)


def result_cell(
    row: Row, column: Column, best: float = float("nan"), starred: bool = False
) -> TableCell:
    """A verdict, a property, a count, or a mean with its interval where that is known."""
    if column.name == VERDICT.name:
        return verdict_cell(row)
    if column.name == STUDY_VERDICT.column:
        return state_cell(row, STUDY_VERDICT)
    if column.name in TOLD:
        return property_cell(row, TOLD[column.name])
    value = row[column.name]
    if not isinstance(value, float):
        return plain_value(value)
    if column.name == "class_r" and not row.get("class_testable", True):
        return TableCell(UNTESTABLE)
    if pd.isna(value):
        return UNKNOWN
    low, high = (row.get(f"{column.name}_{end}", float("nan")) for end in ("low", "high"))
    known = column.with_interval and not pd.isna(high)
    return TableCell(
        text=digits(value),
        sort=str(value),
        spread=spread(value, low, high) if known else "",
        interval=ends_text(low, high) if known else "",
        bold=value == best,
        starred=starred,
    )


def tables_by_group(frame: pd.DataFrame, kind: TableKind, by: Sequence[str]) -> Iterator[Table]:
    """A table for each group of the axes ``by``, such as ``temporal, seed 0``: one row per method.

    The values of the kind's axis ``across`` stand side by side, of its first column alone.
    """
    axes = [axis for axis in by if axis != kind.across]
    for values, rows in frame.groupby(axes, sort=False):
        columns = (
            _columns_across(rows, kind) if kind.across else _columns_beside(rows, kind.columns)
        )
        yield Table(group_name(axes, values), ["method", *columns], _body(rows, columns))


def _body(rows: pd.DataFrame, columns: "CellsByColumn") -> list[list[TableCell]]:
    """One row per method."""
    methods = rows["method"].drop_duplicates()
    return [
        [word(method), *(cells.get(method, UNKNOWN) for cells in columns.values())]
        for method in methods
    ]


def group_name(axes: Sequence[str], values: Sequence[object]) -> str:
    """Such as ``temporal, seed 0``."""
    named = zip(axes, values, strict=True)
    return ", ".join(str(v) if axis == "feature" else f"{axis} {v}" for axis, v in named)


CellsByColumn = dict[str, dict[str, TableCell]]  # by heading, then by method


def _columns_beside(rows: pd.DataFrame, columns: Sequence[Column]) -> CellsByColumn:
    return {column.heading: _result_column(rows, column) for column in columns}


def _result_column(rows: pd.DataFrame, column: Column) -> dict[str, TableCell]:
    best = _best_of_methods(rows, column)
    shown = column.shown(rows) if column.shown else pd.Series(False, index=rows.index)
    return {
        row["method"]: result_cell(row, column, best, bool(starred))
        for row, starred in zip(rows.to_dict("records"), shown, strict=True)
    }


def _columns_across(rows: pd.DataFrame, kind: TableKind) -> CellsByColumn:
    parts = rows.groupby(kind.across, sort=False)
    return {plain_value(value).text: _result_column(part, kind.columns[0]) for value, part in parts}


def _best_of_methods(rows: pd.DataFrame, column: Column) -> float:
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
    return whole_table(kind.table(tidy, ("feature",)), kind.columns, ["feature"], title)


def verdict_table(rows: pd.DataFrame, title: str) -> Table:
    """The verdict on the methods of one group, and the numbers it rests on."""
    columns = _columns_beside(rows, SHOWN_WITH_VERDICT)
    return Table(title, ["method", *columns], _body(rows, columns))


def flagged_table(tidy: pd.DataFrame) -> Table:
    """On how many decoders a validity check of a method's maps failed, with an example."""
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
    title = "Flagged methods: their scores are reported, but they are not shown to be applicable"
    columns = ["method", "architecture", "validity", "decoders", "feature types", "for example"]
    return Table(title, columns, rows)
