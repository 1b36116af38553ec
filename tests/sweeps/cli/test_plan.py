"""The plan that a sweep begins with: cells, places, time and disk."""

import shutil
from collections import namedtuple

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config import TrialResources
from sweeps.design.config_file import configuration_path, load
from sweeps.execution import plan
from sweeps.execution.expected import artefact_bytes
from sweeps.execution.runner import Stage
from sweeps.store.artefacts import store_of
from sweeps.store.names import name_of
from tests.finished_cells import fill

RUNNER = CliRunner()


def planned(*options):
    result = RUNNER.invoke(app, ["sweep", "tiny.yaml", "--local", "--dry-run", *options])
    assert result.exit_code == 0, result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())
    assert len(result.output.splitlines()) <= 8
    return " ".join(result.output.split())


@pytest.mark.usefixtures("tiny_file")
def test_a_dry_run_tells_what_there_is_to_do_and_writes_nothing(tmp_path):
    told = planned()
    assert "tiny: 10 cells, 0 done, 10 open" in told
    assert "output: runs store: runs/store tracking: sqlite:///runs/mlflow.db" in told
    assert "in this process (start 20 s; train 2 cells" in told
    assert "1 at a time; explain 8 cells" in told
    assert "by a table" in told
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_cells_that_are_done_tell_time_and_size(tiny):
    cells = list(method_cells(tiny))
    store = store_of(tiny)
    fill(store, decoder_cells(tiny), cells[:4])  # of 2 s each, one of each method
    planned_stage = stage_of(cells, store)
    sizes = [store.files.size(name_of(cell)) for cell in cells[:4]]
    assert planned_stage.store_bytes == sum(sizes)
    assert planned_stage.seconds > 8
    told = planned()
    assert "10 cells, 6 done, 4 open" in told
    assert "as cells of this store took" in told
    fill(store, (), cells)
    assert planned().endswith(
        "10 cells, 10 done, 0 open output: runs store: runs/store "
        "tracking: sqlite:///runs/mlflow.db nothing is left to do"
    )


def stage_of(cells, store):
    todo = [cell for cell in cells if not store.has(cell)]
    stage = Stage("explain", "method", todo, TrialResources())
    return plan.planned(stage, cells, 1, store, plan.a_few_done(cells, store))


def test_each_disk_is_asked_for_what_goes_there(tiny, monkeypatch):
    """25 MB of a large disk and 86 MB of one with 95 MB."""
    disks = {"/large": plan.Disk(1, 10**12), tiny.output: plan.Disk(2, 95 * 10**6)}
    monkeypatch.setattr(plan, "disk_of", disks.get)
    needed = {"store": ("/large", 25e6), "MLflow": (tiny.output, 86e6)}
    monkeypatch.setattr(plan.Plan, "_needed", needed)
    assert "NOT enough" not in plan.Plan(tiny, [], "")._room
    monkeypatch.setattr(plan.Plan, "_needed", needed | {"store": (tiny.output, 25e6)})
    assert "NOT enough" in plan.Plan(tiny, [], "")._room


def test_the_bytes_of_all_open_cells_count():
    cells = [
        cell
        for name in ("eegnet", "eegconformer")
        for cell in decoder_cells(
            load(configuration_path("quickstart"), [f"grid.architecture={name}"])
        )
    ]
    one_way, other_way = (plan.total(artefact_bytes, order) for order in (cells, cells[::-1]))
    assert one_way == other_way == sum(map(artefact_bytes, cells))


def test_a_sweep_for_gpus_is_planned_where_there_is_none():
    result = RUNNER.invoke(app, ["sweep", "paper", "--dry-run", "grid.seed=0", "grid.fold=0"])
    assert result.exit_code == 0, result.output
    assert "a GPU's speed is not known yet" in " ".join(result.output.split())


@pytest.mark.usefixtures("tiny_file")
def test_a_disk_that_is_too_small_is_told(monkeypatch):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(1000))
    assert "0 MB free: NOT enough, make room or choose another output" in planned()


def test_buckets_and_servers_take_no_room_here(tiny, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    stage = stage_of(list(method_cells(tiny)), store_of(tiny))
    elsewhere = tiny.model_copy(update={"store": "s3://bucket/tiny"})
    told = " ".join(plan.Plan(elsewhere, [stage], "").lines)
    assert "store: s3://bucket/tiny tracking: http://127.0.0.1:9" in told
    assert "free" not in told


def test_a_store_that_does_not_answer_is_told(tiny_file):
    (tiny_file.parent / "runs").write_text("no folder")
    result = RUNNER.invoke(app, ["sweep", "tiny.yaml", "--local", "--dry-run"])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
