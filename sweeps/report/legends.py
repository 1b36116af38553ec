"""Texts around the tables: meanings of columns and verdicts, and the answer in two sentences."""

import pandas as pd

from sweeps.analysis.verdicts import NOT_APPLICABLE, PASSED, UNJUDGED, VERDICT_RULES

HEADLINE_LEGEND = "\n".join(
    [
        "score: share of the map on the planted signal; spatial: cosine of topographies",
        "calib: calibrated score, AUPRC (spectral: share of relevance in the band); the",
        "letter a goes by it, and tables --table controls shows what it must exceed",
        "class: correlation of the map with the map for a wrong class; low is good",
        "model: correlation with the map of a network of random weights; low is good",
        "null: the most that noise, |noise| or a map of the same spectrum correlates, see",
        "tables --table robustness; at or below it, nothing of the original map is left",
        "ok?: verdict. ok if the 95 % intervals show all properties, else the letters of",
        "the properties that they do NOT show:",
        *(f"{rule.letter} = not shown to be {rule.name} ({rule.asks})" for rule in VERDICT_RULES),
        "2 cl: not testable with two classes, whose maps are mirror images",
        "n/a: no score to judge by: not applicable, mute about frequency (spectral), all",
        "decoders at chance, or evaluation.mode=study; -: control, not judged",
        "!: some decoders decode no better than chance, and are left out by default",
    ]
)
TABLE_LEGEND = "bold: best of its column, controls excluded; ± or [ ]: 95 % interval"
SCORE_MEANINGS = {
    "calibrated score": "average precision of the map's magnitude as a detector of the planted "
    "signal; spectral: share of the relevance over frequency that lies in the planted band; 1 is "
    "best; chance and the recording's own score are in the tables below",
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


def page_legend() -> dict[str, str]:
    """What the columns are, and what each rule of the verdict requires."""
    return {
        **SCORE_MEANINGS,
        **{rule.name: rule.asks for rule in VERDICT_RULES},
        "✗ not …": "not shown by the 95 % interval, which is no proof of the opposite",
    }


def answer(headline: pd.DataFrame) -> str:
    """The verdict in two sentences."""
    judged = headline[headline["verdict"] != UNJUDGED]
    if (judged["verdict"] == NOT_APPLICABLE).all():
        return "No method is judged: the rules need scores of the corrected evaluation."
    passed = judged[judged["verdict"] == PASSED]
    counts = passed["method"].value_counts()
    features = list(headline["feature"].unique())
    everywhere = [name for name in passed["method"].unique() if counts[name] == len(features)]
    each = [
        f"{feature}: {', '.join(passed[passed['feature'] == feature]['method']) or 'none'}"
        for feature in features
    ]
    passes = "passes" if len(everywhere) == 1 else "pass"
    counted = f"Of {judged['method'].nunique()} methods, {len(everywhere) or 'none'} {passes}"
    named = f": {', '.join(everywhere)}" if everywhere else ""
    return f"{counted} every rule on every feature type{named}. By feature type, {'; '.join(each)}."


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
