"""A sweep from its configuration to its table."""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from sweeps.analysis.summary import HEADLINE_METRICS, headline
from sweeps.design.cells import (
    Cell,
    DecoderCell,
    MethodCell,
    decoder_cells,
    method_cells,
    permuted_label_cells,
)
from sweeps.design.config import SweepConfig, TrialResources
from sweeps.execution.progress import StageProgress
from sweeps.execution.ray_session import RunStage, cluster, private_ray
from sweeps.execution.runner import CellOutcome, Stage, run_local
from sweeps.scores.cache import Needed, tidy_from_store
from sweeps.store.artefacts import best_effort, store_of
from sweeps.tasks.data import is_done
from sweeps.tracking import (
    Publisher,
    PublishError,
    no_pictures,
    publish_all,
    run_pictures,
    tidy_from_runs,
)
from sweeps.tracking.background import publishing


@dataclass
class Sweep:
    """One sweep on this machine: its cells, its store, its MLflow experiment.

    Attributes
    ----------
    config : SweepConfig
        What to run.
    console : Console
        Where progress goes.
    failed : list of Outcome
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

    @property
    def cells(self) -> list[Cell]:
        """All cells, decoders before methods."""
        return [*self.decoders, *self.permuted_label_decoders, *self.methods]

    def run(self, local: bool, address: str = "") -> None:
        """Do every cell that the store lacks, decoders before methods, and publish all.

        Parameters
        ----------
        local : bool
            Without Ray, in this process.
        address : str
            Ray cluster to join; empty for a private Ray on this machine.
        """
        # Once for both stages: a whole artefact is read to tell that it is whole.
        todo = {cell for cell in self.cells if not is_done(cell, self.store)}
        if todo:
            with (
                publishing(self._connected, self.store) as self._publish,
                self._place(local, address) as run_stage,
            ):
                self._run_stages(run_stage, todo)
        self.sync()

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
        self.console.print(sentence, style="yellow", highlight=False)

    def sync(self) -> int:
        """Bring MLflow to the store's state; the number of cells that the store holds."""
        try:
            return publish_all(self._connected(), self.cells, self.store)
        except PublishError as error:
            self.unpublished = str(error)
            return 0

    def table(self, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
        """Headline table of this sweep's cells, from MLflow or else from the store."""
        return headline(self.tidy(HEADLINE_METRICS), by)

    def tidy(self, metrics: Needed = None) -> pd.DataFrame:
        """Tidy scores of this sweep's cells, from MLflow or else from the store."""
        if self.publisher is None or self.unpublished:
            return tidy_from_store(self.methods, self.store, metrics)
        return tidy_from_runs(self.publisher, self.methods, metrics)

    def memorised_accuracy(self) -> dict[str, float]:
        """Share of the permuted labels that each of their decoders knows, by its title."""
        return {
            cell.title: self.store.read_decoder(cell).history[-1]["validation_accuracy"]
            for cell in self.permuted_label_decoders
            if self.store.has(cell)
        }

    def connect(self) -> None:
        """Open the MLflow experiment, or remember why that failed."""
        try:
            self._connected()
        except PublishError as error:
            self.unpublished = str(error)

    def _connected(self) -> Publisher:
        if self.publisher is None:
            draw = run_pictures if self.config.tracking.figures else no_pictures
            self.publisher = Publisher(self.config.name, str(self.output), draw)
        return self.publisher

    def _run_stages(self, run_stage: RunStage, todo: Set[Cell]) -> None:
        resources = self.config.resources
        self._run_stage(run_stage, "train", "decoder", self.decoders, todo, resources.train)
        # Trained on permuted labels as far as the true ones were learnt, so after those.
        known = [
            cell
            for cell in self.permuted_label_decoders
            if self.store.has(replace(cell, labels="true"))
        ]
        self._run_stage(run_stage, "relabel", "decoder", known, todo, resources.train)
        explainable = [cell for cell in self.methods if all(map(self.store.has, cell.decoders))]
        self._run_stage(run_stage, "explain", "method", explainable, todo, resources.explain)

    def _run_stage(
        self,
        run_stage: RunStage,
        name: str,
        kind: str,
        cells: Sequence[Cell],
        todo: Set[Cell],
        resources: TrialResources,
    ) -> None:
        pending = [cell for cell in cells if cell in todo]
        if not pending:
            return
        stage = Stage(name, kind, pending, resources)
        with StageProgress(self.console, name, len(cells), len(cells) - len(pending)) as progress:

            def on_done(outcome: CellOutcome) -> None:
                self._take_in(outcome)
                progress.advance(outcome.cell.title)

            run_stage(stage, self.store.url, on_done)

    def _take_in(self, outcome: CellOutcome) -> None:
        if not outcome.error:
            self._publish(outcome.cell)
            return
        self.failed.append(outcome)
        if self.store.failure(outcome.cell) is None:  # its worker had no time to
            best_effort(self.store.write_failure, outcome.cell, outcome.error)
