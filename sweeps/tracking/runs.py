"""How experiments are opened and runs are written in MLflow, whatever they contain."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient

from sweeps.tracking.database import prepare_database
from sweeps.tracking.location import (
    artefact_folder,
    follow_moved_folder,
    local_uri,
    tracking_uri,
)
from sweeps.tracking.run_content import Files, RunContent
from sweeps.tracking.run_rows import finish_run

MAX_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


def connect(output: str, uri: str = "") -> MlflowClient:
    """The MLflow at an address, or at that of :func:`tracking_uri`.

    Parameters
    ----------
    output : str
        Folder of the default tracking store; it is made.
    uri : str
        Another address than the default one.
    """
    address = tracking_uri(output, uri)
    Path(output).mkdir(parents=True, exist_ok=True)
    if address == local_uri(output):
        prepare_database(output)
    follow_moved_folder(output)
    return MlflowClient(tracking_uri=address)


def open_experiment(
    client: MlflowClient, name: str, output: str, tags: Callable[[str], Mapping[str, str]]
) -> str:
    """The experiment of a name, made where there is none; its id.

    Parameters
    ----------
    client : MlflowClient
    name, output : str
        Artefacts of a local database lie in the output folder.
    tags : callable
        From its id to its tags; those that it has already are kept.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        local = client.tracking_uri.startswith("sqlite")
        location = _made(artefact_folder(output, name)).as_uri() if local else None
        experiment, known = str(client.create_experiment(name, location)), set[str]()
    else:
        experiment, known = str(found.experiment_id), set(found.tags)
    for tag, value in tags(experiment).items():
        if tag not in known:  # a note that a person wrote is kept
            client.set_experiment_tag(experiment, tag, value)
    return experiment


def write_run(client: MlflowClient, experiment_id: str, content: RunContent) -> str:
    """Create a run and write everything that it contains; its id."""
    return fill_run(client, create_run(client, experiment_id, content), content)


def create_run(client: MlflowClient, experiment_id: str, content: RunContent) -> str:
    """Create an empty run; its id. It is asked for once.

    MLflow repeats requests that are not answered. Where an answer is lost, the run of the first
    request is there all the same, and each repetition makes another one.
    """
    with asked_once():
        created = client.create_run(
            experiment_id,
            start_time=content.started,
            tags=dict(content.tags),
            run_name=content.name,
        )
    return str(created.info.run_id)


@contextmanager
def asked_once() -> Iterator[None]:
    """Context in which MLflow repeats no request; it reads the environment for each."""
    before = os.environ.get(MAX_RETRIES)
    os.environ[MAX_RETRIES] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[MAX_RETRIES]
        else:
            os.environ[MAX_RETRIES] = before


def fill_run(client: MlflowClient, run_id: str, content: RunContent) -> str:
    """Write everything that a run contains, and finish it; its id."""
    if content.datasets:
        client.log_inputs(run_id, content.datasets)
    _write_files(client, run_id, content.files)
    # Last: with each file MLflow reads all that the run has.
    finish_run(client, run_id, content)
    return run_id


def _write_files(client: MlflowClient, run_id: str, files: Files) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            file = Path(folder) / path
            file.parent.mkdir(exist_ok=True)
            if isinstance(content, Path):
                shutil.copyfile(content, file)
            else:
                file.write_bytes(content)
        client.log_artifacts(run_id, folder)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
