"""What is written to SQLite without MLflow is what MLflow itself would have written."""

import math
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from sweeps.tracking.database import prepare_database
from sweeps.tracking.location import PublishError, local_uri
from sweeps.tracking.run_content import RunContent
from sweeps.tracking.run_rows import FINISHED, finish_run, sqlite_file

METRICS = st.lists(
    st.builds(
        Metric,
        st.sampled_from(["scores/temporal/auprc", "headline/score", "training/loss"]),
        st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, 0.0]),
        st.integers(0, 2),  # milliseconds
        st.integers(0, 3),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("mlflow"))
    prepare_database(folder)
    return MlflowClient(local_uri(folder))


def new_run(client):
    return client.create_run("0", tags={"eegxai.verdict": "?"}, run_name="a run").info.run_id


END = 1_700_000_000_000  # milliseconds since 1970
TAGS = [RunTag("eegxai.verdict", "ok"), RunTag("mlflow.note.content", "No, it's\n“ok”")]
PARAMS = [Param("snr_db", "-12"), Param("feature", "temporal")]


def content(metrics):
    """A run with some tags, parameters and numbers."""
    tags, params = ({each.key: each.value for each in some} for some in (TAGS, PARAMS))
    return RunContent("a run", tags, 0, END, params=params, metrics=metrics)


def stored(client, run_id):
    """All rows of a run, the last value of each of its metrics, and how it ended."""
    file = client.tracking_uri.removeprefix("sqlite:///")
    columns = "key, value, typeof(value), timestamp, step, is_nan"
    with closing(sqlite3.connect(file)) as connection:
        tables = {"metrics": columns, "latest_metrics": columns, "runs": "status, end_time"}
        tables |= dict.fromkeys(["tags", "params"], "key, value")
        return [
            sorted(connection.execute(f"SELECT {own} FROM {table} WHERE run_uuid = ?", [run_id]))
            for table, own in tables.items()
        ]


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(parts=st.lists(METRICS, min_size=1, max_size=2))
def test_the_rows_are_those_that_mlflow_writes(client, parts):
    """Also where a run has some of its numbers already."""
    by_mlflow, at_once = new_run(client), new_run(client)
    for part in parts:
        client.log_batch(by_mlflow, part, PARAMS, TAGS)
        client.set_terminated(by_mlflow, FINISHED, END)
        finish_run(client, at_once, content(part))
    assert stored(client, at_once) == stored(client, by_mlflow)


def test_mlflow_reads_what_was_written(client):
    run_id = new_run(client)
    numbers = [Metric("loss", 1 / (1 + step), 7, step) for step in range(3)]
    finish_run(client, run_id, content(numbers))
    assert client.get_run(run_id).data.metrics == {"loss": 1 / 3}
    history = client.get_metric_history(run_id, "loss")
    assert [(each.value, each.step) for each in history] == [(1, 0), (0.5, 1), (1 / 3, 2)]


def test_a_run_that_is_gone_is_told_and_nothing_is_left(client):
    deleted = new_run(client)
    client.delete_run(deleted)
    for run_id in (deleted, "0" * 32):
        with pytest.raises(MlflowException, match=f"run {run_id} .a run. is not in .* any more"):
            finish_run(client, run_id, content([Metric("loss", 1.0, 7, 0)]))
        metrics, latest, runs, tags, params = stored(client, run_id)
        assert not metrics + latest + params
        assert ("eegxai.verdict", "ok") not in tags
        assert all(status == "RUNNING" for status, _ in runs)


def test_long_texts_and_other_numbers_are_stored_as_by_mlflow(client):
    by_mlflow, at_once = new_run(client), new_run(client)
    numbers = [Metric("a", np.float32(0.1), 7, 0), Metric("b", np.int64(3), 7, 0)]
    plain = [Metric("a", float(np.float32(0.1)), 7, 0), Metric("b", 3.0, 7, 0)]
    tags, params = {"note": "é" * 9000}, {"options": "x" * 7000}
    client.log_batch(
        by_mlflow, plain, [Param("options", params["options"])], [RunTag("note", tags["note"])]
    )
    client.set_terminated(by_mlflow, FINISHED, END)
    finish_run(client, at_once, RunContent("a run", tags, 0, END, params=params, metrics=numbers))
    assert stored(client, at_once) == stored(client, by_mlflow)


@pytest.mark.parametrize("uri", ["sqlite:///:memory:", "sqlite:///file:m?mode=memory&uri=true"])
def test_a_store_in_memory_is_left_to_mlflow(uri):
    assert sqlite_file(uri) == ""


def test_a_file_that_cannot_be_written_is_told_as_mlflow_tells_it(tmp_path):
    client = MlflowClient(local_uri(str(tmp_path)))
    tmp_path.joinpath("mlflow.db").write_bytes(b"no database at all, but for its name" * 100)
    with pytest.raises(PublishError, match="not a database"):
        finish_run(client, "run", content([Metric("loss", 1.0, 7, 0)]))


@pytest.mark.parametrize("options", ["", "?timeout=5", "?uri=true"])
def test_addresses_of_a_file_may_have_options(client, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where MLflow makes a folder called "file:"
    plain = client.tracking_uri
    uri = plain.replace("sqlite:///", "sqlite:///file:") if "uri" in options else plain
    other = MlflowClient(uri + options)
    run_id = new_run(client)
    finish_run(other, run_id, content([Metric("loss", 0.5, 7, 0)]))
    assert client.get_run(run_id).data.metrics == {"loss": 0.5}
