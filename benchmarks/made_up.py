"""Sweeps of any size whose results are made up: one real cell's, under the keys of all others."""

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import Cell, DecoderCell, decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.execution.runner import CellOutcome, Stage, run_local
from sweeps.store.artefacts import Store, store_of
from sweeps.store.records import MethodScores, TrainedDecoder
from tests.paths import ROOT

# A cell of seconds: spectral features have the most scores, the study's network eight layers.
REAL = (
    "grid.feature=spectral",
    "grid.method=InputXGradient",
    "data.head.montage=null",
    "data.n_trials=64",
    "data.noise={n_dipoles: 4}",
    "training.epochs=1",
    "training.per_architecture={}",
    "evaluation.n_trials=8",
)
# A decoder of seconds is at chance, and its scores would be left out of all tables.
DECODES: Mapping[str, Any] = {"accuracy": 0.9, "at_chance": False}
N_SCORED = 256  # trials whose scores a cell of the paper holds
PROCESSES = 2
CHUNK = 500  # cells that a process writes at a time


@dataclass(frozen=True)
class RealResults:
    """What one real decoder and one method on it left in their store."""

    decoder: TrainedDecoder
    scores: MethodScores
    maps: ExampleMaps

    def write(self, store: Store, numbered: Sequence[tuple[int, Cell]]) -> None:
        """Store the results under the keys of cells, the scores with means of each its own."""
        for number, cell in numbered:
            if isinstance(cell, DecoderCell):
                store.write_decoder(cell, self.decoder)
            else:
                store.write_scores(cell, self._scores_of(number))

    def _scores_of(self, number: int) -> MethodScores:
        table = self.scores.table
        drawn = np.random.default_rng(number).random(len(table))
        # Seven digits, as scores of single precision have them.
        return replace(self.scores, table=table.assign(mean=drawn.astype(np.float32).astype(float)))


def real_results() -> RealResults:
    """Train and explain one small decoder."""
    with tempfile.TemporaryDirectory() as folder:
        config = load(ROOT / "conf" / "quickstart.yaml", [*REAL, f"output={folder}"])
        (decoder,), (method,) = decoder_cells(config), method_cells(config)
        store, resources = store_of(config), config.resources.explain
        run_local(Stage("train", "decoder", [decoder], resources), store.url, _check)
        run_local(Stage("explain", "method", [method], resources), store.url, _check)
        scores = replace(_of_more_trials(store.read_scores(method)), **DECODES)
        maps = store.read_maps(method)
        assert maps, f"{method.title} has no usable maps"
        return RealResults(replace(store.read_decoder(decoder), **DECODES), scores, maps)


def fill(store: Store, cells: Sequence[Cell], real: RealResults) -> None:
    """Store made-up results of cells, by several processes."""
    numbered = list(enumerate(cells))
    chunks = [numbered[start : start + CHUNK] for start in range(0, len(cells), CHUNK)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(partial(real.write, store), chunks))


def _check(outcome: CellOutcome) -> None:
    assert not outcome.error, outcome.error


def _of_more_trials(scores: MethodScores) -> MethodScores:
    """Scores of each trial repeated until there are as many as in a cell of the paper."""
    trials = [
        None if of_each is None else np.resize(np.asarray(of_each, float), N_SCORED)
        for of_each in scores.table["trials"]
    ]
    return replace(scores, table=scores.table.assign(trials=trials))
