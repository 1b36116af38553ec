"""A real Ray cluster of one node: joined, through a client, and by a submitted job."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.config_file import ConfigError, load
from sweeps.execution.ray_environment import ClusterError
from sweeps.execution.ray_jobs import runtime_environment, submit_sweep
from sweeps.store.artefacts import store_of
from sweeps.store.status import status_of
from tests.sweeps.processes import (
    COMMAND,
    ROOT,
    TOKEN,
    end,
    environment,
    free_port,
    light_environment,
    listens,
    start_ray,
    wait_for,
)

RUNNER = CliRunner()
ONE_CELL = ["grid.seed=0", "grid.method=Saliency", "evaluation.checks=[target_swap]"]
# A tree whose environment takes seconds, not the minutes of installing torch.
SMALL = "[project]\nname = 'nothing'\nversion = '0'\n[tool.setuptools]\npy-modules = []\n"


def eegxai(*arguments, **more):
    """Run the command in a process of its own, for Ray is joined once a process."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, timeout=500, check=False
    )


@pytest.fixture(scope="module")
def ray_node(tmp_path_factory):
    """Ports of a one-node cluster that asks for a token."""
    ports = {name: free_port() for name in ("gcs", "client", "dashboard")}
    arguments = ["--head", "--port", ports["gcs"], "--num-cpus", "2"]
    arguments += ["--ray-client-server-port", ports["client"], "--resources", '{"licence": 1}']
    arguments += ["--dashboard-host", "127.0.0.1", "--dashboard-port", ports["dashboard"]]
    folder = tmp_path_factory.mktemp("ray")
    # A job joins the last Ray that was started in its node's folder, which others must not share;
    # a path of pytest's would be too long for Ray's sockets.
    with tempfile.TemporaryDirectory() as own, (folder / "log").open("w") as log:
        arguments += ["--temp-dir", own]
        node = start_ray(arguments, log, light_environment(folder / "venv"))
        try:
            wait_for(lambda: listens(ports["client"]))
            yield ports
        finally:
            end(node, signal.SIGKILL)  # asked to end, a node takes half a minute


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.usefixtures("with_database")
def test_a_client_sweeps_on_a_cluster_that_asks_for_a_token(ray_node, tiny_file):
    """With a custom resource, and into a store of its own; test_faults joins one as a driver."""
    overrides = [*ONE_CELL, f"store={tiny_file.parent / 'store'}"]
    overrides += ["resources.train.custom={licence: 1}", "resources.train.max_concurrent=1"]
    address = f"ray://127.0.0.1:{ray_node['client']}"
    done = eegxai("sweep", tiny_file, *overrides, "--address", address, **TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    config = load(tiny_file, overrides)
    assert status_of(config, store_of(config)).is_done


@pytest.mark.slow
@pytest.mark.cluster
def test_a_sweep_is_submitted_as_a_job(ray_node, tiny_file, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for package in ("eegxai", "sweeps"):
        (tree / package).symlink_to(ROOT / package)
    (tree / "pyproject.toml").write_text(SMALL)
    (tree / "constraints.txt").write_text("")
    shutil.copy(tiny_file, tree / "mine.yaml")
    overrides = [*ONE_CELL, f"store={tmp_path / 'store'}"]
    address = ["--address", f"http://127.0.0.1:{ray_node['dashboard']}", "--follow"]
    given = [tree / "mine.yaml", *overrides, "--tree", tree, *address]
    done = eegxai("submit", *given, **TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Saliency" in done.stdout
    config = load(tiny_file, overrides)
    assert status_of(config, store_of(config)).is_done


SRUN = """#!/usr/bin/env bash
# In place of Slurm's: what it starts is one more node of this machine.
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.usefixtures("with_database")
def test_the_slurm_script_runs_a_sweep_and_stops_its_own_ray_alone(ray_node, tiny_file, tmp_path):
    """A node is a Ray node here, and another Ray runs on the machine all the while."""
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    overrides = [*ONE_CELL, f"store={tmp_path / 'store'}"]
    port = 20_000 + free_port() % 6000 * 2
    job = {"SLURM_JOB_ID": str((port - 20_000) // 2), "SLURM_JOB_NUM_NODES": "2"}
    here = os.pathsep.join([str(srun.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", ROOT / "conf" / "cluster" / "slurm.sh", tiny_file, *overrides],
        env=environment(PATH=here, SLURM_CPUS_PER_TASK="1", **job, **TOKEN),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    shutil.rmtree(f"/tmp/eegxai-{os.getuid()}-{port}", ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("Ray runtime started.") == 2
    config = load(tiny_file, overrides)
    assert status_of(config, store_of(config)).is_done
    assert not listens(port)
    assert listens(ray_node["gcs"])
    assert listens(ray_node["client"])


@pytest.mark.parametrize("client", ["", "ray://"])
def test_a_cluster_that_is_not_there_is_told_before_any_work(tiny_file, tmp_path, client):
    address = f"{client}127.0.0.1:{free_port()}"
    done = RUNNER.invoke(app, ["sweep", str(tiny_file), "--address", address])
    assert done.exit_code == 2, done.output
    assert f"no Ray cluster answers at address={address!r}" in done.output
    assert done.output.count("\n") == 1
    assert not list((tmp_path / "runs").glob("mlflow.db"))


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["resources.train.gpu=1.5"], "fraction below 1 or a whole number"),
        (["resources.train.custom={GPU: 1}"], "has a field of its own, gpu"),
        (["resources.train.max_concurrent=0"], "max_concurrent=0 is not allowed"),
        (["store=ftp://there/x"], "must be a folder or an s3://"),
        (["store=s3://bucket/../other"], "no '..'"),
    ],
)
def test_mistakes_in_resources_and_store(tiny_file, overrides, told):
    with pytest.raises(ConfigError, match=told):
        load(tiny_file, overrides)


@pytest.mark.parametrize(
    ("override", "told"),
    [("custom={licence: 1}", "join one with --address"), ("cpu=9999", "this machine's")],
)
def test_what_this_machine_lacks_is_told_before_any_work(tiny_file, tmp_path, override, told):
    result = RUNNER.invoke(app, ["sweep", str(tiny_file), f"resources.train.{override}"])
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "runs").exists()


def test_a_job_needs_a_shared_store_and_a_file_of_its_tree(tiny_file):
    tree = ["--tree", str(ROOT)]
    lost = RUNNER.invoke(app, ["submit", str(tiny_file), *tree])
    assert (lost.exit_code, "store=s3://" in lost.output) == (2, True)
    outside = ["submit", str(tiny_file), "store=s3://b/x", *tree]
    told = RUNNER.invoke(app, outside)
    assert (told.exit_code, "lies outside the working tree" in told.output) == (2, True)


def test_a_job_gets_the_tree_its_constraints_and_no_password(tmp_path):
    server = {"MLFLOW_TRACKING_URI": "https://mlflow.example", "SECRET": "x"}
    runtime = runtime_environment(ROOT, server)
    assert runtime["working_dir"] == str(ROOT)
    assert runtime["pip"]["packages"][0].endswith("/constraints.txt")
    assert runtime["env_vars"]["MLFLOW_TRACKING_URI"] == "https://mlflow.example"
    assert "SECRET" not in runtime["env_vars"]
    with pytest.raises(ClusterError, match="holds a password"):
        runtime_environment(ROOT, {"MLFLOW_TRACKING_URI": "https://me:secret@mlflow.example"})
    with pytest.raises(ClusterError, match=r"has no pyproject\.toml"):
        runtime_environment(tmp_path, {})


@pytest.fixture
def young_dashboard():
    """A dashboard that refuses jobs as Ray's does before its agents answer, then takes them."""
    refusals = []

    class Dashboard(BaseHTTPRequestHandler):
        def answer(self, status, body):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def do_GET(self):
            known = {"version": "4", "ray_version": version("ray"), "ray_commit": ""}
            self.answer(200, json.dumps(known))

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            if refusals:
                self.answer(500, refusals.pop())
            else:
                self.answer(200, json.dumps({"job_id": "1", "submission_id": "taken"}))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Dashboard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", refusals
    server.shutdown()
    server.server_close()


def test_a_job_waits_for_a_cluster_that_is_starting(young_dashboard, tmp_path):
    address, refusals = young_dashboard
    (tmp_path / "pyproject.toml").write_text(SMALL)
    (tmp_path / "constraints.txt").write_text("")
    refusals += ["No available agent to submit job, please try again later."] * 2
    assert submit_sweep(address, tmp_path, ["quickstart"], {}) == "taken"
    refusals += ["the disk is full"]
    with pytest.raises(ClusterError, match="the disk is full"):
        submit_sweep(address, tmp_path, ["quickstart"], {})
