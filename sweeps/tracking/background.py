"""One thread writes to MLflow in parallel with the sweep, so that no cell waits for a server."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from sweeps.design.cells import Cell
from sweeps.store.artefacts import Store
from sweeps.tracking import Publisher, PublishError
from sweeps.tracking.publisher import try_to_publish

log = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between attempts on an unreachable server


@contextmanager
def publishing(
    publisher: Callable[[], Publisher], store: Store
) -> Iterator[Callable[[Cell | None], None]]:
    """Publish the cells that are passed in, one after another, until the block ends.

    Parameters
    ----------
    publisher : callable
        Returns the one publisher; raises one of ``PublishError`` while no server answers.
    store : Store
        Contains the artefacts of the cells.

    Yields
    ------
    callable
        Takes a finished cell and returns at once.

    Notes
    -----
    A cell stays at the head of the queue until the server answers. When the block ends, the current
    cell is finished and the others are not published; ``publish_all`` then brings MLflow to the
    state of the store.
    """
    cells: SimpleQueue[Cell | None] = SimpleQueue()
    ended = threading.Event()
    thread = threading.Thread(target=_work, args=(publisher, store, cells, ended), daemon=True)
    thread.start()
    try:
        yield cells.put
    finally:
        ended.set()
        cells.put(None)
        thread.join()


def _work(
    publisher: Callable[[], Publisher],
    store: Store,
    cells: "SimpleQueue[Cell | None]",
    ended: threading.Event,
) -> None:
    while (cell := cells.get()) is not None:
        pause = FIRST_PAUSE
        while not ended.is_set() and not _published(publisher, store, cell):
            ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def _published(publisher: Callable[[], Publisher], store: Store, cell: Cell) -> bool:
    try:
        try_to_publish(publisher(), cell, store)
    except PublishError as error:
        log.info("%s is not in MLflow yet: %s", cell.title, error)
        return False
    return True
