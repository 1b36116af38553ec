"""The numbers of a run and its end: in MLflow's own SQLite file at once, on servers by requests.

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
from mlflow.entities import Metric
from sqlalchemy.engine import make_url

FINISHED = "FINISHED"  # status of a run
MAX_BATCH = 1000  # MLflow's limit for all entities of a call
WAIT_S = 60  # for another process that writes

INSERT = """
INSERT OR IGNORE INTO metrics (run_uuid, key, value, timestamp, step, is_nan)
VALUES (?, ?, ?, ?, ?, ?)
"""
FINISH = "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?"
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


def finish_run(client: MlflowClient, run_id: str, metrics: Sequence[Metric], finished: int) -> None:
    """Write the numbers of a run, then that it is finished; numbers it has stay as they are.

    Parameters
    ----------
    client : MlflowClient
        Of any tracking store.
    run_id : str
        A run that is there.
    metrics : sequence of Metric
    finished : int
        Its end, milliseconds since 1970.

    Raises
    ------
    MlflowException, OSError, sqlite3.Error
        When they cannot be written; a local file is as before, then.
    """
    if file := sqlite_file(client.tracking_uri):
        _insert(file, run_id, metrics, finished)
        return
    for start in range(0, len(metrics), MAX_BATCH):
        client.log_batch(run_id, metrics[start : start + MAX_BATCH])
    client.set_terminated(run_id, FINISHED, end_time=finished)


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


def _insert(file: str, run_id: str, metrics: Sequence[Metric], finished: int) -> None:
    is_uri = file.startswith("file:")
    with closing(sqlite3.connect(file, WAIT_S, uri=is_uri)) as connection, connection:
        connection.executemany(INSERT, _rows(run_id, metrics))
        connection.execute(LATEST, [run_id])
        connection.execute(FINISH, [FINISHED, finished, run_id])


def _rows(
    run_id: str, metrics: Sequence[Metric]
) -> Iterator[tuple[str, str, float, int, int, bool]]:
    """As MLflow stores them: not a number as 0 and a mark, infinity as the largest number."""
    largest = float_info.max
    for each in metrics:
        unknown = math.isnan(each.value)
        value = 0.0 if unknown else min(max(each.value, -largest), largest)
        yield run_id, each.key, value, each.timestamp, each.step, unknown
