"""Ray clusters: joining one, and running stages there.

It imports Ray, and is therefore imported late, by :mod:`sweeps.execution.ray_session`.
"""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.util.queue import Queue

from sweeps.design.config import Resources
from sweeps.execution.ray_environment import (
    LISTEN_SECONDS,
    RAY_ENVIRONMENT,
    check_reachable,
    no_answer,
)
from sweeps.execution.ray_tune import run_ray, shut_down
from sweeps.execution.runner import OnDone, Stage

CLIENT_ATTEMPTS = 3


@contextmanager
def joined_cluster(address: str) -> Iterator[None]:
    """The Ray cluster at an address: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``."""
    check_reachable(address)
    try:
        _join(address)
    except (ConnectionError, ImportError, ValueError, RuntimeError) as error:
        raise no_answer("cluster", address, error) from error
    try:
        yield
    finally:
        shut_down()


def _join(address: str) -> None:
    """Connect; again where a client's own server on the head node died as it started.

    Ray's proxy forks it beside running threads, which now and then kills the child at once.
    """
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


def unmet_resources(resources: Resources) -> list[str]:
    """What the stages reserve and no node of the joined cluster offers now, in sentences."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [
        f"no node has resources.{stage}={of.bundle} now: its cells wait until such a node joins"
        for stage, of in resources
        if not any(all(node.get(r, 0) >= n for r, n in of.bundle.items()) for node in nodes)
    ]


def run_on_cluster(stage: Stage, store_url: str, on_done: OnDone) -> None:
    """Run a stage on the joined cluster, through a Ray client where that is the connection.

    Through a client Tune would run its callbacks on the head node; there the whole stage is a
    task of the cluster instead, whose outcomes come back by a queue.
    """
    if not ray.util.client.ray.is_connected():
        run_ray(stage, store_url, on_done)
        return
    outcomes = Queue(actor_options={"num_cpus": 0})
    task = ray.remote(_run_and_send).options(num_cpus=0).remote(stage, store_url, outcomes)
    _listen(outcomes, task, on_done)
    outcomes.shutdown()


def _run_and_send(stage: Stage, store_url: str, outcomes: Any) -> None:
    """Run a stage and send its outcomes as bytes: the queue then imports nothing to pass them."""
    run_ray(stage, store_url, lambda outcome: outcomes.put(pickle.dumps(outcome)))


def _listen(outcomes: Any, task: Any, on_done: OnDone) -> None:
    """Hand outcomes on until the task has ended and all of them are handed on."""
    ended: list[Any] = []
    while not ended:
        ended, _ = ray.wait([task], timeout=LISTEN_SECONDS)
        for outcome in outcomes.get_nowait_batch(outcomes.size()):
            on_done(pickle.loads(outcome))
    ray.get(task)
