"""The database of an output folder is there whole or not at all, and anew where it is broken."""

import os
import sqlite3
from contextlib import closing

import pytest
from mlflow import MlflowClient

from sweeps.tracking import database
from sweeps.tracking.database import fault_of, prepare_database
from tests.sweeps.conftest import made_once


def made(folder):
    prepare_database(str(folder))


@pytest.fixture
def whole(tmp_path_factory, tmp_path):
    """A database as MLflow makes it, in a folder of its own."""
    source = made_once(tmp_path_factory, "database", made) / "mlflow.db"
    (tmp_path / "mlflow.db").write_bytes(source.read_bytes())
    return tmp_path / "mlflow.db"


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-5000])


def overwritten(path):
    content = bytearray(path.read_bytes())
    content[4096:8192] = os.urandom(4096)
    path.write_bytes(content)


BROKEN = {
    "empty": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"no database " * 100),
    "truncated": truncated,
    "overwritten": overwritten,
    "without tables": lambda path: change(path, "DROP TABLE tags"),
    "half migrated": lambda path: change(
        path, "UPDATE alembic_version SET version_num = '451aebb31d03'"
    ),
    "not migrated": lambda path: change(path, "DELETE FROM alembic_version"),
}


def test_a_whole_database_is_left_alone(whole):
    before = whole.read_bytes()
    prepare_database(str(whole.parent))
    assert whole.read_bytes() == before
    assert [path.name for path in whole.parent.iterdir()] == ["mlflow.db"]
    assert MlflowClient(f"sqlite:///{whole}").create_experiment("mine")


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_database_is_kept_and_made_anew(case, whole, caplog, monkeypatch):
    new = whole.read_bytes()  # MLflow takes seconds to make one
    monkeypatch.setattr(database, "_make", lambda path: path.write_bytes(new))
    BROKEN[case](whole)
    broken = whole.read_bytes()
    prepare_database(str(whole.parent))
    assert not fault_of(whole)
    (kept,) = whole.parent.glob("mlflow.db.broken-*")
    assert kept.read_bytes() == broken
    assert kept.name in caplog.text
    assert not list(whole.parent.glob(".writing-*"))


def test_two_that_break_within_a_second_are_both_kept(whole, monkeypatch):
    monkeypatch.setattr(database, "_make", lambda path: path.write_bytes(b"broken again"))
    whole.write_bytes(b"broken")
    for _ in range(2):
        prepare_database(str(whole.parent))
    kept = {path.read_bytes() for path in whole.parent.glob("mlflow.db.broken-*")}
    assert kept == {b"broken", b"broken again"}


def test_a_database_of_another_version_with_runs_is_left_to_mlflow(whole):
    client = MlflowClient(f"sqlite:///{whole}")
    client.create_run("0")
    change(whole, "UPDATE alembic_version SET version_num = '451aebb31d03'")
    assert not fault_of(whole)


def test_a_database_in_use_is_not_broken(whole, monkeypatch):
    impatient = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: impatient(path, timeout=0.01))
    with closing(impatient(whole)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert not fault_of(whole)
