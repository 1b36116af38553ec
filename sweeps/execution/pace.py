"""How long a stage still takes, told by the cells that have ended.

Cells differ: one method takes ten times as long as another, and a decoder's first cell on a worker
also simulates its data and randomizes its weights. So what the first cells took is set against what
such cells are known to cost, in units of a cell of a single-pass method, and a method's own cells
count for it as soon as there are some.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch

from eegxai.machine import usable_cpus
from sweeps.design.cells import Cell, MethodCell, decoder_of
from sweeps.design.config import TrialResources

# Costs of a method's cell, measured on the quickstart (docs/benchmarks.md); 1 for all others.
COSTS = {
    "DeepLift": 2.2,
    "LRP": 1.6,
    "ScoreCAM": 3.1,
    "CentredScoreCAM": 2.6,
    "CentredLayerCAM": 2.3,
    "FullGrad": 1.3,
    "CompleteFullGrad": 1.4,
    "RandomMap": 0.8,
    "InputMagnitude": 0.6,
}
OPENING = 4.5  # cost of a decoder's first cell on a worker beside that of its method


def workers_here(resources: TrialResources) -> int:
    """How many trials run at a time on all of this machine."""
    most = [usable_cpus() / resources.cpu, resources.max_concurrent or math.inf]
    if resources.gpu:
        most.append(torch.cuda.device_count() / resources.gpu)
    return max(1, math.floor(min(most)))


class Pace:
    """Estimates the seconds left of a stage.

    Parameters
    ----------
    cells : iterable of Cell
        The cells to be done.
    workers : int
        How many are expected to work; as many as have ended a cell, where those are more.
    """

    def __init__(self, cells: Iterable[Cell], workers: int = 1) -> None:
        self.left = dict.fromkeys(cells)
        self.workers = workers
        self.opened: set[tuple[str, int | None]] = set()  # decoders, and who has them at hand
        self.pids: set[int | None] = set()
        self.seconds = self.cost = 0.0
        self.own: dict[str, list[float]] = defaultdict(list)  # seconds of cells without an opening

    def take_in(self, cell: Cell, seconds: float, pid: int | None) -> None:
        """Count a cell that has ended."""
        self.left.pop(cell, None)
        self.pids.add(pid)
        place = decoder_of(cell).key, pid
        opening = 0.0 if place in self.opened else _opening(cell)
        self.opened.add(place)
        self.seconds += seconds
        self.cost += opening + _cost(cell)
        if not opening:
            self.own[_kind(cell)].append(seconds)

    def seconds_left(self) -> float:
        """Seconds until the last cell ends; NaN before the first one has."""
        if not self.cost:
            return float("nan")
        unit = self.seconds / self.cost
        work = sum(self._expected(cell, unit) for cell in self.left)
        workers = max(1, min(len(self.left), max(self.workers, len(self.pids))))
        return (work + unit * self._openings(workers)) / workers

    def _expected(self, cell: Cell, unit: float) -> float:
        own = self.own[_kind(cell)]
        return sum(own) / len(own) if own else unit * _cost(cell)

    def _openings(self, workers: int) -> float:
        """Cost of the openings to come: each decoder once, and each worker one."""
        known = {decoder for decoder, _ in self.opened}
        unknown = {decoder_of(cell).key: _opening(cell) for cell in self.left}
        new = [opening for decoder, opening in unknown.items() if decoder not in known]
        missing = max(0, workers - len(self.pids) - len(new))
        return sum(new) + missing * max(unknown.values(), default=0.0)


def _kind(cell: Cell) -> str:
    return cell.method if isinstance(cell, MethodCell) else ""


def _cost(cell: Cell) -> float:
    return COSTS.get(_kind(cell), 1.0)


def _opening(cell: Cell) -> float:
    return OPENING if isinstance(cell, MethodCell) else 0.0
