"""Tidy scores of many cells in one file: the same as the cells' own, never older."""

import errno
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from eegxai.attribution import Validity
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.design.cells import method_cells
from sweeps.scores import cache_file
from sweeps.scores.cache import ScoreCache, load_cache, tidy_from_store
from sweeps.scores.cache_file import CACHE_FILE
from sweeps.scores.table import AREA, FIRST_BELOW, TIDY, half_width, tidy_scores
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError
from tests.finished_cells import N_STEPS, fill, method_scores, scores_table


@pytest.fixture
def cells(tiny):
    return list(method_cells(tiny))


@pytest.fixture
def store(tmp_path, cells):
    store = Store(str(tmp_path / "store"))
    fill(store, methods=cells)
    return store


@pytest.fixture
def read(store, monkeypatch):
    """Cells whose own files are read."""
    cells, whole = [], Store.read_bytes
    monkeypatch.setattr(Store, "read_bytes", lambda s, c: (cells.append(c), whole(s, c))[1])
    return cells


def test_rows_are_those_of_the_cells_in_their_order(store, cells):
    tidy = tidy_from_store(cells[::-1], store)
    assert list(tidy.columns) == list(TIDY)
    table = store.read_scores(cells[-1]).table
    first = tidy.head(len(table))
    for column in ("check", "domain", "metric", "step", "mean", "n_valid"):
        np.testing.assert_array_equal(first[column], table[column])
    np.testing.assert_allclose(first["half_width"], half_width(table))
    assert (first["method"] == cells[-1].method).all()
    assert (first["seed"] == cells[-1].decoder.data.seed).all()


def test_scores_are_read_where_no_cache_can_be_written(store, cells, monkeypatch):
    expected = tidy_scores((cell, store.read_scores(cell)) for cell in cells)[list(TIDY)]

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache_file.pq.ParquetWriter, "write_table", full)
    pd.testing.assert_frame_equal(tidy_from_store(cells, store), expected)
    monkeypatch.setattr(cache_file, "TemporaryDirectory", full)
    pd.testing.assert_frame_equal(tidy_from_store(cells, store), expected)


def test_a_second_reading_opens_no_file_of_a_cell_and_tells_the_same(store, cells, read):
    before = tidy_from_store(cells, store)
    assert set(read) == set(cells)
    read.clear()
    pd.testing.assert_frame_equal(tidy_from_store(cells, store), before)
    pd.testing.assert_frame_equal(
        tidy_from_store(cells[2:4], store),
        tidy_scores((cell, store.read_scores(cell)) for cell in cells[2:4])[list(TIDY)],
    )
    assert read == cells[2:4]


def test_a_file_that_changed_and_a_new_one_are_read_again(store, cells, read, tmp_path):
    Path(store.path(cells[3])).unlink()
    tidy_from_store(cells, store)
    read.clear()
    fill(store, methods=[cells[3]])
    store.write_scores(cells[1], method_scores(seed=99))
    tidy = tidy_from_store(cells, store)
    assert set(read) == {cells[1], cells[3]}
    expected = scores_table(seed=99)["mean"]
    np.testing.assert_array_equal(tidy["mean"][lambda m: m.isin(expected)], expected)


def test_a_cell_that_is_gone_is_not_told(store, cells):
    tidy_from_store(cells, store)
    Path(store.path(cells[0])).unlink()
    assert cells[0].key not in load_cache(cells, store).stamps
    assert len(tidy_from_store(cells[:1], store)) == 0


def test_a_broken_cache_and_one_of_another_layout_are_written_again(
    store, cells, monkeypatch, tmp_path
):
    before = tidy_from_store(cells, store)
    content = store.read_file(CACHE_FILE)
    with monkeypatch.context() as older:
        older.setattr(cache_file, "CACHE_LAYOUT", 0)
        load_cache(cells, store).write(tmp_path / "old")
    damaged = bytearray(content)
    damaged[200:1200:7] = bytes(~byte & 0xFF for byte in content[200:1200:7])
    for broken in (content[:-9], b"", bytes(damaged), (tmp_path / "old").read_bytes()):
        with pytest.raises(BrokenArtefactError):
            ScoreCache.read(io.BytesIO(broken))
        store.write_file(CACHE_FILE, broken)
        pd.testing.assert_frame_equal(tidy_from_store(cells, store), before)


def test_a_store_that_cannot_be_written_is_still_read(store, cells, monkeypatch):
    def read_only(*_args):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Store, "write_file", read_only)
    assert len(tidy_from_store(cells, store))


def test_a_cell_without_scores_has_one_row(store, cells):
    reason = Validity("not_applicable", "no ReLU")
    store.write_scores(cells[0], method_scores(validity=reason, empty=True))
    row = tidy_from_store(cells[:1], store)
    assert len(row) == 1
    assert row["check"].isna().all()
    assert row["validity"].item() == "not_applicable"
    assert "no ReLU" in row["flags"].item()


def test_the_area_is_the_integral_of_the_curve_from_one(cells):
    scores = method_scores(seed=5)
    tidy = tidy_scores([(cells[0], scores)])
    table = scores.table
    for domain, area in tidy[tidy["metric"] == AREA].set_index("domain")["mean"].items():
        curve = table[
            (table["check"] == "cascade")
            & (table["metric"] == "pearson_raw")
            & (table["domain"] == domain)
        ].sort_values("step")["mean"]
        expected = np.trapezoid([1, *curve], np.linspace(0, 1, N_STEPS + 1))
        assert area == pytest.approx(expected)


def test_an_undefined_step_leaves_the_area_undefined(cells):
    scores = method_scores()
    scores.table.loc[scores.table["step"] == 2, "mean"] = np.nan
    tidy = tidy_scores([(cells[0], scores)])
    assert tidy.loc[tidy["metric"] == AREA, "mean"].isna().all()


def test_nothing_finished_is_an_empty_table(cells, tmp_path):
    tidy = tidy_from_store(cells, Store(str(tmp_path / "empty")))
    assert list(tidy.columns) == list(TIDY)
    assert tidy.empty


@pytest.mark.slow
def test_what_is_not_needed_is_left_out_and_changes_no_table(store, cells):
    """Cells without scores stay, and a cell that changed enters a cache of all metrics."""
    store.write_scores(cells[0], method_scores(empty=True))
    tidy_from_store(cells, store)
    assert_same_tables(cells, store)
    store.write_scores(cells[1], method_scores(seed=9))
    assert_same_tables(cells, store)


def assert_same_tables(cells, store):
    whole = tidy_from_store(cells, store)
    for kind in TABLE_KINDS.values():
        some = tidy_from_store(cells, store, kind.rows)
        assert len(some) < len(whole)
        one, other = (kind.make(tidy, ["feature"]) for tidy in (some, whole))
        pd.testing.assert_frame_equal(one, other)


def test_the_first_step_below_the_threshold_is_told(cells):
    scores = method_scores()
    curve = (scores.table["check"] == "cascade") & (scores.table["metric"] == "pearson_raw")
    scores.table.loc[curve, "mean"] = np.where(scores.table.loc[curve, "step"] < 2, 0.9, 0.1)
    tidy = tidy_scores([(cells[0], scores)])
    assert (tidy.loc[tidy["metric"] == FIRST_BELOW, "mean"] == 2).all()
    scores.table.loc[curve, "mean"] = 0.9
    tidy = tidy_scores([(cells[0], scores)])
    assert tidy.loc[tidy["metric"] == FIRST_BELOW, "mean"].isna().all()
