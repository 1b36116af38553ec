"""The two stages of a sweep as pure functions of a cell and the store."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from importlib.metadata import version
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
from eegxai.evaluation import evaluate
from eegxai.evaluation.scoring import COLUMNS
from eegxai.seeding import generator
from eegxai.simulation import DataSpec, SimulatedEEG, simulate_spec
from sweeps.grid import Cell, DecoderCell, MethodCell
from sweeps.store import BrokenArtefactError, MethodScores, Store, TrainedDecoder

log = logging.getLogger(__name__)
N_PROBE = 8  # test trials on which a method is judged
N_REFERENCES = 16  # training trials that a method may compare with
PACKAGES = ("eegxai", "torch", "captum", "numpy", "mne", "braindecode")


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
    """
    started = time.time()
    eeg = _simulated(cell.data)
    split = _split(cell, eeg)
    y = _labels(cell, eeg, split)
    decoder = initialised(cell.architecture, *_shape(eeg), cell.data.seed).to(device)
    x = torch.from_numpy(eeg.x)
    versions = _versions()
    history = fit(
        decoder,
        (x[split.train], y[split.train]),
        (x[split.validation], y[split.validation]),
        cell.training,
        cell.data.seed,
        on_epoch,
        resume=_interrupted(cell, store, versions),
        on_checkpoint=partial(store.write_checkpoint, cell, versions=versions),
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
    )
    store.write_decoder(cell, trained)
    return trained


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
        versions=_versions(),
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

    @property
    def probe(self) -> tuple[Tensor, Tensor]:
        """The few trials on which methods are judged."""
        return self.x[:N_PROBE], self.y[:N_PROBE]

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
        return verdict, _evaluate(cell, _test_trials(cell.decoder, store, device))
    except DegenerateMap as error:
        return Validity("degenerate", str(error)), nothing


def _keywords(cell: MethodCell, trials: _TestTrials) -> dict[str, Any]:
    return {"references": trials.references, **cell.options}


def _evaluate(cell: MethodCell, trials: _TestTrials) -> pd.DataFrame:
    return evaluate(
        partial(attribute, cell.method, **_keywords(cell, trials)),
        trials.decoder,
        trials.x,
        trials.y,
        trials.ground_truth,
        n_classes=trials.eeg.n_classes,
        info=trials.eeg.info,
        seed=cell.decoder.data.seed,
        spec=cell.evaluation,
    )


# One data set and one decoder stay in memory: cells of one decoder come one after another.
@lru_cache(maxsize=1)
def _simulated(spec: DataSpec) -> SimulatedEEG:
    return simulate_spec(spec)


@lru_cache(maxsize=1)
def _test_trials(cell: DecoderCell, store: Store, device: str) -> _TestTrials:
    eeg = _simulated(cell.data)
    trained = store.read_decoder(cell)
    decoder = build(cell.architecture, *_shape(eeg))
    decoder.load_state_dict(trained.weights)
    split = _split(cell, eeg)
    x, y, truth = (
        torch.from_numpy(a[split.test]).to(device) for a in (eeg.x, eeg.y, eeg.ground_truth)
    )
    references = torch.from_numpy(eeg.x[_some(split.train, cell.data.seed)]).to(device)
    return _TestTrials(decoder.to(device), x, y, truth, eeg, trained, references)


def _some(training: np.ndarray, seed: int) -> np.ndarray:
    """A few of the training trials."""
    drawn = generator(seed, "references").permutation(len(training))[:N_REFERENCES]
    return training[np.sort(drawn)]


def _split(cell: DecoderCell, eeg: SimulatedEEG) -> Split:
    training, seed = cell.training, cell.data.seed
    if training.holdout:
        return hold_out(eeg.y, training.holdout, seed)
    return split_trials(eeg.y, cell.fold, training.n_folds, seed)


def _labels(cell: DecoderCell, eeg: SimulatedEEG, split: Split) -> Tensor:
    """Classes to train on: the true ones, or permuted within the training and validation part."""
    y = eeg.y.copy()
    if cell.labels == "permuted":
        rng = generator(cell.data.seed, "permuted labels")
        for part in (split.train, split.validation):
            y[part] = rng.permutation(y[part])
    return torch.from_numpy(y)


def _shape(eeg: SimulatedEEG) -> tuple[int, int, int, float]:
    _, n_channels, n_times = eeg.x.shape
    return n_channels, n_times, eeg.n_classes, float(eeg.info["sfreq"])


def _versions() -> dict[str, str]:
    return {package: version(package) for package in PACKAGES}
