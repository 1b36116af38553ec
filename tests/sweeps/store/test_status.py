"""What ``eegxai status`` tells of a store: done, running, failed, left."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.execution.runner import Stage, run_local
from sweeps.store.artefacts import store_of
from sweeps.store.heartbeats import STALE_SECONDS, heartbeat, is_fresh
from sweeps.store.records import Heartbeat
from sweeps.store.status import durations, stage_of, status_of, work_of
from tests.paths import ROOT
from tests.sweeps.store.test_artefacts import SCORES, TRAINED

RUNNER = CliRunner()


@pytest.fixture
def store(tiny):
    return store_of(tiny)


def test_an_empty_store_is_all_open(tiny, store):
    seen = status_of(tiny, store)
    assert set(seen.states.values()) == {"open"}
    assert seen.counts["open"].tolist() == [2, 8]
    assert seen.work_left != seen.work_left  # not known


def test_a_cell_is_done_running_failed_or_open(tiny, store):
    one, two = decoder_cells(tiny)
    first, second, *_ = method_cells(tiny)
    store.write_decoder(one, TRAINED)
    store.write_failure(first, "Traceback\nRuntimeError: no luck")
    with heartbeat(second, store):
        wait_for(store.heartbeats)
        seen = status_of(tiny, store)
        assert (seen.states[one], seen.states[two]) == ("done", "open")
        assert (seen.states[first], seen.states[second]) == ("failed", "running")
        assert seen.heartbeats[second].pid == os.getpid()
        assert seen.reasons == {first: "Traceback\nRuntimeError: no luck"}
    assert status_of(tiny, store).states[second] == "open"


def wait_for(found, seconds=20):
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_time_left_is_the_open_cells_by_what_such_cells_took(tiny, store):
    """One of two decoders took 1.5 s, one of eight explanations too."""
    one, _ = decoder_cells(tiny)
    first = next(method_cells(tiny))
    store.write_decoder(one, TRAINED)
    store.write_scores(first, SCORES)
    seen = status_of(tiny, store)
    assert seen.counts["hours"].tolist() == pytest.approx([1.5 / 3600, 7 * 1.5 / 3600])
    assert seen.work_left == pytest.approx(8 * 1.5 / 3600)
    assert seen.time_left != seen.time_left  # nobody is at work


def test_durations_are_known_for_a_kind_of_work_and_for_its_first_parts(tiny, store):
    first = next(method_cells(tiny))
    store.write_scores(first, SCORES)
    known = durations([first], store)
    work = work_of(first)
    assert work == ("explain", "deepnet", first.method, "temporal")
    assert known == {work[:n]: 1.5 for n in (1, 2, 3, 4)}


def test_a_heartbeat_is_renewed_and_goes_stale(tiny, store):
    cell = next(decoder_cells(tiny))
    with heartbeat(cell, store, beat_seconds=0.01):
        wait_for(store.heartbeats)
        before = store.heartbeats()[cell.stem]
        wait_for(lambda: store.heartbeats()[cell.stem].beat > before.beat)
    assert not store.heartbeats()
    assert is_fresh(before)
    assert not is_fresh(before, before.beat + STALE_SECONDS)


KILLED = """
import sys, time
from sweeps.design.config_file import load
from sweeps.design.cells import decoder_cells
from sweeps.store.heartbeats import heartbeat
from sweeps.store.artefacts import store_of

config = load(sys.argv[1])
with heartbeat(next(decoder_cells(config)), store_of(config)):
    time.sleep(600)
"""


@pytest.mark.slow
def test_the_heartbeat_of_a_killed_worker_stays_and_ends_by_its_age(tiny, tiny_file, store):
    root = str(ROOT)
    command = [sys.executable, "-c", KILLED, str(tiny_file)]
    worker = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root})
    wait_for(store.heartbeats, 60)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    cell = next(decoder_cells(tiny))
    assert status_of(tiny, store).states[cell] == "running"
    left = store.heartbeats()[cell.stem]
    store.write_heartbeat(cell, replace(left, beat=left.beat - STALE_SECONDS))
    assert status_of(tiny, store).states[cell] == "open"


def test_the_heartbeat_of_a_clock_that_was_put_back_ends_too(tiny, store):
    """It is of the future: who wrote it is dead, or says so again within seconds."""
    cell = next(decoder_cells(tiny))
    now = time.time()
    store.write_heartbeat(cell, Heartbeat("h", 1, now + 7200, now + 7200))
    assert status_of(tiny, store).states[cell] == "open"
    store.write_heartbeat(cell, Heartbeat("h", 1, now + 7200, now))
    seen = status_of(tiny, store)
    assert seen.states[cell] == "running"
    fast = replace(seen, seconds={work_of(cell): 10.0})
    assert fast._left(cell, "running") == 10.0


def test_a_store_that_cannot_hold_a_heartbeat_hinders_no_work(tiny, store, tmp_path, caplog):
    (tmp_path / "runs" / "store").mkdir(parents=True)
    (tmp_path / "runs" / "store" / "running").write_text("a file where a folder should be")
    with heartbeat(next(decoder_cells(tiny)), store):
        pass
    assert "could not be changed" in caplog.text


@pytest.mark.slow
def test_a_sweep_leaves_reasons_and_no_heartbeats(tiny, store):
    """Explaining decoders that were never trained fails, and training them afterwards heals."""
    cells = list(method_cells(tiny))[:1]
    stage = Stage("explain", "method", cells, tiny.resources.explain)
    run_local(stage, store.url, lambda outcome: None)
    seen = status_of(tiny, store)
    assert seen.states[cells[0]] == "failed"
    assert "FileNotFoundError" in seen.reasons[cells[0]]
    trained = Stage("train", "decoder", [cells[0].decoder], tiny.resources.train)
    for again in (trained, stage):
        run_local(again, store.url, lambda outcome: None)
    healed = status_of(tiny, store)
    assert healed.states[cells[0]] == "done"
    assert store.failure(cells[0]) is None
    assert not store.heartbeats()


def test_the_command_tells_reasons_and_time(tiny_file, tiny, store):
    one, _ = decoder_cells(tiny)
    first, second, *_ = method_cells(tiny)
    store.write_decoder(one, TRAINED)
    store.write_scores(first, SCORES)
    store.write_failure(second, "Traceback\nRuntimeError: no luck")
    shown = RUNNER.invoke(app, ["status", str(tiny_file)])
    assert shown.exit_code == 0, shown.output
    assert "RuntimeError: no luck" in shown.output
    assert "10 cells: 2 done, 1 failed, 7 open; 12 s of one worker's time left" in shown.output


def test_watching_ends_when_all_is_done(tiny_file, tiny, store):
    for cell in decoder_cells(tiny):
        store.write_decoder(cell, TRAINED)
    for cell in method_cells(tiny):
        store.write_scores(cell, SCORES)
    shown = RUNNER.invoke(app, ["status", str(tiny_file), "--watch"])
    assert shown.exit_code == 0, shown.output
    assert "10 cells: 10 done; nothing left" in shown.output


def test_stages_of_cells(tiny):
    cell = next(decoder_cells(tiny))
    method = next(method_cells(tiny))
    assert [stage_of(c) for c in (cell, cell.with_permuted_labels, method)] == [
        "train",
        "label_retrain",
        "explain",
    ]
