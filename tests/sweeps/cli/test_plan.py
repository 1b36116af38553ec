"""The plan that a sweep begins with: cells, places, time and disk."""

import io
import shutil
from collections import namedtuple
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config import TrialResources
from sweeps.design.config_file import configuration_path, load
from sweeps.execution import plan
from sweeps.execution.expected import WARM_UP_SECONDS, artefact_bytes, cell_seconds, opening_seconds
from sweeps.execution.pace import Pace
from sweeps.execution.runner import CellOutcome, Stage
from sweeps.execution.sweep import Sweep
from sweeps.store.artefacts import Store, store_of
from sweeps.store.names import name_of
from sweeps.store.status import work_of
from tests.finished_cells import fill, method_scores

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
    assert "from a table, scaled to this machine" in told
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
    assert "from finished cells of this store" in told
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
    assert "the speed of a GPU is not known yet" in " ".join(result.output.split())


@pytest.mark.usefixtures("tiny_file")
def test_a_disk_that_is_too_small_is_told(monkeypatch):
    usage = namedtuple("Usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(1000))
    assert "0 MB free: NOT enough, free some space or choose another output" in planned()


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


QUICKSTART = load(configuration_path("quickstart"))
SCORES = method_scores()


@pytest.mark.parametrize("n_done", [1, 2, 3, 12, 40])
def test_what_a_decoder_or_process_begins_with_does_not_count_for_all(n_done, tmp_path):
    """Two workers, each with its decoder, on a machine three times as slow as the table's."""
    store, cells = Store(str(tmp_path)), list(method_cells(QUICKSTART))
    done, opened = [cells[:21], cells[21:42]], set()
    for number in range(n_done):
        cell = done[number % 2].pop(0)
        starts = WARM_UP_SECONDS + opening_seconds(cell) if cell.decoder not in opened else 0.0
        opened.add(cell.decoder)
        store.write_scores(cell, replace(SCORES, seconds=3 * (starts + cell_seconds(cell))))
    todo = [cell for cell in cells if not store.has(cell)]
    openings = {cell.decoder: opening_seconds(cell) for cell in todo}
    true = 3 * (sum(map(cell_seconds, todo)) + sum(openings.values()) + 2 * WARM_UP_SECONDS) / 2
    told = Pace(todo, 2, plan.a_few_done(cells, store)).seconds_left()
    assert 0.8 < told / true < 1.2


def test_a_plan_reads_few_files_however_many_kinds_of_cells_are_done(tmp_path, monkeypatch):
    store, cells = Store(str(tmp_path)), list(method_cells(QUICKSTART))
    monkeypatch.setattr(Store, "has", lambda _store, _cell: True)
    monkeypatch.setattr(Store, "read_rows", lambda _store, _cell, columns: SCORES)
    assert len({work_of(cell) for cell in cells}) > plan.MOST_KINDS
    found = plan.a_few_done(cells, store)
    assert len(found) == len({work_of(cell) for cell in found}) == plan.MOST_KINDS


def test_the_time_left_of_a_stage_is_that_of_all_the_sweep(tiny, monkeypatch):
    """The training of one decoder, before the other's and what is explained."""
    said = io.StringIO()
    run = Sweep(tiny, Console(file=said))
    monkeypatch.setattr(Sweep, "_take_in", lambda _run, _outcome: None)

    def run_stage(stage, _url, on_done):
        on_done(CellOutcome(stage.cells[0], pid=1, seconds=cell_seconds(stage.cells[0])))

    run._run_stages(run_stage, set(run.cells))
    planned_stages = {stage.name: stage.seconds for stage in run.plan(local=True).stages}
    minutes, seconds = said.getvalue().strip().rpartition(", ")[2].removesuffix(" left").split(":")
    shown = 60 * int(minutes) + int(seconds)
    assert round(planned_stages["explain"]) <= shown < sum(planned_stages.values())


def test_options_that_no_method_of_the_grid_has_are_named(tiny_file):
    given = ["attribution.steps=9", "attribution.chunk=4", "attribution.per_method.LRP.chunk=2"]
    result = RUNNER.invoke(app, ["sweep", str(tiny_file), "--dry-run", *given])
    told = " ".join(result.output.split())
    named = "attribution.steps, attribution.per_method.LRP"
    assert f"without effect on any method of the grid: {named}" in told, told
    counted = RUNNER.invoke(app, ["grid", str(tiny_file), *given]).output
    assert f"without effect on any method of the grid: {named}" in " ".join(counted.split())
    assert "without effect" not in RUNNER.invoke(app, ["sweep", str(tiny_file), "--dry-run"]).output


def test_more_trials_than_a_decoder_is_tested_on_are_said_not_to_be_there(tiny_file):
    def plan(*given):
        result = RUNNER.invoke(app, ["sweep", str(tiny_file), "--dry-run", *given])
        return " ".join(result.output.split())

    asked = ("training.holdout=0.5", "data.n_trials=100", "evaluation.n_trials=26")
    assert "evaluation.n_trials=26: a decoder has only about 25 test trials" in plan(*asked)
    assert "test trials" not in plan(*asked[:2], "evaluation.n_trials=25")
