"""A small sweep end to end: real training, real files, real MLflow."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from eegxai.attribution import METHODS, attribution
from eegxai.evaluation import KINDS
from eegxai.simulation import simulate_spec
from sweeps.analysis.claims.verdicts import CANNOT_BE_DECIDED
from sweeps.analysis.summary import headline
from sweeps.analysis.verdicts import judged
from sweeps.cli import app
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from sweeps.report.source import load_scores
from sweeps.tracking import KEY_TAG
from tests.sweeps.conftest import TINY

pytestmark = pytest.mark.slow

RUNNER = CliRunner()
# Where the cascade says nothing of what is tested.
FEW_CHECKS = ["evaluation.checks=[target_swap]"]


def swept(config):
    run = Sweep(config, Console(quiet=True))
    run.run(local=True)
    assert not run.failed, run.failed[0].error
    return run


def stored_tables(run):
    return {cell.key: run.store.read_scores(cell).table for cell in run.methods}


def modified(run):
    paths = [run.store.path(cell) for cell in (*run.decoders, *run.methods)]
    return {path: Path(path).stat().st_mtime_ns for path in paths}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_store):
    """The tiny sweep, its cells done before, with pictures in MLflow, for tests that read it."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "tiny.yaml").write_text(TINY)
    output = folder / "runs"
    shutil.copytree(tiny_store, output / "store")
    return swept(load(folder / "tiny.yaml", [f"output={output}", "tracking.figures=true"]))


def test_the_claims_in_mlflow_say_which_sweep_may_decide_them(finished, tmp_path):
    publisher = finished.connected()
    (run,) = publisher.runs("sweep")
    path = publisher.client.download_artifacts(run.info.run_id, "claims.csv", str(tmp_path))
    claims = pd.read_csv(path, keep_default_na=False)
    open_ones = claims["verdict"] == CANNOT_BE_DECIDED
    assert (claims["decided_by"] != "").equals(open_ones)
    assert claims.loc[open_ones, "decided_by"].str.startswith("this sweep with grid.").all()


@pytest.fixture
def done(tiny, finished):
    """The tiny sweep, found finished by a process that comes later, for tests that change it."""
    shutil.copytree(finished.output, tiny.output)
    return swept(tiny)


def test_a_second_run_computes_and_logs_nothing(done, tiny):
    before, runs = modified(done), len(done.publisher.runs("method"))
    again = swept(tiny)
    assert modified(again) == before
    assert len(again.publisher.runs("method")) == runs == len(done.methods)
    pd.testing.assert_frame_equal(again.table(), done.table())


def test_a_deleted_artefact_alone_is_made_again_with_the_same_bits(done, tiny):
    cell = done.methods[1]
    path, before, table = Path(done.store.path(cell)), modified(done), stored_tables(done)[cell.key]
    path.unlink()
    again = modified(swept(tiny))
    assert [name for name in before if before[name] != again[name]] == [str(path)]
    pd.testing.assert_frame_equal(done.store.read_scores(cell).table, table)
    assert len(done.publisher.runs("method")) == len(done.methods)


def test_mlflow_holds_every_number(finished):
    decoders = {run.data.tags[KEY_TAG]: run for run in finished.publisher.runs("decoder")}
    methods = {run.data.tags[KEY_TAG]: run for run in finished.publisher.runs("method")}
    assert set(decoders) == {cell.key for cell in finished.decoders}
    for cell in finished.methods:
        run, scores = methods[cell.key], finished.store.read_scores(cell)
        assert run.data.tags["mlflow.parentRunId"] == decoders[cell.decoder.key].info.run_id
        assert run.data.params["method"] == cell.method
        last = scores.table.sort_values("step")
        last = last.groupby(["check", "domain", "metric"])["mean"].last()
        for (check, domain, metric), mean in last.items():
            logged = run.data.metrics[f"scores/{check}/{domain}/{metric}"]
            assert logged == pytest.approx(mean, nan_ok=True)
        names = [file.path for file in finished.publisher.client.list_artifacts(run.info.run_id)]
        assert set(names) == {"cell.json", f"{cell.stem}.parquet", "figures"}
        assert run.data.metrics["headline/accuracy"] == scores.accuracy


def test_the_store_keeps_example_maps_of_every_method(finished):
    maps = [finished.store.read_maps(cell) for cell in finished.methods[:4]]
    shared = KINDS.index("shared")
    assert {kept.trials[shared] for kept in maps} == {maps[0].trials[shared]}
    eeg = simulate_spec(finished.methods[0].decoder.data)
    for kept in maps:
        np.testing.assert_allclose(kept.ground_truth, eeg.ground_truth[kept.trials], atol=0.01)
        np.testing.assert_array_equal(kept.classes, eeg.y[kept.trials])
        assert kept.info.ch_names == eeg.info.ch_names


def test_the_cascade_is_a_stepped_metric(finished):
    cell = finished.methods[0]
    table = finished.store.read_scores(cell).table
    expected = table[
        (table["check"] == "cascade")
        & (table["domain"] == "channel_time")
        & (table["metric"] == "pearson_raw")
    ]
    run = next(r for r in finished.publisher.runs("method") if r.data.tags[KEY_TAG] == cell.key)
    history = finished.publisher.client.get_metric_history(
        run.info.run_id, "scores/cascade/channel_time/pearson_raw"
    )
    assert {m.step: m.value for m in history} == pytest.approx(
        dict(zip(expected["step"], expected["mean"], strict=True)), nan_ok=True
    )
    assert sorted(m.step for m in history) == list(range(1, 9))


def test_a_half_written_run_is_completed_without_doubling(done):
    cell, client = done.methods[0], done.publisher.client
    run = next(r for r in done.publisher.runs("method") if r.data.tags[KEY_TAG] == cell.key)
    client.update_run(run.info.run_id, status="RUNNING")
    done.publisher.published.clear()  # as in the process that comes after one that died
    done.publisher.publish(cell, done.store)
    name = "scores/cascade/channel_time/pearson_raw"
    assert len(client.get_metric_history(run.info.run_id, name)) == 8
    assert client.get_run(run.info.run_id).info.status == "FINISHED"
    assert len(done.publisher.runs("method")) == len(done.methods)


def test_tables_from_mlflow_and_from_the_store_agree(finished):
    config = finished.config
    from_mlflow = judged(headline(load_scores(config, "mlflow")), config.verdict)
    pd.testing.assert_frame_equal(
        from_mlflow.sort_values("method", ignore_index=True),
        finished.table().sort_values("method", ignore_index=True),
    )


@pytest.fixture
def register():
    """Register methods for one test."""
    before = dict(METHODS)
    yield lambda name, function: attribution(name)(function)
    METHODS.clear()
    METHODS.update(before)


@pytest.mark.usefixtures("with_database")
def test_a_failing_cell_is_named_and_leaves_the_others_and_no_file(tiny_file, register):
    """A method that raises on this decoder: exit code 3, the others are in the table."""

    def broken(decoder, x, target):
        raise RuntimeError("broken on purpose")

    register("Broken", broken)
    overrides = ["grid.method=[Broken,Saliency]", "grid.seed=0", *FEW_CHECKS]
    result = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local", *overrides])
    assert result.exit_code == 3, result.output
    assert "broken on purpose" in result.output
    assert "Saliency" in result.output
    run = Sweep(load(tiny_file, overrides), Console(quiet=True))
    assert [run.store.has(cell) for cell in run.methods] == [False, True]


@pytest.mark.usefixtures("with_database")
def test_maps_that_are_not_finite_are_recorded_as_degenerate(tiny_file, register):
    register("Nowhere", lambda decoder, x, target: x / 0 * 0)
    overrides = ["grid.method=[Nowhere,Saliency]", "grid.seed=0", *FEW_CHECKS]
    run = swept(load(tiny_file, overrides))
    scores = run.store.read_scores(run.methods[0])
    assert scores.validity.status == "degenerate"
    assert "not finite" in scores.validity.reason
    assert run.table().set_index("method")["verdict"]["Nowhere"] == "not applicable"


@pytest.mark.usefixtures("with_database")
def test_not_applicable_is_recorded_as_such(tiny_file):
    overrides = ["grid.architecture=eegnet", "grid.method=[GuidedBackprop,Saliency]", "grid.seed=0"]
    overrides += FEW_CHECKS
    overrides += ["training.epochs=20"]  # one epoch leaves it without a correctly classified trial
    run = swept(load(tiny_file, overrides))
    scores = run.store.read_scores(run.methods[0])
    assert scores.validity.status == "not_applicable"
    assert "ReLU" in scores.validity.reason
    assert scores.table.empty
    assert run.table().set_index("method")["verdict"]["GuidedBackprop"] == "not applicable"


def test_grid_and_tables_commands(done, tiny_file, tmp_path):
    listed = RUNNER.invoke(app, ["grid", str(tiny_file)])
    assert listed.exit_code == 0
    assert "decoders: 2 cells, 2 done" in listed.output
    assert "methods: 8 cells, 8 done" in listed.output
    out = tmp_path / "out"
    shown = RUNNER.invoke(app, ["tables", str(tiny_file), "--by", "seed", "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    table = pd.read_csv(out / "tiny.csv")
    assert list(table.columns[:3]) == ["feature", "seed", "method"]
    assert len(table) == 8
