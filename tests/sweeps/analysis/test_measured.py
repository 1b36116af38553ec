"""Tables that are data: each column is the mean of one check's last step on one domain."""

import numpy as np
import pandas as pd
import pytest

from sweeps.analysis import measured as tables
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.scores.table import AXES
from tests.tidy_tables import as_tidy

KINDS = {
    "controls": tables.CONTROLS_BESIDE,
    "distances": tables.DISTANCES,
    "topographies": tables.TOPOGRAPHIES,
    "classes": tables.SIMILARITY_COLUMNS,
    "weights": tables.SIMILARITY_COLUMNS,
}
FEATURES = ("temporal", "spectral", "spatial")


def cells(columns, seed):
    """Scores of one decoder of each feature type: their place in the table, plus the seed, in %."""
    parts = []
    for feature in FEATURES:
        axes = dict(zip(AXES, (feature, -3.5, seed, 0, "deepnet", "LRP"), strict=True))
        rows = [
            (each.check, *each.headlines[feature], step, (1 + place + seed - (step == 1)) / 100)
            for place, each in enumerate(columns.values())
            for step in (1, 2)
        ]
        names = ["check", "domain", "metric", "step", "mean"]
        parts.append(pd.DataFrame(rows, columns=names).assign(half_width=0.1, **axes))
    return parts


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_means_over_decoders_of_the_last_step(kind):
    columns = KINDS[kind]
    tidy = as_tidy([*cells(columns, 0), *cells(columns, 1)])
    table = TABLE_KINDS[kind].make(tidy, ("feature",))
    assert list(table["feature"]) == list(FEATURES)
    assert (table["n_decoders"] == 2).all()
    for place, name in enumerate(columns):
        np.testing.assert_allclose(table[name], (place + 1.5) / 100)
        assert (table[f"{name}_low"] < table[name]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_people_read_is_in_the_table_and_is_read_from_stores(kind):
    columns = KINDS[kind]
    assert {column.name for column in TABLE_KINDS[kind].columns} <= set(columns)
    assert list(TABLE_KINDS[kind].rows) == list(columns.values())


def test_a_similarity_is_starred_below_its_own_null_or_the_threshold():
    (column, *_) = TABLE_KINDS["classes"].columns
    table = pd.DataFrame(
        {"class_pearson_raw_high": [0.4, 0.6, 0.6], "null_pearson_raw": [np.nan, 0.1, 0.7]}
    )
    assert column.shown(table).tolist() == [True, False, True]
