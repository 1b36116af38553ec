"""Sweeps of any size whose results are made up: one real cell's, under the keys of all others."""

import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import Cell, DecoderCell, MethodCell, decoder_cells, method_cells
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import load
from sweeps.execution.runner import Stage, run_local
from sweeps.store.artefacts import Store, store_of
from sweeps.store.records import MethodScores, TrainedDecoder
from tests.paths import ROOT

# A cell in seconds: spectral features have the most scores, the study's network eight layers.
REAL = (
    "grid.feature=spectral",
    "grid.method=InputXGradient",
    "data.n_trials=64",
    "data.noise={n_dipoles: 4}",
    "training.epochs=1",
    "training.per_architecture={}",
    "evaluation.n_trials=8",
)
N_SCORED = 256  # trials whose scores a table of the paper holds
PROCESSES = 2


@dataclass(frozen=True)
class RealResults:
    """What one real cell left in its store, and its decoder."""

    decoder: TrainedDecoder
    scores: MethodScores
    maps: ExampleMaps | None

    def scores_of(self, number: int) -> MethodScores:
        """The scores with other means, as many as the cell has."""
        random = np.random.default_rng(number)
        table = self.scores.table
        return replace(self.scores, table=table.assign(mean=random.random(len(table))))


def real_results() -> RealResults:
    """Train and explain one small decoder; the scores are repeated for as many trials as asked."""
    with tempfile.TemporaryDirectory() as folder:
        config = load(ROOT / "conf" / "quickstart.yaml", [*REAL, f"output={folder}"])
        (decoder,), (method,) = decoder_cells(config), method_cells(config)
        store = store_of(config)
        for kind, cell in (("decoder", decoder), ("method", method)):
            stage = Stage(kind, kind, [cell], config.resources.explain)
            run_local(stage, store.url, _checked)
        scores = store.read_scores(method)
        return RealResults(
            store.read_decoder(decoder), _for_more_trials(scores), store.read_maps(method)
        )


def _checked(outcome) -> None:
    assert not outcome.error, outcome.error
