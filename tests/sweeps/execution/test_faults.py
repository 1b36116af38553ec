"""What goes wrong on clusters, for real: afterwards the table is that of a sweep left in peace."""

import contextlib
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from eegxai.attribution import METHODS
from sweeps.cli import app
from sweeps.cli.sweep import UNPUBLISHED
from sweeps.design.cells import DecoderCell, MethodCell, decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of
from tests.sweeps.conftest import TINY
from tests.sweeps.processes import (
    COMMAND,
    TOKEN,
    end,
    environment,
    free_port,
    listens,
    start_mlflow,
    start_ray,
    wait_for,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.usefixtures("with_database"),
]

RUNNER = CliRunner()
# Long enough to be hit in the middle: epochs by checkpoints, explanations by ScoreCAM.
LONGER = ["training.epochs=20", "data.n_trials=128", "grid.seed=0"]
LONGER += ["grid.method=[Saliency,ScoreCAM,RandomMap]", "evaluation.checks=[target_swap]"]
CELLS = {DecoderCell: decoder_cells, MethodCell: method_cells}
BROKEN = """
from eegxai.attribution import attribution


@attribution("Broken")
def broken(decoder, x, target):
    raise RuntimeError("on purpose")
"""


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


@pytest.fixture(scope="module", autouse=True)
def interruptible():
    """A test run in the background ignores Ctrl-C, and so would the sweeps that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(file, *arguments, **more):
    return subprocess.Popen(
        [*COMMAND, "sweep", str(file), *LONGER, *map(str, arguments)],
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(seen, process):
    """What ``seen`` finds while the sweep runs."""

    def found():
        result = seen()
        assert result or process.poll() is None, process.stdout.read()
        return result

    return wait_for(found)


def worker_on(config, kind):
    """Process that works on a cell of a kind; a training only when it has a checkpoint."""
    store = store_of(config)
    cells = CELLS[kind](config)
    heartbeats = store.heartbeats()
    held = [cell for cell in cells if cell.stem in heartbeats]
    if kind is DecoderCell:
        begun = store.stems("checkpoints")
        held = [cell for cell in held if cell.stem in begun]
    return heartbeats[held[0].stem].pid if held else None


def ended(process, code=0):
    output, _ = process.communicate(timeout=400)
    assert process.returncode == code, output
    return output


def resume(config):
    """Do what is left, in this process."""
    run = Sweep(config, Console(quiet=True))
    run.run(local=True)
    assert not run.failed


def assert_as_in_peace(config, in_peace):
    """Bit for bit, every cell once in the store and once in MLflow."""
    run = Sweep(config, Console(quiet=True))
    pd.testing.assert_frame_equal(tidy_from_store(run.methods, run.store), in_peace)
    assert run.store.stems("methods") == {cell.stem for cell in run.methods}
    assert run.store.stems("decoders") == {cell.stem for cell in run.decoders}
    run.connected()
    for kind, cells in (("decoder", run.decoders), ("method", run.methods)):
        keys = [found.data.tags["eegxai.key"] for found in run.publisher.runs(kind)]
        assert sorted(keys) == sorted(cell.key for cell in cells)


@pytest.fixture
def broken_method(tmp_path):
    """Folder with an installed package whose method, Broken, raises every time."""
    known = tmp_path / "broken-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (known / "entry_points.txt").write_text("[eegxai.methods]\nbroken = broken\n")
    (tmp_path / "broken.py").write_text(BROKEN)
    return tmp_path


@contextlib.contextmanager
def known_here(broken_method):
    """Context in which this process too has the method of the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(broken_method)
        import_module("broken")
        yield
    del METHODS["Broken"], sys.modules["broken"]


def test_workers_and_drivers_that_die_and_a_cell_that_raises(
    config, tiny_file, in_peace, broken_method
):
    """A worker dies training, one explaining; Ctrl-C ends one driver, a kill the next.

    The cell that raises is named with its reason and kept with its traceback, no cell that was
    done is done again, and the others are as ever.
    """
    store = store_of(config)
    # A second worker would start for its own sake.
    given = [
        "grid.method=[Saliency,ScoreCAM,RandomMap,Broken]",
        "resources.explain.max_concurrent=1",
    ]
    more = {"paths": [str(broken_method)]}
    process = start(tiny_file, *given, **more)
    os.kill(until(lambda: worker_on(config, DecoderCell), process), signal.SIGKILL)
    until(lambda: store.stems("decoders"), process)
    process.send_signal(signal.SIGINT)
    assert "the same command resumes" in ended(process, 130)

    process = start(tiny_file, *given, **more)
    os.kill(until(lambda: worker_on(config, MethodCell), process), signal.SIGKILL)
    before = until(lambda: store.stems("methods"), process)
    process.kill()
    process.communicate()
    written = {stem: _modified(store, stem) for stem in before}

    with known_here(broken_method):
        result = RUNNER.invoke(app, ["sweep", "--local", str(tiny_file), *LONGER, *given])
    assert result.exit_code == 3, result.output
    assert "Broken: RuntimeError: on purpose" in result.output
    assert {stem: _modified(store, stem) for stem in before} == written
    assert_as_in_peace(config, in_peace)
    (failure,) = (Path(store.url) / "failures").iterdir()
    kept = failure.read_text()
    assert "Traceback" in kept
    assert "RuntimeError: on purpose" in kept


def _modified(store, stem):
    return (Path(store.url) / "methods" / f"{stem}.parquet").stat().st_mtime_ns


def test_a_full_disk_fails_cells_and_loses_none(tiny_file, in_peace, tmp_path):
    """Cells that cannot be written fail with the reason; with room again they are done."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "1200k"):
        here = [f"store={disk / 'store'}"]
        result = RUNNER.invoke(app, ["sweep", "--local", str(tiny_file), *LONGER, *here])
        assert result.exit_code == 3, result.output
        assert "No space left on device" in result.output
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        config = load(tiny_file, [*LONGER, *here])
        resume(config)
        assert_as_in_peace(config, in_peace)


@contextlib.contextmanager
def small_disk(folder, size):
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def cluster(tmp_path):
    """Address of a cluster whose head does no cells, and what adds a node of one CPU to it."""
    port, nodes = free_port(), []
    address = f"127.0.0.1:{port}"
    with (tmp_path / "ray.log").open("w") as log:

        def add(*arguments):
            nodes.append(start_ray(arguments, log))
            return nodes[-1]

        try:
            head = ["--head", "--port", port, "--ray-client-server-port", free_port()]
            add(*head, "--num-cpus", 0, "--include-dashboard", "false")
            wait_for(lambda: listens(port))
            yield address, lambda: add("--address", address, "--num-cpus", 1)
        finally:
            for node in nodes:
                end(node, signal.SIGKILL)


def test_a_node_leaves_and_another_joins(config, tiny_file, in_peace, cluster):
    """The one that trains is gone in the middle; a new one goes on from its checkpoint."""
    address, add_node = cluster
    leaving = add_node()
    process = start(tiny_file, "--address", address, **TOKEN)
    until(lambda: worker_on(config, DecoderCell), process)
    end(leaving, signal.SIGKILL)
    assert not store_of(config).stems("decoders")
    add_node()
    ended(process)
    assert_as_in_peace(config, in_peace)


def test_mlflow_stops_and_comes_back(config, tiny_file, in_peace, tmp_path, monkeypatch):
    """No cell waits for it and no run is lost or doubled."""
    port, folder, store = free_port(), tmp_path / "server", store_of(config)
    folder.mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    server = start_mlflow(port, folder)
    try:
        process = start(tiny_file, "--local")
        until(lambda: store.stems("decoders"), process)
        end(server)
        until(lambda: store.stems("methods"), process)
        server = start_mlflow(port, folder)
        process.communicate(timeout=400)
        assert process.returncode in (0, UNPUBLISHED)
        if process.returncode:  # the sweep was faster than the server
            resume(config)
        assert_as_in_peace(config, in_peace)
    finally:
        end(server)
