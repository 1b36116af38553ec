"""Texts around the tables: what their columns mean, and how well the decoders decode."""

from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from sweeps.report.table import MISSING, Table, TableCell

BOLD = "bold: best of its column, controls excluded"
# What the signs in cells mean, and which cells have them.
CELL_SIGNS: Mapping[str, Callable[[TableCell], object]] = {
    BOLD: lambda cell: cell.bold,
    "± or [ ]: 95 % interval": lambda cell: cell.spread,
    f"{MISSING}: no value, since the number is not defined for these maps, the method is not "
    "applicable, or the evaluation does not compute it": lambda cell: cell.text == MISSING,
}
SCORE_MEANINGS = {
    "calibrated score": "average precision of the map's magnitude as a detector of the planted "
    "signal; spectral: share of the relevance over frequency that lies in the planted band; 1 is "
    "best; chance and the recording's own score are in the tables below",
    "efficiency": "position of that score between random maps of the same spectrum (0) and the "
    "ideal "
    "observer's map (1)",
    "use r": "correlation of the map, summed over each channel, with what the decoder used of it",
    "study's score": "share of the positive part of the map that lies on the planted signal "
    "(spatial: cosine of topographies)",
    "class r": "correlation of the map with the map for a wrong class",
    "model r": "correlation with the map of the network with all weights random",
    "cascade area": "mean of that correlation while layer after layer gets random weights, "
    "starting at 1; low is good",
    "first below": "the first step of the cascade at which it is below 0.5",
    "null r": "the highest correlation of the map with white noise, its magnitude, or a random map "
    "of the same spectrum: what maps without any information reach",
}


def signs_legend(tables: Iterable[Table]) -> list[str]:
    """What the signs in these tables mean, one line each; nothing of signs that none has."""
    cells = [cell for table in tables for row in table.rows for cell in row]
    return [meaning for meaning, has in CELL_SIGNS.items() if any(map(has, cells))]


def accuracies(table: pd.DataFrame) -> str:
    """Sentence with the mean test accuracy of the decoders of each feature type."""
    groups = table.groupby("feature", sort=False)
    return "test accuracy: " + ", ".join(
        _accuracy_sentence(str(name), rows) for name, rows in groups
    )


def _accuracy_sentence(feature: str, rows: pd.DataFrame) -> str:
    counts = rows.groupby("method")[["at_chance", "n_decoders"]].sum().max()
    text = f"{feature} {rows['accuracy'].mean():.2f}"
    if counts["at_chance"] == 0:
        return text
    return f"{text} ({counts['at_chance']} of {counts['n_decoders']} decoders at chance)"
