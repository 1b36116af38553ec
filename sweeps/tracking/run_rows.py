"""The rows of a run and its end: in MLflow's own SQLite file at once, on servers by requests.

MLflow makes two objects of SQLAlchemy of each number, and a method's run has some 1,700 of them:
that was two thirds of the time that publishing took. Here the same rows are written without them,
in the transaction that ends the run, as MLflow would read all of them again to end it.
"""

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from sys import float_info

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH, MAX_TAG_VAL_LENGTH
from sqlalchemy.engine import make_url

from sweeps.tracking.run_content import RunContent

RUNNING, FINISHED = "RUNNING", "FINISHED"  # status of a run
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
END = """
UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ? AND lifecycle_stage = 'active'
"""


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
        When they cannot be written or there is no such run; a local file is as before, then.
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
    """Path of the SQLite file of a tracking store; empty for other stores, also in memory.

    Examples
    --------
    >>> sqlite_file("sqlite:////data/mlflow.db"), sqlite_file("http://127.0.0.1:5000")
    ('/data/mlflow.db', '')
    """
    if not tracking_uri.startswith("sqlite"):
        return ""
    file = make_url(tracking_uri).database or ""
    return "" if file == ":memory:" or "mode=memory" in tracking_uri else file


def _insert(file: str, run_id: str, content: RunContent) -> None:
    is_uri = file.startswith("file:")
    with closing(sqlite3.connect(file, WAIT_S, uri=is_uri)) as connection, connection:
        ended = connection.execute(END, [FINISHED, content.finished, run_id])
        if ended.rowcount != 1:  # another process may have made the file anew
            raise MlflowException(f"run {run_id} ({content.name}) is not in {file} any more")
        connection.executemany(TAGS, _texts(run_id, content.tags, MAX_TAG_VAL_LENGTH))
        connection.executemany(PARAMS, _texts(run_id, content.params, MAX_PARAM_VAL_LENGTH))
        connection.executemany(METRICS, _metric_rows(run_id, content.metrics))
        connection.execute(LATEST, [run_id])


def _texts(run_id: str, texts: Mapping[str, str], longest: int) -> list[tuple[str, str, str]]:
    """As MLflow stores them: cut where they are too long."""
    return [(run_id, name, text[:longest]) for name, text in texts.items()]


def _metric_rows(
    run_id: str, metrics: Sequence[Metric]
) -> Iterator[tuple[str, str, float, int, int, bool]]:
    """As MLflow stores them: not a number as 0 and a mark, infinity as the largest number."""
    largest = float_info.max
    for each in metrics:
        unknown = math.isnan(each.value)
        value = 0.0 if unknown else min(max(float(each.value), -largest), largest)
        yield run_id, each.key, value, each.timestamp, each.step, unknown
