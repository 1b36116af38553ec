"""Tables of what checks found: robustness, validity, and where numbers are defined."""

from collections.abc import Sequence

import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, HEADLINE
from sweeps.analysis.estimates import (
    estimates,
    first_below,
    headline_scores,
    highest_null,
    in_grid_order,
    similarities,
)
from sweeps.analysis.summary import HEADLINE_ROWS
from sweeps.scores.needed import Measured
from sweeps.scores.table import AREA, AXES, CASCADE, SIMILARITY

# Columns of the robustness table: the check and the metric that each is read from.
ROBUSTNESS_CHECKS = {
    "target_swap": ("target_swap", SIMILARITY),
    "label_retrain": ("label_retrain", SIMILARITY),
    "cascade_end": (CASCADE, SIMILARITY),
    "cascade_area": (CASCADE, AREA),
}
# All that the table reads.
ROBUSTNESS_ROWS = (
    *HEADLINE_ROWS,
    *(
        Measured(check, HEADLINE.with_metric(metric))
        for check, metric in ROBUSTNESS_CHECKS.values()
    ),
)
STATUSES = ("ok", "duplicate", "degenerate", "not_applicable")


def robustness(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Correlation of each method's map with the original one, check by check.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    by : sequence of str
        Axes whose values have rows of their own, ``feature`` among them.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, n_decoders, and of each check, its 95 % interval beside it:
        target_swap (another class), label_retrain (permuted labels), cascade_end (all weights
        random), cascade_area (mean over the share of randomized layers, from none to all); then
        cascade_below and never_below (see ``headline``) and null_r (the highest of maps that know
        nothing).
    """
    groups = [*by, "method"]
    rows = {name: similarities(tidy, *measure) for name, measure in ROBUSTNESS_CHECKS.items()}
    return in_grid_order(
        tidy,
        groups,
        estimates(rows, groups) | first_below(tidy, groups) | highest_null(tidy, groups),
    )


def validity_counts(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Number of decoders by the validity of each method's maps.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, n_decoders, at_chance (the decoder decodes no better than
        chance), one of each status, and flagged (a validity check failed).
    """
    groups = [*by, "method"]
    decoders = tidy.drop_duplicates(list(AXES))
    counts = decoders.assign(
        **{status: decoders["validity"] == status for status in STATUSES},
        flagged=decoders["flags"].fillna("") != "",
    )
    columns = [*STATUSES, "flagged"]
    sums = counts.groupby(groups, sort=False)[columns].sum().astype(int)
    return in_grid_order(tidy, groups, {column: sums[column] for column in columns})


def coverage(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Trials for which the headline's numbers are defined, of those that were scored.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, n_decoders, n_trials (of all decoders), and how many of them
        have a score, a calibrated score, a similarity after the target swap (class) and at the
        end of the cascade (model).
    """
    groups = [*by, "method"]
    parts = {
        "score": headline_scores(tidy, "ground_truth", HEADLINE),
        "calibrated": headline_scores(tidy, "ground_truth", CALIBRATED_HEADLINE),
        "class": similarities(tidy, "target_swap"),
        "model": similarities(tidy, CASCADE),
    }
    trials = parts["score"].groupby(groups)["n_trials"].sum()
    defined = {name: rows.groupby(groups)["n_valid"].sum() for name, rows in parts.items()}
    table = in_grid_order(tidy, groups, {"n_trials": trials, **defined})
    counts = ["n_trials", *defined]  # none where a method has no scores
    return table.assign(**table[counts].fillna(0).astype(int))
