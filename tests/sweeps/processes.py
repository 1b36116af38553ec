"""Real processes that tests start: the command, Ray nodes, MLflow servers."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from sweeps.execution.ray_session import private_ray
from tests.paths import ROOT

COMMAND = [sys.executable, "-m", "sweeps.cli"]
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
# A job's files are dropped after ten minutes by default; a busy machine takes longer to use them.
PATIENT = {"RAY_RUNTIME_ENV_TEMPORARY_REFERENCE_EXPIRATION_S": "3600"}


def environment(**more):
    """This process's environment, in which this tree's packages are found by all processes."""
    path = os.pathsep.join([*more.pop("paths", []), str(ROOT)])
    return {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": path, **more}


def own_process(first=__name__):
    """Pool of one process that imports the module ``first`` first.

    For tests that change their process for good, and for those that start Ray: it forks its
    servers, which now and then does not survive beside the threads of a process that has run
    other tests; Ray then ends that process, and every test after this one with it.
    """
    how = {"initializer": import_module, "initargs": (first,), "mp_context": get_context("spawn")}
    return ProcessPoolExecutor(1, **how)


@contextlib.contextmanager
def ray_process():
    """A process with a Ray of two CPUs: what calls functions in it and gives what they give."""
    with own_process() as pool:
        pool.submit(enter_ray).result()
        try:
            yield lambda function, *arguments: pool.submit(function, *arguments).result()
        finally:
            pool.submit(leave_ray).result()


RAY = contextlib.ExitStack()


def enter_ray():
    RAY.enter_context(private_ray(num_cpus=2))


def leave_ray():
    RAY.close()


def outcomes_on_ray(stage, store_url):
    """Outcomes of a stage's cells on the Ray of this process."""
    from sweeps.execution.ray_tune import run_ray  # imports Ray, whose environment is set by now

    outcomes = []
    run_ray(stage, store_url, outcomes.append)
    return outcomes


def unmet_on_ray(resources):
    """What the Ray of this process does not offer."""
    from sweeps.execution.ray_cluster import unmet_resources

    return unmet_resources(resources)


def free_port():
    """A port that nobody has, nor the next, which Ray's clients take.

    It is from a range that is neither the system's nor Ray's workers'.
    """
    port = random.SystemRandom().randrange(20_000, 32_000)
    return free_port() if listens(port) or listens(port + 1) else port


def wait_for(answers, seconds=480):
    """Wait until a function of no arguments gives something true; what it gives."""
    end = time.monotonic() + seconds
    while not (found := answers()):
        if time.monotonic() > end:
            raise TimeoutError(f"nothing after {seconds} s")
        time.sleep(0.05)
    return found


def light_environment(folder):
    """Python of a virtual environment of no size in which this one's packages are found.

    A job's environment begins as a copy of that of its Ray node: several GB with PyTorch's.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    there = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    (Path(there) / "packages.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "python"


def start_ray(arguments, log, python=sys.executable, **more):
    """A Ray node as a process group of its own, with no object store to speak of."""
    command = [str(python), "-m", "ray.scripts.scripts", "start", *map(str, arguments), "--block"]
    command += ["--object-store-memory", str(100 * 2**20)]
    # By default the same for every node: a machine's second has no agent, and so takes no job.
    command += ["--dashboard-agent-listen-port", str(free_port())]
    return subprocess.Popen(
        command,
        env=environment(**TOKEN, **PATIENT, **more),
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def start_mlflow(port, folder):
    """An MLflow server on loopback that keeps its runs and artefacts in a folder."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder / 'server.db'}"]
    command += ["--artifacts-destination", str(folder / "served")]
    quiet = environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    process = subprocess.Popen(command, env=quiet, cwd=folder, start_new_session=True)
    wait_for(lambda: is_healthy(f"http://127.0.0.1:{port}"))
    return process


def is_healthy(uri):
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process, how=signal.SIGTERM):
    """Signal a process and all that it started, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    process.wait(60)
