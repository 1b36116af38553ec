"""Tables as files: CSV, Parquet, Markdown, LaTeX, Excel."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from eegxai.atomic import write_whole
from sweeps.analysis.tables import TableKind
from sweeps.report.cells import Cell, cells, groups_of

DIGITS = 3  # of files that people read
SPECIAL = {"\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#"}


@dataclass(frozen=True)
class Export:
    """A table to write, and what it is.

    Attributes
    ----------
    table : DataFrame
        All columns.
    aggregate : Aggregate
        Which kind it is.
    by : tuple of str
        Axes that are kept apart.
    title : str
        For a caption.
    """

    table: pd.DataFrame
    aggregate: TableKind
    by: tuple[str, ...]
    title: str


def write_table(export: Export, folder: Path, name: str, formats: Iterable[str]) -> list[Path]:
    """Write a table in formats (names in ``TABLE_FORMATS``); the paths written."""
    paths = []
    for kind in formats:
        ending, content = TABLE_FORMATS[kind]
        paths.append(folder / f"{name}.{ending}")
        write_whole(paths[-1], content(export))
    return paths


def _csv(export: Export) -> bytes:
    return export.table.to_csv(index=False).encode()


def _parquet(export: Export) -> bytes:
    return export.table.to_parquet(index=False)


def _markdown(export: Export) -> bytes:
    return (export.table.round(DIGITS).to_markdown(index=False) + "\n").encode()


def _excel(export: Export) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        export.table.to_excel(writer, sheet_name="table", index=False, freeze_panes=(1, 0))
    return buffer.getvalue()


def _latex(export: Export) -> bytes:
    """Table for booktabs: best methods in bold, those that show what is asked with a star."""
    columns = export.aggregate.columns
    axes = [axis for axis in (*export.by, export.aggregate.across) if axis]
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        rf"\caption{{{_escaped(_caption(export))}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        _line(["method", *(_escaped(column.heading) for column in columns)]),
    ]
    whole = TableKind(export.aggregate.about, export.aggregate.make, columns)
    for name, rows in groups_of(export.table, whole, list(dict.fromkeys(axes))):
        lines += [r"\midrule", _group(name, len(columns) + 1), *_rows(rows, export)]
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return ("\n".join(lines) + "\n").encode()


def _caption(export: Export) -> str:
    about = f"{export.title}: {export.aggregate.about}."
    if not any(column.best for column in export.aggregate.columns):
        return about
    return (
        f"{about} Means over decoders with half of their 95 % intervals; bold: best of its "
        "group, baselines aside; *: the interval lies above chance (scores) or below the "
        "threshold of specificity (correlations)."
    )


def _rows(rows: pd.DataFrame, export: Export) -> list[str]:
    shown = cells(rows, export.aggregate.columns)
    by_row = zip(*shown.values(), strict=True)
    return [
        _line([_escaped(method), *map(_number, row)])
        for method, row in zip(rows["method"], by_row, strict=True)
    ]


def _number(cell: Cell) -> str:
    number = cell.text.replace("-", "$-$", 1) if cell.text[-1].isdigit() else cell.text
    text = rf"\textbf{{{number}}}" if cell.best else number
    half = rf" {{\scriptsize$\pm${cell.half}}}" if cell.half else ""
    return f"{text}{half}{'*' if cell.marked else ''}"


def _group(name: str, width: int) -> str:
    return rf"\multicolumn{{{width}}}{{l}}{{\emph{{{_escaped(name)}}}}} \\"


def _line(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _escaped(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in text)


TABLE_FORMATS: Mapping[str, tuple[str, Callable[[Export], bytes]]] = {
    "csv": ("csv", _csv),
    "parquet": ("parquet", _parquet),
    "markdown": ("md", _markdown),
    "latex": ("tex", _latex),
    "excel": ("xlsx", _excel),
}
