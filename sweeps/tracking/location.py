"""Where MLflow keeps the runs and their artefacts, and how to open them."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from alembic.util.exc import CommandError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from eegxai.errors import one_line

log = logging.getLogger(__name__)
CREDENTIALS = re.compile(r"//[^/@\s]+@")
# The last three by databases, which MLflow has no words of its own for or is not asked to write.
PublishError = (MlflowException, OSError, SQLAlchemyError, CommandError, sqlite3.Error)
SQLITE = "sqlite:///"  # begins the address of a local database
DATABASE, MLFLOW_ARTEFACTS = "mlflow.db", "artifacts"  # in the output folder
LOCAL_SERVER = "http://127.0.0.1:5000"  # where `mlflow ui` answers unless told otherwise
VIEW = "eegxai"  # name of what the UI shows of an experiment's runs
# MLflow opens its pages for language models, whatever the experiment's kind, unless asked for this.
MODEL_TRAINING = "workflowType=machine_learning"


def tracking_uri(output: str, asked: str = "") -> str:
    """The address asked for, or ``MLFLOW_TRACKING_URI``, or SQLite in the output folder."""
    return asked or os.environ.get("MLFLOW_TRACKING_URI") or local_uri(output)


def local_uri(output: str) -> str:
    """SQLite in the output folder."""
    return f"{SQLITE}{Path(output).resolve() / DATABASE}"


def is_local(output: str) -> bool:
    """Whether runs are written to the output folder."""
    return tracking_uri(output) == local_uri(output)


def shown_uri(output: str) -> str:
    """Where runs are written, in a person's words and without a password."""
    if is_local(output):
        return f"{SQLITE}{Path(output) / DATABASE}"
    return CREDENTIALS.sub("//", tracking_uri(output))


def artefact_folder(output: str, experiment: str) -> Path:
    """Where the artefacts of an experiment lie if its runs are in SQLite."""
    return Path(output).resolve() / MLFLOW_ARTEFACTS / experiment


def follow_moved_folder(output: str) -> None:
    """Correct the addresses of artefacts in the database of an output folder that was moved.

    MLflow stores absolute ones. Experiments whose artefacts are not in this folder stay as they
    are; so does everything if the database cannot be written, as on a read-only disk.
    """
    database = Path(output).resolve() / DATABASE
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
            for experiment, old, new in list(
                _moved(connection, database.parent / MLFLOW_ARTEFACTS)
            ):
                _readdress(connection, experiment, old, new)
    except sqlite3.Error as error:
        log.warning("the addresses of artefacts in %s were not checked: %s", database, error)


def _moved(connection: sqlite3.Connection, folder: Path) -> Iterator[tuple[int, str, str]]:
    """Experiments whose artefacts are in this folder and are sought elsewhere: old and new URI."""
    rows = connection.execute("SELECT experiment_id, artifact_location FROM experiments")
    for experiment, old in rows:
        before, _, name = (old or "").rpartition(f"/{MLFLOW_ARTEFACTS}/")
        new = f"{folder.as_uri()}/{name}"
        if before.startswith("file:") and new != old and _path_of(new).is_dir():
            yield experiment, old, new


def _readdress(connection: sqlite3.Connection, experiment: int, old: str, new: str) -> None:
    connection.execute(
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new, experiment)
    )
    connection.execute(
        "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?)"
        " WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
        (new, len(old) + 1, experiment, len(old) + 1, f"{old}/"),
    )


def _path_of(uri: str) -> Path:
    return Path(url2pathname(urlparse(uri).path))


def reason_of(error: Exception) -> str:
    """Why MLflow does not answer, in one line without the password that its address may hold."""
    return CREDENTIALS.sub("//", one_line(error))


def ui_command(output: str, asked: str = "") -> str:
    """Command that starts the MLflow UI on what was logged; empty where a server runs already."""
    uri = asked or os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith("http"):
        return ""
    shown = uri or f"{SQLITE}{Path(output) / DATABASE}"
    return f"mlflow ui --backend-store-uri {shown}"


def runs_page(experiment_id: str, asked: str = "") -> str:
    """Address at which the UI lists the runs of an experiment, of a server or of ``mlflow ui``."""
    return f"{_server(asked)}/{page_in_ui(experiment_id)}"


def run_page(experiment_id: str, run_id: str, asked: str = "") -> str:
    """Address at which the UI shows one run."""
    return f"{_server(asked)}/#/experiments/{experiment_id}/runs/{run_id}"


def _server(asked: str) -> str:
    uri = asked or os.environ.get("MLFLOW_TRACKING_URI", "")
    server = uri.rstrip("/") if uri.startswith("http") else LOCAL_SERVER
    return CREDENTIALS.sub("//", server)


def page_in_ui(experiment_id: str) -> str:
    """The same without the server."""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW}&{MODEL_TRAINING}"
