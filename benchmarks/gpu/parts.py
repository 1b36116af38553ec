"""Parts of the program: each in a process of its own, with a budget of time, and none can fail all.

A part yields rows, and each row is taken at once. A part that raises, crashes or is out of time
loses only what it had not measured yet, and a broken CUDA context ends with its process.
"""

import multiprocessing
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.gpu.sizes import Sizes

Row = dict[str, Any]
PRELOADED = ["benchmarks.gpu.preloaded"]  # what all parts import, in the process they start from


class LeftOutError(Exception):
    """What is measured is not on this machine."""


@dataclass(frozen=True)
class Part:
    """One table of the report.

    Attributes
    ----------
    name, title, note : str
        Name on the command line, heading, and what is measured.
    rows : str
        ``module:function`` in this folder; it yields the rows, given the sizes.
    seconds : float
        Budget.
    """

    name: str
    title: str
    note: str
    rows: str
    seconds: float


@dataclass
class Outcome:
    """What became of a part: its rows, a sentence on what is missing, and the time it took, s."""

    part: Part
    rows: list[Row] = field(default_factory=list)
    remark: str = ""
    seconds: float = 0.0


def run(outcome: Outcome, sizes: Sizes, seconds: float, on_row: Callable[[], None]) -> None:
    """Run a part for at most so many seconds and fill in its outcome; ``on_row`` after each row."""
    started = time.monotonic()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    reading, writing = context.Pipe(duplex=False)
    child = context.Process(target=_send_rows, args=(outcome.part.rows, sizes, writing))
    child.start()
    writing.close()

    def take(row: Row) -> None:
        outcome.rows.append(row)
        outcome.seconds = time.monotonic() - started
        on_row()

    outcome.remark = _received(reading, started + seconds, take) or ""
    outcome.seconds = time.monotonic() - started
    _end(child)


def _received(reading: Connection, deadline: float, take: Callable[[Row], None]) -> str:
    """Take rows until there are no more; returns why, if something is missing."""
    while reading.poll(max(0.0, deadline - time.monotonic())):
        try:
            row, remark = reading.recv()
        except EOFError:
            return "Its process died."
        if row is None:
            return remark
        take(row)
    return "Out of time: the rest was not measured."


def _send_rows(name: str, sizes: Sizes, writing: Connection) -> None:
    os.setsid()  # so that it ends together with the processes that it starts
    warnings.simplefilter("ignore")
    remark = ""
    try:
        module, _, function = name.partition(":")
        for row in getattr(import_module(f"benchmarks.gpu.{module}"), function)(sizes):
            writing.send((row, ""))
    except LeftOutError as error:
        remark = f"Left out: {error}."
    except Exception as error:
        traceback.print_exc()
        remark = f"Failed: {sentence(error)}"
    writing.send((None, remark))


def sentence(error: Exception) -> str:
    """An error in a line."""
    words = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {words}".rstrip(": ") + "."


def _end(child: Any) -> None:
    """End a process and those that it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        child.kill()
    child.join()
