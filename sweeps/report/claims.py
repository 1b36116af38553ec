"""The claims of a study as people read them: sentences, tables and files."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from eegxai.atomic import write_whole
from eegxai.rounding import counted
from sweeps.analysis.claims.verdicts import CANNOT_BE_DECIDED, DOES_NOT_HOLD, HOLDS, Verdicts
from sweeps.report.export import csv_bytes, write_table
from sweeps.report.table import (
    MINUS,
    MISSING,
    ColumnGroup,
    Row,
    Table,
    TableCell,
    plain_value,
    word,
)
from sweeps.report.terminal import TABLE_WIDTH
from sweeps.scores.selection import HeldCells

CLASS_OF_VERDICT = {HOLDS: "pass", DOES_NOT_HOLD: "fail", CANNOT_BE_DECIDED: "none"}
AT = "at_"  # before another threshold, in the columns of the claims
EVALUATION_PHRASES: Mapping[str, str] = {"study": "the study's", "corrected": "corrected"}
NO_VERDICT = TableCell(MISSING)
LEGEND = "\n".join(
    [
        "numbers: means over trained seeds with 95 % intervals; counts: by the means,",
        "with the counts that the intervals allow; docs/claims.md explains the rules.",
        "After running such a sweep, give its arguments to eegxai claims.",
    ]
)


@dataclass(frozen=True)
class ClaimsExport:
    """The claims of a study to write, see :class:`sweeps.report.export.Export`."""

    frame: pd.DataFrame
    title: str
    held: HeldCells

    @property
    def tables(self) -> list[Table]:
        """Verdicts and numbers; the statements are in the caption."""
        names = ["claim", "evaluation", "verdict", "number", "seeds", *_thresholds(self.frame)]
        return [Table("", names, [_short_row(row) for row in self.frame.to_dict("records")])]

    @property
    def caption(self) -> str:
        """What is claimed, by the numbers of the claims."""
        stated = self.frame.drop_duplicates("claim")
        claims = " ".join(f"({row['claim']}) {row['statement']}" for row in _claim_records(stated))
        return f"{self.title}. {self.held.sentence} {claims}"


def write_claims(
    verdicts: Verdicts,
    title: str,
    held: HeldCells,
    folder: Path,
    name: str,
    formats: Iterable[str],
) -> list[Path]:
    """Write the claims in formats (names in ``TABLE_FORMATS``), and all numbers as CSV.

    Returns the paths written.
    """
    paths = write_table(ClaimsExport(verdicts.claims, title, held), folder, name, formats)
    numbers = csv_bytes(verdicts.numbers.assign(**held.columns))
    return [*paths, write_whole(folder / f"{name}-numbers.csv", numbers)]


def claim_lines(claims: pd.DataFrame) -> Iterator[str]:
    """Each claim in a few lines of a terminal: statement, verdicts, numbers, rules.

    Below them stands which sweep may decide those that are not decided: often one decides many.
    """
    for claim, rows in claims.groupby("claim", sort=False):
        first = rows.iloc[0]
        yield ""
        yield from _wrapped(f"{claim}. ", f"{first['statement']} ({first['source']})")
        for row in _claim_records(rows):
            yield from _evaluation_lines(row)
    for command, rows in claims[claims["decided_by"] != ""].groupby("decided_by", sort=False):
        yield ""
        yield from _wrapped("", f"{_statements_phrase(rows)} may be decided by:")
        yield str(command)  # in one line, to be copied


def _statements_phrase(rows: pd.DataFrame) -> str:
    """Such as ``1 (study, corrected), 4 (study)``."""
    groups = rows.groupby("claim", sort=False)["evaluation"]
    return ", ".join(f"{claim} ({', '.join(evaluations)})" for claim, evaluations in groups)


def _evaluation_lines(row: Row) -> Iterator[str]:
    reason = f" ({row['lacking']})" if row["lacking"] else ""
    yield from _wrapped(f"   {row['evaluation']}: ", f"{row['verdict'].upper()}{reason}")
    yield from _wrapped("      rule: ", row["rule"])
    if number := number_text(row):
        seeds = f", {counted(row['n_seeds'], 'seed')}" if row["n_seeds"] else ""
        yield from _wrapped("      number: ", f"{number} ({row['number']}{seeds})")
    if row["detail"]:
        yield from _wrapped("      ", row["detail"])
    if others := _changes_with_threshold(row):
        yield from _wrapped("      with the threshold at ", others)


def _changes_with_threshold(row: Row) -> str:
    """What changes with another threshold; empty for claims that do not depend on it."""
    verdicts = {name.removeprefix(AT): row[name] for name in row if name.startswith(AT)}
    if not any(verdicts.values()):
        return ""
    if set(verdicts.values()) == {row["verdict"]}:
        return f"{' or '.join(verdicts)}: the same"
    return "; ".join(f"{value}: {verdict}" for value, verdict in verdicts.items())


def _wrapped(first: str, text: str) -> list[str]:
    indent = " " * (len(first) - len(first.lstrip()) + 3)
    return textwrap.wrap(
        text, TABLE_WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )


def number_text(row: Row) -> str:
    """Such as ``0.82 [0.75, 0.88]``, a count such as ``3 [2, 5]``; empty where there is none."""
    value, low, high = (row[name] for name in ("value", "low", "high"))
    if pd.isna(value):
        return ""
    form = "z.0f" if all(float(one).is_integer() for one in (value, low, high)) else "z.2f"
    return f"{value:{form}}" + ("" if pd.isna(low) else f" [{low:{form}}, {high:{form}}]")


def claims_table(claims: pd.DataFrame, title: str) -> Table:
    """One row per claim: what is claimed, and of each evaluation the verdict and the number."""
    evaluations = list(claims["evaluation"].unique())
    rows = []
    for claim, own in claims.groupby("claim", sort=False):
        found = {row["evaluation"]: _short_row(row)[2:4] for row in _claim_records(own)}
        cells = chain.from_iterable(found.get(name, [NO_VERDICT] * 2) for name in evaluations)
        rows.append([word(claim), word(own["statement"].iloc[0]), *cells])
    groups = [
        ColumnGroup("", 1),
        *(ColumnGroup(EVALUATION_PHRASES[name], 2) for name in evaluations),
    ]
    columns = ["claim", "what is claimed", *["verdict", "number"] * len(evaluations)]
    return Table(title, columns, rows, groups)


def summary_table(claims: pd.DataFrame) -> Table:
    """Verdicts and numbers, narrow enough for a terminal."""
    columns = ["claim", "evaluation", "verdict", "number", "seeds"]
    return Table("", columns, [_short_row(row)[: len(columns)] for row in _claim_records(claims)])


def _short_row(row: Row) -> list[TableCell]:
    number = number_text(row).replace("-", MINUS)
    return [
        word(row["claim"]),
        word(EVALUATION_PHRASES[row["evaluation"]]),
        TableCell(row["verdict"], row["verdict"], kind=CLASS_OF_VERDICT[row["verdict"]]),
        TableCell(number, "" if pd.isna(row["value"]) else str(row["value"])),
        plain_value(row["n_seeds"]),
        *(word(row[name]) for name in row if name.startswith(AT)),
    ]


def _thresholds(claims: pd.DataFrame) -> list[str]:
    return [str(name).replace("_", " ") for name in claims if str(name).startswith(AT)]


def _claim_records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")
