"""Tidy scores of a sweep: one table, a row a check, domain and metric of a cell."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from sweeps.grid import MethodCell
from sweeps.store import Store

AXES = ("feature", "snr_db", "seed", "fold", "architecture", "method")
KNOWN = ("accuracy", "at_chance", "validity", "flags")
TIDY = (*AXES, "check", "domain", "metric", "step", "mean", "half_width", *KNOWN)
CONFIDENCE = 0.95


def tidy_from_store(cells: Iterable[MethodCell], store: Store) -> pd.DataFrame:
    """Tidy scores of all finished cells, a row a check, domain and metric."""
    parts = []
    for cell in cells:
        if store.has(cell):
            scores = store.read_scores(cell)
            known = {
                **cell.axes,
                "accuracy": scores.accuracy,
                "at_chance": scores.at_chance,
                "validity": scores.validity.status,
                "flags": "; ".join(scores.validity.flags),
            }
            table = scores.table if len(scores.table) else pd.DataFrame({"check": [None]})
            parts.append(table.assign(half_width=half_width(table), **known))
    return as_tidy(parts)


def half_width(table: pd.DataFrame) -> pd.Series | float:
    """Half of the 95 % interval of each mean over the trials of one decoder (Student's t)."""
    if "n_valid" not in table:
        return np.nan
    return interval_half(table["std"].astype(float), table["n_valid"].astype(float))


def interval_half(std: pd.Series, n: pd.Series) -> pd.Series:
    """Half of the 95 % interval of a mean of ``n`` values, Student's; NaN for one value."""
    freedom = (n - 1).where(n > 1)
    return stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * std / np.sqrt(n)


def as_tidy(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of the columns ``TIDY`` from parts that may lack some."""
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return frame.reindex(columns=list(TIDY))
