"""A sweep from its configuration to its table."""

import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import pandas as pd
from rich.console import Console

from eegxai.atomic import remove_abandoned
from sweeps.analysis.claims.supply import claims_of_sweep
from sweeps.analysis.summary import HEADLINE_ROWS, headline
from sweeps.analysis.verdicts import judged
from sweeps.design.cells import (
    Cell,
    DecoderCell,
    MethodCell,
    decoder_cells,
    method_cells,
    permuted_label_cells,
)
from sweeps.design.config import SweepConfig
from sweeps.execution.pace import Pace, workers_here
from sweeps.execution.plan import Plan, PlannedStage, a_few_done, planned
from sweeps.execution.progress import StageProgress
from sweeps.execution.ray_environment import check_reachable
from sweeps.execution.ray_session import RunStage, cluster, private_ray
from sweeps.execution.runner import CellOutcome, Stage, run_local
from sweeps.execution.turns import turn
from sweeps.report.closing import closing_page
from sweeps.report.recordings import observer_of
from sweeps.report.terminal import print_lines
from sweeps.scores.cache import tidy_from_store
from sweeps.scores.selection import without_chance_decoders
from sweeps.store.artefacts import store_of
from sweeps.store.checks import check_new_files, find_empty
from sweeps.store.files import best_effort
from sweeps.store.packing import RECOMPUTED, BrokenArtefactError
from sweeps.tracking import (
    Publisher,
    PublishError,
    is_local,
    no_pictures,
    publish_all,
    reason_of,
    run_pictures,
    settings_digest,
)
from sweeps.tracking.background import publishing

log = logging.getLogger(__name__)
PROBE = "probe"  # a file of the store that is written and removed


class PlaceError(ValueError):
    """A place for results that cannot be written, and why, in one sentence."""


@dataclass
class Sweep:
    """One sweep on this machine: its cells, its store, its MLflow experiment.

    Attributes
    ----------
    config : SweepConfig
        What to run.
    console : Console
        Where progress goes.
    failed : list of CellOutcome
        Cells that ended with an error, filled while the sweep runs.
    unpublished : str
        Why MLflow could not be written, empty when it could.
    """

    config: SweepConfig
    console: Console
    failed: list[CellOutcome] = field(default_factory=list)
    unpublished: str = ""

    def __post_init__(self) -> None:
        self.output = Path(self.config.output).resolve()
        self.store = store_of(self.config)
        self.decoders: list[DecoderCell] = list(decoder_cells(self.config))
        self.permuted_label_decoders: list[DecoderCell] = list(permuted_label_cells(self.config))
        self.methods: list[MethodCell] = list(method_cells(self.config))
        self.publisher: Publisher | None = None
        self.on_private_ray = False

    @cached_property
    def cells(self) -> dict[Cell, None]:
        """All cells, decoders before methods."""
        cells: list[Cell] = [*self.decoders, *self.permuted_label_decoders, *self.methods]
        return dict.fromkeys(cells)

    def run(self, local: bool, address: str = "") -> None:
        """Do every cell that the store lacks, decoders before methods, and publish all.

        What is done the store's listing states. A file that turns out broken as it is read is set
        aside and its cell recomputed, once.

        Parameters
        ----------
        local : bool
            Without Ray, in this process.
        address : str
            Ray cluster to join; empty for a private Ray on this machine.
        """
        with turn(self.output, self._warn):
            self._run(local, address)

    def _run(self, local: bool, address: str) -> None:
        remove_abandoned(self.output)
        self.store.remove_abandoned()
        todo, again = self._left_here(address), set[Cell]()
        if todo:
            print_lines(self.console, self.plan(local, address).lines)
        while True:
            self._do(todo, local, address)
            recomputed = self._to_recompute(self._closed()) - again
            if not recomputed:
                return
            todo = recomputed | self._passed_over(todo, recomputed)
            self.failed = [outcome for outcome in self.failed if outcome.cell not in todo]
            again |= todo

    def plan(self, local: bool, address: str = "") -> Plan:
        """What ``run`` is going to do, from the store's listings; nothing is changed.

        Parameters
        ----------
        local, address
            As for ``run``.
        """
        self.on_private_ray = not (local or address)
        places = {bool(address): "on the cluster, as one worker", local: "in this process"}
        try:
            stages = [*self._planned()]
        except OSError as error:
            raise self._unusable_store(error) from error
        return Plan(self.config, stages, places.get(True, "on this machine"))

    def _planned(self) -> Iterator[PlannedStage]:
        for stage in self._stages():
            todo = stage.of(lambda cell: not self.store.has(cell))
            if stage.cells:
                finished = self._finished[stage.name]
                yield planned(todo, stage.cells, self._workers(todo), self.store, finished)

    def _unusable_store(self, error: OSError) -> PlaceError:
        return PlaceError(f"store {self.store.url!r} cannot be used: {error}")

    @cached_property
    def _finished(self) -> dict[str, dict[Cell, float]]:
        """Seconds of a few cells of each stage that were done when this was first asked."""
        return {stage.name: a_few_done(stage.cells, self.store) for stage in self._stages()}

    def _workers(self, stage: Stage) -> int:
        if not self.on_private_ray:
            return 1
        return max(1, min(workers_here(stage.resources), len(list(stage.bundles))))

    def _left_here(self, address: str) -> set[Cell]:
        """Cells that the store lacks; where it lacks some, all places that they need are tried.

        A cluster is looked for, and store and MLflow are written to once, before the work that
        would be lost with them.
        """
        try:
            todo = self.left()
            if todo:
                self.store.write_file(PROBE, b"")
                self.store.remove_file(PROBE)
        except OSError as error:
            raise self._unusable_store(error) from error
        if todo:
            check_reachable(address)
            self._require_tracking()
        return todo

    def _require_tracking(self) -> None:
        try:
            self.connected()
        except PublishError as error:
            elsewhere = f", or unset MLFLOW_TRACKING_URI to log into {self.output}"
            raise PlaceError(
                f"MLflow cannot be written ({reason_of(error)}): make it writable"
                f"{elsewhere * (not is_local(str(self.output)))}; no cell was started"
            ) from error

    def left(self) -> set[Cell]:
        """Cells that the store lacks, by one listing of each of its folders.

        Files that are empty, or that readers have found broken, are set aside.
        """
        self._set_aside(find_empty(self.cells, self.store))
        self._set_aside(self.store.suspects(self.cells))
        return {cell for cell in self.cells if not self.store.has(cell)}

    def _do(self, todo: Set[Cell], local: bool, address: str) -> None:
        self.on_private_ray = not (local or address)
        if todo:
            with (
                publishing(self.connected, self.store) as self._publish,
                self._place(local, address) as run_stage,
            ):
                self._run_stages(run_stage, todo)

    def _closed(self) -> set[Cell]:
        """Check the files that are new, publish all; the cells whose files were set aside."""
        self.store.refresh()
        found = self._set_aside(check_new_files(self.cells, self.store))
        self.store.remove_notes(self.cells)
        self._publish_all()
        return found | self._set_aside(self.store.broken.values())

    def _set_aside(self, broken: Iterable[BrokenArtefactError]) -> set[Cell]:
        """Move broken files of this sweep out of the way; their cells."""
        own = [error for error in broken if error.cell in self.cells]
        for error in own:
            log.warning(RECOMPUTED, error)
            best_effort(self.store.set_aside, error)
        return {error.cell for error in own if error.cell}

    def _to_recompute(self, aside: Set[Cell]) -> set[Cell]:
        """Cells set aside, and those that failed because a worker set a decoder aside."""
        failed = [outcome.cell for outcome in self.failed]
        gone = {decoder for cell in failed for decoder in self._without_file(cell)}
        for decoder in gone - aside:
            log.warning(RECOMPUTED, f"{self.store.path(decoder)} of {decoder.title} is broken")
        return {*aside, *gone, *(cell for cell in failed if self._without_file(cell))}

    def _passed_over(self, todo: Set[Cell], recomputed: Set[Cell]) -> set[Cell]:
        """Cells that were not begun, since their decoders had broken by then."""
        failed = {outcome.cell for outcome in self.failed}
        left = [cell for cell in todo - failed if not self.store.has(cell)]
        return {cell for cell in left if set(self._without_file(cell)) <= recomputed}

    def _without_file(self, cell: Cell) -> list[DecoderCell]:
        """Decoders that a cell needs and the store lacks."""
        return [decoder for decoder in cell.decoders if not self.store.has(decoder)]

    @contextmanager
    def _place(self, local: bool, address: str) -> Iterator[RunStage]:
        """Where the cells are run."""
        if local:
            yield run_local
        elif address:
            with cluster(address, self.config.resources, self._warn) as run_on_cluster:
                yield run_on_cluster
        else:
            with private_ray() as run_ray:
                yield run_ray

    def _warn(self, sentence: str) -> None:
        print_lines(self.console, [sentence], style="yellow")

    def sync(self) -> int:
        """Bring MLflow to the store's state; the number of cells that the store holds."""
        with turn(self.output, self._warn):
            return self._publish_all()

    def _publish_all(self) -> int:
        self.unpublished = ""
        try:
            return publish_all(self.connected(), self.cells, self.store)
        except PublishError as error:
            self.unpublished = reason_of(error)
            return 0

    def table(self, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
        """The verdict on each method, from the store; decoders at chance are left out."""
        tidy = tidy_from_store(self.methods, self.store, HEADLINE_ROWS)
        return judged(headline(without_chance_decoders(tidy), by), self.config.verdict)

    def memorised_accuracy(self) -> dict[str, float]:
        """Share of the permuted labels that each of their decoders knows, by its title."""
        known = {}
        for cell in filter(self.store.has, self.permuted_label_decoders):
            try:
                known[cell.title] = self.store.read_decoder(cell).history[-1]["validation_accuracy"]
            except BrokenArtefactError as error:
                self.store.note_broken(error)
        return known

    def connected(self) -> Publisher:
        """The MLflow experiment, opened once."""
        if self.publisher is None:
            draw = run_pictures if self.config.tracking.figures else no_pictures
            conclude = partial(
                closing_page,
                thresholds=self.config.verdict,
                observer=observer_of(self.config),
            )
            self.publisher = Publisher(
                self.config.name,
                str(self.output),
                self.cells,
                settings_digest(self.config),
                draw=draw,
                conclude=conclude,
                decide_claims=partial(claims_of_sweep, self.config),
                thresholds=self.config.verdict,
            )
        return self.publisher

    def _stages(self) -> Iterator[Stage]:
        """All cells by stages, in their order."""
        train, explain = self.config.resources.train, self.config.resources.explain
        yield Stage("train", "decoder", self.decoders, train)
        # Trained on permuted labels as far as the true ones were learnt, so after those.
        yield Stage("label_retrain", "decoder", self.permuted_label_decoders, train)
        yield Stage("explain", "method", self.methods, explain)

    def _run_stages(self, run_stage: RunStage, todo: Set[Cell]) -> None:
        stages = list(self._stages())
        for number, stage in enumerate(stages):
            later = (each.of(todo.__contains__) for each in stages[number + 1 :])
            seconds_later = sum(self._pace(each).seconds_left() for each in later)
            able = stage.of(lambda cell: not self._without_file(cell))
            self._run_stage(run_stage, able, todo, seconds_later)

    def _run_stage(
        self, run_stage: RunStage, stage: Stage, todo: Set[Cell], seconds_later: float
    ) -> None:
        pending = stage.of(todo.__contains__)
        if not pending.cells:
            return
        counted = len(stage.cells), self._pace(pending), seconds_later
        with StageProgress(self.console, stage.name, *counted) as progress:

            def on_done(outcome: CellOutcome) -> None:
                self._take_in(outcome)
                progress.advance(outcome)

            run_stage(pending, self.store.url, on_done)

    def _pace(self, stage: Stage) -> Pace:
        return Pace(stage.cells, self._workers(stage), self._finished[stage.name])

    def _take_in(self, outcome: CellOutcome) -> None:
        if not outcome.error:
            self.store.note_done(outcome.cell)
            self._publish(outcome.cell)
            return
        self.failed.append(outcome)
        if self.store.failure(outcome.cell) is None:  # its worker had no time to
            best_effort(self.store.write_failure, outcome.cell, outcome.error)
