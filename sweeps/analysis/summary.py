"""The headline of a sweep: each method's scores, robustness and verdict."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from eegxai.evaluation import (
    CALIBRATED_HEADLINE,
    CHANCE,
    HEADLINE,
    SIMILARITY_NULLS,
    Headlines,
    chance_corrected,
)
from eegxai.evaluation.controls.null_maps import UNTRAINED
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.evaluation.scoring import headlines_with
from eegxai.statistics import UNBOUNDED, Bounds, within_bounds
from sweeps.scores.table import (
    AREA,
    AXES,
    CASCADE,
    DIFFERENCE,
    EFFICIENCY,
    FIRST_BELOW,
    LEVELS,
    SIMILARITY,
    bounds_of,
    interval_half,
)

INPUT = "input_magnitude"
# What a method leads, by the column that says by how much.
LEADS = {"over_chance": CHANCE, "over_untrained": UNTRAINED, "over_input": INPUT}
USED_HEADLINE = headlines_with("used_pearson")
UNUSABLE = ("not_applicable", "degenerate")  # validity of a method that has no maps
CLASS_CHECKS = ("target_swap", "wrong_classes")
# Of which every interval is needed.
HEADLINE_METRICS = {
    SIMILARITY,
    AREA,
    FIRST_BELOW,
    *(
        metric
        for headlines in (HEADLINE, CALIBRATED_HEADLINE, USED_HEADLINE)
        for _, metric in headlines.values()
    ),
}


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
        decoder), cascade_below (the first step at which it is below 0.5, mean over decoders where
        it ever is), never_below (on how many it never is), null_r (the highest correlation of maps
        that know nothing with the original map, see ``highest_null``), calibrated (the calibrated
        headline metric), over_chance, over_untrained and over_input (how much more that is than
        random maps of the same spectrum, the method's own on the untrained decoder, and the
        magnitude of x have, trial by trial), study_over_chance (the same of the study's score),
        efficiency and input_efficiency (share of the ideal observer's calibrated score, where
        chance is 0, of the method and of the magnitude of x), used_r (Pearson correlation over
        channels with what the decoder used), each with ``_low`` and ``_high``, its 95 % interval;
        chance (score of random maps of the same spectrum), above_chance (the score on the scale
        from chance to 1),
        calibrated_chance and calibrated_input (calibrated score of random maps and of x),
        surrogate_r, noise_r and noise_magnitude_r (correlation with the original map of random maps
        as smooth, of white noise and of its magnitude), n_decoders, n_seeds
        (with a score against the planted signal), n_scored (how many decoders have a calibrated
        score), at_chance (how many decode no better than chance; they have no scores where they are
        left out, see ``sweeps.scores.selection``), flagged (on how many of them something speaks
        against the method's maps),
        n_unusable (on how many it has none), n_duplicate (on how many they are another method's),
        duplicate_of (that method, where it is one on all), accuracy (of all), class_testable (false
        with two classes: their maps are mirror images, and class_r is NaN). The verdict on these
        numbers is :func:`sweeps.analysis.verdicts.judged`.

    Notes
    -----
    Intervals are Student's within the bounds of each number, over the means of the seeds (see
    :func:`estimate`); where there is one seed, over the trials of a decoder.
    """
    groups = [*by, "method"]
    cells = tidy.drop_duplicates(list(AXES)).fillna({"duplicate_of": "", "flags": ""})
    decoders = cells.groupby(groups, sort=False)
    columns = {**_scores(tidy, groups), **_robustness(tidy, groups), **_counts(decoders)}
    columns["n_seeds"] = seeds_with_scores(tidy, groups)
    # The order in which groups first appear is the order of the grid.
    table = pd.DataFrame(columns).reindex(decoders.size().index).reset_index()
    above_chance = chance_corrected(table["score"], table["chance"])
    counts = table[["n_scored", "n_seeds"]].fillna(0).astype(int)
    return table.assign(above_chance=above_chance, **_named(counts))


def _named(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(name): column for name, column in table.items()}


def seeds_with_scores(tidy: pd.DataFrame, groups: list[str]) -> pd.Series:
    """Number of seeds of each group with a score against the planted signal."""
    rows = tidy[tidy["check"] == GROUND_TRUTH].dropna(subset="mean")
    return rows.groupby(groups)["seed"].nunique()


def _scores(tidy: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Scores against what is planted, ideal and used, and leads over controls."""
    calibrated, chance, x_only = (
        headline_scores(tidy, check, CALIBRATED_HEADLINE) for check in (GROUND_TRUTH, CHANCE, INPUT)
    )
    estimated = {
        "score": headline_scores(tidy, GROUND_TRUTH, HEADLINE),
        "calibrated": calibrated,
        **{name: _leads(tidy, check, CALIBRATED_HEADLINE) for name, check in LEADS.items()},
        "study_over_chance": _leads(tidy, CHANCE, HEADLINE),
        "efficiency": _efficiencies(tidy, GROUND_TRUTH),
        "input_efficiency": _efficiencies(tidy, INPUT),
        "used_r": headline_scores(tidy, GROUND_TRUTH, USED_HEADLINE),
    }
    return {
        **{
            column: values
            for name, rows in estimated.items()
            for column, values in estimate(name, rows, groups).items()
        },
        "chance": _mean(headline_scores(tidy, CHANCE, HEADLINE), groups),
        "calibrated_chance": _mean(chance, groups),
        "calibrated_input": _mean(x_only, groups),
        "n_scored": calibrated.groupby(groups)["mean"].count(),
    }


def _robustness(tidy: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Correlations with the map for a wrong class and of random weights, and their levels."""
    areas = similarities(tidy, CASCADE, AREA)
    return {
        **estimate("class_r", similarities(tidy, "target_swap"), groups),
        **estimate("model_r", similarities(tidy, CASCADE), groups),
        "model_r_draws": _spread_of_draws(tidy, groups),
        **estimate("cascade_area", areas, groups),
        "n_layers": areas.groupby(groups)["step"].max(),
        **first_below(tidy, groups),
        **highest_null(tidy, groups),
        **{f"{name}_r": _mean(similarities(tidy, name), groups) for name in SIMILARITY_NULLS},
    }


def _counts(decoders: DataFrameGroupBy) -> dict[str, pd.Series]:
    """How many decoders there are, and on how many of them something is the matter."""
    return {
        "n_decoders": decoders.size(),
        "at_chance": decoders["at_chance"].sum().astype(int),
        "flagged": decoders["flags"].agg(lambda flags: (flags != "").sum()),
        "n_unusable": decoders["validity"].agg(lambda found: found.isin(UNUSABLE).sum()),
        "n_duplicate": decoders["duplicate_of"].agg(lambda names: (names != "").sum()),
        "duplicate_of": decoders["duplicate_of"].agg(_one_original),
        "accuracy": decoders["accuracy"].mean(),
        "class_testable": decoders["class_testable"].agg(_any_testable),
    }


def _mean(rows: pd.DataFrame, groups: list[str]) -> pd.Series:
    return rows.groupby(groups)["mean"].mean()


def estimate(name: str, rows: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """Mean over the seeds of each group, and its interval.

    The value of a seed is the mean of its decoders: folds, levels and architectures of a seed
    share data and noise, and are not independent. Of one seed the interval is over trials. It
    stays within the bounds of the rows' metric (``TIDY_BOUNDS``). Rows of what is computed from
    scores must not keep the scores' metric: they have ``DIFFERENCE``, or none and no bounds.
    """
    seeds = rows.groupby([*dict.fromkeys([*groups, "seed"])])["mean"].mean().groupby(groups)
    mean, n = seeds.mean(), seeds.count()
    over_seeds = interval_half(seeds.std(), n)
    half = over_seeds.where(n > 1, rows.groupby(groups)["half_width"].mean())
    low, high = within_bounds(mean, half, *_bounds(rows, groups))
    return {
        name: mean,
        f"{name}_low": pd.Series(low, mean.index),
        f"{name}_high": pd.Series(high, mean.index),
    }


def _bounds(rows: pd.DataFrame, groups: list[str]) -> Bounds | tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value that each group's numbers can have."""
    if "metric" not in rows:
        return UNBOUNDED
    each = bounds_of(rows["metric"]).groupby([rows[name] for name in groups])
    return each["lowest"].min().to_numpy(), each["highest"].max().to_numpy()


def _leads(tidy: pd.DataFrame, control: str, headlines: Headlines) -> pd.DataFrame:
    """How much higher a method scores than a control on each decoder, trial by trial.

    Where a table has no differences of trials, as those of others, half-widths add up as if trials
    were independent: too wide, and so on the safe side.
    """
    rival = _by_cell(tidy, control, headlines)
    own = _by_cell(tidy, GROUND_TRUTH, headlines).reindex(rival.index)
    lead = own["mean"] - rival["mean"]
    half = (own["half_width"] ** 2 + rival["half_width"] ** 2) ** 0.5
    return _as_scores(rival, DIFFERENCE, lead, half)


def _efficiencies(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
    """Share of the ideal observer's score on each decoder, where chance is 0."""
    found, chance, ideal = (
        _by_cell(tidy, name, CALIBRATED_HEADLINE) for name in (check, CHANCE, IDEAL_OBSERVER)
    )
    floor, ceiling = (level["mean"].reindex(found.index) for level in (chance, ideal))
    room = (ceiling - floor).where(ceiling > floor)
    share = (found["mean"] - floor) / room
    return _as_scores(found, EFFICIENCY, share, found["half_width"] / room)


def _by_cell(tidy: pd.DataFrame, check: str, headlines: Headlines) -> pd.DataFrame:
    numbers = ["mean", "half_width", *LEVELS]
    rows = headline_scores(tidy, check, headlines).set_index(list(AXES))
    return rows[numbers].astype(float)


def _as_scores(
    rows: pd.DataFrame, level: str, mean: pd.Series, half_width: pd.Series
) -> pd.DataFrame:
    """What the rows say of a level, or the given numbers where they say nothing."""
    means = {"mean": rows[level].fillna(mean), "half_width": rows[f"{level}_half"]}
    means["half_width"] = means["half_width"].fillna(half_width)
    return pd.DataFrame(means).assign(metric=level).reset_index()


def headline_scores(tidy: pd.DataFrame, check: str, headlines: Headlines) -> pd.DataFrame:
    """Rows of a check that hold the headline metric of their feature type."""
    # Of the check's rows alone: a whole sweep has some hundred times as many.
    rows = _rows_of(tidy, check)
    domains, metrics = headlines.domains(rows["feature"]), headlines.metrics(rows["feature"])
    return rows[(rows["domain"] == domains) & (rows["metric"] == metrics)]


def _rows_of(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
    """Rows of a check, but for those of other classes that say nothing."""
    rows = tidy[tidy["check"] == check]
    return rows[rows["class_testable"].ne(False)] if check in CLASS_CHECKS else rows


def _one_original(names: pd.Series) -> str:
    """The method whose maps these are on all decoders; empty if there is none."""
    return str(names.iloc[0]) if names.nunique() == 1 else ""


def _any_testable(known: pd.Series) -> bool:
    return bool(known.ne(False).any())  # where nothing is known, it is


def _spread_of_draws(tidy: pd.DataFrame, groups: list[str]) -> pd.Series:
    """How much the end of the cascade varies between draws of weights, mean over decoders."""
    return similarities(tidy, CASCADE).groupby(groups)["draws_std"].mean()


def first_below(tidy: pd.DataFrame, groups: Sequence[str]) -> dict[str, pd.Series]:
    """First step of the cascade below the threshold, and on how many decoders there is none."""
    steps = similarities(tidy, CASCADE, FIRST_BELOW)
    never = steps["mean"].isna().groupby([steps[name] for name in groups]).sum()
    return {"cascade_below": _mean(steps, list(groups)), "never_below": never}


def highest_null(tidy: pd.DataFrame, groups: Sequence[str]) -> dict[str, pd.Series]:
    """Highest similarity that a map which knows nothing has to the original map, by group.

    Returns
    -------
    dict of str to Series
        null_r, null_r_low and null_r_high: of the checks ``SIMILARITY_NULLS`` (a map of the same
        spectrum, white noise, its magnitude) the one of the highest mean. For similarities that
        do not subtract the mean, and maps without negative values, that is the magnitude.
    """
    nulls = [
        pd.DataFrame(estimate("null_r", similarities(tidy, check), list(groups)))
        for check in SIMILARITY_NULLS
    ]
    ordered = pd.concat(nulls).sort_values("null_r", na_position="first", kind="stable")
    highest = ordered.groupby(level=list(groups), sort=False).tail(1)
    return {str(name): column for name, column in highest.items()}


def similarities(tidy: pd.DataFrame, check: str, metric: str = SIMILARITY) -> pd.DataFrame:
    """Similarity to the original map at the check's last step, on the headline's domain."""
    rows = _rows_of(tidy, check)
    rows = rows[rows["metric"] == metric]
    return last_steps(rows[rows["domain"] == HEADLINE.domains(rows["feature"])])


def in_grid_order(
    tidy: pd.DataFrame, groups: list[str], columns: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """Columns by group, in the order of the grid, after the numbers of decoders and at chance."""
    cells = tidy.drop_duplicates(list(AXES)).groupby(groups, sort=False)
    counts = pd.DataFrame({"n_decoders": cells.size(), "at_chance": cells["at_chance"].sum()})
    table = pd.DataFrame(columns).reindex(counts.index)
    return counts.astype(int).join(table).reset_index()


def last_steps(rows: pd.DataFrame) -> pd.DataFrame:
    """Of rows of one check and score, those of each method's last step."""
    return rows[rows["step"] == rows.groupby(list(AXES))["step"].transform("max")]
