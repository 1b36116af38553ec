"""``closing_table.html``: the table that a sweep ends with, as MLflow and browsers show it."""

from typing import Any

import pandas as pd

from sweeps.analysis.summary import headline
from sweeps.analysis.verdicts import STANDARD_THRESHOLDS, judged
from sweeps.design.thresholds import Thresholds
from sweeps.report.page_templates import page_template
from sweeps.report.recordings import IDEAL_NAME
from sweeps.report.result_tables import verdict_table
from sweeps.report.verdict_tables import group_title
from sweeps.report.verdict_texts import (
    CONTROLS_LEGEND,
    UNTOLD_LEGEND,
    VERDICT_MARKS_LEGEND,
    levels_note,
    verdict_answer,
    verdict_legend,
    verdict_notes,
)
from sweeps.scores.selection import chance_note, without_chance_decoders

CLOSING_FILE = "closing_table.html"
VERDICT_BY = ["feature"]


def closing_page(
    tidy: pd.DataFrame, thresholds: Thresholds = STANDARD_THRESHOLDS, observer: str = IDEAL_NAME
) -> dict[str, bytes]:
    """The page by its file's name: the verdict on each method; decoders at chance are left out."""
    tidy = without_chance_decoders(tidy)
    table = judged(headline(tidy, VERDICT_BY), thresholds)
    verdict = verdict_section(table, chance_note(tidy), thresholds, observer)
    return {CLOSING_FILE: page_template("closing.html").render(verdict).encode()}


def verdict_section(
    table: pd.DataFrame,
    note: str,
    thresholds: Thresholds = STANDARD_THRESHOLDS,
    observer: str = IDEAL_NAME,
) -> dict[str, Any]:
    """What ``verdict.html`` shows: the answer, a table of each feature type, and the legend.

    Parameters
    ----------
    table : DataFrame
        The verdict on each method and feature type.
    note : str
        What is said of decoders at chance; empty if there are none.
    thresholds : Thresholds
        What the verdicts ask.
    observer : str
        What the ideal observer is called.
    """
    return {
        "answer": [*verdict_answer(table), *([f"{note}."] if note else [])],
        "verdicts": [
            (verdict_table(rows, group_title(rows, VERDICT_BY, values)), list(verdict_notes(rows)))
            for values, rows in table.groupby(VERDICT_BY, sort=False)
        ],
        "marks": (VERDICT_MARKS_LEGEND, UNTOLD_LEGEND, CONTROLS_LEGEND, *levels_note(thresholds)),
        "legend": dict(verdict_legend(thresholds, observer)),
    }
