"""How long a stage still takes, told by the cells that have ended.

Before the first cell has ended, the speed of the machine is measured by a step of a small network.
Cells differ: one method takes ten times as long as another, a decoder's first cell on a worker
also simulates its data and randomizes its weights, and a process's first one loads what is
compiled. So what the first cells took is set against what such cells are expected to take, and
cells of a kind count for those to come as soon as some have ended.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from eegxai.machine import usable_cpus
from sweeps.design.cells import Cell, decoder_of
from sweeps.design.config import TrialResources
from sweeps.execution.expected import WARM_UP_SECONDS, cell_seconds, opening_seconds
from sweeps.execution.machine_speed import slowness
from sweeps.store.status import Work, work_of


def workers_here(resources: TrialResources) -> int:
    """How many trials run at a time on all of this machine."""
    most = [usable_cpus() / resources.cpu, resources.max_concurrent or math.inf]
    if resources.gpu:
        most.append(torch.cuda.device_count() / resources.gpu)
    return max(1, math.floor(min(most)))


@dataclass
class _Mean:
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def mean(self) -> float:
        return self.total / self.count


class Pace:
    """Estimates the seconds left of a stage, at first from what such cells are expected to take.

    Parameters
    ----------
    cells : iterable of Cell
        The cells to be done.
    workers : int
        How many are expected to work; as many as have ended a cell, where those are more.
    finished : mapping of Cell to float
        Seconds that such cells took before.
    """

    def __init__(
        self, cells: Iterable[Cell], workers: int = 1, finished: Mapping[Cell, float] | None = None
    ) -> None:
        self.left = Counter[Work]()  # cells by their kind
        self.expected: dict[Work, float] = {}  # seconds of a cell of each kind
        self.unopened: dict[str, float] = {}  # decoders that nobody has had at hand, and seconds
        for cell in cells:
            work, decoder = work_of(cell), decoder_of(cell).key
            self.left[work] += 1
            if work not in self.expected:
                self.expected[work] = cell_seconds(cell)
            if decoder not in self.unopened:
                self.unopened[decoder] = opening_seconds(cell)
        self.opening = max(self.unopened.values(), default=0.0)
        self.workers = workers
        self.opened: set[tuple[str, int | None]] = set()  # decoders, and who has them at hand
        self.pids: set[int | None] = set()
        self.seconds = self.foreseen = 0.0  # of the cells that have ended
        self.own: dict[Work, _Mean] = defaultdict(_Mean)  # without opening and warming up

        for cell, taken in (finished or {}).items():
            self._learn(cell, taken)

    def take_in(self, cell: Cell, seconds: float, pid: int | None) -> None:
        """Count a cell that has ended."""
        work, decoder = work_of(cell), decoder_of(cell).key
        before = 0.0 if pid in self.pids else WARM_UP_SECONDS
        if (decoder, pid) not in self.opened:
            before += opening_seconds(cell)
        self.left[work] -= 1
        self.unopened.pop(decoder, None)
        self.pids.add(pid)
        self.opened.add((decoder, pid))
        if before:
            self.seconds += seconds
            self.foreseen += before + cell_seconds(cell)
        else:
            self._learn(cell, seconds)

    def _learn(self, cell: Cell, seconds: float) -> None:
        """Take in what a cell took whose decoder was at hand."""
        self.own[work_of(cell)].add(seconds)
        self.seconds += seconds
        self.foreseen += cell_seconds(cell)

    def seconds_left(self) -> float:
        """Seconds until the last cell ends.

        Cells are counted by their kind, so that it takes no longer the more are left.
        """
        n_left = self.left.total()
        if not n_left:
            return 0.0
        workers = max(1, min(n_left, max(self.workers, len(self.pids))))
        slower = self.seconds / self.foreseen if self.foreseen else slowness()
        work = sum(number * self._each(kind, slower) for kind, number in self.left.items())
        return (work + slower * self._starts(workers)) / workers

    def _each(self, kind: Work, slower: float) -> float:
        own = self.own[kind]
        return own.mean if own.count else slower * self.expected[kind]

    def _starts(self, workers: int) -> float:
        """Expected seconds of the openings to come: each decoder once, and each worker one."""
        missing = max(0, workers - len(self.pids))
        more = max(0, missing - len(self.unopened))
        return sum(self.unopened.values()) + more * self.opening + missing * WARM_UP_SECONDS
