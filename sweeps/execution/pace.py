"""How long a stage still takes, told by the cells that have ended.

Cells differ: one method takes ten times as long as another, and a decoder's first cell on a worker
also simulates its data and randomizes its weights. So what the first cells took is set against what
such cells are known to cost, in units of a cell of a single-pass method, and a method's own cells
count for it as soon as there are some.
"""

import math
from collections import Counter, defaultdict
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
        self.kinds = Counter[str]()  # cells left by what they cost
        self.unopened: set[str] = set()  # decoders that nobody has had at hand
        self.opening = 0.0  # the same for all cells of a stage
        for cell in cells:
            self.kinds[_kind(cell)] += 1
            self.unopened.add(decoder_of(cell).key)
            self.opening = _opening(cell)
        self.workers = workers
        self.opened: set[tuple[str, int | None]] = set()  # decoders, and who has them at hand
        self.pids: set[int | None] = set()
        self.seconds = self.cost = 0.0
        self.ended = Counter[str]()  # cells without an opening, by what they cost
        self.own: dict[str, float] = defaultdict(float)  # and their seconds

    def take_in(self, cell: Cell, seconds: float, pid: int | None) -> None:
        """Count a cell that has ended."""
        kind, decoder = _kind(cell), decoder_of(cell).key
        self.kinds[kind] -= 1
        self.unopened.discard(decoder)
        self.pids.add(pid)
        opening = 0.0 if (decoder, pid) in self.opened else self.opening
        self.opened.add((decoder, pid))
        self.seconds += seconds
        self.cost += opening + _cost(kind)
        if not opening:
            self.ended[kind] += 1
            self.own[kind] += seconds

    def seconds_left(self) -> float:
        """Seconds until the last cell ends; NaN before the first one has.

        Cells are counted by what they cost, so that it takes no longer the more are left.
        """
        if not self.cost:
            return float("nan")
        unit, n_left = self.seconds / self.cost, self.kinds.total()
        work = sum(number * self._expected(kind, unit) for kind, number in self.kinds.items())
        workers = max(1, min(n_left, max(self.workers, len(self.pids))))
        return (work + unit * self._openings(workers) * bool(n_left)) / workers

    def _expected(self, kind: str, unit: float) -> float:
        known = self.ended[kind]
        return self.own[kind] / known if known else unit * _cost(kind)

    def _openings(self, workers: int) -> float:
        """Cost of the openings to come: each decoder once, and each worker one."""
        missing = max(0, workers - len(self.pids) - len(self.unopened))
        return (len(self.unopened) + missing) * self.opening


def _kind(cell: Cell) -> str:
    return cell.method if isinstance(cell, MethodCell) else ""


def _cost(kind: str) -> float:
    return COSTS.get(kind, 1.0)


def _opening(cell: Cell) -> float:
    return OPENING if isinstance(cell, MethodCell) else 0.0
