"""Scores trial by trial: they come back from the store, and enter no tidy table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sweeps.design.cells import method_cells
from sweeps.scores.cache import tidy_from_store
from sweeps.scores.table import tidy_scores
from sweeps.scores.trials import trials_from_store
from sweeps.store.artefacts import Store
from tests.finished_cells import method_scores

PLACE = "channel_time", "mass_clipped"
TRIALS = np.array([0.25, np.nan, 0.5, 1.0], np.float32)


def scored(trials):
    """Made-up scores, of which one metric has its trials."""
    scores = method_scores()
    table = scores.table.assign(trials=None)
    here = (table["check"] == "ground_truth") & (table["domain"] == PLACE[0])
    (row,) = table.index[here & (table["metric"] == PLACE[1])]
    table.at[row, "trials"] = trials
    return replace(scores, table=table)


@pytest.fixture
def cells(tiny):
    return list(method_cells(tiny))


@pytest.fixture
def store(tmp_path, cells):
    store = Store(str(tmp_path / "store"))
    store.write_scores(cells[0], scored(TRIALS))
    store.write_scores(cells[1], method_scores())  # by a version that did not keep them
    store.write_scores(cells[2], method_scores(empty=True))
    return store


def test_they_come_back_as_they_went(store, cells):
    ((axes, found),) = trials_from_store(cells, store, *PLACE).items()
    assert axes == tuple(cells[0].axes.values())
    np.testing.assert_array_equal(found, TRIALS)
    pd.testing.assert_frame_equal(
        store.read_scores(cells[0]).table, scored(TRIALS).table, check_exact=True
    )
    assert not trials_from_store(cells, store, "topography", "mass_clipped")


def test_tidy_scores_and_their_cache_are_the_same_without_them(store, cells):
    pairs = [(cells[0], scored(TRIALS))]
    plain = tidy_scores([(cells[0], method_scores())])
    pd.testing.assert_frame_equal(tidy_scores(pairs), plain)
    assert "trials" not in tidy_from_store(cells, store)
