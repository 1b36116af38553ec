"""Sentences and tables for the terminal; a table wider than 80 columns comes in parts."""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from eegxai.errors import gigabytes
from sweeps.report.table import MINUS, MISSING, Table, TableCell

TABLE_WIDTH = 80  # of a terminal that is not widened
# How lines are broken: never within a path, an address or a command's option.
WRAPPING: dict[str, Any] = {
    "width": TABLE_WIDTH,
    "subsequent_indent": "  ",
    "break_long_words": False,
    "break_on_hyphens": False,
}
GAPS = (2, 1)  # between columns: the narrower one where the wider does not fit
STYLES = {"pass": "green", "fail": "dim", "none": "dim"}
PLAIN_TABLE_SIGNS = {ord(MISSING): "--", ord(MINUS): "-"}  # signs that not every terminal has


def print_sentence(console: Console, sentence: str | Text, style: str = "") -> None:
    """Print a line as it is written, unbroken: to be copied, and found whole in a log."""
    console.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """Duration a person reads: ``40 s``, ``12 min``, ``3.4 h``, ``?`` when it is not known.

    Examples
    --------
    >>> duration(40), duration(750), duration(12240)
    ('40 s', '12 min', '3.4 h')
    """
    if math.isnan(seconds):
        return "?"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:,.1f} h"


def file_size(n_bytes: float) -> str:
    """Size a person reads.

    Examples
    --------
    >>> file_size(2.5e6), file_size(1.31e12)
    ('2 MB', '1,310 GB')
    """
    return gigabytes(n_bytes) if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def print_lines(console: Console, lines: Iterable[str], style: str = "") -> None:
    """Print lines, each broken between words where a terminal's width needs it, then indented.

    A path or address that is longer stays whole, and so does a command, which is to be copied.
    """
    for line in lines:
        is_command = line.startswith("eegxai ")
        for part in [line] if is_command else textwrap.wrap(line, **WRAPPING) or [""]:
            console.print(part, style=style, markup=False, highlight=False, soft_wrap=True)


def print_tables(console: Console, tables: Iterable[Table], title: str) -> None:
    """Print tables one below the other, each under the title and its own one."""
    for table in tables:
        console.print()
        heading = f"{title}: {table.title}" if table.title else title
        print_lines(console, [heading])
        for part in terminal_parts(table):
            console.print(part)


def terminal_parts(table: Table) -> Iterator[RenderableType]:
    """The table in parts that fit a terminal; each repeats the columns that name the rows."""
    layout = _layout(table)
    part: list[range] = []
    for unit in layout.units:
        if part and layout.width([layout.names, *part, unit]) > TABLE_WIDTH:
            yield layout.drawn(part)
            part = []
        part.append(unit)
    yield layout.drawn(part)


@dataclass(frozen=True)
class _Layout:
    """A table with the width of each column and the gap between them."""

    table: Table
    widths: Sequence[int]
    gap: int

    @property
    def names(self) -> range:
        """The columns that name the rows."""
        return range(self.table.n_names)

    @property
    def units(self) -> list[range]:
        """Columns that stay together: those of a group, or each by itself."""
        first, n_columns = self.table.n_names, len(self.table.columns)
        spans = [group.span for group in self.table.groups] or [1] * (n_columns - first)
        starts = [first + sum(spans[:place]) for place in range(len(spans))]
        return [range(start, start + span) for start, span in zip(starts, spans, strict=True)]

    def width(self, units: Iterable[range]) -> int:
        """Width of columns beside each other."""
        chosen = [self.widths[column] for column in chain(*units)]
        return sum(chosen) + self.gap * (len(chosen) - 1)

    def drawn(self, units: Sequence[range]) -> RenderableType:
        """Columns beside those that name the rows."""
        table, columns = self.table, [*chain(self.names, *units)]
        shown = RichTable(box=None, padding=(0, self.gap, 0, 0), pad_edge=False)
        for column in columns:
            shown.add_column(
                _heading(table.columns[column]),
                justify="left" if table.kinds[column] == "text" else "right",
                width=self.widths[column],
                no_wrap=True,
            )
        for row in table.rows:
            shown.add_row(*(_styled(row[column]) for column in columns))
        return Group(self._over(units), shown) if table.groups else shown

    def _over(self, units: Sequence[range]) -> Text:
        """Names of the groups, each where its columns begin: as cells they would widen one."""
        names = dict(zip(self.units, self.table.groups, strict=True))
        texts = ["".ljust(self.width([self.names]))]
        texts += [names[unit].name.ljust(self.width([unit])) for unit in units]
        return Text((" " * self.gap).join(texts).rstrip(), no_wrap=True)


def _layout(table: Table) -> _Layout:
    """The widest gap with which the whole table fits; where none does, the table has parts."""
    widths = [_width(table, column) for column in range(len(table.columns))]
    layouts = [_Layout(table, widths, gap) for gap in GAPS]
    everything = [range(len(widths))]
    return next((one for one in layouts if one.width(everything) <= TABLE_WIDTH), layouts[0])


def _width(table: Table, column: int) -> int:
    texts = (_plain_text(row[column]) for row in table.rows)
    return max(map(len, (*_heading(table.columns[column]).splitlines(), *texts)), default=0)


def _heading(name: str) -> str:
    """Long names, such as those of architectures, on several lines."""
    return name.translate(PLAIN_TABLE_SIGNS).replace("_", "\n")


def _plain_text(cell: TableCell) -> str:
    return (f"{cell.text} {cell.spread}" if cell.spread else cell.text).translate(PLAIN_TABLE_SIGNS)


def _styled(cell: TableCell) -> Text:
    return Text(_plain_text(cell), style="bold" if cell.bold else STYLES.get(cell.kind, ""))
