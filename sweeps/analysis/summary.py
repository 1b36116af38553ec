"""The headline of a sweep: each method's scores, robustness and verdict."""

from collections.abc import Mapping, Sequence

import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from eegxai.evaluation import (
    CALIBRATED_HEADLINE,
    CHANCE,
    HEADLINE,
    SIMILARITY_NULLS,
    chance_corrected,
)
from eegxai.evaluation.controls.null_maps import UNTRAINED
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.evaluation.scoring import headlines_with
from sweeps.analysis.conditions import ZERO_ROWS
from sweeps.analysis.estimates import (
    efficiencies,
    estimates,
    first_below,
    headline_scores,
    highest_null,
    leads,
    similarities,
)
from sweeps.scores.needed import Measured, metrics_of
from sweeps.scores.table import AREA, AXES, CASCADE, FIRST_BELOW, SIMILARITY

INPUT = "input_magnitude"
# What a method leads, by the column that says by how much.
LEADS = {"over_chance": CHANCE, "over_untrained": UNTRAINED, "over_input": INPUT}
USED_HEADLINE = headlines_with("used_pearson")
UNUSABLE = ("not_applicable", "degenerate")  # validity of a method that has no maps
# All that the headline reads.
HEADLINE_ROWS = (
    *(Measured(GROUND_TRUTH, each) for each in (HEADLINE, CALIBRATED_HEADLINE, USED_HEADLINE)),
    *(Measured(check, CALIBRATED_HEADLINE) for check in (*LEADS.values(), IDEAL_OBSERVER)),
    Measured(CHANCE, HEADLINE),
    *(
        Measured(check, HEADLINE.with_metric(SIMILARITY))
        for check in ("target_swap", CASCADE, *SIMILARITY_NULLS)
    ),
    *(Measured(CASCADE, HEADLINE.with_metric(metric)) for metric in (AREA, FIRST_BELOW)),
)
HEADLINE_METRICS = metrics_of(HEADLINE_ROWS)  # of which MLflow has every interval


def headline(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Headline table: one row per method and group, means over the group's decoders.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    by : sequence of str
        Axes that form the groups; ``feature`` must be one of them, since each feature type has
        a headline score of its own.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, score (the study's headline metric against the ground truth),
        class_r and model_r (Pearson correlation with the original map after a target swap and
        with all weights randomized), model_r_draws (spread of the latter between draws of weights),
        cascade_area (mean correlation over the share of randomized layers), n_layers (of the
        decoder; of several the harmonic mean), cascade_below (the first step at which it is below
        0.5, mean over decoders where it ever is), never_below (on how many it never is), null_r
        (the highest correlation of maps without any information with the original map, see
        ``highest_null``), calibrated (the calibrated headline metric), over_chance, over_untrained
        and over_input (how much more that is than random maps of the same spectrum, the method's
        own on the untrained decoder, and the magnitude of x have, trial by trial),
        study_over_chance (the same of the study's score), efficiency and input_efficiency (share of
        the ideal observer's calibrated score, where chance is 0, of the method and of the magnitude
        of x), used_r (Pearson correlation over channels with what the decoder used), each with
        ``_low`` and ``_high``, its 95 % interval; chance (score of random maps of the same
        spectrum), above_chance (the score on the scale from chance to 1), calibrated_chance and
        calibrated_input (calibrated score of random maps and of x), surrogate_r, noise_r and
        noise_magnitude_r (correlation with the original map of random maps as smooth, of white
        noise and of its magnitude), score_zero_rows, class_r_zero_rows and model_r_zero_rows (share
        of the trials that enter as a row of zeros, see docs/evaluation.md#the-mode-study),
        n_decoders, n_seeds (with a score against the planted signal),
        n_scored (how many decoders have a calibrated score), at_chance (how many decode no better
        than chance; they have no scores where they are left out, see ``sweeps.scores.selection``),
        flagged (on how many of them something speaks against the method's maps), flag (what, where
        it is not that they are another method's), n_unusable (on how many it has none), n_duplicate
        (on how many they are another method's), duplicate_of (that method, where it is one on all),
        accuracy (of all), class_testable (false with two classes: their maps are mirror images, and
        class_r is NaN). The verdict on these numbers is :func:`sweeps.analysis.verdicts.judged`.

    Notes
    -----
    Intervals are Student's within the bounds of each number, over the means of the seeds (see
    :func:`estimate`); where there is one seed, over the trials of a decoder.
    """
    groups = [*by, "method"]
    read = tidy[tidy["metric"].isin(HEADLINE_METRICS)]
    cells = tidy.drop_duplicates(list(AXES)).fillna({"duplicate_of": "", "flags": ""})
    decoders = _with_signs(cells).groupby(groups, sort=False)
    columns = {
        **_headline_columns(read, groups),
        **_robustness(read, groups),
        **_decoder_counts(decoders),
    }
    columns["n_seeds"] = seeds_with_scores(read, groups)
    # The order in which groups first appear is the order of the grid.
    table = pd.DataFrame(columns).reindex(decoders.size().index).reset_index()
    above_chance = chance_corrected(table["score"], table["chance"])
    counts = table[["n_scored", "n_seeds"]].fillna(0).astype(int)
    return table.assign(above_chance=above_chance, **_columns_by_name(counts))


def _columns_by_name(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(name): column for name, column in table.items()}


def seeds_with_scores(tidy: pd.DataFrame, groups: list[str]) -> pd.Series:
    """Number of seeds of each group with a headline score against the planted signal."""
    both = (headline_scores(tidy, GROUND_TRUTH, each) for each in (HEADLINE, CALIBRATED_HEADLINE))
    columns = list(dict.fromkeys([*groups, "seed", "mean"]))
    rows = pd.concat([rows[columns] for rows in both]).dropna(subset="mean")
    return rows.groupby(groups)["seed"].nunique()


def _zero_shares(scores: Mapping[str, pd.DataFrame], groups: list[str]) -> dict[str, pd.Series]:
    """Share of the trials that enter each of the study's numbers as a row of zeros."""
    return {f"{name}{ZERO_ROWS}": _zero_share(rows, groups) for name, rows in scores.items()}


def _zero_share(rows: pd.DataFrame, groups: list[str]) -> pd.Series:
    counts = ["n_zero_rows", "n_trials"]
    known = rows.dropna(subset="mean")
    sums = known[counts].astype(float).groupby([known[name] for name in groups]).sum()
    return sums["n_zero_rows"] / sums["n_trials"]


def _headline_columns(tidy: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Scores against what is planted, ideal and used, and leads over controls."""
    calibrated, chance, x_only = (
        headline_scores(tidy, check, CALIBRATED_HEADLINE) for check in (GROUND_TRUTH, CHANCE, INPUT)
    )
    estimated = {
        "score": headline_scores(tidy, GROUND_TRUTH, HEADLINE),
        "calibrated": calibrated,
        **{name: leads(tidy, check, CALIBRATED_HEADLINE) for name, check in LEADS.items()},
        "study_over_chance": leads(tidy, CHANCE, HEADLINE),
        "efficiency": efficiencies(tidy, GROUND_TRUTH),
        "input_efficiency": efficiencies(tidy, INPUT),
        "used_r": headline_scores(tidy, GROUND_TRUTH, USED_HEADLINE),
    }
    return {
        **estimates(estimated, groups),
        **_zero_shares({"score": estimated["score"]}, groups),
        "chance": headline_scores(tidy, CHANCE, HEADLINE).groupby(groups)["mean"].mean(),
        "calibrated_chance": chance.groupby(groups)["mean"].mean(),
        "calibrated_input": x_only.groupby(groups)["mean"].mean(),
        "n_scored": calibrated.groupby(groups)["mean"].count(),
    }


def _robustness(tidy: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Correlations with the map for a wrong class and of random weights, and their levels."""
    areas, ends = similarities(tidy, CASCADE, AREA), similarities(tidy, CASCADE)
    randomized = {"class_r": similarities(tidy, "target_swap"), "model_r": ends}
    return {
        **estimates(randomized, groups),
        **_zero_shares(randomized, groups),
        # How much the end varies between draws of weights, mean over decoders.
        "model_r_draws": ends.groupby(groups)["draws_std"].mean(),
        **estimates({"cascade_area": areas}, groups),
        "n_layers": _harmonic_mean(areas.set_index(groups)["step"]),
        **first_below(tidy, groups),
        **highest_null(tidy, groups),
        **{
            f"{name}_r": similarities(tidy, name).groupby(groups)["mean"].mean()
            for name in SIMILARITY_NULLS
        },
    }


def _harmonic_mean(layers: pd.Series) -> pd.Series:
    """Of decoders of several depths: the level of a cascade's area is linear in 1 / layers."""
    return 1 / (1 / layers.astype(float)).groupby(level=layers.index.names).mean()


def _with_signs(cells: pd.DataFrame) -> pd.DataFrame:
    """Whether something is the matter with each cell."""
    flagged = cells["flags"] != ""
    return cells.assign(
        flagged=flagged,
        unusable=cells["validity"].isin(UNUSABLE),
        # Decoders that are left out keep the original's name and have no flags.
        flagged_duplicate=flagged & (cells["duplicate_of"] != ""),
        flag=cells["flags"].where(flagged & (cells["duplicate_of"] == "")),
        testable=cells["class_testable"].ne(False),  # where nothing is known, it is
    )


def _decoder_counts(decoders: DataFrameGroupBy) -> dict[str, pd.Series]:
    """How many decoders there are, and on how many of them something is the matter."""
    originals = decoders["duplicate_of"]
    return {
        "n_decoders": decoders.size(),
        "at_chance": decoders["at_chance"].sum().astype(int),
        "flagged": decoders["flagged"].sum().astype(int),
        "n_unusable": decoders["unusable"].sum().astype(int),
        "n_duplicate": decoders["flagged_duplicate"].sum().astype(int),
        "flag": decoders["flag"].first().fillna(""),
        # The method whose maps these are on all decoders; empty if there is none.
        "duplicate_of": originals.first().where(originals.nunique() == 1, ""),
        "accuracy": decoders["accuracy"].mean(),
        "class_testable": decoders["testable"].any(),
    }
