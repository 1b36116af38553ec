"""Running cells one after another in this process, and what any runner must know of a stage."""

import math
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from sweeps.design.cells import Cell, decoder_of
from sweeps.design.config import TrialResources
from sweeps.store.artefacts import Store
from sweeps.store.files import best_effort
from sweeps.store.heartbeats import heartbeat
from sweeps.store.packing import BrokenArtefactError
from sweeps.tasks.data import is_done
from sweeps.tasks.explain import explain_cell
from sweeps.tasks.train import train_decoder

MOST_TUNE_TRIALS = 4000  # of a stage, about: each takes Tune milliseconds and tens of kilobytes
RUNNERS: dict[str, Callable[..., object]] = {"decoder": train_decoder, "method": explain_cell}


@dataclass(frozen=True)
class Stage:
    """One kind of cells and what each of them reserves.

    Attributes
    ----------
    name : str
        What a person reads in the progress display.
    kind : str
        ``decoder`` or ``method``; chooses the function that is run.
    cells : sequence
        Its cells: all, or those still to be done.
    resources : TrialResources
        CPUs and GPUs of a trial, and how many cells of one decoder it does.
    """

    name: str
    kind: str
    cells: Sequence[Cell]
    resources: TrialResources

    def of(self, wanted: Callable[[Cell], bool]) -> "Stage":
        """The stage with some of its cells."""
        return replace(self, cells=list(filter(wanted, self.cells)))

    @property
    def threads(self) -> int:
        """CPU threads a cell computes with; part of the numbers, so the same everywhere."""
        return max(1, math.floor(self.resources.cpu))

    @property
    def bundles(self) -> Iterator[list[Cell]]:
        """Cells of one decoder that one trial does, one after another."""
        size = max(self.resources.cells_per_trial, math.ceil(len(self.cells) / MOST_TUNE_TRIALS))
        for _, group in groupby(self.cells, decoder_of):
            cells = list(group)
            yield from (cells[start : start + size] for start in range(0, len(cells), size))

    @property
    def device(self) -> str:
        """Device of torch that a cell computes on."""
        return "cuda" if self.resources.gpu else "cpu"

    def place(self, store_url: str) -> dict[str, Any]:
        """How ``run_cell`` is called on every cell of the stage."""
        return {
            "kind": self.kind,
            "store_url": store_url,
            "device": self.device,
            "threads": self.threads,
            **self.resources.settings,
        }


@dataclass(frozen=True)
class CellOutcome:
    """What became of one cell: done, or the traceback of its error; where, and how long it took."""

    cell: Cell
    error: str = ""
    pid: int | None = None
    seconds: float = 0.0


OnDone = Callable[[CellOutcome], None]


def run_cell(
    kind: str, cell: Cell, store_url: str, device: str, threads: int, **settings: str
) -> str:
    """Run one cell in this process, if it is not done; the traceback of its error, or nothing."""
    torch.set_num_threads(threads)
    store = Store(store_url)
    try:
        if not is_done(cell, store):
            with heartbeat(cell, store), threadpool_limits(threads, user_api="blas"):
                RUNNERS[kind](cell, store, device, **settings)
    except Exception as error:
        trace = traceback.format_exc()
        if isinstance(error, BrokenArtefactError):  # of what the cell needs, which is recomputed
            best_effort(store.set_aside, error)
        best_effort(store.write_failure, cell, trace)
        return trace
    best_effort(store.remove_failure, cell)
    return ""


def run_local(stage: Stage, store_url: str, on_done: OnDone) -> None:
    """Run the cells one after another in this process, without Ray."""
    before, place = torch.get_num_threads(), stage.place(store_url)
    try:
        for cell in stage.cells:
            started = time.monotonic()
            error = run_cell(cell=cell, **place)
            on_done(CellOutcome(cell, error, os.getpid(), time.monotonic() - started))
    finally:
        torch.set_num_threads(before)
