"""What goes wrong on clusters, for real: afterwards the table is that of a sweep left in peace."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from sweeps.combined import tidy_from_store
from sweeps.config import load
from sweeps.grid import DecoderCell, decoder_cells, method_cells
from sweeps.run import Sweep
from sweeps.store import store_of
from tests.sweeps.conftest import TINY

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sweeps.cli", "sweep"]
# Long enough to be hit in the middle: epochs by checkpoints, explanations by ScoreCAM.
LONGER = ["training.epochs=12", "data.n_trials=128", "grid.seed=0"]
LONGER += ["grid.method=[Saliency,ScoreCAM,RandomMap]"]


@pytest.fixture(scope="module")
def in_peace(tmp_path_factory):
    """Scores of the sweep without any fault, run in this process."""
    file = tmp_path_factory.mktemp("peace") / "tiny.yaml"
    file.write_text(TINY)
    run = Sweep(load(file, [*LONGER, f"output={file.parent}"]), Console(quiet=True))
    run.run(local=True)
    return tidy_from_store(run.methods, run.store)


@pytest.fixture
def config(tiny_file):
    return load(tiny_file, LONGER)


def start(file, *arguments):
    return subprocess.Popen(
        [*COMMAND, str(file), *LONGER, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(seen, process, seconds=120):
    """What ``seen`` finds in the store while the sweep runs."""
    end = time.monotonic() + seconds
    while not (found := seen()):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def worker_on(config, kind):
    """Process that works on a cell of a kind; a training only when it has a checkpoint."""
    store = store_of(config)
    cells = decoder_cells(config) if kind is DecoderCell else method_cells(config)
    leases = store.leases()
    held = [cell for cell in cells if cell.stem in leases]
    if kind is DecoderCell:
        begun = store.stems("checkpoints")
        held = [cell for cell in held if cell.stem in begun]
    return leases[held[0].stem]["pid"] if held else None


def ended(process, code=0):
    output, _ = process.communicate(timeout=180)
    assert process.returncode == code, output
    return output


def assert_as_in_peace(config, in_peace):
    """Bit for bit, every cell once in the store and once in MLflow."""
    run = Sweep(config, Console(quiet=True))
    pd.testing.assert_frame_equal(tidy_from_store(run.methods, run.store), in_peace)
    assert run.store.stems("methods") == {cell.stem for cell in run.methods}
    assert run.store.stems("decoders") == {cell.stem for cell in run.decoders}
    run.connect()
    for kind, cells in (("decoder", run.decoders), ("method", run.methods)):
        keys = [found.data.tags["eegxai.key"] for found in run.publisher.runs(kind)]
        assert sorted(keys) == sorted(cell.key for cell in cells)


def test_workers_killed_while_they_train_and_explain(config, tiny_file, in_peace):
    process = start(tiny_file)
    for kind in (DecoderCell, None):
        os.kill(until(lambda kind=kind: worker_on(config, kind), process), signal.SIGKILL)
    ended(process)
    assert_as_in_peace(config, in_peace)


def test_the_driver_interrupted_then_killed_and_started_again(config, tiny_file, in_peace):
    store = store_of(config)
    process = start(tiny_file)
    until(lambda: store.stems("checkpoints"), process)
    process.send_signal(signal.SIGINT)
    assert "the same command goes on" in ended(process, 130)

    process = start(tiny_file)
    before = until(lambda: store.stems("methods"), process)
    process.kill()
    process.communicate()
    written = {stem: _modified(store, stem) for stem in before}

    ended(start(tiny_file))
    assert {stem: _modified(store, stem) for stem in before} == written
    assert_as_in_peace(config, in_peace)


def _modified(store, stem):
    return (Path(store.url) / "methods" / f"{stem}.parquet").stat().st_mtime_ns


def test_a_full_disk_fails_cells_and_loses_none(config, tiny_file, in_peace, tmp_path):
    """Cells that cannot be written fail with the reason; with room again they are done."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "1200k"):
        here = [f"store={disk / 'store'}"]
        output = ended(start(tiny_file, "--local", *here), 3)
        assert "No space left on device" in output
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        ended(start(tiny_file, "--local", *here))
        assert_as_in_peace(load(tiny_file, [*LONGER, *here]), in_peace)


@contextlib.contextmanager
def small_disk(folder, size):
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
