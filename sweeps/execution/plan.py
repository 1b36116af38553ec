"""What a sweep is going to do, before it does it: cells, places, time and disk."""

import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from eegxai.rounding import counted
from sweeps.design.cells import Cell, MethodCell
from sweeps.design.config import SweepConfig
from sweeps.execution.expected import START, artefact_bytes, run_bytes, share_at_hand
from sweeps.execution.pace import Pace
from sweeps.execution.runner import Stage
from sweeps.report.terminal import duration, file_size
from sweeps.store.artefacts import Store
from sweeps.store.names import maps_of, name_of
from sweeps.store.status import Work, samples, work_of
from sweeps.tracking.location import is_local, shown_uri

MOST_KINDS = 36  # of which a finished cell is read: a bucket takes tenths of a second for each


@dataclass(frozen=True)
class PlannedStage:
    """One stage: its cells, those of them to be done, and with what.

    Attributes
    ----------
    name : str
        What a person reads.
    cells, todo : sequence of Cell
        All, and those that the store lacks.
    workers : int
        How many are expected to work at a time.
    store_bytes : float
        What the cells to be done will occupy in the store.
    finished : mapping of Cell to float
        Seconds that a few of the cells took which are done.
    """

    name: str
    cells: Sequence[Cell]
    todo: Sequence[Cell]
    workers: int
    store_bytes: float
    finished: Mapping[Cell, float]

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return Pace(self.todo, self.workers, self.finished).seconds_left()


@dataclass(frozen=True)
class Plan:
    """What a sweep is going to do.

    Attributes
    ----------
    config : SweepConfig
        The sweep.
    stages : sequence of PlannedStage
        In the order in which they are run.
    place : str
        Where cells are run, in words.
    """

    config: SweepConfig
    stages: Sequence[PlannedStage]
    place: str

    @property
    def lines(self) -> Iterator[str]:
        """The plan in words."""
        total = sum(len(stage.cells) for stage in self.stages)
        n_open = sum(len(stage.todo) for stage in self.stages)
        yield f"{self.config.name}: {total} cells, {total - n_open} done, {n_open} open"
        yield f"output: {self.config.output}"
        yield f"store: {self.config.store or Path(self.config.output, 'store')}"
        yield f"tracking: {shown_uri(self.config.output)}"
        if unused := self.config.unused_options:
            yield unused
        if self.config.evaluation.n_trials > (n_test := self.config.n_test_trials):
            yield (
                f"evaluation.n_trials={self.config.evaluation.n_trials}: a decoder has only about "
                f"{n_test} test trials, all of which are explained; raise data.n_trials for more"
            )
        if not n_open:
            yield "nothing is left to do"
        else:
            yield f"time: about {self._time}, {self._source}"
            yield f"disk: about {self._room}"

    @property
    def open_stages(self) -> list[PlannedStage]:
        """Stages that have cells to be done."""
        return [stage for stage in self.stages if stage.todo]

    @property
    def _time(self) -> str:
        """Of all, and of each stage."""
        seconds = [stage.seconds for stage in self.open_stages]
        parts = (
            f"{stage.name} {counted(len(stage.todo), 'cell')} {duration(each)}, "
            f"{stage.workers} at a time"
            for stage, each in zip(self.open_stages, seconds, strict=True)
        )
        told = "; ".join([f"start {duration(START)}", *parts])
        return f"{duration(START + sum(seconds))} {self.place} ({told})"

    @property
    def _source(self) -> str:
        """Where the estimate comes from."""
        guessed = [stage for stage in self.open_stages if not stage.finished]
        if not guessed:
            return "from finished cells of this store"
        resources = self.config.resources
        on_gpu = resources.train.gpu or resources.explain.gpu
        if on_gpu:
            return "for a CPU: the speed of a GPU is not known yet"
        return "from a table, scaled to this machine"

    @property
    def _room(self) -> str:
        """Bytes that the open cells take, and whether they fit where they go."""
        places = self._needed
        parts = ", ".join(f"{name} {file_size(size)}" for name, (_, size) in places.items())
        needed = Counter[Disk]()
        for place, size in places.values():
            if "://" not in place:
                needed[disk_of(place)] += math.ceil(size)
        left = "".join(f"; {file_size(free)} free" for free in sorted({d.free for d in needed}))
        enough = all(size <= disk.free for disk, size in needed.items())
        told = "" if enough else ": NOT enough, free some space or choose another output"
        total = sum(size for _, size in places.values())
        return f"{file_size(total)} ({parts}){left}{told}"

    @property
    def _needed(self) -> dict[str, tuple[str, float]]:
        """Place and bytes of what is kept, by what it is."""
        in_store = sum(stage.store_bytes for stage in self.open_stages)
        needed = {"store": (self.config.store or self.config.output, in_store)}
        if is_local(self.config.output):
            figures = self.config.tracking.figures
            of_run = partial(run_bytes, figures=figures)
            runs = sum(total(of_run, stage.todo) for stage in self.open_stages)
            needed["MLflow"] = (self.config.output, runs)
        return needed


class Disk(NamedTuple):
    """A disk by its number, and its free bytes."""

    device: int
    free: int


def planned(
    stage: Stage, cells: Sequence[Cell], workers: int, store: Store, finished: Mapping[Cell, float]
) -> PlannedStage:
    """A stage with the cells to be done, by what the store holds of a few finished cells."""
    known = {work_of(cell): _stored_bytes(cell, store) for cell in finished}

    def of_cell(cell: Cell) -> float:
        return known.get(work_of(cell)) or artefact_bytes(cell)

    store_bytes = total(of_cell, stage.cells)
    return PlannedStage(stage.name, cells, stage.cells, workers, store_bytes, finished)


def total(of_cell: Callable[[Cell], float], cells: Iterable[Cell]) -> float:
    """Sum over cells of what is alike for cells of a kind."""
    one_of_each = dict[Work, Cell]()
    counts = Counter[Work]()
    for cell in cells:
        work = work_of(cell)
        one_of_each.setdefault(work, cell)
        counts[work] += 1
    return sum(number * of_cell(one_of_each[work]) for work, number in counts.items())


def a_few_done(cells: Sequence[Cell], store: Store) -> dict[Cell, float]:
    """Seconds of a finished cell each of some kinds, had its decoder been at hand.

    The store stays as it is, and no more of it is read, however large the grid.
    """
    done = [cell for cell in cells if store.has(cell)]
    first = _first_cells(done)
    # Of each kind the first in this order, so a decoder's first cell only where there is no other.
    in_order = [*(cell for cell in done if cell not in first), *first]
    of_kind = {work_of(cell): cell for cell in reversed(in_order)}
    few = Random(0).sample([*of_kind.values()], min(MOST_KINDS, len(of_kind)))
    return {
        cell: seconds * (share_at_hand(cell) if cell in first else 1.0)
        for found in samples(few, store, 1).values()
        for cell, seconds in found.items()
    }


def _first_cells(done: Iterable[Cell]) -> dict[Cell, None]:
    """Cells that probably took longer than their like, as a process or decoder began with them."""
    first = dict[str, Cell]()
    for cell in done:
        first.setdefault(cell.decoder.key if isinstance(cell, MethodCell) else "", cell)
    return dict.fromkeys(first.values())


def _stored_bytes(cell: Cell, store: Store) -> float:
    """What a finished cell occupies, by the listings."""
    names = [name_of(cell), *([maps_of(cell)] if isinstance(cell, MethodCell) else [])]
    return sum(store.files.size(name) for name in names)


def disk_of(place: str) -> Disk:
    """The disk of a folder, which need not be there yet."""
    folder = Path(place).resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return Disk(there.stat().st_dev, shutil.disk_usage(there).free)
