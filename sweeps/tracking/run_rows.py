"""The rows of a run and its end: in MLflow's own SQLite file at once, on servers by requests.

MLflow makes two objects of SQLAlchemy of each number, and a method's run has some 1,700 of them:
that was two thirds of the time that publishing took. Here the same rows are written without them,
in the transaction that ends the run, as MLflow would read all of them again to end it.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from sys import float_info

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from sqlalchemy.engine import make_url

from sweeps.tracking.run_content import RunContent

FINISHED = "FINISHED"  # status of a run
MAX_BATCH = 1000  # MLflow's limit for all entities of a call
WAIT_S = 60  # for another process that writes

TAGS = "INSERT OR REPLACE INTO tags (run_uuid, key, value) VALUES (?, ?, ?)"
PARAMS = "INSERT OR IGNORE INTO params (run_uuid, key, value) VALUES (?, ?, ?)"
METRICS = """
INSERT OR IGNORE INTO metrics (run_uuid, key, value, timestamp, step, is_nan)
VALUES (?, ?, ?, ?, ?, ?)
"""
# MLflow lists, sorts and filters runs by the last value of each metric, which it keeps apart.
LATEST = """
INSERT OR REPLACE INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
SELECT run_uuid, key, value, timestamp, step, is_nan FROM (
    SELECT *, row_number() OVER (
        PARTITION BY key ORDER BY step DESC, timestamp DESC, value DESC, rowid
    ) AS place
    FROM metrics WHERE run_uuid = ?
) WHERE place = 1
"""
END = "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?"


def finish_run(client: MlflowClient, run_id: str, content: RunContent) -> None:
    """Write tags, parameters and numbers of a run, then that it is finished.

    Tags that it has are replaced; its parameters and numbers stay as they are.

    Parameters
    ----------
    client : MlflowClient
        Of any tracking store.
    run_id : str
        A run that is there.
    content : RunContent

    Raises
    ------
    MlflowException, OSError, sqlite3.Error
        When they cannot be written; a local file is as before, then.
    """
    if file := sqlite_file(client.tracking_uri):
        _insert(file, run_id, content)
        return
    tags = [RunTag(name, value) for name, value in content.tags.items()]
    params = [Param(name, value) for name, value in content.params.items()]
    client.log_batch(run_id, params=params, tags=tags)
    for start in range(0, len(content.metrics), MAX_BATCH):
        client.log_batch(run_id, content.metrics[start : start + MAX_BATCH])
    client.set_terminated(run_id, FINISHED, end_time=content.finished)


def sqlite_file(tracking_uri: str) -> str:
    """Path of the SQLite file of a tracking store; empty for other stores.

    Examples
    --------
    >>> sqlite_file("sqlite:////data/mlflow.db"), sqlite_file("http://127.0.0.1:5000")
    ('/data/mlflow.db', '')
    """
    if not tracking_uri.startswith("sqlite"):
        return ""
    return make_url(tracking_uri).database or ""


def _insert(file: str, run_id: str, content: RunContent) -> None:
    is_uri = file.startswith("file:")
    with closing(sqlite3.connect(file, WAIT_S, uri=is_uri)) as connection, connection:
        connection.executemany(TAGS, [(run_id, *tag) for tag in content.tags.items()])
        connection.executemany(PARAMS, [(run_id, *param) for param in content.params.items()])
        connection.executemany(METRICS, _rows(run_id, content.metrics))
        connection.execute(LATEST, [run_id])
        connection.execute(END, [FINISHED, content.finished, run_id])


def _rows(
    run_id: str, metrics: Sequence[Metric]
) -> Iterator[tuple[str, str, float, int, int, bool]]:
    """As MLflow stores them: not a number as 0 and a mark, infinity as the largest number."""
    largest = float_info.max
    for each in metrics:
        unknown = math.isnan(each.value)
        value = 0.0 if unknown else min(max(each.value, -largest), largest)
        yield run_id, each.key, value, each.timestamp, each.step, unknown
