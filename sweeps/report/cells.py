"""Tables for people: terminal and LaTeX, from the same cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from rich.table import Table

from eegxai.attribution import CONTROLS
from sweeps.analysis.tables import Column, TableKind

WIDTH = 80  # of a terminal that is not widened


@dataclass(frozen=True)
class Cell:
    """A number as people read it.

    Attributes
    ----------
    text : str
        The mean, or a count; ``--`` where there is none.
    half : str
        Half of its 95 % interval; empty where there is none.
    best : bool
        Whether no method of its group has a better one.
    marked : bool
        Whether the interval shows what is asked of the method.
    """

    text: str
    half: str = ""
    best: bool = False
    marked: bool = False

    def __str__(self) -> str:
        return f"{self.text} ±{self.half}" if self.half else self.text


Cells = dict[str, list[Cell]]  # by heading


def cells(table: pd.DataFrame, columns: Sequence[Column]) -> Cells:
    """The columns of the rows of one group, ready to be read."""
    return {column.heading: list(_cells(table, column)) for column in columns}


def _cells(table: pd.DataFrame, column: Column) -> Iterator[Cell]:
    values = table[column.name]
    best = _best(table, column)
    marked = column.shown(table) if column.shown else pd.Series(False, index=table.index)
    halves = (table[f"{column.name}_high"] - values) if column.shown or column.best else None
    for row in table.index:
        half = "" if halves is None else _text(halves[row], missing="")
        yield Cell(_text(values[row]), half, bool(values[row] == best), bool(marked[row]))


def _best(table: pd.DataFrame, column: Column) -> float:
    """Best value of a method that is no baseline; NaN where none is best."""
    methods = table.loc[~table["method"].isin(list(CONTROLS)), column.name].astype(float)
    return float(getattr(methods, column.best)()) if column.best and len(methods) else float("nan")


def _text(value: float, missing: str = "--") -> str:
    if pd.isna(value):
        return missing
    return f"{round(value, 2) + 0.0:.2f}" if isinstance(value, float) else str(value)


def groups_of(
    table: pd.DataFrame, aggregate: TableKind, by: Sequence[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of one group of ``by`` and its name, such as ``temporal, seed 0``."""
    axes = [axis for axis in by if axis != aggregate.across]
    for values, rows in table.groupby(axes, sort=False):
        named = (
            str(value) if axis == "feature" else f"{axis} {value}"
            for axis, value in zip(axes, values, strict=True)
        )
        yield ", ".join(named), rows.reset_index(drop=True)


def terminal_tables(
    table: pd.DataFrame, aggregate: TableKind, title: str, by: Sequence[str]
) -> Iterator[tuple[str, Table]]:
    """Title and table of each group, methods as rows; wide ones in parts that fit a terminal."""
    for name, rows in groups_of(table, aggregate, by):
        methods = list(rows["method"].drop_duplicates())
        columns = _texts(rows, aggregate, methods)
        for part in _parts(columns, max(map(len, methods))):
            yield f"{title}: {name}, {aggregate.about}", _table(methods, part)


def _texts(rows: pd.DataFrame, aggregate: TableKind, methods: list[str]) -> dict[str, list[str]]:
    """Texts by heading, in the order of the methods; side by side along ``across``."""
    if not aggregate.across:
        shown = cells(rows, aggregate.columns)
        return {heading: [str(cell) for cell in column] for heading, column in shown.items()}
    first = aggregate.columns[:1]
    texts = {}
    for value, part in rows.groupby(aggregate.across, sort=False):
        (column,) = cells(part, first).values()
        found = dict(zip(part["method"], column, strict=True))
        texts[_heading(value)] = [str(found.get(method, "")) for method in methods]
    return texts


def _heading(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parts(columns: dict[str, list[str]], first: int) -> Iterator[dict[str, list[str]]]:
    """Columns in groups that are as wide as a terminal together with the methods' names."""
    part: dict[str, list[str]] = {}
    width = first
    for heading, texts in columns.items():
        needed = max(map(len, (heading, *texts))) + 2
        if part and width + needed > WIDTH:
            yield part
            part, width = {}, first
        part[heading] = texts
        width += needed
    yield part


def _table(methods: list[str], columns: dict[str, list[str]]) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("method", no_wrap=True)
    for heading in columns:
        shown.add_column(heading, justify="right", no_wrap=True)
    for place, method in enumerate(methods):
        shown.add_row(method, *(texts[place] for texts in columns.values()))
    return shown
