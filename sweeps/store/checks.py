"""Broken files are found without reading every file: by their sizes, and each once by its header.

A listing states sizes, so that empty files are known at once. A header names the cell and declares
where the file ends. It is read once and the file's stamp noted, so that later only files that are
new or have changed since are looked into.
"""

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from sweeps.design.cells import Cell, DecoderCell
from sweeps.store.artefacts import Store
from sweeps.store.files import STORE_THREADS, ListedFile, best_effort
from sweeps.store.names import (
    ARTEFACT_FOLDERS,
    DECODERS_FOLDER,
    MAPS_FOLDER,
    METHODS_FOLDER,
    maps_of,
    name_of,
)
from sweeps.store.packing import BrokenArtefactError, check_decoder, check_scores, check_tensors

log = logging.getLogger(__name__)
CHECKED_FILE = "checked.parquet"  # names and stamps of the files whose headers were in order
# Of a file of the cell, of this size, whose first bytes the callable gives.
HEADER_CHECKS: dict[str, Callable[[Cell, int, Callable[[int | None], bytes]], object]] = {
    DECODERS_FOLDER: check_decoder,
    MAPS_FOLDER: check_tensors,
    METHODS_FOLDER: check_scores,
}


def find_empty(cells: Iterable[Cell], store: Store) -> Iterator[BrokenArtefactError]:
    """Files that should make their cells done and hold nothing, by the listings alone."""
    listed = _listed_files(store, (DECODERS_FOLDER, METHODS_FOLDER))
    empty = {name for name, file in listed.items() if not file.size}
    for cell in cells if empty else ():
        if name_of(cell) in empty:
            yield _broken_error(cell, name_of(cell), store, listed[name_of(cell)], "0 bytes")


def check_new_files(cells: Iterable[Cell], store: Store) -> list[BrokenArtefactError]:
    """Broken files of cells among those that are new or have changed since they were checked."""
    listed, known = _listed_files(store, ARTEFACT_FOLDERS), _read_checked(store)
    new = {
        name: cell
        for cell in cells
        for name in _files_of_cell(cell)
        if name in listed and known.get(name) != listed[name].stamp
    }
    if not new:
        return []
    with ThreadPoolExecutor(STORE_THREADS) as pool:
        found = pool.map(partial(_fault_of_listed, store, listed), new, new.values())
        broken = [error for error in found if error]
    stamps = {name: stamp for name, stamp in known.items() if name in listed}
    whole = new.keys() - {error.name for error in broken}
    _write_checked(store, stamps | {name: listed[name].stamp for name in whole})
    return broken


def _listed_files(store: Store, folders: Iterable[str]) -> dict[str, ListedFile]:
    return {
        f"{folder}/{file}": state
        for folder in folders
        for file, state in store.files.listing(folder).items()
    }


def _files_of_cell(cell: Cell) -> tuple[str, ...]:
    return (name_of(cell),) if isinstance(cell, DecoderCell) else (name_of(cell), maps_of(cell))


def _fault_of_listed(
    store: Store, listed: Mapping[str, ListedFile], name: str, cell: Cell
) -> BrokenArtefactError | None:
    folder = name.partition("/")[0]
    try:
        HEADER_CHECKS[folder](cell, listed[name].size, partial(store.files.read, name))
    except ValueError as error:
        return _broken_error(cell, name, store, listed[name], str(error))
    except FileNotFoundError:  # another process has set it aside since the listing
        pass
    return None


def _broken_error(
    cell: Cell, name: str, store: Store, file: ListedFile, reason: str
) -> BrokenArtefactError:
    path = store.files.path(name)
    return BrokenArtefactError(f"{path} is broken: {reason}", cell, name, path, file.stamp)


def _read_checked(store: Store) -> dict[str, str]:
    """Stamps of the files that were in order, by name; of none where that is not known."""
    try:
        table = pq.read_table(io.BytesIO(store.read_file(CHECKED_FILE)))
        return dict(zip(table["name"].to_pylist(), table["stamp"].to_pylist(), strict=True))
    except FileNotFoundError:
        return {}
    except (pa.ArrowException, OSError, KeyError) as error:
        log.info("%s is broken and written again: %s", CHECKED_FILE, error)
        return {}


def _write_checked(store: Store, stamps: Mapping[str, str]) -> None:
    buffer = io.BytesIO()
    table = pa.table({"name": list(stamps), "stamp": list(stamps.values())})
    pq.write_table(table, buffer, compression="zstd")
    best_effort(store.write_file, CHECKED_FILE, buffer.getvalue())
