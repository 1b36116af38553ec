"""A table of results as people read it: built once, rendered for terminal, page and files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eegxai.rounding import digits

MISSING = "–"
MINUS = "−"
ALIKE = 0.005  # sides of an interval that differ by less are the same to the digits shown
Row = Mapping[Any, Any]  # of a table of results


@dataclass(frozen=True)
class TableCell:
    """What a cell shows, and what it is sorted by.

    Attributes
    ----------
    text : str
        With typographic signs (minus, dash); renderers replace those that their format lacks.
    sort : str
        The value it is sorted by; empty cells come last.
    spread : str
        The 95 % interval in short, see :func:`spread`; empty where there is none.
    interval : str
        The same interval as ``[low, high]``.
    kind : str
        ``number``, ``text``, or of verdicts ``pass``, ``fail`` and ``none``.
    bold : bool
        Whether it is emphasised: the best of its group, a significant difference.
    starred : bool
        Whether the interval shows what is asked of the method.
    """

    text: str
    sort: str = ""
    spread: str = ""
    interval: str = ""
    kind: str = "number"
    bold: bool = False
    starred: bool = False


@dataclass(frozen=True)
class ColumnGroup:
    """A heading over several columns."""

    name: str
    span: int


@dataclass(frozen=True)
class Table:
    """A table; leading columns of text name its rows.

    Attributes
    ----------
    title : str
        What the table shows, or which group of rows.
    columns : sequence of str
        Headings.
    rows : sequence of sequence of TableCell
    groups : sequence of ColumnGroup
        Over all columns but the first; empty where the columns are not grouped.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[TableCell]]
    groups: Sequence[ColumnGroup] = ()

    @property
    def kinds(self) -> list[str]:
        """Kind of each column, by its first cell."""
        return [cell.kind for cell in self.rows[0]] if self.rows else ["text"] * len(self.columns)

    @property
    def n_names(self) -> int:
        """Number of leading columns of text, which name the rows."""
        kinds = self.kinds
        return next((n for n, kind in enumerate(kinds) if kind != "text"), len(kinds))


def ends_text(low: float, high: float) -> str:
    """An interval as ``[low, high]``; empty where it has no ends."""
    return "" if math.isnan(low + high) else f"[{digits(low)}, {digits(high)}]"


def spread(value: float, low: float, high: float) -> str:
    """Half of an interval such as ``±0.03``, or its ends where its sides differ.

    Near a bound they do, and half of the interval would suggest values beyond it.

    Examples
    --------
    >>> spread(0.5, 0.47, 0.53), spread(0.97, 0.9, 0.99)
    ('±0.03', '[0.90, 0.99]')
    """
    if abs((high - value) - (value - low)) < ALIKE:
        return f"±{digits((high - low) / 2)}"
    return ends_text(low, high)


def word(text: object) -> TableCell:
    """Words, sorted by the alphabet."""
    return TableCell(str(text), str(text), kind="text")


def plain_value(value: object) -> TableCell:
    """A value of an axis or a count, as it is."""
    if isinstance(value, str):
        return word(value)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return TableCell(text.replace("-", MINUS), str(value))


def formatted(value: float, form: str, missing: str = MISSING, bold: bool = False) -> TableCell:
    """A number in a format such as ``.3f``."""
    if value != value:
        return TableCell(missing)
    return TableCell(format(value, form).replace("-", MINUS), str(value), bold=bold)
