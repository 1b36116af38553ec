"""Texts around the tables: what their columns mean, and how well the decoders decode."""

import pandas as pd

TABLE_LEGEND = "bold: best of its column, controls excluded; ± or [ ]: 95 % interval"
SCORE_MEANINGS = {
    "calibrated score": "average precision of the map's magnitude as a detector of the planted "
    "signal; spectral: share of the relevance over frequency that lies in the planted band; 1 is "
    "best; chance and the recording's own score are in the tables below",
    "efficiency": "place of that score between random maps of the same spectrum (0) and the ideal "
    "observer's map (1)",
    "use r": "correlation of the map, summed over each channel, with what the decoder used of it",
    "study's score": "share of the positive part of the map that lies on the planted signal "
    "(spatial: cosine of topographies)",
    "class r": "correlation of the map with the map for a wrong class",
    "model r": "correlation with the map of the network whose weights are all random",
    "cascade area": "mean of that correlation while layer after layer becomes random, from 1 with "
    "none; low is good",
    "first below": "the first step of the cascade at which it is below 0.5",
    "null r": "the highest correlation of the map with white noise, its magnitude, or a random map "
    "of the same spectrum: what maps reach that know nothing",
}


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
