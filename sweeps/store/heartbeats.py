"""Leases: small files in the store that state which cells are being worked on, and where."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sweeps.design.cells import Cell
from sweeps.store.artefacts import Store
from sweeps.store.files import best_effort
from sweeps.store.records import Heartbeat

BEAT_SECONDS = 20.0
# Six beats missed: the worker died, or clocks of two machines differ by minutes.
STALE_SECONDS = 120.0


@contextmanager
def heartbeat(cell: Cell, store: Store, beat_seconds: float = BEAT_SECONDS) -> Iterator[None]:
    """Keep a cell's heartbeat fresh while the block works on the cell, and remove it in the end.

    A heartbeat informs people and excludes nobody: when two workers do the same cell they write
    the same artefact. So one that cannot be written hinders no work either.
    """
    ended = threading.Event()
    now = time.time()
    first = Heartbeat(socket.gethostname(), os.getpid(), now, now)
    beats = threading.Thread(
        target=_beat, args=(cell, store, first, ended, beat_seconds), daemon=True
    )
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()
        best_effort(store.remove_heartbeat, cell)


def is_fresh(heartbeat: Heartbeat, now: float | None = None) -> bool:
    """Whether a heartbeat was renewed lately; one of the future is of a clock that was put back."""
    return abs((time.time() if now is None else now) - heartbeat.beat) < STALE_SECONDS


def _beat(
    cell: Cell,
    store: Store,
    first: Heartbeat,
    ended: threading.Event,
    beat_seconds: float,
) -> None:
    while True:
        best_effort(store.write_heartbeat, cell, replace(first, beat=time.time()))
        if ended.wait(beat_seconds):
            return
