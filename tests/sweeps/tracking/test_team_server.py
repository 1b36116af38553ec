"""A team's MLflow server for real: PostgreSQL, S3 (moto's) and passwords, all on loopback."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.cli.sweep import UNPUBLISHED
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from tests.sweeps.processes import ROOT, end, environment, free_port, is_healthy, listens, wait_for

RUNNER = CliRunner()
SCRIPT = ROOT / "scripts" / "mlflow_server.py"
ADMIN = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "correct horse battery"}
KEYS = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


def postgresql(program):
    """Path of a program of PostgreSQL, which Debian keeps off the PATH."""
    known = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    found = shutil.which(program) or next(map(str, known), None)
    return found or pytest.skip("PostgreSQL is not installed")


@pytest.fixture
def database():
    """A database of its own, with trust on loopback; PostgreSQL refuses to be root's."""
    initdb, server = postgresql("initdb"), postgresql("postgres")
    folder, port = Path(tempfile.mkdtemp(prefix="eegxai-pg-")), free_port()
    owner = {"user": "postgres", "cwd": "/"} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(folder, "postgres")
    initial = [initdb, "-D", folder / "data", "-U", "mlflow", "-A", "trust", "--no-sync"]
    subprocess.run(initial, check=True, capture_output=True, **owner)
    command = [server, "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", folder]
    process = subprocess.Popen(command, start_new_session=True, **owner)
    try:
        wait_for(lambda: listens(port))
        yield f"postgresql://mlflow@127.0.0.1:{port}/postgres"
    finally:
        end(process)
        shutil.rmtree(folder)


@pytest.fixture
def bucket(monkeypatch):
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {**KEYS, "MLFLOW_S3_ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    s3 = pytest.importorskip("boto3").client("s3", endpoint_url=f"http://{host}:{port}")
    s3.create_bucket(Bucket="team")
    yield s3
    server.stop()


@pytest.fixture
def team_server(database, bucket):
    port = free_port()
    given = ["--database", database, "--artifacts", "s3://team/mlflow", "--port", str(port)]
    password = {"MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN["MLFLOW_TRACKING_PASSWORD"]}
    process = subprocess.Popen(
        [sys.executable, SCRIPT, *given, "--workers", "1"],
        env=environment(**password),
        start_new_session=True,
    )
    try:
        wait_for(lambda: is_healthy(f"http://127.0.0.1:{port}"))
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


@pytest.mark.slow
@pytest.mark.cluster
def test_a_sweep_logs_to_a_team_server(team_server, bucket, done_tiny, tiny_file, monkeypatch):
    """Ten cells once each, their artefacts in the bucket; nothing without the password."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team_server)
    strange = RUNNER.invoke(app, ["sweep", str(tiny_file), "--local"])
    assert strange.exit_code == UNPUBLISHED, strange.output
    assert "MLflow could not be written" in strange.output

    for name, value in ADMIN.items():
        monkeypatch.setenv(name, value)
    for _ in range(2):
        synced = RUNNER.invoke(app, ["sync", str(tiny_file)])
        assert synced.exit_code == 0, synced.output
    assert ADMIN["MLFLOW_TRACKING_PASSWORD"] not in synced.output
    run = Sweep(load(tiny_file), Console(quiet=True))
    run.connected()
    for kind, cells in (("decoder", run.decoders), ("method", run.methods)):
        keys = [found.data.tags["eegxai.key"] for found in run.publisher.runs(kind)]
        assert sorted(keys) == sorted(cell.key for cell in cells)
    stored = [item["Key"] for item in bucket.list_objects_v2(Bucket="team")["Contents"]]
    assert sum(key.endswith(".parquet") for key in stored) >= len(run.methods)


@pytest.mark.parametrize(
    ("database", "password", "told"),
    [
        ("sqlite:///x.db", "p", "must be postgresql://USER@HOST/NAME"),
        ("postgresql://me:secret@there/x", "p", "holds a password"),
        ("postgresql://me@there/x", "", "MLFLOW_AUTH_ADMIN_PASSWORD is not set"),
    ],
)
def test_mistakes_are_errors_in_one_sentence(database, password, told):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--database", database, "--artifacts", "s3://b/x"],
        env=environment(MLFLOW_AUTH_ADMIN_PASSWORD=password),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "secret" not in done.stderr
