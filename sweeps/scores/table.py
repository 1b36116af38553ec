"""Tidy scores of a sweep: one table, one row per cell, check, domain, metric and step."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from eegxai.evaluation.modes import IDEAL
from eegxai.statistics.intervals import CONFIDENCE
from sweeps.design.cells import MethodCell
from sweeps.store.records import MethodScores

COUNTS = ("n_valid", "n_trials", "n_zero_rows")
AXES = ("feature", "snr_db", "seed", "fold", "architecture", "method")
SCORED = ("check", "domain", "metric", "step", "mean", "half_width", *COUNTS)
KNOWN = ("accuracy", "at_chance", "validity", "flags")
TIDY = (*AXES, *SCORED, *KNOWN)
KEY = "key"  # of the cell of a row, where tables of cells are joined
SIMILARITY = "pearson_raw"
# The area under a cascade stands beside its steps, as a metric of its own.
CASCADE, AREA = "cascade", f"{SIMILARITY}_area"


def tidy_scores(cells: Iterable[tuple[MethodCell, MethodScores]]) -> pd.DataFrame:
    """Tidy scores of cells and their keys: columns ``TIDY`` and ``KEY``.

    A cell without scores has one row without a check. The metric ``AREA`` is the area under the
    curve of ``SIMILARITY`` over the share of randomized layers, which starts at 1 (no layer).
    """
    pairs = list(cells)
    if not pairs:
        return pd.DataFrame(columns=[*TIDY, KEY])
    known = pd.DataFrame([_known(cell, scores) for cell, scores in pairs])
    tables = [_scored(scores.table) for _, scores in pairs]
    rows = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    scored = pd.concat(tables, ignore_index=True)
    scored["half_width"] = half_width(scored)
    frame = pd.concat([known.iloc[rows].reset_index(drop=True), scored], axis=1)
    return _with_areas(frame).reindex(columns=[*TIDY, KEY])


def _known(cell: MethodCell, scores: MethodScores) -> dict[str, Any]:
    return {
        **cell.axes,
        KEY: cell.key,
        "accuracy": scores.accuracy,
        "at_chance": scores.at_chance,
        "validity": scores.validity.status,
        "flags": "; ".join(scores.validity.flags),
    }


def _scored(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of scores that are kept; one empty row where there is none."""
    # Metrics with the ideal observer have the names of those with the planted signal.
    asked = table[table["reference"] != IDEAL] if "reference" in table else table
    kept = asked.reindex(columns=["check", "domain", "metric", "step", "mean", "std", *COUNTS])
    return kept if len(kept) else kept.reindex([0])


def _with_areas(frame: pd.DataFrame) -> pd.DataFrame:
    curves = frame[(frame["check"] == CASCADE) & (frame["metric"] == SIMILARITY)]
    if curves.empty:
        return frame
    ordered = curves.sort_values("step", kind="stable").groupby([KEY, "domain"], sort=False)
    ends = ordered.tail(1).set_index([KEY, "domain"])
    # Trapezoids of equal width, of which the first begins at 1: the map is like itself.
    sums = ordered["mean"].sum(skipna=False)
    area = (0.5 + sums - 0.5 * ends["mean"]) / ordered.size()
    areas = ends.assign(metric=AREA, mean=area, half_width=np.nan).reset_index()
    whole = pd.concat([frame, areas], ignore_index=True)
    place = pd.Series(np.arange(frame[KEY].nunique()), frame[KEY].unique())
    return whole.iloc[np.argsort(whole[KEY].map(place), kind="stable")].reset_index(drop=True)


def half_width(table: pd.DataFrame) -> pd.Series | float:
    """Half of the 95 % interval of each mean over the trials of one decoder (Student's t)."""
    if "n_valid" not in table:
        return np.nan
    return interval_half(table["std"].astype(float), table["n_valid"].astype(float))


def interval_half(std: pd.Series, n: pd.Series) -> pd.Series:
    """Half of Student's 95 % interval of a mean over n values; NaN where n is 1."""
    freedom = (n - 1).where(n > 1)
    return stdtrit(freedom, (1 + CONFIDENCE) / 2) * std / np.sqrt(n)
