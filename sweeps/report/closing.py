"""``closing_table.html``: the table that a sweep ends with, as MLflow and browsers show it."""

from collections.abc import Sequence

import pandas as pd

from sweeps.analysis.summary import headline
from sweeps.report.legends import HEADLINE_LEGEND, answer
from sweeps.report.page_templates import page_template
from sweeps.report.result_tables import terminal_headlines
from sweeps.report.table import Table

CLOSING_FILE = "closing_table.html"


def closing_page(tidy: pd.DataFrame) -> dict[str, bytes]:
    """The page by its file's name: the answer, and the table that the terminal shows."""
    table = headline(tidy)
    tables = list(terminal_headlines(table, ("feature",)))
    return {CLOSING_FILE: tables_page(answer(table), tables, HEADLINE_LEGEND).encode()}


def tables_page(sentence: str, tables: Sequence[Table], legend: str) -> str:
    """Tables between a sentence and their legend, in one file that needs no network."""
    return page_template("closing.html").render(answer=sentence, tables=tables, legend=legend)
