"""Notes on files that a reader found broken, for the next sweep, which alone moves artefacts.

A file may pass the check of its header and be broken all the same, as whoever reads it whole finds.
"""

import json
from collections.abc import Iterable, Iterator

from sweeps.design.cells import Cell
from sweeps.store.files import StoreFiles
from sweeps.store.names import ARTEFACT_FOLDERS, SUSPECTS_FOLDER
from sweeps.store.packing import BrokenArtefactError

OF_FOLDER = "--"  # between the folder and the name of the file that a note is on


def note_suspect(files: StoreFiles, error: BrokenArtefactError) -> None:
    """Leave a note on a broken file: its state, and what was found."""
    content = {"stamp": error.stamp, "found": str(error)}
    files.write(_note_on(error.name), json.dumps(content).encode())


def strike_suspect(files: StoreFiles, name: str) -> None:
    """Remove the note on a file, where there is one."""
    if _note_on(name).rpartition("/")[2] in files.listing(SUSPECTS_FOLDER):
        files.remove(_note_on(name))


def suspects(files: StoreFiles, cells: Iterable[Cell]) -> Iterator[BrokenArtefactError]:
    """Files of these cells that readers have found broken, by one listing and the notes.

    Notes on files that were made anew since are removed.
    """
    files.forget(SUSPECTS_FOLDER)
    noted = {note.removesuffix(".json"): note for note in files.listing(SUSPECTS_FOLDER)}
    by_stem = {cell.stem: cell for cell in cells} if noted else {}
    for file, note in noted.items():
        folder, _, name = file.partition(OF_FOLDER)
        cell = by_stem.get(name.rpartition(".")[0])
        if cell and folder in ARTEFACT_FOLDERS:
            path = f"{folder}/{name}"
            error = _suspect(files, cell, path, files.read(f"{SUSPECTS_FOLDER}/{note}"))
            if error.stamp in ("", files.stamp(path)):  # empty where it was not known
                yield error
            else:
                files.remove(f"{SUSPECTS_FOLDER}/{note}")


def _suspect(files: StoreFiles, cell: Cell, name: str, note: bytes) -> BrokenArtefactError:
    """What a note says; one that cannot be read is on the file as it is now."""
    try:
        content = json.loads(note)
        stamp, found = str(content["stamp"]), str(content["found"])
    except (ValueError, KeyError, TypeError):
        stamp, found = files.stamp(name), f"{files.path(name)} is broken"
    return BrokenArtefactError(found, cell, name, files.path(name), stamp)


def _note_on(name: str) -> str:
    return f"{SUSPECTS_FOLDER}/{name.replace('/', OF_FOLDER)}.json"
