"""The verdict on each method as tables: marks, the numbers they rest on, and their intervals."""

from collections.abc import Sequence

import pandas as pd

from eegxai.rounding import counted, digits
from sweeps.analysis.conditions import NO_SCORE, UNDECIDED, UNTESTABLE
from sweeps.analysis.verdicts import (
    DUPLICATE,
    FAILS,
    MARKS,
    NOT_APPLICABLE,
    PASSES,
    PROPERTIES,
    STUDY_VERDICT,
    Property,
    verdict_text,
)
from sweeps.report.table import MISSING, Row, Table, TableCell, ends_text, spread, word

# Verdicts from best to worst, for sorting.
VERDICTS = (PASSES, DUPLICATE, UNDECIDED, FAILS, NO_SCORE, NOT_APPLICABLE)
COLOURS = {PASSES: "pass", FAILS: "fail"}
NUMBERLESS = (UNTESTABLE, NO_SCORE)


def verdict_cell(row: Row) -> TableCell:
    """The verdict in words, sorted from passing to failing, and by the number of failures."""
    verdict = row["verdict"]
    sort = f"{VERDICTS.index(verdict)} {row['verdict_on'].count(',')} {row['verdict_on']}"
    return TableCell(verdict_text(row), sort, kind=COLOURS.get(verdict, "none"))


def property_cell(row: Row, told: Property) -> TableCell:
    """Mark of a property and the number that decides it, with its interval."""
    state, value, low, high = _number(row, told)
    if state in NUMBERLESS:
        return TableCell(f"{MARKS[state]} {state}")
    return TableCell(
        f"{MARKS[state]} {digits(value)}{_letter(row, told)}",
        str(value),
        spread=spread(value, low, high),
        interval=ends_text(low, high),
    )


def mark_cell(row: Row, told: Property) -> TableCell:
    """Its mark alone."""
    return TableCell(MARKS[row[told.column]])


def state_cell(row: Row, told: Property) -> TableCell:
    """Its mark in words, without the number: which of several decides differs between rows."""
    state = row[told.column]
    return TableCell(f"{MARKS[state]} {state}")


def narrow_cell(row: Row, told: Property) -> TableCell:
    """As :func:`property_cell` in ten characters, such as ``✓.82±.05`` or ``?-.38a±.09``."""
    state, value, low, high = _number(row, told)
    if state in NUMBERLESS:
        return TableCell(MISSING)
    # The side on which the level lies: near a bound, half of the interval would contradict a mark.
    side = value - low if value > row[f"{told.column}_level"] else high - value
    shown = "" if side != side else f"±{_short(digits(side))}"
    return TableCell(
        f"{MARKS[state]}{_short(digits(value))}{_letter(row, told)}{shown}", str(value)
    )


def _number(row: Row, told: Property) -> tuple[str, float, float, float]:
    value, low, high = (float(row[f"{told.column}_{end}"]) for end in ("value", "low", "high"))
    return row[told.column], value, low, high


def _letter(row: Row, told: Property) -> str:
    """Which number of a property it is; the first has no letter."""
    return next(one.letter for one in told.conditions if one.column == row[f"{told.column}_number"])


def _short(number: str) -> str:
    """Without the zero before the point."""
    return number.replace("0.", ".", 1) if number.lstrip("−").startswith("0.") else number


TERMINAL_CELLS = {**dict.fromkeys(PROPERTIES, narrow_cell), STUDY_VERDICT: mark_cell}


def terminal_verdicts(rows: pd.DataFrame, title: str) -> Table:
    """The verdict on the methods of one group, narrow enough for a terminal."""
    headings = ["method", "all", *(one.heading for one in TERMINAL_CELLS)]
    cells = [
        [
            word(row["method"]),
            TableCell(MARKS[row["verdict"]], kind="text"),
            *(make(row, one) for one, make in TERMINAL_CELLS.items()),
        ]
        for row in rows.to_dict("records")
    ]
    return Table(title, headings, cells)


def group_title(rows: pd.DataFrame, by: Sequence[str], values: Sequence[object]) -> str:
    """Such as ``temporal, 5 decoders of 1 seed``; ``!`` where some decode no better than chance.

    Where all do, they are left out, and of no seed is anything known.
    """
    named = [
        str(value) if axis == "feature" else f"{axis} {value}"
        for axis, value in zip(by, values, strict=True)
    ]
    named[-1] += "!" * bool(rows["at_chance"].any())
    decoders, seeds = (int(rows[name].max()) for name in ("n_decoders", "n_seeds"))
    of = f"of {counted(seeds, 'seed')}" if seeds else "no better than chance, left out"
    counts = f"{counted(decoders, 'decoder')} {of}"
    return ", ".join([*named, counts])
