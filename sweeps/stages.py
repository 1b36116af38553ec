"""The two stages of a sweep as pure functions of a cell and the store."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from eegxai.attribution import DegenerateMap, Validity, attribute, study_maps, validity
from eegxai.decoders import (
    Checkpoint,
    Epoch,
    Split,
    at_chance,
    build,
    confusion_matrix,
    fit,
    hold_out,
    initialised,
    predict,
    split_trials,
)
from eegxai.evaluation import (
    EvaluationSpec,
    Subject,
    Truth,
    evaluate_subject,
    examples,
    subject_of,
    truth_of,
)
from eegxai.evaluation.evaluating import COLUMNS
from eegxai.seeding import generator
from eegxai.simulation import DataSpec, SimulatedEEG, simulate_spec
from sweeps import provenance
from sweeps.grid import Cell, DecoderCell, MethodCell
from sweeps.store import BrokenArtefactError, MethodScores, Store, TrainedDecoder

log = logging.getLogger(__name__)
N_PROBE = 8  # test trials on which a method is judged
N_REFERENCES = 16  # training trials that a method may compare with


def is_done(cell: Cell, store: Store) -> bool:
    """Whether the store holds a whole artefact of the cell."""
    if not store.has(cell):
        return False
    try:
        store.read_decoder(cell) if isinstance(cell, DecoderCell) else store.read_scores(cell)
    except BrokenArtefactError:
        return False
    return True


def train_decoder(
    cell: DecoderCell,
    store: Store,
    device: str = "cpu",
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
) -> TrainedDecoder:
    """Simulate, train and store one decoder; a training that was interrupted goes on.

    Parameters
    ----------
    cell : DecoderCell
        Everything the weights depend on.
    store : Store
        Where the artefact goes, and after each epoch a checkpoint.
    device : str
        torch device.
    on_epoch : callable
        Called after each epoch, for a progress display.

    Notes
    -----
    Permuted labels cannot be learnt but by heart. Their decoder is trained, without early
    stopping, until it knows as many of its training trials as the decoder of the true labels,
    which must be in the store, knows of the same trials (Adebayo et al., NeurIPS 2018).
    """
    started = time.time()
    eeg = _simulated(cell.data)
    split = _split(cell, eeg)
    decoder = initialised(cell.architecture, *_shape(eeg), cell.data.seed).to(device)
    versions = provenance.versions()
    history = fit(
        decoder,
        seed=cell.data.seed,
        on_epoch=on_epoch,
        resume=_interrupted(cell, store, versions),
        on_checkpoint=partial(store.write_checkpoint, cell, versions=versions),
        **LESSONS[cell.labels](cell, eeg, split, store, device),
    )
    confusion = _confusion(decoder, eeg, split)
    trained = TrainedDecoder(
        weights={name: value.cpu() for name, value in decoder.state_dict().items()},
        history=history,
        accuracy=float(np.trace(confusion) / confusion.sum()),
        at_chance=at_chance(confusion),
        confusion=confusion.tolist(),
        seconds=time.time() - started,
        finished=time.time(),
        versions=versions,
        machine=provenance.machine(device),
        commit=provenance.commit(),
    )
    store.write_decoder(cell, trained)
    return trained


def _true_labels(
    cell: DecoderCell, eeg: SimulatedEEG, split: Split, _store: Store, _device: str
) -> dict[str, Any]:
    """What ``fit`` is given to learn the classes."""
    x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    return {
        "training": (x[split.train], y[split.train]),
        "validation": (x[split.validation], y[split.validation]),
        "spec": cell.training,
    }


def _permuted_labels(
    cell: DecoderCell, eeg: SimulatedEEG, split: Split, store: Store, device: str
) -> dict[str, Any]:
    """What ``fit`` is given to learn permuted classes by heart, as far as the true ones are."""
    y = torch.from_numpy(eeg.y[split.train])
    trials = torch.from_numpy(eeg.x[split.train])
    order = generator(cell.data.seed, "permuted labels").permutation(len(y))
    true = _restored(replace(cell, labels="true"), store, eeg).to(device)
    known = (predict(true, trials.to(device)).argmax(1).cpu() == y).double().mean()
    return {
        "training": (trials, y[order]),
        "validation": (trials, y[order]),
        "spec": replace(cell.training, patience=cell.training.epochs),
        "enough": float(known),
    }


LESSONS: dict[str, Callable[..., dict[str, Any]]] = {
    "true": _true_labels,
    "permuted": _permuted_labels,
}


def _restored(cell: DecoderCell, store: Store, eeg: SimulatedEEG) -> nn.Module:
    """Decoder with the stored weights."""
    decoder = build(cell.architecture, *_shape(eeg))
    decoder.load_state_dict(store.read_decoder(cell).weights)
    return decoder


def _interrupted(cell: DecoderCell, store: Store, versions: dict[str, str]) -> Checkpoint | None:
    """Where an interrupted training stood; one that cannot be used is not."""
    try:
        return store.read_checkpoint(cell, versions)
    except BrokenArtefactError as error:
        log.warning("%s; training starts anew", error)
        return None


def _confusion(decoder: nn.Module, eeg: SimulatedEEG, split: Split) -> np.ndarray:
    device = next(decoder.parameters()).device
    logits = predict(decoder, torch.from_numpy(eeg.x[split.test]).to(device))
    return confusion_matrix(eeg.y[split.test], logits.argmax(1).cpu().numpy(), eeg.n_classes)


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
        return self.x[:N_PROBE], self.y[:N_PROBE]

    @cached_property
    def known(self) -> Truth:
        """What the simulation knows of the test trials."""
        return truth_of(self.eeg, self.places)

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
    nothing = pd.DataFrame(columns=COLUMNS)
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
    return evaluate_subject(
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
    kept = examples(
        maps,
        trials.ground_truth[scored],
        trials.y[scored],
        trials.places[scored.cpu().numpy()],
        trials.eeg.info,
        cell.decoder.data.feature,
        cell.evaluation.truth_threshold,
    )
    store.write_maps(cell, kept)


# One data set and one decoder stay in memory: cells of one decoder come one after another.
@lru_cache(maxsize=1)
def _simulated(spec: DataSpec) -> SimulatedEEG:
    return simulate_spec(spec)


@lru_cache(maxsize=1)
def _test_trials(cell: DecoderCell, store: Store, device: str) -> _TestTrials:
    eeg = _simulated(cell.data)
    decoder = _restored(cell, store, eeg).to(device)
    split = _split(cell, eeg)
    x, y, truth = (
        torch.from_numpy(a[split.test]).to(device) for a in (eeg.x, eeg.y, eeg.ground_truth)
    )
    references = torch.from_numpy(eeg.x[_some(split.train, cell.data.seed)]).to(device)
    trained = store.read_decoder(cell)
    return _TestTrials(decoder, x, y, truth, eeg, trained, references, split.test)


@lru_cache(maxsize=1)
def _subject(cell: DecoderCell, evaluation: EvaluationSpec, store: Store, device: str) -> Subject:
    """What the methods explain; it keeps the randomized decoders, which are the same for all."""
    trials, relabelled = _test_trials(cell, store, device), None
    if "label_retrain" in evaluation.checks:
        relabelled = _restored(cell.relabelled, store, trials.eeg).to(device)
    n_classes, seed = trials.eeg.n_classes, cell.data.seed
    chosen = trials.decoder, trials.x, trials.y, n_classes, seed, evaluation.n_trials
    return subject_of(*chosen, relabelled)


def _some(training: np.ndarray, seed: int) -> np.ndarray:
    """A few of the training trials."""
    drawn = generator(seed, "references").permutation(len(training))[:N_REFERENCES]
    return training[np.sort(drawn)]


def _split(cell: DecoderCell, eeg: SimulatedEEG) -> Split:
    training, seed = cell.training, cell.data.seed
    if training.holdout:
        return hold_out(eeg.y, training.holdout, seed)
    return split_trials(eeg.y, cell.fold, training.n_folds, seed)


def _shape(eeg: SimulatedEEG) -> tuple[int, int, int, float]:
    _, n_channels, n_times = eeg.x.shape
    return n_channels, n_times, eeg.n_classes, float(eeg.info["sfreq"])
