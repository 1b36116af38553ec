"""The store in a bucket of a real S3 server on loopback (moto's), and what a store never does."""

import pickle
from pathlib import Path

import pandas as pd
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from sweeps.analysis.summary import HEADLINE_ROWS
from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from sweeps.scores.cache import tidy_from_store
from sweeps.scores.cache_file import CACHE_FILE, CacheFile
from sweeps.scores.table import TIDY
from sweeps.store.artefacts import Store, store_of
from sweeps.store.checks import check_new_files
from sweeps.store.files import StoreFiles
from sweeps.store.heartbeats import heartbeat
from sweeps.store.names import name_of
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import Heartbeat
from sweeps.store.status import status_of
from tests.finished_cells import fill
from tests.sweeps.store.test_artefacts import CHECKPOINT, SCORES, TRAINED, VERSIONS

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def endpoint():
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch):
    from pyarrow.fs import S3FileSystem

    known = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    for name, value in {**known, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    files = S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True)
    files.create_dir("sweeps")
    files.delete_dir_contents("sweeps", missing_dir_ok=True)
    return "s3://sweeps/some/folder"


def test_artefacts_come_back_from_a_bucket_as_they_went(bucket, tiny):
    store = Store(bucket)
    decoder, method = next(decoder_cells(tiny)), next(method_cells(tiny))
    assert not store.has(decoder)
    assert store.stems("decoders") == set()
    store.write_checkpoint(decoder, CHECKPOINT, VERSIONS)
    assert store.read_checkpoint(decoder, VERSIONS).history == CHECKPOINT.history
    store.write_decoder(decoder, TRAINED)
    assert store.read_checkpoint(decoder, VERSIONS) is None
    store.write_scores(method, SCORES)
    weights = store.read_decoder(decoder).weights
    assert all(torch.equal(weights[name], value) for name, value in TRAINED.weights.items())
    pd.testing.assert_frame_equal(store.read_scores(method).table, SCORES.table)
    assert store.stems("decoders") == {decoder.stem}


def test_the_cache_of_scores_lies_in_the_bucket_and_is_read_in_part(bucket, tiny):
    store, cells = Store(bucket), list(method_cells(tiny))
    fill(store, methods=cells)
    expected = tidy_from_store(cells, store)
    assert store.read_file(CACHE_FILE)
    with store.open_file(CACHE_FILE) as source:
        held = CacheFile(source)
        pd.testing.assert_frame_equal(held.table()[list(TIDY)], expected)
        assert len(held.table(HEADLINE_ROWS)) < len(expected)


@pytest.fixture
def requests(monkeypatch):
    """What the server is asked."""
    serving = pytest.importorskip("werkzeug.serving")
    asked, answer = [], serving.WSGIRequestHandler.run_wsgi

    def counted(handler):
        asked.append(f"{handler.command} {handler.path}")
        answer(handler)

    monkeypatch.setattr(serving.WSGIRequestHandler, "run_wsgi", counted)
    return asked


PAGE = 1000  # keys of one answer to a listing


def test_what_is_left_takes_as_many_requests_however_many_cells_are_there(
    bucket, tiny_file, requests
):
    """A listing of three folders; one of more than a thousand files takes one more for each."""
    config = load(tiny_file, [f"store={bucket}", "grid.seed=[0,1,2,3,4,5,6,7]"])
    run = Sweep(config, Console(quiet=True))
    held = [*run.decoders, *run.methods[:5]]
    counts = []
    for more in ([], run.methods[5:]):
        for cell in (*held, *more):
            run.store.files.write(name_of(cell), b"something")
        requests.clear()
        left = Sweep(config, Console(quiet=True)).left()
        assert left == set(run.methods[5:]) - set(more)
        assert not [request for request in requests if run.methods[0].key[:16] in request]
        counts.append(len(requests))
    assert counts[0] == counts[1] <= 5


def test_a_listing_takes_one_request_for_a_thousand_files(bucket, requests):
    models, core = map(pytest.importorskip, ("moto.s3.models", "moto.core.models"))
    held = models.s3_backends[core.DEFAULT_ACCOUNT_ID]["aws"]  # the server's own, for speed
    files = StoreFiles(bucket)
    for number in range(PAGE + 1):
        held.put_object("sweeps", f"some/folder/methods/{number}.parquet", b"x")
    files.write("decoders/0.safetensors", b"x")
    counts = {}
    for folder in ("decoders", "methods"):
        requests.clear()
        counts[folder] = len(files.listing(folder)), len(requests)
    assert counts["decoders"][0] == 1
    assert counts["methods"] == (PAGE + 1, counts["decoders"][1] + 1)


def test_a_broken_file_in_a_bucket_is_found_and_set_aside(bucket, tiny):
    store = Store(bucket)
    cells = [*decoder_cells(tiny), *method_cells(tiny)]
    fill(store, cells[:2], cells[2:])
    assert not check_new_files(cells, store)
    spoilt = {cells[0]: store.read_bytes(cells[0])[:-20], cells[2]: b"<html>"}
    for cell, content in spoilt.items():
        store.files.write(name_of(cell), content)
    again = Store(bucket)
    found = check_new_files(cells, again)
    assert {error.cell for error in found} == set(spoilt)
    for error in found:
        again.set_aside(error)
    assert [cell for cell in cells if not Store(bucket).has(cell)] == list(spoilt)
    aside = again.files.listing("broken")
    assert {name.rpartition(".")[0] for name in aside} == {
        name_of(cell).rpartition("/")[2] for cell in spoilt
    }


def test_heartbeats_and_failures_in_a_bucket(bucket, tiny):
    store = Store(bucket)
    one, two = decoder_cells(tiny)
    store.write_failure(two, "RuntimeError: no luck")
    with heartbeat(one, store, beat_seconds=0.01):
        while not store.heartbeats():
            pass
        states = status_of(tiny, store).states
    assert (states[one], states[two]) == ("running", "failed")
    assert store.heartbeats() == {}
    store.remove_failure(two)
    assert store.failure(two) is None


@pytest.mark.slow
@pytest.mark.usefixtures("with_database")
def test_a_sweep_into_a_bucket_and_again(bucket, tiny_file, tmp_path):
    overrides = ["grid.seed=0", "grid.method=Saliency", "evaluation.checks=[target_swap]"]
    overrides.append(f"store={bucket}")
    for _ in range(2):
        done = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local", *overrides])
        assert done.exit_code == 0, done.output
    config = load(tiny_file, overrides)
    assert status_of(config, store_of(config)).is_done
    assert not (tmp_path / "runs" / "store").exists()
    tables = RUNNER.invoke(app, ["tables", str(tiny_file), *overrides])
    assert "Saliency" in tables.output


class Trap:
    """What a pickle could do to its reader."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_bucket_that_cannot_be_written_is_told_before_the_work(bucket, tiny_file):
    nowhere = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local", "store=s3://nowhere/runs"])
    assert nowhere.exit_code == 2, nowhere.output
    assert "store 's3://nowhere/runs' cannot be used" in nowhere.output
    assert "Traceback" not in nowhere.output


def test_no_pickle_is_read_from_the_store(tiny, tmp_path):
    """Nor where one lies under the name of an artefact or in a place for JSON."""
    store, trap = Store(str(tmp_path / "store")), tmp_path / "sprung"
    decoder, method = next(decoder_cells(tiny)), next(method_cells(tiny))
    store.write_checkpoint(decoder, CHECKPOINT, VERSIONS)
    store.write_scores(method, SCORES)
    store.write_heartbeat(decoder, Heartbeat("host", 1, 0, 0))
    checkpoint = f"{store.url}/checkpoints/{decoder.stem}.safetensors"
    content = pickle.dumps(Trap(trap))
    torch.save(Trap(trap), tmp_path / "torch.pt")
    for payload in (content, (tmp_path / "torch.pt").read_bytes()):
        for path in (checkpoint, store.path(method), f"{store.url}/running/{decoder.stem}.json"):
            Path(path).write_bytes(payload)
        with pytest.raises(BrokenArtefactError):
            store.read_checkpoint(decoder, VERSIONS)
        with pytest.raises(BrokenArtefactError):
            store.read_scores(method)
        assert store.heartbeats() == {}
    assert not trap.exists()
    pickle.loads(content)
    assert trap.exists()  # the trap works


def test_no_cell_writes_outside_its_store(tiny, tmp_path):
    """Whatever a plug-in calls its method, or a file its cell."""
    root = tmp_path / "store"
    store = Store(str(root))
    cell = next(method_cells(tiny))
    for name in ("../../out", "/etc/out", "..", "a\\..\\b", "a\nb"):
        hostile = type(cell)(**{**vars(cell), "method": name})
        store.write_failure(hostile, "x")
        store.write_heartbeat(hostile, Heartbeat("host", 1, 0, 0))
        for path in (store.path(hostile), f"{store.url}/running/{hostile.stem}.json"):
            assert Path(path).resolve().parent.parent == root
    assert {path.name for path in tmp_path.iterdir()} == {"store", "tiny.yaml"}
