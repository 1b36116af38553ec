"""Tables as files: all columns for programs (CSV, Parquet, Excel), or as people read them."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pandas as pd

from eegxai.atomic import write_whole
from sweeps.analysis.tables import VERDICT, TableKind
from sweeps.analysis.verdicts import STANDARD_THRESHOLDS
from sweeps.design.thresholds import Thresholds
from sweeps.report.latex import to_latex
from sweeps.report.markdown import to_markdown
from sweeps.report.result_tables import tables_by_group
from sweeps.report.table import Table
from sweeps.report.verdict_texts import (
    UNTOLD_LEGEND,
    VERDICT_MARKS_LEGEND,
    levels_note,
    verdict_answer,
    verdict_legend,
)
from sweeps.scores.selection import HeldCells


@dataclass(frozen=True)
class Export:
    """A table to write, and what it is.

    Attributes
    ----------
    frame : DataFrame
        All columns.
    kind : TableKind
        Which kind it is.
    by : tuple of str
        Axes whose values have rows of their own.
    held : HeldCells
        Which cells it holds.
    thresholds : Thresholds
        What the verdicts in it ask.
    """

    frame: pd.DataFrame
    kind: TableKind
    by: tuple[str, ...]
    held: HeldCells
    thresholds: Thresholds = STANDARD_THRESHOLDS

    @property
    def title(self) -> str:
        """The sweep, and which of its cells where they are chosen."""
        return f"{self.held.config}, {self.held.chosen}" if self.held.where else self.held.config

    @property
    def tables(self) -> list[Table]:
        """What people read: groups of rows, none side by side."""
        axes = dict.fromkeys(axis for axis in (*self.by, self.kind.across) if axis)
        return list(tables_by_group(self.frame, replace(self.kind, across=""), list(axes)))

    @property
    def caption(self) -> str:
        """What the table shows, and what its marks mean."""
        about = f"{self.held.config}: {self.kind.about}. {self.held.sentence}"
        if VERDICT in self.kind.columns:
            rules = [f"{name}: {asks}." for name, asks in verdict_legend(self.thresholds)]
            levels = [f"{line}." for line in levels_note(self.thresholds)]
            marks = f"{VERDICT_MARKS_LEGEND}; {UNTOLD_LEGEND}."
            return " ".join([about, *verdict_answer(self.frame, self.by), marks, *rules, *levels])
        if not any(column.best for column in self.kind.columns):
            return about
        return (
            f"{about} Means over decoders with their 95 % intervals over seeds; bold: best "
            "of its group, controls excluded; *: the interval lies above chance (scores) or below "
            "the threshold of specificity (correlations)."
        )


class Exported(Protocol):
    """What can be written."""

    @property
    def frame(self) -> pd.DataFrame:
        """All columns."""

    @property
    def held(self) -> HeldCells:
        """Which cells it holds."""

    @property
    def tables(self) -> list[Table]:
        """What people read."""

    @property
    def caption(self) -> str:
        """What the tables show."""


def write_table(export: Exported, folder: Path, name: str, formats: Iterable[str]) -> list[Path]:
    """Write a table in formats (names in ``TABLE_FORMATS``); the paths written."""
    paths = []
    for kind in formats:
        ending, content = TABLE_FORMATS[kind]
        paths.append(write_whole(folder / f"{name}.{ending}", content(export)))
    return paths


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as CSV."""
    return frame.to_csv(index=False).encode()


def _export_csv(export: Exported) -> bytes:
    """With columns that say which cells are held: a comment would break readers, a file be lost."""
    return csv_bytes(export.frame.assign(**export.held.columns))


def _parquet(export: Exported) -> bytes:
    """With metadata that say which cells are held: the ``attrs`` of ``pandas.read_parquet``."""
    frame = export.frame.copy(deep=False)
    frame.attrs.update(export.held.columns)
    return frame.to_parquet(index=False)


def _export_markdown(export: Exported) -> bytes:
    return to_markdown(export.tables, export.caption.replace("*", r"\*")).encode()


def _excel(export: Exported) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        export.frame.to_excel(writer, sheet_name="table", index=False, freeze_panes=(1, 0))
        about = pd.DataFrame(export.held.columns.items(), columns=["about", "value"])
        about.to_excel(writer, sheet_name="cells", index=False)
    return buffer.getvalue()


def _latex(export: Exported) -> bytes:
    return to_latex(export.tables, export.caption).encode()


TABLE_FORMATS: Mapping[str, tuple[str, Callable[[Exported], bytes]]] = {
    "csv": ("csv", _export_csv),
    "parquet": ("parquet", _parquet),
    "markdown": ("md", _export_markdown),
    "latex": ("tex", _latex),
    "excel": ("xlsx", _excel),
}
