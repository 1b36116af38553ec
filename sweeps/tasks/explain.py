"""Explaining one decoder by one method: a pure function of its cell and the store."""

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.attribution import DegenerateMap, Validity, attribute, study_maps, validity
from eegxai.evaluation import (
    EvaluationSpec,
    ExplainedTrials,
    SourceTruth,
    choose_examples,
    choose_explained,
    evaluate_explained,
    source_truth,
)
from eegxai.evaluation.protocol import SCORE_COLUMNS
from eegxai.seeding import generator
from eegxai.simulation import SimulatedEEG
from sweeps.design.cells import DecoderCell, MethodCell
from sweeps.store import provenance
from sweeps.store.artefacts import Store
from sweeps.store.records import MethodScores, TrainedDecoder
from sweeps.tasks.data import restored, simulated, split_of

N_JUDGED_TRIALS = 8  # test trials on which a method is judged
N_REFERENCES = 16  # training trials that a method may compare with


def explain(cell: MethodCell, store: Store, device: str = "cpu") -> None:
    """Attribute, score and store one method on one trained decoder."""
    started = time.time()
    trained = _test_trials(cell.decoder, store, device).trained
    verdict, table = _judged(cell, store, device)
    scores = MethodScores(
        table=table,
        validity=verdict,
        accuracy=trained.accuracy,
        at_chance=trained.at_chance,
        seconds=time.time() - started,
        finished=time.time(),
        versions=provenance.versions(),
        machine=provenance.machine(device),
        commit=provenance.commit(),
    )
    store.write_scores(cell, scores)


@dataclass(frozen=True)
class _TestTrials:
    """A trained decoder and its test trials, on one device."""

    decoder: nn.Module
    x: Tensor
    y: Tensor
    ground_truth: Tensor
    eeg: SimulatedEEG
    trained: TrainedDecoder
    references: Tensor  # training trials, for methods that compare with other trials
    places: np.ndarray  # of the test trials in the simulation

    @property
    def probe(self) -> tuple[Tensor, Tensor]:
        """The few trials on which methods are judged."""
        return self.x[:N_JUDGED_TRIALS], self.y[:N_JUDGED_TRIALS]

    @cached_property
    def known(self) -> SourceTruth:
        """What the simulation knows of the test trials."""
        return source_truth(self.eeg, self.places)

    @cached_property
    def study_maps(self) -> dict[str, Tensor]:
        """Maps of the study's methods, for the search of duplicates."""
        return study_maps(self.decoder, *self.probe)


def judge(cell: MethodCell, store: Store, device: str = "cpu") -> Validity:
    """Judge a method by its maps of a few test trials of a trained decoder."""
    trials = _test_trials(cell.decoder, store, device)
    return validity(
        cell.method,
        trials.decoder,
        *trials.probe,
        compare=trials.study_maps,
        **_keywords(cell, trials),
    )


def _judged(cell: MethodCell, store: Store, device: str) -> tuple[Validity, pd.DataFrame]:
    """Validity and scores; a method without usable maps is recorded with no scores."""
    nothing = pd.DataFrame(columns=SCORE_COLUMNS)
    verdict = judge(cell, store, device)
    if verdict.status == "not_applicable":
        return verdict, nothing
    try:
        return verdict, _evaluate(cell, store, device)
    except DegenerateMap as error:
        return Validity("degenerate", str(error)), nothing


def _keywords(cell: MethodCell, trials: _TestTrials) -> dict[str, Any]:
    return {"references": trials.references, **cell.options}


def _evaluate(cell: MethodCell, store: Store, device: str) -> pd.DataFrame:
    trials = _test_trials(cell.decoder, store, device)
    return evaluate_explained(
        partial(attribute, cell.method, **_keywords(cell, trials)),
        _subject(cell.decoder, cell.evaluation, store, device),
        trials.ground_truth,
        trials.eeg.info,
        cell.evaluation,
        trials.known,
        partial(_keep_some, cell, store, trials),
    )


def _keep_some(
    cell: MethodCell, store: Store, trials: _TestTrials, scored: Tensor, maps: Tensor
) -> None:
    """Store the maps that pictures show; before the scores, so a cell that is done has them."""
    kept = choose_examples(
        maps,
        trials.ground_truth[scored],
        trials.y[scored],
        trials.places[scored.cpu().numpy()],
        trials.eeg.info,
        cell.decoder.data.feature,
        cell.evaluation.truth_threshold,
    )
    store.write_maps(cell, kept)


@lru_cache(maxsize=1)
def _test_trials(cell: DecoderCell, store: Store, device: str) -> _TestTrials:
    eeg = simulated(cell.data)
    decoder = restored(cell, store, eeg).to(device)
    split = split_of(cell, eeg)
    x, y, truth = (
        torch.from_numpy(a[split.test]).to(device) for a in (eeg.x, eeg.y, eeg.ground_truth)
    )
    references = torch.from_numpy(eeg.x[_some(split.train, cell.data.seed)]).to(device)
    trained = store.read_decoder(cell)
    return _TestTrials(decoder, x, y, truth, eeg, trained, references, split.test)


@lru_cache(maxsize=1)
def _subject(
    cell: DecoderCell, evaluation: EvaluationSpec, store: Store, device: str
) -> ExplainedTrials:
    """What the methods explain; it keeps the randomized decoders, which are the same for all."""
    trials, permuted_labels_decoder = _test_trials(cell, store, device), None
    if "label_retrain" in evaluation.checks:
        permuted_labels_decoder = restored(cell.with_permuted_labels, store, trials.eeg).to(device)
    n_classes, seed = trials.eeg.n_classes, cell.data.seed
    chosen = trials.decoder, trials.x, trials.y, n_classes, seed, evaluation.n_trials
    return choose_explained(*chosen, permuted_labels_decoder)


def _some(training: np.ndarray, seed: int) -> np.ndarray:
    """A few of the training trials."""
    drawn = generator(seed, "references").permutation(len(training))[:N_REFERENCES]
    return training[np.sort(drawn)]
