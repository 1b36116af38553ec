"""Files that are whole and name their cell, but hold something else than they should."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.scores.cache import tidy_from_store
from sweeps.scores.cache_file import CACHE_FILE
from sweeps.store.artefacts import Store
from sweeps.store.checks import check_new_files
from sweeps.store.names import RUNNING_FOLDER, SUSPECTS_FOLDER, heartbeat_of, maps_of, name_of
from sweeps.store.packing import RECORD_KEY, BrokenArtefactError
from sweeps.store.records import Heartbeat
from sweeps.store.status import status_of
from tests.finished_cells import filled_store


@pytest.fixture
def cells(tiny):
    return list(decoder_cells(tiny)), list(method_cells(tiny))


@pytest.fixture
def store(tmp_path, cells):
    return filled_store(tmp_path / "store", *cells)


def edit_tensors(store, name, edit):
    path = Path(store.files.path(name))
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no dict)
        record = json.loads(file.metadata()[RECORD_KEY])
    tensors, record = edit(tensors, record)
    path.write_bytes(safetensors.torch.save(tensors, {RECORD_KEY: json.dumps(record)}))


def edit_scores(store, cell, edit):
    path = Path(store.path(cell))
    table = pq.read_table(path)
    header = RECORD_KEY.encode()
    table, record = edit(table, json.loads(table.schema.metadata[header]))
    metadata = {**table.schema.metadata, header: json.dumps(record).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def recorded(**fields):
    return lambda content, record: (content, {**record, **fields})


def header(value):
    return lambda content, _record: (content, value)


def judged(**fields):
    return lambda content, record: (
        content,
        {**record, "validity": {**record["validity"], **fields}},
    )


def column(name, values):
    def edit(table, record):
        place = table.schema.get_field_index(name)
        return table.set_column(place, name, pa.array([values] * len(table))), record

    return edit


def without(name):
    return lambda table, record: (table.drop([name]), record)


FOREIGN_SCORES = {
    "no record": header(None),
    "a text": header("a"),
    "a list": header([3]),
    "accuracy as text": recorded(accuracy="high"),
    "at_chance as text": recorded(at_chance="x"),
    "no duration": recorded(seconds=None),
    "an unknown field": recorded(colour="red"),
    "no validity": recorded(validity=None),
    "validity as a list": recorded(validity=[1]),
    "an unknown status": judged(status="zz"),
    "a mean as text": column("mean", "a"),
    "a step as text": column("step", "a"),
    "a check as a number": column("check", 1),
    "no mean": without("mean"),
    "no check": without("check"),
}
FOREIGN_DECODERS = {
    "no record": header(None),
    "a list": header([1]),
    "accuracy as text": recorded(accuracy="high"),
    "no duration": recorded(seconds=None),
    "no confusion": recorded(confusion=None),
    "no history": recorded(history=None),
    "versions as a list": recorded(versions=[1]),
}
FOREIGN_MAPS = {
    "no record": header(None),
    "other arrays": lambda _tensors, record: ({"a": torch.ones(1)}, record),
    "flat arrays": lambda tensors, record: (
        {name: array.flatten()[:1].clone() for name, array in tensors.items()},
        record,
    ),
    "fewer channels": recorded(channels=["Cz"]),
    "no sampling rate": recorded(sfreq=None),
}


def either(table):
    return pytest.mark.parametrize("edit", table.values(), ids=table.keys())


@either(FOREIGN_SCORES)
def test_scores_of_another_form_are_broken_and_all_others_are_read(store, cells, tiny, edit):
    cell, *others = cells[1]
    edit_scores(store, cell, edit)
    with pytest.raises(BrokenArtefactError, match="is broken") as caught:
        store.read_scores(cell)
    assert (caught.value.cell, caught.value.name) == (cell, name_of(cell))
    tidy = tidy_from_store(cells[1], store)
    assert tidy["method"].nunique() == len({other.method for other in others})
    assert list(store.broken) == [name_of(cell)]
    assert "\n" not in store.broken[name_of(cell)].advice
    assert status_of(tiny, store).states[cell] == "open"
    assert [error.cell for error in check_new_files(cells[1], store)] == [cell]


@either(FOREIGN_DECODERS)
def test_decoders_of_another_form_are_broken(store, cells, tiny, edit):
    cell = cells[0][0]
    edit_tensors(store, name_of(cell), edit)
    with pytest.raises(BrokenArtefactError, match="is broken") as caught:
        store.read_decoder(cell)
    assert caught.value.cell == cell
    assert status_of(tiny, store).states[cell] == "open"
    assert [error.cell for error in check_new_files(cells[0], store)] == [cell]


@either(FOREIGN_MAPS)
def test_maps_of_another_form_are_broken(store, cells, edit):
    cell = cells[1][0]
    edit_tensors(store, maps_of(cell), edit)
    with pytest.raises(BrokenArtefactError, match="is broken") as caught:
        store.read_maps(cell)
    assert caught.value.name == maps_of(cell)


def test_the_next_sweep_sets_aside_what_a_reader_found_broken(store, cells):
    """Its header is in order, so that only who reads the whole finds it."""
    cell = cells[1][0]
    edit_tensors(store, maps_of(cell), FOREIGN_MAPS["other arrays"])
    assert not check_new_files(cells[1], store)
    with pytest.raises(BrokenArtefactError) as caught:
        store.read_maps(cell)
    store.note_broken(caught.value)
    later = Store(store.url)
    (found,) = later.suspects(cells[1])
    assert (found.cell, found.name, str(found)) == (cell, maps_of(cell), str(caught.value))
    later.set_aside(found)
    assert not later.has(cell)
    assert not Store(store.url).suspects(cells[1])


def test_a_note_on_a_file_that_was_made_anew_moves_nothing(store, cells):
    cell = cells[1][0]
    store.note_broken(BrokenArtefactError("?", cell, maps_of(cell), stamp="of another file"))
    later = Store(store.url)
    assert not later.suspects(cells[1])
    assert later.has(cell)
    assert later.read_maps(cell)
    assert not later.stems(SUSPECTS_FOLDER)


@pytest.mark.parametrize("content", [b"?", b"null", b"{}", b"\xff"])
def test_a_note_that_cannot_be_read_is_on_the_file_as_it_is(store, cells, content):
    cell = cells[1][0]
    name = f"{SUSPECTS_FOLDER}/{name_of(cell).replace('/', '--')}.json"
    store.write_file(name, content)
    (found,) = store.suspects(cells[1])
    store.set_aside(found)
    assert not store.has(cell)


def test_notes_on_files_of_other_sweeps_stay(store, cells):
    cell, *others = cells[1]
    store.note_broken(BrokenArtefactError("?", cell, name_of(cell)))
    assert not store.suspects(others)
    assert len(store.suspects([cell])) == 1


@pytest.mark.parametrize(
    "content", [b"[1, 2]", b"null", b'{"beat": 1', b'{"beat": 1}', b"\xff\xfe", b""]
)
def test_heartbeats_of_another_form_are_none(store, cells, tiny, content):
    cell = cells[1][0]
    store.files.remove(name_of(cell))
    store.write_file(heartbeat_of(cell), content)
    assert store.stems(RUNNING_FOLDER) == {cell.stem}
    assert not store.heartbeats()
    assert status_of(tiny, store).states[cell] == "open"


def test_a_heartbeat_comes_back_as_it_went(store, cells):
    beat = Heartbeat("host", 1, 2.0, 3.0)
    store.write_heartbeat(cells[1][0], beat)
    assert store.heartbeats() == {cells[1][0].stem: replace(beat)}


def test_a_traceback_that_is_no_text_is_shown_as_far_as_it_is(store, cells, tiny):
    cell = cells[1][0]
    store.files.remove(name_of(cell))
    store.write_failure(cell, "?")
    Path(store.files.path(f"failures/{cell.stem}.txt")).write_bytes(b"Error: \xff\xfe")
    assert status_of(tiny, store).reasons[cell].startswith("Error: ")


@pytest.mark.parametrize(
    "content",
    ["null", "[]", '{"layout": 6, "stamps": [1], "frequent": [0]}',
     '{"layout": 6, "stamps": {}, "frequent": [99]}'],
)  # fmt: skip
def test_a_cache_whose_header_is_foreign_is_written_again(store, cells, content):
    expected = tidy_from_store(cells[1], store)
    path = Path(store.url, CACHE_FILE)
    table = pq.read_table(path)
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({RECORD_KEY: content})
    assert tidy_from_store(cells[1], Store(store.url)).equals(expected)
    assert pq.read_metadata(path).metadata[RECORD_KEY.encode()].decode() != content
