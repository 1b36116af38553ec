"""Headline tables for the terminal."""

from collections.abc import Sequence

import pandas as pd
from rich.table import Table

from sweeps.analysis.verdicts import PASSED, VERDICT_RULES

COLUMN_WIDTHS = {"score": 5, "class": 5, "model": 5}
HEADLINE_LEGEND = "\n".join(
    [
        "score: share of the map on the planted signal; spatial: cosine of topographies",
        "class: correlation of the map with the one for a wrong class",
        "model: correlation with the map of a network whose weights are all random",
        "verdict: ok, or a letter for each property that the 95 % interval does not show:",
        *(f"{rule.letter} = {rule.name}: {rule.asks}" for rule in VERDICT_RULES),
        "!: some decoders decode no better than chance",
    ]
)


def terminal_tables(table: pd.DataFrame, title: str, by: Sequence[str]) -> list[Table]:
    """Tables of methods by feature type, one for each value of the other axes of ``by``."""
    others = [axis for axis in by if axis != "feature"]
    if not others:
        return [_terminal_table(table, title)]
    return [
        _terminal_table(part, f"{title}: {_named(others, values)}")
        for values, part in table.groupby(others, sort=False)
    ]


def _named(axes: Sequence[str], values: Sequence[object]) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in zip(axes, values, strict=True))


def _terminal_table(table: pd.DataFrame, title: str) -> Table:
    """Three feature types side by side are narrow enough for a terminal of 80 columns."""
    features = table["feature"].drop_duplicates().tolist()
    at_chance = set(table.loc[table["at_chance"] > 0, "feature"])
    headings = [f"{feature}!" if feature in at_chance else feature for feature in features]
    first = max(map(len, table["method"]))
    widths = {**COLUMN_WIDTHS, "": max(map(len, table["verdict"]))}
    # A heading over several columns: as a cell of one of them it would widen it.
    over = "".join(heading.ljust(sum(widths.values()) + len(widths)) for heading in headings)
    heading = f"{title}\n{'':{first}} {over}"
    shown = Table(
        title=heading, title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )
    shown.add_column("method", no_wrap=True, width=first)
    for _ in features:
        for name, width in widths.items():
            shown.add_column(name, justify="right", width=width, no_wrap=True)
    for method, rows in table.groupby("method", sort=False):
        by_feature = rows.set_index("feature")
        cells = [cell for feature in features for cell in _cells(by_feature, feature)]
        shown.add_row(str(method), *cells)
    return shown


def accuracies(table: pd.DataFrame) -> str:
    """Sentence with the mean test accuracy of the decoders of each feature type."""
    groups = table.groupby("feature", sort=False)
    return "test accuracy: " + ", ".join(_accuracy(str(name), rows) for name, rows in groups)


def _accuracy(feature: str, rows: pd.DataFrame) -> str:
    counts = rows.groupby("method")[["at_chance", "n_decoders"]].sum().max()
    text = f"{feature} {rows['accuracy'].mean():.2f}"
    if counts["at_chance"] == 0:
        return text
    return f"{text} ({counts['at_chance']} of {counts['n_decoders']} decoders at chance)"


def _cells(rows: pd.DataFrame, feature: str) -> list[str]:
    if feature not in rows.index:
        return [""] * 4
    row = rows.loc[feature]
    numbers = [f"{row[name]:.2f}" for name in ("score", "class_r", "model_r")]
    colour = "green" if row["verdict"] == PASSED else "dim"
    return [*numbers, f"[{colour}]{row['verdict']}[/]"]
