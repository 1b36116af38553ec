"""Means over decoders with their intervals, from the rows of tidy scores that hold a number."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, CHANCE, HEADLINE, SIMILARITY_NULLS, Headlines
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.statistics import within_bounds
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
NUMBER_LEVEL = "number"  # the place of a number among several


def estimates(named: Mapping[str, pd.DataFrame], groups: list[str]) -> dict[str, pd.Series]:
    """Mean over the seeds of each group, and its interval, of several numbers.

    The value of a seed is the mean of its decoders: folds, levels and architectures of a seed
    share data and noise, and are not independent. Of one seed the interval is over trials. It
    stays within the bounds of the rows' metric (``TIDY_BOUNDS``). Rows of what is computed from
    scores must not keep the scores' metric: they have ``DIFFERENCE``, or none and no bounds.

    Parameters
    ----------
    named : mapping of str to DataFrame
        Rows by the number's name: columns of groups, seed, mean, half_width and perhaps metric.
    groups : list of str
        Axes that form the groups.

    Returns
    -------
    dict of str to Series
        By group, NaN where a number has no rows: each name, and it with ``_low`` and ``_high``.
    """
    # pandas takes as long for one number of a few rows as for all numbers of a sweep.
    rows = _joined_estimates(named, [*dict.fromkeys([*groups, "seed"])])
    each = [NUMBER_LEVEL, *groups]
    seeds = rows.groupby([*dict.fromkeys([*each, "seed"])])["mean"].mean().groupby(each)
    mean, n = seeds.mean(), seeds.count()
    whole = rows.groupby(each)
    half = interval_half(seeds.std(), n).where(n > 1, whole["half_width"].mean())
    low, high = within_bounds(mean, half, whole["lowest"].min(), whole["highest"].max())
    ends = {"": mean, "_low": pd.Series(low, mean.index), "_high": pd.Series(high, mean.index)}
    places = range(len(named))
    by_place = {
        end: values.unstack(NUMBER_LEVEL).reindex(columns=places) for end, values in ends.items()
    }
    return {
        f"{name}{end}": values[place]
        for place, name in enumerate(named)
        for end, values in by_place.items()
    }


def estimate(name: str, rows: pd.DataFrame, groups: list[str]) -> dict[str, pd.Series]:
    """See :func:`estimates`, of one number."""
    return estimates({name: rows}, groups)


def _joined_estimates(named: Mapping[str, pd.DataFrame], axes: list[str]) -> pd.DataFrame:
    """Rows of all numbers, each with its number's place, and their bounds."""
    rows = pd.concat(
        [
            each.reindex(columns=[*axes, "mean", "half_width", "metric"]).assign(
                **{NUMBER_LEVEL: place}
            )
            for place, each in enumerate(named.values())
        ],
        ignore_index=True,
    )
    return rows.join(bounds_of(rows["metric"]))


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
    """Highest similarity of a map without any information to the original map, by group.

    Returns
    -------
    dict of str to Series
        null_r, null_r_low and null_r_high: of the checks ``SIMILARITY_NULLS`` (a map of the same
        spectrum, white noise, its magnitude) the one of the highest mean. For similarities that
        do not subtract the mean, and maps without negative values, that is the magnitude.
    """
    found = estimates({check: similarities(tidy, check) for check in SIMILARITY_NULLS}, [*groups])
    nulls = [
        pd.DataFrame({f"null_r{end}": found[check + end] for end in ("", "_low", "_high")})
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
