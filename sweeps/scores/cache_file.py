"""The Parquet file of tidy scores and of the keys of their cells: written, and read in part.

A paper's scores are tens of millions of rows, of which a reader needs few. So the file is written
and read some cells at a time, and of each batch of cells the rows that are read most often
(``FREQUENT``) are apart from the others: who needs no others never reads them.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from sweeps.scores.needed import FREQUENT, PLACE_COLUMNS, Needed, is_frequent, needed_rows
from sweeps.scores.table import COUNTS, KEY, TIDY
from sweeps.store.packing import BrokenArtefactError

CACHE_FILE = "tidy.parquet"
CACHE_KEY = "eegxai"
CACHE_LAYOUT = 6  # of the table: raise it when columns change, so that old files are written again
ROW = "row"  # in the order of the scores, from which the file's differs

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
CACHE_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.float64())) for name in (*TIDY, KEY)])
WRITTEN = CACHE_SCHEMA.append(pa.field(ROW, pa.int64()))
# Read as they are written, but that a key is one of few.
READ_SCHEMA = pa.schema(
    [
        *(field for field in WRITTEN if field.name != KEY),
        (KEY, pa.dictionary(pa.int32(), pa.string())),
    ]
)
WHOLE_NUMBERS = ("step", *COUNTS)  # unless one is missing, as of a cell without scores


@dataclass(frozen=True)
class Header:
    """What a file says of itself: its layout, stamps by key, and numbers of its frequent parts."""

    layout: int
    stamps: dict[str, str]
    frequent: list[int]


HEADER = TypeAdapter(Header)


class UnwritableCacheError(OSError):
    """There is no room for the cache that grows."""


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableCacheError(f"{CACHE_FILE} cannot be written: {error}") from error


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise BrokenArtefactError(f"{CACHE_FILE} is broken: {error}") from error


class CacheFile:
    """A file of scores that is open for reading.

    Parameters
    ----------
    source : file
        Open for reading, at any place.

    Attributes
    ----------
    stamps : dict
        Of the cells held, by key: the stamp of the file that was read.

    Raises
    ------
    BrokenArtefactError
        When it is truncated, foreign or of another layout; also when it is read.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        with _reading():
            self._file = pq.ParquetFile(source, read_dictionary=[*_TEXTS], pre_buffer=True)
            header = HEADER.validate_json(self._file.metadata.metadata[CACHE_KEY.encode()])
            if header.layout != CACHE_LAYOUT:
                raise ValueError(f"it has the layout {header.layout}, not {CACHE_LAYOUT}")
            self.stamps, self._frequent = header.stamps, header.frequent
            if not set(self._frequent) <= set(range(self._file.num_row_groups)):
                raise ValueError("its header names parts that it lacks")

    def table(self, needed: Needed = None) -> pd.DataFrame:
        """Rows that are needed, in the order of the scores: columns ``TIDY`` and ``KEY``."""
        groups = self._frequent if is_frequent(needed) else range(self._file.num_row_groups)
        with _reading():
            parts = [self._needed(number, needed) for number in groups]
            frame = pa.concat_tables([READ_SCHEMA.empty_table(), *parts]).to_pandas()
        if not frame[ROW].is_monotonic_increasing:
            frame = frame.sort_values(ROW, ignore_index=True)
        whole = [name for name in WHOLE_NUMBERS if frame[name].notna().all()]
        return frame.drop(columns=ROW).astype(dict.fromkeys(whole, np.int64))

    def _needed(self, number: int, needed: Needed) -> pa.Table:
        rows = self._file.read_row_group(number)
        if needed is not None:
            places = rows.select([*PLACE_COLUMNS, KEY]).to_pandas()
            rows = rows.filter(pa.array(needed_rows(places, needed)))
        return rows.select(READ_SCHEMA.names).cast(READ_SCHEMA)

    def parts_of(self, stamps: Mapping[str, str]) -> Iterator[tuple[pa.Table, bool]]:
        """Rows of some cells as they were written, part by part, and whether they are frequent."""
        keys = pa.array(stamps, pa.string())
        for number in range(self._file.num_row_groups):
            with _reading():
                rows = self._file.read_row_group(number).filter(pc.field(KEY).isin(keys))
            if len(rows):
                yield rows.cast(WRITTEN), number in self._frequent

    def copy_to(self, path: Path) -> None:
        """Write the same file to a path."""
        self.source.seek(0)
        with _writing(), path.open("wb") as copy:
            shutil.copyfileobj(self.source, copy)


class Growing:
    """A file of scores that is written batch by batch, so that it is never whole in memory."""

    def __init__(self, path: Path) -> None:
        self._stamps, self._frequent = dict[str, str](), list[int]()
        self._n_parts, self._n_rows = 0, 0
        plain = [name for name in WRITTEN.names if name != ROW]
        options = {"use_dictionary": plain, "column_encoding": {ROW: "DELTA_BINARY_PACKED"}}
        with _writing():
            self._writer = pq.ParquetWriter(path, WRITTEN, compression="zstd", **options)

    def add(self, table: pd.DataFrame, stamps: Mapping[str, str]) -> None:
        """Write the rows of cells, and take in the stamps of their files."""
        frequent = needed_rows(table, FREQUENT)
        numbered = table.assign(**{ROW: np.arange(self._n_rows, self._n_rows + len(table))})
        rows = pa.Table.from_pandas(numbered, WRITTEN, preserve_index=False)
        self._write(rows.filter(pa.array(frequent)), True)
        self._write(rows.filter(pa.array(~frequent)), False)
        self._stamps |= stamps

    def copy(self, held: CacheFile, stamps: Mapping[str, str]) -> None:
        """Write the rows that a file has of some cells."""
        for rows, frequent in held.parts_of(stamps):
            self._write(rows, frequent)
        self._stamps |= stamps

    def _write(self, rows: pa.Table, frequent: bool) -> None:
        if not len(rows):
            return
        self._frequent += [self._n_parts] * frequent
        with _writing():
            self._writer.write_table(rows, row_group_size=len(rows))
        self._n_parts += 1
        self._n_rows = max(self._n_rows, pc.max(rows[ROW]).as_py() + 1)

    def close(self) -> None:
        """Write the header, with which the file is whole."""
        known = Header(CACHE_LAYOUT, self._stamps, self._frequent)
        with _writing():
            self._writer.add_key_value_metadata({CACHE_KEY: json.dumps(asdict(known))})
            self._writer.close()


@contextmanager
def growing(path: Path) -> Iterator[Growing]:
    """A file of scores that is whole when the block ends."""
    grown = Growing(path)
    yield grown
    grown.close()


@contextmanager
def scratch_file() -> Iterator[Path]:
    """Path of a file of scores that is gone after the block."""
    with _writing():
        temporary = TemporaryDirectory()
    with temporary as folder:
        yield Path(folder) / CACHE_FILE
