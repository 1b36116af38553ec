"""MLflow over HTTP: a real server on loopback, and a server that is not there."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.config import load
from sweeps.run import Sweep
from sweeps.tracking import ui_command

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

RUNNER = CliRunner()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(uri, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(f"no MLflow server at {uri}")


@pytest.fixture
def server(tmp_path):
    """A tracking server that proxies its artefacts."""
    uri = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", uri.rpartition(":")[2]]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    command += ["--artifacts-destination", str(tmp_path / "served")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(command, env=environment, cwd=tmp_path)
    try:
        wait_until_up(uri)
        yield uri
    finally:
        process.terminate()
        process.wait(30)


def test_the_printed_command_opens_the_ui(tiny):
    """On what a sweep logged without any server, from the folder it ran in."""
    Sweep(tiny, Console(quiet=True)).connect()
    port = free_port()
    command = [sys.executable, "-m", *ui_command("runs").split(), "--port", str(port)]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen([*command, "--workers", "1"], env=environment)
    try:
        wait_until_up(f"http://127.0.0.1:{port}")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert b"MLflow" in page.read()
    finally:
        process.terminate()
        process.wait(30)


def test_a_sweep_logs_to_a_server_that_comes_later(tiny_file, monkeypatch, request):
    """Nothing is lost without a server; ``eegxai sync`` brings one to the store's state."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    away = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local"])
    assert away.exit_code == 0, away.output
    assert "Saliency" in away.output
    assert "MLflow could not be written" in away.output
    assert "eegxai sync" in away.output

    monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("server"))
    for _ in range(2):
        synced = RUNNER.invoke(app, ["sync", str(tiny_file)])
        assert synced.exit_code == 0, synced.output
    run = Sweep(load(tiny_file), Console(quiet=True))
    run.connect()
    assert len(run.publisher.runs("decoder")) == len(run.decoders)
    methods = run.publisher.runs("method")
    assert len(methods) == len(run.methods)
    names = [file.path for file in run.publisher.client.list_artifacts(methods[0].info.run_id)]
    assert len(names) == 2
    assert "figures" in names
    assert not (run.output / "mlflow.db").exists()
    assert len(run.table()) == 4
