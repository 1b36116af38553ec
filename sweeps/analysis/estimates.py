"""Means over decoders with their intervals, from the rows of tidy scores that hold a number."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, CHANCE, HEADLINE, SIMILARITY_NULLS, Headlines
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.statistics import UNBOUNDED, Bounds, within_bounds
from sweeps.scores.table import (
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

CLASS_CHECKS = ("target_swap", "wrong_classes")


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


def headline_scores(tidy: pd.DataFrame, check: str, headlines: Headlines) -> pd.DataFrame:
    """Rows of a check that hold the headline metric of their feature type."""
    # A whole sweep has some hundred times as many rows, and copies of all columns take long.
    of_check = np.flatnonzero(_is_of(tidy, check))
    rows = tidy[["feature", "domain", "metric"]].iloc[of_check]
    found = rows["domain"] == headlines.domains(rows["feature"])
    found &= rows["metric"] == headlines.metrics(rows["feature"])
    return tidy.iloc[of_check[found.to_numpy(bool)]]


def _is_of(tidy: pd.DataFrame, check: str) -> pd.Series:
    """Whether each row is one of a check, but for those of other classes that say nothing."""
    own = tidy["check"] == check
    return own & tidy["class_testable"].ne(False) if check in CLASS_CHECKS else own


def last_steps(rows: pd.DataFrame) -> pd.DataFrame:
    """Of rows of one check and score, those of each method's last step."""
    return rows[rows["step"] == rows.groupby(list(AXES))["step"].transform("max")]


def similarities(tidy: pd.DataFrame, check: str, metric: str = SIMILARITY) -> pd.DataFrame:
    """Similarity to the original map at the check's last step, on the headline's domain."""
    return last_steps(headline_scores(tidy, check, HEADLINE.with_metric(metric)))


def leads(tidy: pd.DataFrame, control: str, headlines: Headlines) -> pd.DataFrame:
    """How much higher a method scores than a control on each decoder, trial by trial.

    Where a table has no differences of trials, as those of others, half-widths add up as if trials
    were independent: too wide, and so on the safe side.
    """
    rival = _by_cell(tidy, control, headlines)
    own = _by_cell(tidy, GROUND_TRUTH, headlines).reindex(rival.index)
    lead = own["mean"] - rival["mean"]
    half = (own["half_width"] ** 2 + rival["half_width"] ** 2) ** 0.5
    return _as_scores(rival, DIFFERENCE, lead, half)


def efficiencies(tidy: pd.DataFrame, check: str) -> pd.DataFrame:
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


def first_below(tidy: pd.DataFrame, groups: Sequence[str]) -> dict[str, pd.Series]:
    """First step of the cascade below the threshold, and on how many decoders there is none."""
    steps = similarities(tidy, CASCADE, FIRST_BELOW)
    never = steps["mean"].isna().groupby([steps[name] for name in groups]).sum()
    return {"cascade_below": steps.groupby(list(groups))["mean"].mean(), "never_below": never}


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


def in_grid_order(
    tidy: pd.DataFrame, groups: list[str], columns: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """Columns by group, in the order of the grid, after the numbers of decoders and at chance."""
    cells = tidy.drop_duplicates(list(AXES)).groupby(groups, sort=False)
    counts = pd.DataFrame({"n_decoders": cells.size(), "at_chance": cells["at_chance"].sum()})
    table = pd.DataFrame(columns).reindex(counts.index)
    return counts.astype(int).join(table).reset_index()
