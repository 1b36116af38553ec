"""The headline of a sweep: each method's score, robustness and verdict."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eegxai.attribution import BASELINES
from eegxai.evaluation import CHANCE, HEADLINE, normalised
from sweeps.tidy import AXES, SIMILARITY, interval_half

# A map that stays this alike under a wrong class or random weights explains neither
# (Sujatha Ravindran & Contreras-Vidal 2023).
SPECIFICITY_THRESHOLD = 0.5
HEADLINE_METRICS = {SIMILARITY, *(metric for _, metric in HEADLINE.values())}
PASSED = "ok"
NOT_APPLICABLE = "n/a"


def headline(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Headline table: a row a method and group, means over the group's decoders.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    by : sequence of str
        Axes that are kept apart; ``feature`` must be one of them, since each feature type has
        a headline score of its own.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, score (headline metric against the ground truth), class_r and
        model_r (Pearson correlation with the original map after a target swap and with all
        weights randomized), each with ``_low`` and ``_high``, its 95 % interval; chance (score
        of random maps of the same spectrum), above_chance (the score on the scale from chance
        to 1), null_r (correlation with random maps as smooth), n_decoders, at_chance (how many
        of them decode no better than chance), flagged (on how many of them something speaks
        against the method's maps), accuracy, verdict.

    Notes
    -----
    Intervals are Student's, over the means of the decoders; where there is one decoder, over
    its trials.
    """
    groups = [*by, "method"]
    decoders = tidy.drop_duplicates(list(AXES)).groupby(groups, sort=False)
    table = pd.DataFrame(
        {
            **_estimate("score", _scores(tidy, "ground_truth"), groups),
            "chance": _scores(tidy, CHANCE).groupby(groups)["mean"].mean(),
            **_estimate("class_r", _similarities(tidy, "target_swap"), groups),
            **_estimate("model_r", _similarities(tidy, "cascade"), groups),
            "null_r": _similarities(tidy, "surrogate").groupby(groups)["mean"].mean(),
            "n_decoders": decoders.size(),
            "at_chance": decoders["at_chance"].sum().astype(int),
            "flagged": decoders["flags"].agg(lambda flags: (flags != "").sum()),
            "accuracy": decoders["accuracy"].mean(),
        }
    )
    # The order in which groups first appear is the order of the grid.
    table = table.reindex(decoders.size().index).reset_index()
    above_chance = normalised(table["score"], table["chance"])
    return table.assign(above_chance=above_chance, verdict=_verdicts(table, list(by)))


def _estimate(name: str, rows: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Mean over the decoders of each group, and its interval."""
    decoders = rows.groupby(groups)
    mean, n = decoders["mean"].mean(), decoders["mean"].count()
    over_decoders = interval_half(decoders["mean"].std(), n)
    half = over_decoders.where(n > 1, decoders["half_width"].mean())
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}


def _scores(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
    wanted = tidy["feature"].map(HEADLINE)
    found = pd.Series(list(zip(tidy["domain"], tidy["metric"], strict=True)), index=tidy.index)
    return tidy[(tidy["check"] == check) & (found == wanted)]


def _similarities(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
    """Similarity to the original map at the check's last step, on the headline's domain."""
    domains = tidy["feature"].map({feature: domain for feature, (domain, _) in HEADLINE.items()})
    chosen = tidy[
        (tidy["check"] == check) & (tidy["metric"] == SIMILARITY) & (tidy["domain"] == domains)
    ]
    last = chosen.groupby(list(AXES))["step"].transform("max")
    return chosen[chosen["step"] == last]


def _verdicts(table: pd.DataFrame, by: list[str]) -> pd.Series:
    """``ok``, or a letter for each property that the interval does not show."""
    baselines = table[table["method"].isin(list(BASELINES))].groupby(by)["score"].max()
    known = table.set_index(by).index.map(baselines.to_dict())
    floor = pd.concat([pd.Series(known, table.index, float), table["chance"]], axis=1).max(axis=1)
    failures = (
        np.where(table["score_low"] > floor.fillna(-np.inf), "", "a")
        + np.where(table["class_r_high"] < SPECIFICITY_THRESHOLD, "", "c")
        + np.where(table["model_r_high"] < SPECIFICITY_THRESHOLD, "", "m")
        + np.where(table["flagged"] == 0, "", "v")
    )
    verdicts = pd.Series(failures, index=table.index).replace("", PASSED)
    verdicts[table["score"].isna()] = NOT_APPLICABLE
    verdicts[table["method"].isin(list(BASELINES))] = "-"
    return verdicts
