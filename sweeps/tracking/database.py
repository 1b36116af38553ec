"""MLflow's SQLite file in an output folder: there whole or not at all, anew where it is broken.

MLflow makes its tables one by one, and what is killed meanwhile leaves a file that no MLflow opens
again. So the file is made beside its place and moved there. All that it holds of a sweep is in the
store too, from which the runs are written again.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import chain, count
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from alembic.script import ScriptDirectory
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from eegxai.atomic import WRITING
from sweeps.tracking.location import DATABASE, MLFLOW_ARTEFACTS, is_local

log = logging.getLogger(__name__)
MLFLOW_TABLES = {"alembic_version", "experiments", "runs", "metrics", "params", "tags"}
LARGEST_CHECKED = 1e9  # bytes of a file that is read whole to find damage
BESIDE = ("", "-journal", "-wal", "-shm")  # the file, and what SQLite keeps beside it


def prepare_database(output: str) -> None:
    """Make the database of an output folder, or make it anew where it is broken.

    A broken one is kept under another name, which the log states.

    Raises
    ------
    OSError, sqlalchemy.exc.SQLAlchemyError
        When it cannot be written.
    """
    database = Path(output).resolve() / DATABASE
    if database.exists() and (fault := fault_of(database)):
        kept = _set_aside(database)
        log.warning(
            "%s is broken (%s): it is kept as %s; runs of sweeps are written again from the store",
            database, fault, kept.name,
        )  # fmt: skip
    if not database.exists():
        _make(database)


def broken_database(output: str) -> str:
    """What is wrong with the database of an output folder, in words; empty where it can be read.

    It is also where there is none, and where the runs are kept elsewhere.
    """
    database = Path(output).resolve() / DATABASE
    if not is_local(output) or not database.exists():
        return ""
    fault = fault_of(database)
    return f"{database} is broken ({fault})" if fault else ""


def fault_of(database: Path) -> str:
    """What is wrong with a database so that MLflow cannot use it; empty where nothing is.

    One that another version of MLflow made is not broken if it holds runs.
    """
    try:
        with closing(sqlite3.connect(database, timeout=60)) as connection:
            return next(_faults(connection, database.stat().st_size), "")
    except sqlite3.DatabaseError as error:
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_PERM,
        )
        return "" if busy else str(error)


def _faults(connection: sqlite3.Connection, n_bytes: int) -> Iterator[str]:
    if n_bytes <= LARGEST_CHECKED:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            yield " ".join(answer.split())
    found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if missing := MLFLOW_TABLES - found:
        yield f"it has no table {min(missing)!r}"
    versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    holds_runs = connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone()
    if not holds_runs and versions != [(_current_version(),)]:  # to look that up takes a while
        yield "it was not finished"


def _current_version() -> str | None:
    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations"
    return ScriptDirectory(str(migrations)).get_current_head()


def _set_aside(database: Path) -> Path:
    """Move a database out of the way; where it is now."""
    stem = f"{database.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}"
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    kept = next(path for path in map(database.with_name, names) if not path.exists())
    for suffix in BESIDE:
        with suppress(FileNotFoundError):  # another process was faster, or there is none
            Path(f"{database}{suffix}").replace(f"{kept}{suffix}")
    return kept


def _make(database: Path) -> None:
    """Make a database beside its place and move it there, unless another process was faster."""
    with TemporaryDirectory(prefix=WRITING, dir=database.parent) as folder:
        new = Path(folder) / DATABASE
        store = SqlAlchemyStore(f"sqlite:///{new}", str(database.parent / MLFLOW_ARTEFACTS / "0"))
        store.engine.dispose()
        with suppress(FileExistsError):
            os.link(new, database)
