"""Scores of methods trial by trial, as the store keeps them beside their means."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from eegxai.evaluation.score_rows import GROUND_TRUTH
from sweeps.design.cells import MethodCell
from sweeps.scores.cache import unless_broken
from sweeps.store.artefacts import Store

TrialsByCell = dict[tuple[Any, ...], np.ndarray]  # by the values of ``AXES``


def trials_from_store(
    cells: Iterable[MethodCell], store: Store, domain: str, metric: str
) -> TrialsByCell:
    """Scores (trials,) of the methods' own maps, of the cells that keep them; NaN if undefined.

    The methods of a decoder explain the same trials in the same order.
    """
    found = {
        tuple(cell.axes.values()): unless_broken(Store.read_scores, store, cell) for cell in cells
    }
    trials = {
        axes: _trial_scores(scores.table, domain, metric)
        for axes, scores in found.items()
        if scores
    }
    return {axes: kept for axes, kept in trials.items() if kept is not None}


def _trial_scores(table: pd.DataFrame, domain: str, metric: str) -> np.ndarray | None:
    if "trials" not in table:
        return None
    here = (table["check"] == GROUND_TRUTH) & (table["domain"] == domain)
    kept = table.loc[here & (table["metric"] == metric), "trials"].dropna()
    return np.asarray(kept.iloc[0], float) if len(kept) else None
