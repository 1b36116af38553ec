"""The tidy scores of many cells as one Parquet file, with the keys that it holds.

The store keeps one as a cache: a cell's file is read once. MLflow keeps one for those who have
no store.
"""

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sweeps.design.cells import MethodCell
from sweeps.scores.table import COUNTS, KEY, TIDY, tidy_scores
from sweeps.store.artefacts import Store, best_effort
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import MethodScores

log = logging.getLogger(__name__)
CACHE_FILE = "tidy.parquet"
CACHE_KEY = "eegxai"
CACHE_LAYOUT = 5  # of the table: raise it when columns change, so that old files are written again
BATCH_ROWS, BATCH_CELLS = 65_536, 500  # read at a time
THREADS = 8  # a store far away answers several questions at a time
# Share of new cells from which a longer cache is worth its writing.
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
        with growing() as grown:
            grown.add(self.table, self.stamps)
        return grown.content

    @classmethod
    def from_bytes(cls, content: bytes, metrics: Needed = None) -> "ScoreCache":
        """Of what ``to_bytes`` gave, the rows of the metrics needed alone.

        Raises
        ------
        BrokenArtefactError
            When the content is truncated, foreign or of another layout.
        """
        try:
            file = _opened(content)
            table, header = _read(file, metrics), _header(file)
            layout, stamps = header["layout"], header["stamps"]
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise BrokenArtefactError(f"{CACHE_FILE} is broken: {error}") from error
        if layout != CACHE_LAYOUT:
            raise BrokenArtefactError(f"{CACHE_FILE} has the layout {layout}, not {CACHE_LAYOUT}")
        return cls(_as_frame(table), stamps)


EMPTY_CACHE = ScoreCache(pd.DataFrame(columns=[*TIDY, KEY]), {})


# Every batch is written with the same types, also where all of its values are missing.
_TEXTS = (
    "feature", "architecture", "method", "check", "domain", "metric", "validity", "duplicate_of",
    "flags", KEY,
)  # fmt: skip
_TYPES = {
    **dict.fromkeys(_TEXTS, pa.string()),
    **dict.fromkeys(("seed", "fold"), pa.int64()),
    **dict.fromkeys(("at_chance", "class_testable"), pa.bool_()),
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.float64())) for name in (*TIDY, KEY)])
WHOLE_NUMBERS = ("step", *COUNTS)  # unless one is missing, as of a cell without scores


class UnwritableCacheError(OSError):
    """There is no room for the cache that grows."""


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableCacheError(f"{CACHE_FILE} cannot be written: {error}") from error


class Growing:
    """A cache that is written batch by batch, so that it is never whole in memory."""

    def __init__(self, path: Path) -> None:
        self.path, self.stamps = path, dict[str, str]()
        with _writing():
            self.writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        self.content = b""

    def add(self, table: pd.DataFrame, stamps: Mapping[str, str]) -> None:
        """Write the rows of cells, and take in the stamps of their files."""
        self.add_arrow(pa.Table.from_pandas(table, SCHEMA, preserve_index=False), stamps)

    def add_arrow(self, table: pa.Table, stamps: Mapping[str, str]) -> None:
        """The same of a table as Parquet holds it."""
        with _writing():
            self.writer.write_table(table.cast(SCHEMA))
        self.stamps |= stamps

    def close(self) -> None:
        """Write the header; ``content`` is the whole file then."""
        header = json.dumps({"layout": CACHE_LAYOUT, "stamps": self.stamps})
        with _writing():
            self.writer.add_key_value_metadata({CACHE_KEY: header})
            self.writer.close()
            self.content = self.path.read_bytes()


@contextmanager
def growing() -> Iterator[Growing]:
    """A cache that is whole when the block ends."""
    with _writing():
        temporary = TemporaryDirectory()
    with temporary as folder:
        grown = Growing(Path(folder) / CACHE_FILE)
        yield grown
        grown.close()


def _opened(content: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(content), read_dictionary=[KEY])


def _header(file: pq.ParquetFile) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(file.metadata.metadata[CACHE_KEY.encode()])
    return header


def _as_frame(table: pa.Table) -> pd.DataFrame:
    frame = table.to_pandas()
    whole = [name for name in WHOLE_NUMBERS if frame[name].notna().all()]
    return frame.astype(dict.fromkeys(whole, np.int64))


def _batches(file: pq.ParquetFile, rows: pc.Expression | None = None) -> Iterator[pa.Table]:
    for batch in file.iter_batches(BATCH_ROWS):
        table = pa.Table.from_batches([batch])
        yield table if rows is None else table.filter(rows)


def _read(file: pq.ParquetFile, metrics: Needed) -> pa.Table:
    """Rows of some metrics, and of cells without scores; never more than a batch of others."""
    if metrics is None:
        return file.read()
    rows = pc.field("metric").isin(list(metrics)) | pc.field("metric").is_null()
    parts = [file.schema_arrow.empty_table(), *_batches(file, rows)]
    return pa.concat_tables(parts, promote_options="permissive")


def tidy_from_store(
    cells: Iterable[MethodCell], store: Store, metrics: Needed = None
) -> pd.DataFrame:
    """Tidy scores of all finished cells, in their order; metrics not needed may be missing."""
    wanted = list(cells)
    return load_cache(wanted, store, metrics).of([cell.key for cell in wanted])


def load_cache(
    cells: Iterable[MethodCell],
    store: Store,
    metrics: Needed = None,
    share: float = NEW_SHARE_WORTH_WRITING,
) -> ScoreCache:
    """Tidy scores of the finished cells; those whose files changed since are read again.

    A broken file is noted in the store's ``broken``, and the scores go on without its cell. The
    store's cache is written again where more than a share of its cells is new.
    """
    stamps = store.stamps()
    finished = {cell.key: cell for cell in cells if cell.stem in stamps}
    current = {key: stamps[cell.stem] for key, cell in finished.items()}
    content, cached = _cached(store, metrics)
    stale = [key for key, stamp in current.items() if cached.stamps.get(key) != stamp]
    if stale:
        scores = _batched_scores([finished[key] for key in stale], current, store)
        kept = {key: stamp for key, stamp in cached.stamps.items() if key not in set(stale)}
        if len(stale) > share * (len(kept) + len(stale)):
            scores = _written_along(scores, content, kept, store)
        cached = _joined(cached, kept, scores, metrics)
    whole = {
        key: cached.stamps[key] for key, stamp in current.items() if cached.stamps.get(key) == stamp
    }
    if cached.stamps.keys() == whole.keys():
        return cached
    return ScoreCache(cached.table[cached.table[KEY].isin(list(whole))], whole)


def cache_content(cells: Iterable[MethodCell], store: Store, stamps: Mapping[str, str]) -> bytes:
    """The file of all scores of these cells alone, from the store's cache where that has them.

    Parameters
    ----------
    cells : iterable of MethodCell
    store : Store
    stamps : mapping of str to str
        Of the cells, by key, as :func:`load_cache` has just given them.
    """
    with suppress(OSError, BrokenArtefactError, pa.ArrowException, KeyError, ValueError):
        content = store.read_file(CACHE_FILE)
        held = _header(_opened(content))["stamps"]
        if held == stamps:
            return content
        if held.items() >= stamps.items():
            with growing() as grown:
                _copy(content, stamps, grown)
            return grown.content
    return load_cache(cells, store).to_bytes()  # as of a store that cannot be written


Scored = tuple[pd.DataFrame, dict[str, str]]  # tidy scores of some cells, and their stamps


def _batched_scores(
    cells: Sequence[MethodCell], current: Mapping[str, str], store: Store
) -> Iterator[Scored]:
    """Scores that are read from the cells' files, some cells at a time."""
    for start in range(0, len(cells), BATCH_CELLS):
        scores = _read_whole(cells[start : start + BATCH_CELLS], store)
        yield tidy_scores(scores), {cell.key: current[cell.key] for cell, _ in scores}


def _joined(
    cached: ScoreCache, kept: Mapping[str, str], scores: Iterable[Scored], metrics: Needed
) -> ScoreCache:
    """What was cached of the cells that are kept, and of the scores those that are needed."""
    parts = [cached.table[cached.table[KEY].isin(list(kept))]]
    stamps = dict(kept)
    for table, new in scores:
        parts.append(_needed(table, metrics))
        stamps |= new
    found = [part for part in parts if len(part)] or [EMPTY_CACHE.table]
    return ScoreCache(pd.concat(found, ignore_index=True), stamps)


def _written_along(
    scores: Iterable[Scored], content: bytes, kept: Mapping[str, str], store: Store
) -> Iterator[Scored]:
    """The same scores; in the end the store's cache has them beside those of the cells kept.

    Scores do not depend on it: where there is no room to write, they go on alone.
    """
    left = iter(scores)
    try:
        with growing() as grown:
            if kept:
                _copy(content, kept, grown)
            for table, stamps in left:
                yield table, stamps
                grown.add(table, stamps)
        best_effort(store.write_file, CACHE_FILE, grown.content)
    except UnwritableCacheError as error:
        log.warning("%s", error)
        yield from left


def _copy(content: bytes, stamps: Mapping[str, str], grown: Growing) -> None:
    """Rows of some cells of a cache into another one."""
    for table in _batches(_opened(content), pc.field(KEY).isin(list(stamps))):
        grown.add_arrow(table, {})
    grown.stamps |= stamps


def _needed(table: pd.DataFrame, metrics: Needed) -> pd.DataFrame:
    if metrics is None:
        return table
    return table[table["metric"].isin(list(metrics)) | table["metric"].isna()]


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


def _cached(store: Store, metrics: Needed = None) -> tuple[bytes, ScoreCache]:
    """The store's cache and what it holds; one that cannot be used is written again."""
    try:
        content = store.read_file(CACHE_FILE)
        return content, ScoreCache.from_bytes(content, metrics)
    except FileNotFoundError:
        return b"", EMPTY_CACHE
    except (BrokenArtefactError, OSError) as error:  # pyarrow's for damaged pages, or a folder
        log.info("%s; it is written again", error)
        return b"", EMPTY_CACHE
