"""The verdict on each method as tables: marks, the numbers they rest on, and their intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

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
VERDICT_ORDER = (PASSES, DUPLICATE, UNDECIDED, FAILS, NO_SCORE, NOT_APPLICABLE)
COLOURS = {PASSES: "pass", FAILS: "fail"}
NUMBERLESS = (UNTESTABLE, NO_SCORE)
CORRECTED_ONLY = ["finds_signal", "efficient", "faithful"]  # what the mode study does not measure
MEASURED_BY_STUDY = tuple(one for one in PROPERTIES if one.column not in CORRECTED_ONLY)


def verdict_cell(row: Row) -> TableCell:
    """The verdict in words, sorted from passing to failing, and by the number of failures."""
    verdict = row["verdict"]
    sort = f"{VERDICT_ORDER.index(verdict)} {row['verdict_on'].count(',')} {row['verdict_on']}"
    return TableCell(verdict_text(row), sort, kind=COLOURS.get(verdict, "none"))


def property_cell(row: Row, told: Property) -> TableCell:
    """Mark of a property and the number that decides it, with its interval."""
    state, value, low, high = _property_number(row, told)
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


def study_score_cell(row: Row) -> TableCell:
    """The study's score, without a mark of its own, such as ``.82±.05``."""
    value, low, high = (float(row[f"score{end}"]) for end in ("", "_low", "_high"))
    if math.isnan(value):
        return TableCell(MISSING)
    shown = f"{_without_leading_zero(digits(value))}{_half_width_text(value - low)}"
    return TableCell(shown, str(value), interval=ends_text(low, high))


def state_cell(row: Row, told: Property) -> TableCell:
    """Its mark in words, without the number: which of several decides differs between rows."""
    state = row[told.column]
    return TableCell(f"{MARKS[state]} {state}")


def narrow_cell(row: Row, told: Property) -> TableCell:
    """As :func:`property_cell` in ten characters, such as ``✓.82±.05`` or ``?-.38a±.09``."""
    state, value, low, high = _property_number(row, told)
    if state in NUMBERLESS:
        return TableCell(MISSING)
    # The side on which the level lies: near a bound, half of the interval would contradict a mark.
    side = value - low if value > row[f"{told.column}_level"] else high - value
    number = _without_leading_zero(digits(value))
    shown = f"{MARKS[state]}{number}{_letter(row, told)}{_half_width_text(side)}"
    return TableCell(shown, str(value))


def _half_width_text(width: float) -> str:
    """Such as ``±.05``; empty where there is no interval."""
    return "" if math.isnan(width) else f"±{_without_leading_zero(digits(width))}"


def _property_number(row: Row, told: Property) -> tuple[str, float, float, float]:
    value, low, high = (float(row[f"{told.column}_{end}"]) for end in ("value", "low", "high"))
    return row[told.column], value, low, high


def _letter(row: Row, told: Property) -> str:
    """Which number of a property it is; the first has no letter."""
    return next(one.letter for one in told.conditions if one.column == row[f"{told.column}_number"])


def _without_leading_zero(number: str) -> str:
    """Without the zero before the point."""
    return number.replace("0.", ".", 1) if number.lstrip("−").startswith("0.") else number


CellMaker = Callable[[Row], TableCell]
STUDY_MARK: Mapping[str, CellMaker] = {
    STUDY_VERDICT.heading: partial(mark_cell, told=STUDY_VERDICT)
}
# What stands in the columns of a terminal's table, by heading.
TERMINAL_CELLS: Mapping[str, CellMaker] = {
    **{one.heading: partial(narrow_cell, told=one) for one in PROPERTIES},
    **STUDY_MARK,
}
# Where only the study's evaluation has scores, its own stands in place of what it does not measure.
STUDY_CELLS: Mapping[str, CellMaker] = {
    **{one.heading: TERMINAL_CELLS[one.heading] for one in MEASURED_BY_STUDY},
    "study's score": study_score_cell,
    **STUDY_MARK,
}


def terminal_verdicts(rows: pd.DataFrame, title: str) -> Table:
    """The verdict on the methods of one group, narrow enough for a terminal."""
    makers = STUDY_CELLS if _by_the_study_alone(rows) else TERMINAL_CELLS
    cells = [
        [
            word(row["method"]),
            TableCell(MARKS[row["verdict"]], kind="text"),
            *(make(row) for make in makers.values()),
        ]
        for row in rows.to_dict("records")
    ]
    return Table(title, ["method", "all", *makers], cells)


def _by_the_study_alone(rows: pd.DataFrame) -> bool:
    """Whether there are scores, and none of the corrected evaluation."""
    return bool((rows[CORRECTED_ONLY] == NO_SCORE).all(axis=None) and rows["score"].notna().any())


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
