"""The tables of tests over decoders: methods of one sweep, and two sweeps compared."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from eegxai.statistics import ALPHA
from sweeps.analysis.significance import FeatureTests
from sweeps.report.table import Table, TableCell, formatted, plain_value, word

METHOD_COLUMNS = ("method", "mean", "rank", "tied", "to the best", "p Holm", "seeds needed")
DIFFERENCE_COLUMNS = ("feature", "method", "a", "b", "b - a", "95 % interval", "p Holm", "pairs")
TESTS_LEGEND = "\n".join(
    [
        "all equal: Friedman's test of the hypothesis that all methods rank alike",
        "rank: mean over seeds, 1 is best",
        "tied: methods that share a letter are not significantly different",
        "to the best: mean difference from the best method; p Holm: signed-rank test of it,",
        "corrected for all pairs; seeds needed: for a power of 80 % at that difference",
        "differences by an axis: its share of the variance of the differences between",
        "methods, with the p values of a permutation test and of an F test",
    ]
)


def method_tests_table(tests: FeatureTests) -> Table:
    """One row per method, best first: its mean, its rank, and how it differs from the best one."""
    rows = [_method_row(row) for row in tests.methods.to_dict("records")]
    return Table("", METHOD_COLUMNS, rows)


def _method_row(row: Mapping[Hashable, Any]) -> list[TableCell]:
    return [
        word(row["method"]),
        formatted(row["mean"], ".3f"),
        formatted(row["rank"], ".1f"),
        TableCell(row["tied"], row["tied"]),
        # Of the best method itself there is nothing to show.
        formatted(row["difference"], "+.3f", missing=""),
        formatted(row["p_holm"], ".3f", missing=""),
        formatted(row["n_needed"], ".0f", missing=""),
    ]


def differences_table(differences: pd.DataFrame) -> Table:
    """One row per feature type and method; bold where the difference is significant."""
    starts = ~differences["feature"].duplicated()
    rows = [
        [word(row["feature"] if first else ""), *_difference_row(row)]
        for row, first in zip(differences.to_dict("records"), starts, strict=True)
    ]
    return Table("", DIFFERENCE_COLUMNS, rows)


def _difference_row(row: Mapping[Hashable, Any]) -> list[TableCell]:
    low, high = (formatted(row[name], "+.3f").text for name in ("low", "high"))
    return [
        word(row["method"]),
        *(formatted(row[name], ".3f") for name in ("mean_a", "mean_b")),
        formatted(row["difference"], "+.3f", bold=row["p_holm"] < ALPHA),
        TableCell(f"{low} .. {high}"),
        formatted(row["p_holm"], ".3f", bold=row["p_holm"] < ALPHA),
        plain_value(row["n_pairs"]),
    ]
