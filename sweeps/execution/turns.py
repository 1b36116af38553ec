"""Sweeps of one output folder take turns: two at a time would compute and log cells twice."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

log = logging.getLogger(__name__)
LOCK = ".sweep.lock"  # in the output folder


@contextmanager
def turn(output: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Context in which no other process sweeps into a folder; waits until it is this one's turn.

    The system ends a turn with its process, however that ends. Where a file system knows no locks,
    there are no turns.

    Parameters
    ----------
    output : Path
        The output folder.
    say : callable
        Called with a sentence if another process has its turn.
    """
    output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output / LOCK)
    _take(lock, output, say)
    try:
        yield
    finally:
        lock.release()


def _take(lock: BaseFileLock, output: Path, say: Callable[[str], None]) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another sweep is writing to {output}: waiting until it ends (Ctrl-C to stop)")
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        log.info("%s cannot be locked: %s", lock.lock_file, error)
