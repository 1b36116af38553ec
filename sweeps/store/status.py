"""How far a sweep is, from its store alone: while it runs, after a crash, from any machine."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from sweeps.design.cells import Cell, DecoderCell, decoder_cells, method_cells, permuted_label_cells
from sweeps.design.config import SweepConfig
from sweeps.store.artefacts import Store
from sweeps.store.checks import find_empty
from sweeps.store.heartbeats import is_fresh
from sweeps.store.names import DECODERS_FOLDER, FAILURES_FOLDER, METHODS_FOLDER
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import Heartbeat

SAMPLES = 3  # finished cells of a kind of work whose durations are read
CELL_STATES = ("done", "running", "failed", "open")

# Cells that cost about the same: stage, architecture, feature and, to explain, the method.
Work = tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """State of every cell of a sweep at one moment.

    Attributes
    ----------
    states : dict
        One of ``CELL_STATES`` for each cell, in the order of the sweep.
    heartbeats : dict
        Of the running cells.
    reasons : dict
        Traceback of each failed cell.
    seconds : dict
        Mean duration of finished cells by kind of work, and by its first parts.
    broken : list of str
        Sentences on files that were found broken; their cells count as open.
    now : float
        Seconds since 1970.
    """

    states: dict[Cell, str]
    heartbeats: dict[Cell, Heartbeat] = field(default_factory=dict)
    reasons: dict[Cell, str] = field(default_factory=dict)
    seconds: dict[Work, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    now: float = field(default_factory=time.time)

    @property
    def counts(self) -> pd.DataFrame:
        """Cells by stage and architecture: columns are the states, and the work left, hours."""
        rows = [
            {"stage": stage_of(cell), "architecture": _architecture(cell), "state": state,
             "hours": self._left(cell, state) / 3600}
            for cell, state in self.states.items()
        ]  # fmt: skip
        cells = pd.DataFrame(rows)
        groups = cells.groupby(["stage", "architecture"], sort=False)
        counted = groups["state"].value_counts().unstack(fill_value=0)
        counted = counted.reindex(
            index=list(groups.groups), columns=list(CELL_STATES), fill_value=0
        )
        left = groups["hours"].agg(lambda hours: hours.sum(skipna=False))
        return counted.assign(hours=left).reset_index()

    @property
    def work_left(self) -> float:
        """Hours that one worker needs for all that is not done; NaN while nothing is known."""
        return sum(self._left(cell, state) for cell, state in self.states.items()) / 3600

    @property
    def time_left(self) -> float:
        """Hours left with as many workers as are at work; NaN when none is, or nothing is known."""
        return self.work_left / len(self.heartbeats) if self.heartbeats else float("nan")

    @property
    def is_done(self) -> bool:
        """Whether every cell is done."""
        return set(self.states.values()) == {"done"}

    def _left(self, cell: Cell, state: str) -> float:
        """Seconds of work left in a cell."""
        if state == "done":
            return 0.0
        work = work_of(cell)
        known = (self.seconds[work[:n]] for n in (4, 3, 2, 1) if work[:n] in self.seconds)
        whole = next(known, float("nan"))
        if state != "running":
            return whole
        spent = max(0.0, self.now - self.heartbeats[cell].started)  # clocks are put back, too
        return max(0.0, whole - spent)


def status_of(config: SweepConfig, store: Store) -> Status:
    """Look once at a store: a listing of each folder, heartbeats, failures and a few durations."""
    cells: list[Cell] = [
        *decoder_cells(config),
        *permuted_label_cells(config),
        *method_cells(config),
    ]
    made = store.stems(DECODERS_FOLDER) | store.stems(METHODS_FOLDER)
    now = time.time()
    fresh = {
        stem: heartbeat
        for stem, heartbeat in store.heartbeats().items()
        if is_fresh(heartbeat, now)
    }
    failed = store.stems(FAILURES_FOLDER)
    store.broken.update({error.name: error for error in find_empty(cells, store)})
    seconds = durations([cell for cell in cells if cell.stem in made], store)
    broken = {error.cell.stem for error in store.broken.values() if error.cell}
    whole = made - broken
    states = {cell: _state_of_cell(cell.stem, whole, fresh, failed) for cell in cells}
    heartbeats = {cell: fresh[cell.stem] for cell, state in states.items() if state == "running"}
    reasons = {cell: store.failure(cell) or "" for cell, s in states.items() if s == "failed"}
    advice = [error.advice for error in store.broken.values()]
    return Status(states, heartbeats, reasons, seconds, advice, now)


def _state_of_cell(
    stem: str, made: Iterable[str], fresh: Iterable[str], failed: Iterable[str]
) -> str:
    """State of a cell: what it is now counts more than what became of an earlier attempt."""
    found = zip(("done", "running", "failed"), (made, fresh, failed), strict=True)
    return next((state for state, stems in found if stem in stems), "open")


def stage_of(cell: Cell) -> str:
    """Stage that a cell belongs to."""
    if not isinstance(cell, DecoderCell):
        return "explain"
    return {"true": "train", "permuted": "label_retrain"}[cell.labels]


def work_of(cell: Cell) -> Work:
    """What a cell's duration depends on most, the most telling first."""
    axes = cell.axes
    return (stage_of(cell), axes["architecture"], *map(axes.get, _details(cell)))


def _details(cell: Cell) -> tuple[str, ...]:
    return ("feature",) if isinstance(cell, DecoderCell) else ("method", "feature")


def _architecture(cell: Cell) -> str:
    return str(cell.axes["architecture"])


def durations(done: Iterable[Cell], store: Store) -> dict[Work, float]:
    """Mean seconds of a cell for each kind of work, and for its first parts, from a sample."""
    means: dict[Work, list[float]] = defaultdict(list)
    for work, found in samples(done, store).items():
        for n in range(1, len(work) + 1):
            means[work[:n]].append(sum(found.values()) / len(found))
    return {work: sum(values) / len(values) for work, values in means.items()}


def samples(
    done: Iterable[Cell], store: Store, of_each: int = SAMPLES
) -> dict[Work, dict[Cell, float]]:
    """Seconds of a few finished cells of each kind of work."""
    kinds: dict[Work, list[Cell]] = defaultdict(list)
    for cell in done:
        kinds[work_of(cell)].append(cell)
    found = {
        work: {
            cell: seconds for cell in _spread(cells, of_each) for seconds in _seconds(cell, store)
        }
        for work, cells in kinds.items()
    }
    return {work: cells for work, cells in found.items() if cells}


def _spread(cells: Sequence[Cell], number: int) -> Sequence[Cell]:
    """A few cells from the whole length of the list."""
    step = max(1, len(cells) // number)
    return cells[step // 2 :: step][:number]


def _seconds(cell: Cell, store: Store) -> list[float]:
    """Duration of a finished cell; none when its artefact is broken, which is noted, or gone."""
    try:
        if isinstance(cell, DecoderCell):
            return [store.read_decoder(cell).seconds]
        return [store.read_rows(cell, columns=()).seconds]  # no score: the record alone
    except BrokenArtefactError as error:
        store.remember_broken(error)  # without a warning: the status states it
    except FileNotFoundError:
        pass
    return []
