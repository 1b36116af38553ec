"""Where a report's results come from: how far the sweep is, and how they were computed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sweeps.design.cells import Cell, MethodCell, decoder_of, method_cells
from sweeps.design.config import SweepConfig
from sweeps.report.source import readable_source
from sweeps.scores.table import AXES
from sweeps.store import provenance
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import Record
from sweeps.store.status import Status, status_of, work_of

N_RECORDS = 100  # results whose origin is read: all of a small sweep, a sample of a large one


@dataclass(frozen=True)
class Origin:
    """State of a sweep and the origin of its results.

    Attributes
    ----------
    status : Status
        State of its cells.
    records : sequence of Record
        How some of the results, at least one, came about.
    """

    status: Status
    records: Sequence[Record]

    @property
    def facts(self) -> dict[str, str]:
        """What was computed, when, where and with which versions."""
        status, records = self.status, self.records
        done = [cell for cell, state in status.states.items() if state == "done"]
        finished = [record.finished for record in records]
        return {
            "Cells": f"{len(done)} of {len(status.states)} done",
            "Computing time": f"about {_seconds_of(done, status) / 3600:.1f} h of one worker",
            "Results sampled": f"{len(records)}, for the facts below",
            "Finished": f"{_day(min(finished))} to {_day(max(finished))}",
            "Hardware": _different(record.machine for record in records),
            "Commit": _different(record.commit for record in records),
            "Versions": "; ".join(_versions([record.versions for record in records])),
            "This page": f"{_day(time.time())}, commit {provenance.commit() or 'unknown'}",
        }

    @property
    def missing(self) -> list[str]:
        """Sentences on the cells that are not done."""
        if self.status.is_done:
            return ["Every cell of the sweep is done."]
        traces = [trace.strip() for trace in self.status.reasons.values()]
        reasons = {trace.splitlines()[-1] for trace in traces if trace}
        return [
            "Cells are missing: means and intervals cover only those that are done.",
            *self.status.broken,
            *(f"Failed: {reason}" for reason in sorted(reasons)),
        ]


def load_origin(config: SweepConfig, source: str, tidy: pd.DataFrame, store: Store) -> Origin:
    """Origin of the results of a sweep; MLflow knows what is done, not what failed."""
    cells = list(method_cells(config))
    source, _ = readable_source(config, source)
    if source == "store":
        return Origin(status_of(config, store), _records(cells, store))
    from sweeps.tracking import records_from_mlflow

    scored = _scored_cells(cells, tidy)
    records = records_from_mlflow(config.name, config.output, _sample(scored))
    return Origin(_status_of_scored(cells, scored, records), records)


def _scored_cells(cells: Iterable[MethodCell], tidy: pd.DataFrame) -> list[MethodCell]:
    """The cells that have rows in the tidy scores."""
    found = set(tidy[list(AXES)].drop_duplicates().itertuples(index=False, name=None))
    return [cell for cell in cells if tuple(cell.axes[axis] for axis in AXES) in found]


def _status_of_scored(
    cells: Sequence[MethodCell], scored: Sequence[MethodCell], records: Sequence[Record]
) -> Status:
    """State of the methods, and of the decoders that they need."""
    whole: list[Cell] = [*dict.fromkeys(map(decoder_of, cells)), *cells]
    done = {*map(decoder_of, scored), *scored}
    states = {cell: "done" if cell in done else "open" for cell in whole}
    mean = sum(record.seconds for record in records) / len(records)
    return Status(states, seconds={work_of(cell): mean for cell in scored})


def _sample(cells: Sequence[MethodCell]) -> Sequence[MethodCell]:
    return cells[:: max(1, len(cells) // N_RECORDS)]


def _records(cells: Iterable[MethodCell], store: Store) -> list[Record]:
    """How some of the results came about."""
    records: list[Record] = []
    for cell in _sample([cell for cell in cells if store.has(cell)]):
        try:
            records.append(store.read_scores(cell))
        except BrokenArtefactError as error:
            store.note_broken(error)
    return records


def _seconds_of(done: Iterable[Cell], status: Status) -> float:
    """Seconds of work in the cells that are done, from the mean durations of their kinds."""
    return sum(status.seconds.get(work_of(cell), 0.0) for cell in done)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _different(values: Iterable[str]) -> str:
    """Each value once, in the order of its appearance."""
    return "; ".join(value or "not recorded" for value in dict.fromkeys(values))


def _versions(several: Sequence[Mapping[str, str]]) -> list[str]:
    """Package and version; all of them where results were made by several."""
    packages = dict.fromkeys(package for versions in several for package in versions)
    return [
        f"{package} {', '.join(dict.fromkeys(v[package] for v in several if package in v))}"
        for package in packages
    ]
