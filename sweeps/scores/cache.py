"""The tidy scores of many cells as one Parquet file, with the keys that it holds.

The store keeps one as a cache: a cell's file is read once. MLflow keeps one for those who have
no store.
"""

import io
import json
import logging
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sweeps.design.cells import MethodCell
from sweeps.scores.table import KEY, TIDY, tidy_scores
from sweeps.store.artefacts import Store, best_effort
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import MethodScores

log = logging.getLogger(__name__)
CACHE_FILE = "tidy.parquet"
CACHE_KEY = b"eegxai"
CACHE_LAYOUT = 4  # of the table: raise it when columns change, so that old files are written again
BATCH_ROWS = 65_536  # read at a time
THREADS = 8  # a store far away answers several questions at a time
# Share of new rows from which a longer cache is worth its writing.
NEW_SHARE_WORTH_WRITING = 0.02

# The metrics that a reader needs, of all where it is None: of millions of rows, tables read few.
Needed = Collection[str] | None


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

    def to_bytes(self) -> bytes:
        """Parquet with the stamps in its header."""
        table = pa.Table.from_pandas(self.table, preserve_index=False)
        header = json.dumps({"layout": CACHE_LAYOUT, "stamps": self.stamps}).encode()
        buffer = io.BytesIO()
        kept = table.replace_schema_metadata({**(table.schema.metadata or {}), CACHE_KEY: header})
        pq.write_table(kept, buffer, compression="zstd")
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, metrics: Needed = None) -> "ScoreCache":
        """Of what ``to_bytes`` gave, the rows of the metrics needed alone.

        Raises
        ------
        BrokenArtefactError
            When the content is truncated, foreign or of another layout.
        """
        try:
            table = _read(pq.ParquetFile(pa.BufferReader(content), read_dictionary=[KEY]), metrics)
            header = json.loads(table.schema.metadata[CACHE_KEY])
            layout, stamps = header["layout"], header["stamps"]
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise BrokenArtefactError(f"{CACHE_FILE} is broken: {error}") from error
        if layout != CACHE_LAYOUT:
            raise BrokenArtefactError(f"{CACHE_FILE} has the layout {layout}, not {CACHE_LAYOUT}")
        return cls(table.to_pandas(), stamps)


EMPTY_CACHE = ScoreCache(pd.DataFrame(columns=[*TIDY, KEY]), {})


def _read(file: pq.ParquetFile, metrics: Needed) -> pa.Table:
    """Rows of some metrics, and of cells without scores; never more than a batch of others."""
    if metrics is None:
        return file.read()
    rows = pc.field("metric").isin(list(metrics)) | pc.field("metric").is_null()
    batches = (pa.Table.from_batches([batch]) for batch in file.iter_batches(BATCH_ROWS))
    parts = [file.schema_arrow.empty_table(), *(batch.filter(rows) for batch in batches)]
    table = pa.concat_tables(parts, promote_options="permissive")
    return table.replace_schema_metadata(file.schema_arrow.metadata)


def tidy_from_store(
    cells: Iterable[MethodCell], store: Store, metrics: Needed = None
) -> pd.DataFrame:
    """Tidy scores of all finished cells, in their order; metrics not needed may be missing."""
    wanted = list(cells)
    return load_cache(wanted, store, metrics).of([cell.key for cell in wanted])


def load_cache(cells: Iterable[MethodCell], store: Store, metrics: Needed = None) -> ScoreCache:
    """Tidy scores of the finished cells; those whose files changed since are read again.

    A broken file is noted in the store's ``broken``, and the scores go on without its cell.
    """
    stamps = store.stamps()
    finished = {cell.key: cell for cell in cells if cell.stem in stamps}
    current = {key: stamps[cell.stem] for key, cell in finished.items()}
    cached = _cached(store, metrics)
    stale = [key for key, stamp in current.items() if cached.stamps.get(key) != stamp]
    if stale:
        cached = _updated(_cached(store), [finished[key] for key in stale], current, store)
    whole = {
        key: cached.stamps[key] for key, stamp in current.items() if cached.stamps.get(key) == stamp
    }
    if cached.stamps.keys() == whole.keys():
        return cached
    return ScoreCache(cached.table[cached.table[KEY].isin(list(whole))], whole)


def _updated(
    cached: ScoreCache, cells: Sequence[MethodCell], current: dict[str, str], store: Store
) -> ScoreCache:
    """The cache with the cells read; written when they are more than a few."""
    scores = _read_whole(cells, store)
    asked = {cell.key for cell in cells}
    new, kept = tidy_scores(scores), cached.table[~cached.table[KEY].isin(list(asked))]
    parts = [part for part in (kept, new) if len(part)] or [EMPTY_CACHE.table]
    stamps = {key: stamp for key, stamp in cached.stamps.items() if key not in asked}
    stamps |= {cell.key: current[cell.key] for cell, _ in scores}
    updated = ScoreCache(pd.concat(parts, ignore_index=True), stamps)
    if len(new) > NEW_SHARE_WORTH_WRITING * len(updated.table):
        best_effort(store.write_file, CACHE_FILE, updated.to_bytes())
    return updated


def _read_whole(cells: Sequence[MethodCell], store: Store) -> list[tuple[MethodCell, MethodScores]]:
    """Cells and their scores, without those whose files are broken or gone."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(partial(read_scores, store), cells))
    return [(cell, scores) for cell, scores in zip(cells, found, strict=True) if scores]


def read_scores(store: Store, cell: MethodCell) -> MethodScores | None:
    """Scores of a cell; None where its file is gone, or broken, which the store notes."""
    try:
        return store.read_scores(cell)
    except BrokenArtefactError as error:
        store.note_broken(error)
    except FileNotFoundError:  # a sweep has set it aside since the listing
        pass
    return None


def _cached(store: Store, metrics: Needed = None) -> ScoreCache:
    """What the store's cache holds; one that cannot be used is written again."""
    try:
        return ScoreCache.from_bytes(store.read_file(CACHE_FILE), metrics)
    except FileNotFoundError:
        return EMPTY_CACHE
    except (BrokenArtefactError, OSError) as error:  # pyarrow's for damaged pages, or a folder
        log.info("%s; it is written again", error)
        return EMPTY_CACHE
