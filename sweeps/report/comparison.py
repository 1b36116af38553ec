"""``eegxai compare``: two runs, each a configuration or a file of tidy scores, side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from eegxai.atomic import write_whole
from eegxai.registry import lookup
from eegxai.statistics import INTERVALS
from sweeps.analysis.compare import (
    TABLE_READERS,
    Quantity,
    comparison_notes,
    differences,
    read_tidy,
    readable,
    unpaired,
)
from sweeps.design.config_file import load
from sweeps.report.export import csv_bytes
from sweeps.report.inference_tables import differences_table
from sweeps.report.markdown import to_markdown
from sweeps.report.source import SOURCES, NoScoresError, load_scores


@dataclass(frozen=True)
class ComparedRun:
    """One of the two runs compared.

    Attributes
    ----------
    name : str
        As the command line names it.
    path : Path
        A configuration, or a table of tidy scores.
    overrides : tuple of str
        Of the configuration.
    quantity : Quantity
        What is read of it.
    """

    name: str
    path: Path
    overrides: tuple[str, ...]
    quantity: Quantity

    @property
    def command(self) -> str:
        """Its configuration, as ``eegxai sweep`` takes it."""
        return " ".join([self.name, *self.overrides])

    @property
    def title(self) -> str:
        """What it is called under the table."""
        return f"{self.command}: {self.quantity.metric}, {self.quantity.check}"

    @property
    def is_table(self) -> bool:
        """Whether it is a file of tidy scores."""
        return self.path.suffix in TABLE_READERS

    def check(self) -> None:
        """Refuse overrides of a table and a wrong configuration, before any work."""
        if self.is_table and self.overrides:
            raise ValueError(f"{self.name} is a table: {self.overrides[0]} is for a configuration")
        if not self.is_table:
            load(self.path, self.overrides)

    def scores(self, source: str) -> pd.DataFrame:
        """Its tidy scores."""
        if self.is_table:
            return read_tidy(self.path)
        try:
            return load_scores(load(self.path, self.overrides), source)
        except NoScoresError as error:
            raise NoScoresError(f"{error} {self.command}") from None


@dataclass(frozen=True)
class Comparison:
    """Paired differences of two runs.

    Attributes
    ----------
    differences : DataFrame
        See :func:`sweeps.analysis.compare.differences`.
    notes : list of str
        What a reader must know, one line each.
    """

    differences: pd.DataFrame
    notes: list[str]


def compare_runs(
    a: ComparedRun, b: ComparedRun, interval: str = "student", source: str = "store"
) -> Comparison:
    """Paired differences b - a of each method over the decoders of both.

    Raises
    ------
    ValueError
        When the runs are the same or wrong, hold no scores, or have nothing in common.
    """
    if a == b:
        raise ValueError(f"{a.name} is compared with itself: give RUN_B, --b or --metric-b")
    for run in (a, b):
        run.check()
    lookup(INTERVALS, interval, "--interval")
    lookup(SOURCES, source, "--source")
    one, other = readable(*((run.scores(source), run.quantity) for run in (a, b)))
    table = differences(one, other, interval)
    titles = [f"{name}: {run.title}" for name, run in (("a", a), ("b", b))]
    return Comparison(table, [*titles, *comparison_notes(table, interval), *unpaired(one, other)])


def write_differences(table: pd.DataFrame, path: Path) -> Path:
    """Write differences as CSV (all columns) or Markdown, by the file's ending; the path.

    Raises
    ------
    ValueError
        When the file has another ending or cannot be written.
    """
    return write_whole(path, lookup(DIFFERENCE_FORMATS, path.suffix, "kind of table")(table))


def _markdown_bytes(table: pd.DataFrame) -> bytes:
    return to_markdown([differences_table(table)]).encode()


DIFFERENCE_FORMATS: Mapping[str, Callable[[pd.DataFrame], bytes]] = {
    ".csv": csv_bytes,
    ".md": _markdown_bytes,
}
