"""The sentences of what was found of a claim."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from sweeps.analysis.claims.evidence import Evidence

MOST_NUMBERS = 4  # that a sentence lists


def named(methods: Sequence[str]) -> str:
    """A few by their names, more by their number."""
    few = len(methods) < MOST_NUMBERS
    return ", ".join(methods) if few else f"the {len(methods)} methods"


def merged(reasons: Iterable[str]) -> str:
    """Reasons in one line; those that differ in their last word alone are said once.

    Examples
    --------
    >>> merged(["no cells of method LRP", "no cells of method FullGrad", "no cells of method LRP"])
    'no cells of method LRP, FullGrad'
    """
    ends: dict[str, dict[str, None]] = {}
    for reason in filter(None, reasons):
        start, _, end = reason.rpartition(" ")
        ends.setdefault(start, {})[end] = None
    return "; ".join(f"{start} {', '.join(last)}" for start, last in ends.items())


def place_phrase(row: pd.Series, evidence: Evidence) -> str:
    """Method and group of a number, such as ``Saliency temporal -3.5 dB``."""
    values = (row[axis] for axis in evidence.by)
    words = (f"{value:g} dB" if isinstance(value, float) else str(value) for value in values)
    return " ".join([str(row["method"]), *words])


def null_levels_sentence(rows: pd.DataFrame) -> str:
    """Similarity that maps without any information reach; empty without similarities."""
    levels = rows["null"].dropna()
    ends = dict.fromkeys(f"{level:z.2f}" for level in (levels.min(), levels.max()))
    return f"maps without any information reach {' to '.join(ends)}" if len(levels) else ""


def joined_parts(*parts: str) -> str:
    """Parts of a sentence, without those that are empty."""
    return "; ".join(filter(None, parts))


def others_beside(rows: pd.DataFrame, shown: pd.Series, evidence: Evidence) -> str:
    """The numbers beside the one that is shown."""
    listed = [
        f"{place_phrase(row, evidence)} {interval_text(row['mean'], row['low'], row['high'])}"
        for place, row in rows.iterrows()
        if place != shown.name
    ]
    return f"also: {'; '.join(listed)}" if listed else ""


def interval_text(mean: float, low: float, high: float) -> str:
    """Such as ``0.82 [0.75, 0.88]``; the mean alone where there is no interval.

    Examples
    --------
    >>> interval_text(0.82, 0.75, 0.88), interval_text(-0.001, math.nan, math.nan)
    ('0.82 [0.75, 0.88]', '0.00')
    """
    bounds = "" if math.isnan(low) else f" [{low:z.2f}, {high:z.2f}]"
    return f"{mean:z.2f}{bounds}"


def counted_answers(answers: pd.DataFrame) -> str:
    """How many conditions are shown, refuted and undecided."""
    held = list(answers["holds"])
    counts = f"{held.count(True)} of {len(held)} conditions shown, {held.count(False)} refuted"
    return f"{counts}, {held.count(None)} undecided"
