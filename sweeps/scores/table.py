"""Tidy scores of a sweep: one table, one row per cell, check, domain, metric and step."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy

from eegxai.evaluation.bounds import METRIC_BOUNDS, SHARE
from eegxai.statistics import UNBOUNDED, Bounds
from eegxai.statistics.intervals import CONFIDENCE
from sweeps.design.cells import MethodCell
from sweeps.store.records import JudgedRecord, MethodScores, ScoreRows

COUNTS = ("n_valid", "n_trials", "n_zero_rows")
AXES = ("feature", "snr_db", "seed", "fold", "architecture", "method")
# Place between chance and the ideal observer, and the method's lead over a control.
LEVELS = ("efficiency", "efficiency_half", "difference", "difference_half")
SCORED = ("check", "domain", "metric", "step", "mean", "half_width", "draws_std", *LEVELS, *COUNTS)
KNOWN = ("accuracy", "at_chance", "validity", "duplicate_of", "flags", "class_testable")
TIDY = (*AXES, *SCORED, *KNOWN)
DIFFERENCES = ("difference", "difference_std", "n_both")  # of a cell's table
COLUMNS = [
    "check", "domain", "metric", "step", "mean", "std", "draws_std", "efficiency",
    "efficiency_std", *DIFFERENCES, *COUNTS,
]  # fmt: skip
NO_SCORE_ROWS = pa.table({"check": pa.nulls(1, pa.large_string())})  # of a cell without scores
KEY = "key"  # of the cell of a row, where tables of cells are joined
SIMILARITY = "pearson_raw"
# A map that stays this alike under a wrong class or random weights explains neither
# (Sujatha Ravindran & Contreras-Vidal 2023).
SPECIFICITY_THRESHOLD = 0.5
# What sums up a cascade stands beside its steps, as metrics of their own.
CASCADE, AREA, FIRST_BELOW = "cascade", f"{SIMILARITY}_area", f"{SIMILARITY}_first_below"
EFFICIENCY = "efficiency"  # a ratio, with no bounds
DIFFERENCE = "difference"  # of two shares, as the headline scores are
# Of the metrics of tidy scores, and of what is computed from them; others are unbounded.
TIDY_BOUNDS: Mapping[str, Bounds] = {
    **METRIC_BOUNDS,
    AREA: METRIC_BOUNDS[SIMILARITY],
    FIRST_BELOW: Bounds(1, math.inf),
    DIFFERENCE: SHARE.of_differences,
}


def tidy_scores(cells: Iterable[tuple[MethodCell, MethodScores]]) -> pd.DataFrame:
    """Tidy scores of cells and their keys: columns ``TIDY`` and ``KEY``.

    A cell without scores has one row without a check. The metric ``AREA`` is the area under the
    curve of ``SIMILARITY`` over the share of randomized layers, which starts at 1 (no layer), and
    ``FIRST_BELOW`` the first step at which the curve is below ``SPECIFICITY_THRESHOLD``, NaN where
    it never is. ``class_testable`` is false where the map of another class is uninformative.
    """
    pairs = list(cells)
    if not pairs:
        return pd.DataFrame(columns=[*TIDY, KEY])
    tables = [_scored(scores.table) for _, scores in pairs]
    return _tidy(pairs, [len(table) for table in tables], pd.concat(tables, ignore_index=True))


def tidy_rows(cells: Iterable[tuple[MethodCell, ScoreRows]]) -> pd.DataFrame:
    """What :func:`tidy_scores` gives, of the columns ``COLUMNS`` of the cells' files."""
    pairs = list(cells)
    if not pairs:
        return pd.DataFrame(columns=[*TIDY, KEY])
    tables = [scores.rows if len(scores.rows) else NO_SCORE_ROWS for _, scores in pairs]
    scored = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    return _tidy(pairs, [len(table) for table in tables], scored.reindex(columns=COLUMNS))


def _tidy(
    cells: Sequence[tuple[MethodCell, JudgedRecord]], lengths: Sequence[int], scored: pd.DataFrame
) -> pd.DataFrame:
    """Scores of cells, so many rows of each, with what is known of them and computed of them."""
    known = pd.DataFrame([_cell_columns(cell, scores) for cell, scores in cells])
    rows = np.repeat(np.arange(len(known)), lengths)
    scored["half_width"] = half_width(scored)
    scored["efficiency_half"] = _half(scored, "efficiency_std", "n_valid")
    scored["difference_half"] = _half(scored, "difference_std", "n_both")
    frame = pd.concat([known.iloc[rows].reset_index(drop=True), scored], axis=1)
    return _with_areas(frame).reindex(columns=[*TIDY, KEY])


def _cell_columns(cell: MethodCell, scores: JudgedRecord) -> dict[str, Any]:
    return {
        **cell.axes,
        KEY: cell.key,
        "accuracy": scores.accuracy,
        "at_chance": scores.at_chance,
        "validity": scores.validity.status,
        "duplicate_of": scores.validity.duplicate_of,
        "flags": "; ".join(scores.validity.flags),
        "class_testable": class_testable(cell),
    }


def class_testable(cell: MethodCell) -> bool:
    """Whether maps of other classes say anything on a cell's decoder."""
    return cell.evaluation.class_testable(len(cell.decoder.data.feature_type.classes))


def _scored(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of scores that are kept; one empty row where there is none."""
    kept = table.reindex(columns=COLUMNS)
    return kept if len(kept) else kept.reindex([0])


def _with_areas(frame: pd.DataFrame) -> pd.DataFrame:
    curves = frame[(frame["check"] == CASCADE) & (frame["metric"] == SIMILARITY)]
    if curves.empty:
        return frame
    ordered = curves.sort_values("step", kind="stable").groupby([KEY, "domain"], sort=False)
    ends = ordered.tail(1).set_index([KEY, "domain"])
    # Trapezoids of equal width, of which the first begins at 1: the map is like itself.
    steps = ordered.size()
    area = (0.5 + ordered["mean"].sum(skipna=False) - 0.5 * ends["mean"]) / steps
    # As if the errors of all steps were one, since they are of the same trials: on the safe side.
    half = (ordered["half_width"].sum(skipna=False) - 0.5 * ends["half_width"]) / steps
    below = curves[curves["mean"] < SPECIFICITY_THRESHOLD].groupby([KEY, "domain"])["step"].min()
    sums = [
        ends.assign(metric=AREA, mean=area, half_width=half, draws_std=np.nan),
        ends.assign(metric=FIRST_BELOW, mean=below, half_width=np.nan, draws_std=np.nan),
    ]
    whole = pd.concat([frame, *(table.reset_index() for table in sums)], ignore_index=True)
    place, _ = pd.factorize(whole[KEY])
    return whole.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def bounds_of(metrics: pd.Series) -> pd.DataFrame:
    """Columns lowest and highest of a column of metrics."""
    number, names = pd.factorize(metrics, use_na_sentinel=False)
    bounds = np.array([TIDY_BOUNDS.get(name, UNBOUNDED) for name in names], float).reshape(-1, 2)
    return pd.DataFrame(bounds[number], metrics.index, Bounds._fields)


def half_width(table: pd.DataFrame) -> pd.Series | float:
    """Half of the 95 % interval of each mean over the trials of one decoder (Student's t)."""
    if "n_valid" not in table:
        return np.nan
    return _half(table, "std", "n_valid")


def _half(table: pd.DataFrame, std: str, n: str) -> pd.Series:
    return interval_half(table[std].astype(float), table[n].astype(float))


def interval_half(std: pd.Series, n: pd.Series) -> pd.Series:
    """Half of Student's 95 % interval of a mean over n values; NaN where n is 1."""
    freedom = (n - 1).where(n > 1)
    return scipy.special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * std / np.sqrt(n)
