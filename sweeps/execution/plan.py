"""What a sweep is going to do, before it does it: cells, places, time and disk."""

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.design.cells import Cell, MethodCell
from sweeps.design.config import SweepConfig
from sweeps.execution.expected import START, artefact_bytes, run_bytes
from sweeps.execution.pace import Pace
from sweeps.report.terminal import duration, file_size
from sweeps.store.artefacts import Store
from sweeps.store.names import maps_of, name_of
from sweeps.store.status import samples
from sweeps.tracking.location import is_local, shown_uri


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
    cell_bytes : float
        What a cell occupies in the store.
    finished : mapping of Cell to float
        Seconds that a few of the cells took which are done.
    """

    name: str
    cells: Sequence[Cell]
    todo: Sequence[Cell]
    workers: int
    cell_bytes: float
    finished: Mapping[Cell, float] = field(default_factory=dict)

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
        if n_open:
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
            f"{stage.name} {len(stage.todo)} cells {duration(each)}, {stage.workers} at a time"
            for stage, each in zip(self.open_stages, seconds, strict=True)
        )
        return f"{duration(START + sum(seconds))} {self.place} ({'; '.join(parts)})"

    @property
    def _source(self) -> str:
        """Where the estimate comes from."""
        guessed = [stage for stage in self.open_stages if not stage.finished]
        if not guessed:
            return "as cells of this store took"
        resources = self.config.resources
        on_gpu = resources.train.gpu or resources.explain.gpu
        return "for a CPU: a GPU's speed is not known yet" if on_gpu else "by a table"

    @property
    def _room(self) -> str:
        """Bytes that the open cells take, and whether they fit."""
        sizes = {"store": sum(len(stage.todo) * stage.cell_bytes for stage in self.open_stages)}
        places = {"store": self.config.store or self.config.output}
        if is_local(self.config.output):
            sizes["MLflow"] = sum(map(self._run_bytes, self.open_stages))
            places["MLflow"] = self.config.output
        free = {name: free_bytes(place) for name, place in places.items()}
        here = sum(size for name, size in sizes.items() if free[name] < math.inf)
        parts = ", ".join(f"{name} {file_size(size)}" for name, size in sizes.items())
        least = min(free.values())
        left = f"; {file_size(least)} free" if least < math.inf else ""
        enough = "" if here <= least else ": NOT enough, make room or choose another output"
        return f"{file_size(sum(sizes.values()))} ({parts}){left}{enough}"

    def _run_bytes(self, stage: PlannedStage) -> float:
        return len(stage.todo) * run_bytes(stage.todo[0], self.config.tracking.figures)


def planned(
    name: str, cells: Sequence[Cell], workers: int, store: Store, finished: Mapping[Cell, float]
) -> PlannedStage:
    """A stage of a sweep by what its store holds; seconds of a few finished cells are given."""
    todo = [cell for cell in cells if not store.has(cell)]
    known = [_stored_bytes(cell, store) for cell in finished] or [*map(artefact_bytes, todo[:1])]
    return PlannedStage(name, cells, todo, workers, sum(known) / max(1, len(known)), finished)


def a_few_done(cells: Sequence[Cell], store: Store) -> dict[Cell, float]:
    """Seconds of a finished cell of each kind; the store stays as it is."""
    done = [cell for cell in cells if store.has(cell)]
    return {cell: taken for few in samples(done, store, 1).values() for cell, taken in few.items()}


def _stored_bytes(cell: Cell, store: Store) -> float:
    """What a finished cell occupies, by the listings."""
    names = [name_of(cell), *([maps_of(cell)] if isinstance(cell, MethodCell) else [])]
    return sum(store.files.size(name) for name in names)


def free_bytes(place: str) -> float:
    """Room on the disk of a folder, which need not be there yet; infinite in a bucket."""
    if "://" in place:
        return math.inf
    folder = Path(place).resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free
