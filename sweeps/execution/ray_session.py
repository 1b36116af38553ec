"""Where Ray enters: a Ray of this process alone, or a cluster that is joined.

Ray reads the environment when it is imported, so that the modules which import it,
:mod:`sweeps.execution.ray_tune` and :mod:`sweeps.execution.ray_cluster`, are imported here, once
the environment is set, and only by those who run cells on Ray.
"""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sweeps.design.config import Resources
from sweeps.execution.ray_environment import RAY_ENVIRONMENT
from sweeps.execution.runner import OnDone, Stage

RunStage = Callable[[Stage, str, OnDone], None]


@contextmanager
def private_ray(num_cpus: int | None = None) -> Iterator[RunStage]:
    """A Ray of this process alone, and the function that runs a stage on it.

    Some of its ports are open to the network whatever address it is given, so that it obeys only
    who knows a token, drawn for each process.

    Parameters
    ----------
    num_cpus : int, optional
        CPUs to offer; all of the machine by default.
    """
    os.environ.update(RAY_ENVIRONMENT)
    if "ray" not in sys.modules:  # which reads this once
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    from sweeps.execution import ray_tune

    with ray_tune.started(num_cpus):
        yield ray_tune.run_ray


@contextmanager
def cluster(address: str, resources: Resources, warn: Callable[[str], None]) -> Iterator[RunStage]:
    """The Ray cluster at an address, and the function that runs a stage on it.

    Parameters
    ----------
    address : str
        ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.
    resources : Resources
        What the stages will reserve.
    warn : callable
        Called with a sentence for each stage that no node of the cluster can run now.

    Raises
    ------
    ClusterError
        When no cluster answers there.
    """
    os.environ.update(RAY_ENVIRONMENT)
    from sweeps.execution import ray_cluster

    with ray_cluster.joined_cluster(address):
        for warning in ray_cluster.unmet_resources(resources):
            warn(warning)
        yield ray_cluster.run_on_cluster
