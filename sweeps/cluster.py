"""Ray clusters: joining one, running stages through a client, and submitting a sweep as a job."""

import os
import shlex
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sweeps.config import Resources
from sweeps.schedule import RAY_ENVIRONMENT, OnDone, Stage, run_ray

AUTO = "auto"
CLIENT = "ray://"
CONNECT_SECONDS = 10.0
CLIENT_ATTEMPTS = 3
LISTEN_SECONDS = 0.5
# A dashboard answers some seconds before the agents that start jobs do, and then refuses jobs.
NO_AGENT, AGENT_SECONDS = "No available agent", 60.0
TREE_FILES = ("pyproject.toml", "constraints.txt")
# Filled in by Ray on the node that makes the environment, where the tree is unpacked.
TREE = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}"
PASSED_ON = ("MLFLOW_TRACKING_URI",)


class ClusterError(ValueError):
    """A cluster that cannot be used, told in one sentence."""


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """The Ray cluster at an address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``."""
    os.environ.update(RAY_ENVIRONMENT)
    import ray

    _check_reachable(address)
    try:
        _join(address)
    except (ConnectionError, ImportError, ValueError, RuntimeError) as error:
        raise _no_answer("cluster", address, error) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Look for an open port first: Ray itself tries for minutes before it gives up."""
    if address == AUTO:
        return
    try:
        parts = urlsplit(f"//{address.removeprefix(CLIENT)}")
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except (OSError, ValueError, TypeError) as error:
        raise _no_answer("cluster", address, error) from error


def _join(address: str) -> None:
    """Connect; again where a client's own server on the head node died as it started.

    Ray's proxy forks it beside running threads, which now and then kills the child at once.
    """
    import ray

    for attempt in range(1, CLIENT_ATTEMPTS + 1):
        try:
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level="error",
                runtime_env={"env_vars": RAY_ENVIRONMENT},
            )
            return
        except ConnectionAbortedError:
            if attempt == CLIENT_ATTEMPTS:
                raise


def _no_answer(who: str, address: str, error: Exception) -> ClusterError:
    reason = str(error).strip().partition("\n")[0]
    return ClusterError(f"no Ray {who} answers at address={address!r}: {reason}")


def lacking(resources: Resources) -> list[str]:
    """What the stages reserve and no node of the joined cluster offers now, in sentences."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [
        f"no node has resources.{stage}={of.bundle} now: its cells wait until one joins"
        for stage, of in resources
        if not any(all(node.get(r, 0) >= n for r, n in of.bundle.items()) for node in nodes)
    ]


def run_on_cluster(stage: Stage, store_url: str, on_done: OnDone) -> None:
    """Run a stage on the joined cluster, through a Ray client where that is the connection.

    Through a client Tune would run its callbacks on the head node; there the whole stage is a
    task of the cluster instead, whose outcomes come back by a queue.
    """
    import ray

    if not ray.util.client.ray.is_connected():
        run_ray(stage, store_url, on_done)
        return
    from ray.util.queue import Queue

    outcomes = Queue(actor_options={"num_cpus": 0})
    task = ray.remote(run_ray).options(num_cpus=0).remote(stage, store_url, outcomes.put)
    _listen(outcomes, task, on_done)
    outcomes.shutdown()


def _listen(outcomes: Any, task: Any, on_done: OnDone) -> None:
    """Hand outcomes on until the task has ended and all of them are told."""
    import ray

    ended: list[Any] = []
    while not ended:
        ended, _ = ray.wait([task], timeout=LISTEN_SECONDS)
        for outcome in outcomes.get_nowait_batch(outcomes.size()):
            on_done(outcome)
    ray.get(task)


def submit(
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
                raise _no_answer("job agent", address, error) from error
        time.sleep(LISTEN_SECONDS)


def runtime_environment(tree: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Ray's runtime environment of a working tree."""
    for name in TREE_FILES:
        if not (tree / name).is_file():
            raise ClusterError(f"tree={str(tree)!r} has no {name}: give the folder of the source")
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


def follow(address: str, job: str) -> Iterator[str]:
    """What a job prints, piece by piece until it ends.

    Raises
    ------
    ClusterError
        When the job ends otherwise than well.
    """
    client, told = _client(address), 0
    while True:
        info = client.get_job_info(job)
        printed = client.get_job_logs(job)
        yield printed[told:]
        told = len(printed)
        if info.status.is_terminal():
            break
        time.sleep(LISTEN_SECONDS)
    if info.status != "SUCCEEDED":
        raise ClusterError(f"job {job} ended as {info.status}: {info.message}")


def _client(address: str) -> Any:
    try:
        from ray.job_submission import JobSubmissionClient

        return JobSubmissionClient(address)
    except (ConnectionError, ImportError, RuntimeError) as error:
        raise _no_answer("dashboard", address, error) from error
