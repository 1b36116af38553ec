"""MLflow over HTTP: a real server on loopback, and a server that is not there."""

import subprocess
import sys
import urllib.request

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.cli.sweep import UNPUBLISHED
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from sweeps.store.artefacts import store_of
from sweeps.tracking import ui_command
from tests.sweeps.processes import end, environment, free_port, is_healthy, start_mlflow, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

RUNNER = CliRunner()


@pytest.fixture
def server(tmp_path):
    """A tracking server that proxies its artefacts."""
    port = free_port()
    process = start_mlflow(port, tmp_path)
    yield f"http://127.0.0.1:{port}"
    end(process)


def test_the_printed_command_opens_the_ui(tiny):
    """On what a sweep logged without any server, from the folder it ran in."""
    Sweep(tiny, Console(quiet=True)).connected()
    port = free_port()
    command = [sys.executable, "-m", *ui_command("runs").split(), "--port", str(port)]
    quiet = environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    process = subprocess.Popen([*command, "--workers", "1"], env=quiet, start_new_session=True)
    try:
        wait_for(lambda: is_healthy(f"http://127.0.0.1:{port}"))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert b"MLflow" in page.read()
    finally:
        end(process)


@pytest.mark.usefixtures("done_tiny")
def test_a_sweep_logs_to_a_server_that_comes_later(tiny_file, monkeypatch, request):
    """Nothing is lost without a server; ``eegxai sync`` brings one to the store's state."""
    values = yaml.safe_load(tiny_file.read_text())
    values["grid"] |= {"seed": [0], "method": ["Saliency", "RandomMap"]}
    tiny_file.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    away = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local"])
    assert away.exit_code == UNPUBLISHED, away.output
    assert "Saliency" in away.output
    assert "MLflow could not be written" in away.output
    assert f"log them later with: eegxai sync {tiny_file}\n" in away.output

    monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("server"))
    for _ in range(2):
        synced = RUNNER.invoke(app, ["sync", str(tiny_file), "tracking.figures=true"])
        assert synced.exit_code == 0, synced.output
        assert "View run" not in synced.output
    run = Sweep(load(tiny_file), Console(quiet=True))
    run.connected()
    assert len(run.publisher.runs("decoder")) == len(run.decoders)
    methods = run.publisher.runs("method")
    assert len(methods) == len(run.methods)
    names = [file.path for file in run.publisher.client.list_artifacts(methods[0].info.run_id)]
    assert len(names) == 3
    assert "figures" in names
    assert all(len(method.inputs.dataset_inputs) == 1 for method in methods)
    (summary,) = run.publisher.runs("sweep")
    files = [file.path for file in run.publisher.client.list_artifacts(summary.info.run_id)]
    assert "closing_table.html" in files
    page = f"/#/experiments/{run.publisher.experiment_id}/runs?"
    assert page in "".join(synced.output.split())  # lines break at 80 columns
    assert not (run.output / "mlflow.db").exists()
    assert len(run.table()) == len(run.methods) == 2


def test_a_server_that_does_not_answer_is_told_before_the_work(tiny_file, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{free_port()}")
    refused = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local"])
    assert refused.exit_code == 2
    assert "MLflow cannot be written" in refused.output
    assert "no cell was started" in refused.output
    assert "secret" not in refused.output
    assert not store_of(load(tiny_file)).stems("decoders")
