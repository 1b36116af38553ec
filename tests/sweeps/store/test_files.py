"""What is done is one listing a folder, kept up by the process that writes."""

import os
import threading
import time
from pathlib import Path

import pytest

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.store.artefacts import Store
from sweeps.store.files import PARTIAL, StoreFiles
from sweeps.store.names import name_of
from tests.finished_cells import fill, method_scores, trained


@pytest.fixture
def files(tmp_path):
    return StoreFiles(str(tmp_path / "store"))


@pytest.fixture
def listings(monkeypatch):
    """Folders that are listed."""
    seen, listed = [], StoreFiles._list
    monkeypatch.setattr(
        StoreFiles, "_list", lambda files, folder: (seen.append(folder), listed(files, folder))[1]
    )
    return seen


def test_a_folder_is_listed_once_and_kept_up(files, listings):
    assert files.listing("methods") == {}
    files.write("methods/a.parquet", b"abc")
    files.write("methods/b.parquet", b"")
    files.write("decoders/c.safetensors", b"x")
    assert {name: file.size for name, file in files.listing("methods").items()} == {
        "a.parquet": 3,
        "b.parquet": 0,
    }
    files.move("methods/a.parquet", "broken/a.parquet")
    files.remove("methods/b.parquet")
    files.remove("methods/never-there.parquet")
    assert files.listing("methods") == {}
    assert listings == ["methods"]
    assert files.read("broken/a.parquet") == b"abc"
    assert files.read("broken/a.parquet", 2) == b"ab"


def test_a_listing_taken_anew_knows_what_others_did(files, tmp_path):
    assert not files.listing("methods")
    (tmp_path / "store" / "methods").mkdir(parents=True)
    (tmp_path / "store" / "methods" / "a.parquet").write_bytes(b"abc")
    (tmp_path / "store" / "methods" / ".b.parquet.1.partial").write_bytes(b"abc")
    assert not files.listing("methods")
    files.forget("methods")
    assert list(files.listing("methods")) == ["a.parquet"]


def test_a_look_is_at_the_file_itself_and_enters_the_listing(files, tmp_path):
    files.write("methods/a.parquet", b"abc")
    files.listing("methods")
    (tmp_path / "store" / "methods" / "a.parquet").unlink()
    assert not files.look("methods/a.parquet")
    assert not files.listing("methods")
    (tmp_path / "store" / "methods" / "a.parquet").write_bytes(b"")
    assert not files.look("methods/a.parquet")
    (tmp_path / "store" / "methods" / "a.parquet").write_bytes(b"abc")
    assert files.look("methods/a.parquet")
    assert list(files.listing("methods")) == ["a.parquet"]


def test_a_file_written_while_the_folder_is_listed_is_not_lost(files, monkeypatch):
    """Listed before the file appears, and kept after it was noted."""
    listed, begun = StoreFiles._list, threading.Event()

    def slow(files, folder):
        found = listed(files, folder)
        begun.set()
        writer.join(0.2)  # it has written, and waits to note it
        return found

    monkeypatch.setattr(StoreFiles, "_list", slow)
    writer = threading.Thread(
        target=lambda: (begun.wait(5), files.write("methods/a.parquet", b"abc"))
    )
    writer.start()
    files.listing("methods")
    writer.join()
    assert list(files.listing("methods")) == ["a.parquet"]


def test_the_cells_of_a_store_are_known_from_two_listings(tiny, tmp_path, listings):
    decoders, methods = list(decoder_cells(tiny)), list(method_cells(tiny))
    fill(Store(str(tmp_path / "store")), decoders[:1], methods[:3])
    store = Store(str(tmp_path / "store"))
    cells = [*decoders, *methods]
    assert [cell for cell in cells if store.has(cell)] == [decoders[0], *methods[:3]]
    store.write_decoder(decoders[1], trained())
    store.write_scores(methods[3], method_scores())
    store.note_done(methods[4])
    store.files.remove(name_of(methods[0]))
    assert [cell for cell in cells if store.has(cell)] == [*decoders, *methods[1:5]]
    assert sorted(listings) == ["decoders", "methods"]
    store.refresh()
    assert not store.has(methods[4])
    assert len(listings) == 3


def test_what_killed_processes_left_behind_is_removed(files, tmp_path, monkeypatch):
    files.write("methods/a.parquet", b"abc")
    folder = tmp_path / "store" / "methods"
    old, new = folder / ".b.parquet.1234.partial", folder / ".c.parquet.5678.partial"
    for path in (old, new):
        path.write_bytes(b"ab")
    os.utime(old, (0, 0))
    files.remove_abandoned("methods", "never-there")
    assert sorted(path.name for path in folder.iterdir()) == [new.name, "a.parquet"]


def test_what_was_left_behind_before_the_clock_was_put_back_is_removed(files, tmp_path):
    left = tmp_path / "store" / "methods" / ".b.parquet.1234.partial"
    files.write("methods/a.parquet", b"abc")
    left.write_bytes(b"ab")
    os.utime(left, (time.time() + 86400,) * 2)
    files.remove_abandoned("methods")
    assert not left.exists()


def test_a_file_is_written_although_a_process_of_another_clock_takes_it_for_abandoned(
    files, tmp_path, monkeypatch
):
    real, removed = files.system.mv, []

    def move(partial, path):
        if not removed:
            removed.append(partial)
            os.remove(partial)
        real(partial, path)

    monkeypatch.setattr(files.system, "mv", move)
    files.write("methods/a.parquet", b"abc")
    assert removed
    assert [path.name for path in (tmp_path / "store" / "methods").iterdir()] == ["a.parquet"]


def test_a_file_that_is_written_has_the_name_that_is_looked_for(files, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(files.system, "mv", lambda partial, path: seen.append(Path(partial)))
    files.write("methods/a.parquet", b"abc")
    assert seen[0].match(PARTIAL.format(name="*"))
