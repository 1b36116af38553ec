"""The tables of tests over decoders: methods of one sweep, and two sweeps compared."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from eegxai.statistics import ALPHA
from sweeps.analysis.significance import FeatureTests
from sweeps.report.table import MISSING, Table, TableCell, formatted, plain_value, word

EMPTY_CELL = TableCell("")
SMALLEST_P = 0.001  # that is shown
METHOD_COLUMNS = ("method", "mean", "rank", "letters", "to the best", "p Holm", "seeds needed")
DIFFERENCE_HEADINGS = ("feature", "method", "a", "b", "b - a", "95 % interval", "p Holm", "pairs")
TESTS_LEGEND = "\n".join(
    [
        "rank: mean over seeds; 1 is best",
        "letters: methods that share one are not significantly different, which does not",
        "show that they are equal; none where too few seeds allow no test",
        "to the best: mean difference from the best method; p Holm: signed-rank test of it,",
        "corrected for all pairs; seeds needed: for a power of 80 % at that difference",
        "shown to be equal: two one-sided t tests, Holm-corrected; the margin is the field",
        "verdict.equality",
        "differences by an axis: its share of the variance of the differences between",
        "methods, with the p values of a permutation test and of an F test",
    ]
)


def p_cell(p: float, missing: str = MISSING, bold: bool = False) -> TableCell:
    """A p value to three decimals; of smaller ones only that they are."""
    if p < SMALLEST_P:
        return TableCell(f"<{SMALLEST_P:g}", str(p), bold=bold)
    return formatted(p, ".3f", missing, bold)


def method_tests_table(tests: FeatureTests) -> Table:
    """One row per method, best first: its mean, its rank, and how it differs from the best one."""
    rows = [_method_cells(row) for row in tests.methods.to_dict("records")]
    return Table("", METHOD_COLUMNS, rows)


def _method_cells(row: Mapping[Hashable, Any]) -> list[TableCell]:
    return [
        word(row["method"]),
        formatted(row["mean"], ".3f"),
        formatted(row["rank"], ".1f"),
        TableCell(row["letters"], row["letters"]),
        # Of the best method itself there is nothing to show.
        formatted(row["difference"], "+.3f", missing=""),
        p_cell(row["p_holm"], missing=""),
        # Infinitely many where there is no difference to find.
        formatted(row["n_needed"], ".0f", missing="") if row["n_needed"] < math.inf else EMPTY_CELL,
    ]


def differences_table(differences: pd.DataFrame) -> Table:
    """One row per feature type and method; bold where the difference is significant."""
    starts = ~differences["feature"].duplicated()
    rows = [
        [word(row["feature"] if first else ""), *_difference_row(row)]
        for row, first in zip(differences.to_dict("records"), starts, strict=True)
    ]
    return Table("", DIFFERENCE_HEADINGS, rows)


def _difference_row(row: Mapping[Hashable, Any]) -> list[TableCell]:
    low, high = (formatted(row[name], "+.3f").text for name in ("low", "high"))
    return [
        word(row["method"]),
        *(formatted(row[name], ".3f") for name in ("mean_a", "mean_b")),
        formatted(row["difference"], "+.3f", bold=row["p_holm"] < ALPHA),
        TableCell(f"{low} .. {high}" if pd.notna(row["low"]) else MISSING),
        p_cell(row["p_holm"], bold=row["p_holm"] < ALPHA),
        plain_value(row["n_pairs"]),
    ]
