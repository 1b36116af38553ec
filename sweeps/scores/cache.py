"""The tidy scores of many cells as one Parquet file, with the keys that it holds.

The store keeps one as a cache: a cell's file is read once. MLflow keeps one for those who have
no store.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
import pandas as pd

from sweeps.design.cells import MethodCell
from sweeps.scores.cache_file import (
    CACHE_FILE,
    CacheFile,
    UnwritableCacheError,
    growing,
    scratch_file,
)
from sweeps.scores.needed import Needed, needed_rows
from sweeps.scores.table import COLUMNS, KEY, TIDY, tidy_rows
from sweeps.store.artefacts import Store
from sweeps.store.files import STORE_THREADS, best_effort
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import ScoreRows

log = logging.getLogger(__name__)
BATCH_CELLS = 500  # read at a time
# Share of new cells from which a longer cache is worth its writing.
NEW_SHARE_WORTH_WRITING = 0.02


@dataclass(frozen=True, eq=False)
class ScoreCache:
    """Tidy scores of cells.

    Attributes
    ----------
    table : DataFrame
        Columns ``TIDY`` and ``KEY``.
    stamps : dict
        Of the cells held, by key: the stamp of the file that was read.
    """

    table: pd.DataFrame
    stamps: dict[str, str]

    def of(self, keys: Sequence[str]) -> pd.DataFrame:
        """Tidy scores of the cells with these keys, in their order."""
        held = self.table[KEY].astype("category").cat
        place = pd.Index(keys).get_indexer(held.categories)[held.codes]
        rows = self.table[list(TIDY)]
        if (place >= 0).all() and (np.diff(place) >= 0).all():
            return rows.reset_index(drop=True)  # most often: a copy of millions of rows takes long
        order = np.argsort(place, kind="stable")[(place < 0).sum() :]
        return rows.iloc[order].reset_index(drop=True)

    def with_cells_of(self, other: "ScoreCache") -> "ScoreCache":
        """These cells, and those of another cache that are not among them."""
        if not self.stamps:
            return other
        lacking = {key: stamp for key, stamp in other.stamps.items() if key not in self.stamps}
        return _joined_caches(other, lacking, [(self.table, self.stamps)], None)

    def write(self, path: Path) -> None:
        """Write a file that :meth:`read` takes."""
        with growing(path) as grown:
            grown.add(self.table, self.stamps)

    @classmethod
    def read(cls, source: BinaryIO, needed: Needed = None) -> "ScoreCache":
        """Of a file of scores the rows that are needed.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated, foreign or of another layout.
        """
        file = CacheFile(source)
        return cls(file.table(needed), file.stamps)


EMPTY_CACHE = ScoreCache(pd.DataFrame(columns=[*TIDY, KEY]), {})


def tidy_from_store(
    cells: Iterable[MethodCell], store: Store, needed: Needed = None
) -> pd.DataFrame:
    """Tidy scores of all finished cells, in their order; rows not needed may be missing."""
    wanted = list(cells)
    return load_cache(wanted, store, needed).of([cell.key for cell in wanted])


def load_cache(
    cells: Iterable[MethodCell],
    store: Store,
    needed: Needed = None,
    share: float = NEW_SHARE_WORTH_WRITING,
) -> ScoreCache:
    """Tidy scores of the finished cells; those whose files changed since are read again.

    A broken file is noted in the store's ``broken``, and the scores go on without its cell. The
    store's cache is written again where more than a share of its cells is new.
    """
    stamps = store.stamps()
    finished = {cell.key: cell for cell in cells if cell.stem in stamps}
    current = {key: stamps[cell.stem] for key, cell in finished.items()}
    with _cached(store, needed) as (file, cached):
        stale = [key for key, stamp in current.items() if cached.stamps.get(key) != stamp]
        if stale:
            scores = _batched_scores([finished[key] for key in stale], current, store)
            kept = {key: stamp for key, stamp in cached.stamps.items() if key not in set(stale)}
            if len(stale) > share * (len(kept) + len(stale)):
                scores = _written_along(scores, file, kept, store)
            cached = _joined_caches(cached, kept, scores, needed)
    whole = {
        key: cached.stamps[key] for key, stamp in current.items() if cached.stamps.get(key) == stamp
    }
    if cached.stamps.keys() == whole.keys():
        return cached
    return ScoreCache(cached.table[cached.table[KEY].isin(list(whole))], whole)


def write_cache(
    cells: Iterable[MethodCell], store: Store, stamps: Mapping[str, str], path: Path
) -> None:
    """Write the file of all scores of these cells alone, from the store's where that has them.

    Parameters
    ----------
    cells : iterable of MethodCell
    store : Store
    stamps : mapping of str to str
        Of the cells, by key, as :func:`load_cache` has just given them.
    path : Path
        Of the file.
    """
    with suppress(FileNotFoundError, BrokenArtefactError), store.open_file(CACHE_FILE) as source:
        held = CacheFile(source)
        if held.stamps == stamps:
            held.copy_to(path)
            return
        if held.stamps.items() >= stamps.items():
            with growing(path) as grown:
                grown.copy(held, stamps)
            return
    load_cache(cells, store).write(path)  # as of a store that cannot be written


Scored = tuple[pd.DataFrame, dict[str, str]]  # tidy scores of some cells, and their stamps


def _batched_scores(
    cells: Sequence[MethodCell], current: Mapping[str, str], store: Store
) -> Iterator[Scored]:
    """Scores that are read from the cells' files, some cells at a time."""
    for start in range(0, len(cells), BATCH_CELLS):
        scores = _read_whole(cells[start : start + BATCH_CELLS], store)
        yield tidy_rows(scores), {cell.key: current[cell.key] for cell, _ in scores}


def _joined_caches(
    cached: ScoreCache, kept: Mapping[str, str], scores: Iterable[Scored], needed: Needed
) -> ScoreCache:
    """What was cached of the cells that are kept, and of the scores those that are needed."""
    parts = [cached.table[cached.table[KEY].isin(list(kept))]]
    stamps = dict(kept)
    for table, new in scores:
        parts.append(table if needed is None else table[needed_rows(table, needed)])
        stamps |= new
    found = [part for part in parts if len(part)] or [EMPTY_CACHE.table]
    return ScoreCache(pd.concat(found, ignore_index=True), stamps)


def _written_along(
    scores: Iterable[Scored], file: CacheFile | None, kept: Mapping[str, str], store: Store
) -> Iterator[Scored]:
    """The same scores; in the end the store's cache has them beside those of the cells kept.

    Scores do not depend on it: where there is no room to write, they go on alone.
    """
    left = iter(scores)
    try:
        with scratch_file() as path:
            with growing(path) as grown:
                if file:
                    grown.copy(file, kept)
                for table, stamps in left:
                    yield table, stamps
                    grown.add(table, stamps)
            best_effort(store.write_file, CACHE_FILE, path)
    except (UnwritableCacheError, BrokenArtefactError) as error:
        log.warning("%s", error)
        yield from left


def _read_whole(cells: Sequence[MethodCell], store: Store) -> list[tuple[MethodCell, ScoreRows]]:
    """Cells and their scores, without those whose files are broken or gone."""
    read = partial(unless_broken, partial(Store.read_rows, columns=COLUMNS), store)
    with ThreadPoolExecutor(STORE_THREADS) as pool:
        found = list(pool.map(read, cells))
    return [(cell, scores) for cell, scores in zip(cells, found, strict=True) if scores]


T = TypeVar("T")


def unless_broken(
    read: Callable[[Store, MethodCell], T], store: Store, cell: MethodCell
) -> T | None:
    """What is read of a cell; None where its file is gone, or broken, which the store notes."""
    try:
        return read(store, cell)
    except BrokenArtefactError as error:
        store.note_broken(error)
    except FileNotFoundError:  # a sweep has set it aside since the listing
        pass
    return None


@contextmanager
def _cached(store: Store, needed: Needed) -> Iterator[tuple[CacheFile | None, ScoreCache]]:
    """The store's cache and what it holds; one that cannot be used is written again."""
    source, file, cached = None, None, EMPTY_CACHE
    try:
        source = store.open_file(CACHE_FILE)
        file = CacheFile(source)
        cached = ScoreCache(file.table(needed), file.stamps)
    except FileNotFoundError:
        pass
    except (BrokenArtefactError, OSError) as error:  # a folder, too
        log.info("%s; it is written again", error)
        file = None
    try:
        yield file, cached
    finally:
        if source:
            source.close()
