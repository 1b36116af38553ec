"""The validity matrix as a table and as files."""

from pathlib import Path

import pandas as pd

from eegxai.atomic import write_whole
from sweeps.analysis.validity_matrix import MATRIX_LEGEND, matrix, matrix_notes
from sweeps.report.export import csv_bytes
from sweeps.report.markdown import to_markdown
from sweeps.report.table import Table, TableCell, word


def validity_matrix_table(evidence: pd.DataFrame) -> Table:
    """One row per method: its code on each architecture."""
    codes = matrix(evidence)
    rows = [
        [word(method), *(TableCell(code, code) for code in codes.loc[method])]
        for method in codes.index
    ]
    return Table("", ["method", *codes.columns], rows)


def write_matrix(evidence: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the evidence as CSV and the matrix with its notes as Markdown; the paths written.

    Raises
    ------
    ValueError
        When a file cannot be written.
    """
    notes = "".join(f"- {note}\n" for note in matrix_notes(evidence))
    markdown = f"{to_markdown([validity_matrix_table(evidence)])}\n{MATRIX_LEGEND}\n\n{notes}"
    contents = {"validity.csv": csv_bytes(evidence), "validity.md": markdown.encode()}
    return [write_whole(folder / name, content) for name, content in contents.items()]
