"""Tables in Markdown."""

from collections.abc import Iterable

import pandas as pd

from sweeps.report.table import Table, TableCell


def to_markdown(tables: Iterable[Table], caption: str = "") -> str:
    """Tables one below the other, each under its title in bold."""
    parts = [caption] if caption else []
    for table in tables:
        parts += [f"**{table.title}**"] if table.title else []
        parts.append(_pipe_table(table))
    return "\n\n".join(parts) + "\n"


def _pipe_table(table: Table) -> str:
    align = ["left" if kind == "text" else "right" for kind in table.kinds]
    rows = [[_markdown_text(cell) for cell in row] for row in table.rows]
    frame = pd.DataFrame(rows, columns=list(table.columns))
    return frame.to_markdown(index=False, colalign=align, disable_numparse=True)


def _markdown_text(cell: TableCell) -> str:
    text = cell.text.replace("|", r"\|")
    spread = f" {cell.spread}" if cell.spread else ""
    star = r"\*" if cell.starred else ""
    return f"**{text}**{spread}{star}" if cell.bold else f"{text}{spread}{star}"
