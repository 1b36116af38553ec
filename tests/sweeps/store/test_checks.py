"""Broken files: what they are recognised by, where they go, and what is not read to find them."""

from pathlib import Path

import pytest

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.store import checks
from sweeps.store.artefacts import Store
from sweeps.store.checks import CHECKED_FILE, check_new_files, find_empty
from sweeps.store.files import StoreFiles
from sweeps.store.names import maps_of, name_of
from sweeps.store.packing import BrokenArtefactError
from tests.finished_cells import example_maps, fill, method_scores, trained

READERS = {
    "decoders": Store.read_decoder,
    "methods": Store.read_scores,
    "maps": Store.read_maps,
}


@pytest.fixture
def cells(tiny):
    return [*decoder_cells(tiny), *method_cells(tiny)]


@pytest.fixture
def store(tmp_path, tiny):
    made = Store(str(tmp_path / "store"))
    fill(made, decoder_cells(tiny), method_cells(tiny))
    for cell in method_cells(tiny):
        made.write_maps(cell, example_maps())
    return Store(str(tmp_path / "store"))


def files_of(store, folder, cells):
    """Files of the first two cells that have one in a folder."""
    name = maps_of if folder == "maps" else name_of
    ours = [cell for cell in cells if folder == "decoders" or hasattr(cell, "method")]
    return [(cell, Path(store.files.path(name(cell)))) for cell in ours[:2]]


def truncated(path, _other):
    path.write_bytes(path.read_bytes()[:-20])


def cut_in_its_header(path, _other):
    path.write_bytes(path.read_bytes()[:100])


def too_long(path, _other):
    path.write_bytes(path.read_bytes() + b"more")


def of_another_cell(path, other):
    path.write_bytes(other.read_bytes())


def foreign(path, _other):
    path.write_bytes(b"<html>502 Bad Gateway</html>" * 9)


def zeros(path, _other):
    """As some file systems leave a file when the power fails."""
    path.write_bytes(bytes(path.stat().st_size))


def empty(path, _other):
    path.write_bytes(b"")


SPOILERS = [truncated, cut_in_its_header, too_long, of_another_cell, foreign, zeros, empty]


# Parquet is read from its end: what is too long is foreign.
CASES = [
    pytest.param(folder, spoil, id=f"{folder}-{spoil.__name__}")
    for folder in READERS
    for spoil in SPOILERS
    if (folder, spoil) != ("methods", too_long)
]


@pytest.mark.parametrize(("folder", "spoil"), CASES)
def test_a_spoilt_file_is_found_and_refused_and_no_other(store, cells, folder, spoil):
    assert not check_new_files(cells, store)
    (cell, path), (_, other) = files_of(store, folder, cells)
    spoil(path, other)
    store.refresh()
    (error,) = check_new_files(cells, store)
    assert (error.cell, error.path) == (cell, str(path))
    assert error.advice == (
        f"the file of {cell.title} is broken ({path}): run eegxai sweep with the same "
        "configuration to recompute it"
    )
    with pytest.raises(BrokenArtefactError) as read:
        READERS[folder](store, cell)
    assert (read.value.cell, read.value.path, read.value.advice) == (cell, str(path), error.advice)


@pytest.mark.parametrize("folder", ["decoders", "methods"])
def test_empty_files_are_known_from_the_listing(store, cells, folder, monkeypatch):
    assert not list(find_empty(cells, store))
    (cell, path), _ = files_of(store, folder, cells)
    empty(path, None)
    store.refresh()
    monkeypatch.setattr(StoreFiles, "read", None)
    assert [(error.cell, error.path) for error in find_empty(cells, store)] == [(cell, str(path))]
    assert not store.has(cell)


def test_a_file_is_looked_into_once(store, cells, monkeypatch, tmp_path):
    read, whole = [], StoreFiles.read
    monkeypatch.setattr(
        StoreFiles, "read", lambda files, name, *n: (read.append(name), whole(files, name, *n))[1]
    )
    assert not check_new_files(cells, store)
    assert len(set(read)) == 2 + 8 + 8 + 1
    read.clear()
    again = Store(store.url)
    assert not check_new_files(cells, again)
    assert read == [CHECKED_FILE]
    again.write_decoder(cells[0], trained())
    again.refresh()
    read.clear()
    assert not check_new_files(cells, again)
    assert read == [CHECKED_FILE, name_of(cells[0])]


def test_a_broken_record_of_the_checks_is_written_again(store, cells):
    assert not check_new_files(cells, store)
    content = store.read_file(CHECKED_FILE)
    for broken in (content[:-9], b"", b"x"):
        store.write_file(CHECKED_FILE, broken)
        assert not check_new_files(cells, store)
        assert store.read_file(CHECKED_FILE) == content


def test_the_record_keeps_the_files_of_other_sweeps_and_drops_those_gone(store, cells):
    assert not check_new_files(cells[:1], store)
    Path(store.path(cells[0])).unlink()
    store.refresh()
    assert not check_new_files(cells[1:2], store)
    known = checks._read_checked(store)
    assert list(known) == [name_of(cells[1])]
    assert not check_new_files(cells[2:3], store)
    assert {name_of(cells[1]), name_of(cells[2])} < checks._read_checked(store).keys()


def fill_with_maps(store, cell):
    store.write_maps(cell, example_maps())
    store.write_scores(cell, method_scores())


@pytest.mark.parametrize("folder", READERS)
def test_a_broken_file_is_set_aside_under_its_name_as_often_as_it_takes(store, cells, folder):
    (cell, path), _ = files_of(store, folder, cells)
    write = {
        "decoders": lambda: store.write_decoder(cell, trained()),
        "methods": lambda: store.write_scores(cell, method_scores()),
        "maps": lambda: fill_with_maps(store, cell),
    }[folder]
    for _ in range(2):
        write()
        truncated(path, None)
        content = path.read_bytes()
        assert store.has(cell)
        with pytest.raises(BrokenArtefactError) as read:
            READERS[folder](store, cell)
        store.set_aside(read.value)
        assert not path.exists()
        assert not store.has(cell)  # maps go with the scores that they are made with
        assert not Store(store.url).has(cell)
    aside = list((Path(store.url) / "broken").glob(f"{path.name}.*"))
    assert len(aside) == 2
    assert aside[0].read_bytes() == content
    store.set_aside(read.value)  # another process was faster


def test_what_is_broken_is_told_once(store, cells, caplog):
    (cell, path), _ = files_of(store, "decoders", cells)
    truncated(path, None)
    for _ in range(2):
        with pytest.raises(BrokenArtefactError) as read:
            store.read_decoder(cell)
        store.note_broken(read.value)
    assert caplog.messages == [read.value.advice]


def test_a_file_that_another_process_has_recomputed_meanwhile_stays(store, cells):
    """Both find it broken; the other one is faster."""
    other, cell = Store(store.url), cells[-1]
    path = Path(store.path(cell))
    whole = path.read_bytes()
    path.write_bytes(whole[:500])
    ((ours,), (theirs,)) = (check_new_files([cell], one) for one in (store, other))
    other.set_aside(theirs)
    other.files.write(name_of(cell), whole)
    store.set_aside(ours)
    assert path.read_bytes() == whole
    assert len(list(Path(store.files.path("broken")).iterdir())) == 1
    assert store.has(cell)
