"""A sweep as a job of a Ray cluster: submitted with its source tree, and followed."""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sweeps.execution.ray_environment import (
    LISTEN_SECONDS,
    RAY_ENVIRONMENT,
    ClusterError,
    no_answer,
)

# A dashboard answers some seconds before the agents that start jobs do, and then refuses jobs.
NO_AGENT, AGENT_SECONDS = "No available agent", 60.0
TREE_FILES = ("pyproject.toml", "constraints.txt")
# Filled in by Ray on the node that makes the environment, where the tree is unpacked.
TREE = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}"
PASSED_ON = ("MLFLOW_TRACKING_URI",)


def submit_sweep(
    address: str, tree: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> str:
    """Submit ``eegxai sweep ARGUMENTS`` as a Ray job; its identity.

    Parameters
    ----------
    address : str
        Of the cluster's dashboard, such as ``http://127.0.0.1:8265``.
    tree : Path
        Working tree: uploaded, but for what git ignores, and installed under its constraints.
    arguments : sequence of str
        Configuration and overrides, as on the command line.
    environment : mapping
        Of which the names in ``PASSED_ON`` go to the job.

    Raises
    ------
    ClusterError
        When the tree is none, the environment holds a password or no cluster takes the job.
    """
    command = ["python", "-m", "sweeps.cli", "sweep", *arguments, "--address", "auto"]
    runtime = runtime_environment(tree, environment)
    client, patience_ends = _client(address), time.monotonic() + AGENT_SECONDS
    while True:
        try:
            return str(client.submit_job(entrypoint=shlex.join(command), runtime_env=runtime))
        except RuntimeError as error:
            if NO_AGENT not in str(error) or time.monotonic() > patience_ends:
                raise no_answer("job agent", address, error) from error
        time.sleep(LISTEN_SECONDS)


def runtime_environment(tree: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Ray's runtime environment of a working tree."""
    require_tree(tree)
    passed = {name: environment[name] for name in PASSED_ON if environment.get(name)}
    for name, value in passed.items():
        if urlsplit(value).password:
            raise ClusterError(
                f"{name} holds a password, which every user of the cluster could read in the "
                "job's description: give it to the nodes as MLFLOW_TRACKING_PASSWORD"
            )
    return {
        "working_dir": str(tree.resolve()),
        "pip": {"packages": [f"-c {TREE}/constraints.txt", TREE]},
        "env_vars": {**RAY_ENVIRONMENT, **passed},
    }


def require_tree(tree: Path) -> None:
    """Refuse a folder that is not the working tree of this software."""
    for name in TREE_FILES:
        if not (tree / name).is_file():
            raise ClusterError(f"--tree {str(tree)!r} has no {name}: give the folder of the source")


def follow(address: str, job: str) -> Iterator[str]:
    """What a job prints, piece by piece until it ends.

    Raises
    ------
    ClusterError
        When the job ends otherwise than well.
    """
    client, n_printed = _client(address), 0
    while True:
        info = client.get_job_info(job)
        printed = client.get_job_logs(job)
        yield printed[n_printed:]
        n_printed = len(printed)
        if info.status.is_terminal():
            break
        time.sleep(LISTEN_SECONDS)
    if info.status != "SUCCEEDED":
        raise ClusterError(f"job {job} ended as {info.status}: {info.message}")


def _client(address: str) -> Any:
    try:  # Ray's extra for clusters may be missing, which is answered like a missing dashboard
        from ray.job_submission import JobSubmissionClient

        return JobSubmissionClient(address)
    except (ConnectionError, ImportError, RuntimeError) as error:
        raise no_answer("dashboard", address, error) from error
