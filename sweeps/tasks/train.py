"""Training one decoder: a pure function of its cell and the store."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from eegxai.decoders import (
    Checkpoint,
    Split,
    TrainingEpoch,
    at_chance,
    confusion_matrix,
    fit,
    initialised,
    predict,
)
from eegxai.seeding import generator
from eegxai.simulation import SimulatedEEG
from sweeps.design.cells import DecoderCell
from sweeps.store import provenance
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import TrainedDecoder
from sweeps.tasks.data import restored, shape_of, simulated, split_of

log = logging.getLogger(__name__)


def train_decoder(
    cell: DecoderCell,
    store: Store,
    device: str = "cpu",
    on_epoch: Callable[[TrainingEpoch], None] = lambda _epoch: None,
    steps: str = "eager",
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
    steps : str
        How steps are taken; see :func:`eegxai.decoders.fit`.

    Notes
    -----
    Permuted labels can only be memorised. Their decoder is trained, without early
    stopping, until it knows as many of its training trials as the decoder of the true labels,
    which must be in the store, knows of the same trials (Adebayo et al., NeurIPS 2018).
    """
    started = time.monotonic()
    eeg = simulated(cell.data)
    split = split_of(cell, eeg)
    decoder = initialised(cell.architecture, *shape_of(eeg), cell.data.seed).to(device)
    versions = provenance.versions()
    history = fit(
        decoder,
        seed=cell.data.seed,
        on_epoch=on_epoch,
        steps=steps,
        resume=_interrupted(cell, store, versions),
        on_checkpoint=partial(store.write_checkpoint, cell, versions=versions),
        **FIT_ARGUMENTS[cell.labels](cell, eeg, split, store, device),
    )
    confusion = _test_confusion(decoder, eeg, split)
    trained = TrainedDecoder(
        weights={name: value.cpu() for name, value in decoder.state_dict().items()},
        history=history,
        accuracy=float(np.trace(confusion) / confusion.sum()),
        at_chance=at_chance(confusion),
        confusion=confusion.tolist(),
        seconds=time.monotonic() - started,
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
    """What ``fit`` is given to memorise permuted classes as well as the true ones are learnt."""
    y = torch.from_numpy(eeg.y[split.train])
    trials = torch.from_numpy(eeg.x[split.train])
    order = generator(cell.data.seed, "permuted labels").permutation(len(y))
    twin = replace(cell, labels="true")
    true = restored(twin, store.read_decoder(twin), eeg).to(device)
    known = (predict(true, trials.to(device)).argmax(1).cpu() == y).double().mean()
    return {
        "training": (trials, y[order]),
        "validation": (trials, y[order]),
        "spec": replace(cell.training, patience=cell.training.epochs),
        "enough": float(known),
    }


FIT_ARGUMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    "true": _true_labels,
    "permuted": _permuted_labels,
}


def _interrupted(cell: DecoderCell, store: Store, versions: dict[str, str]) -> Checkpoint | None:
    """Where an interrupted training stood; one that cannot be used is not."""
    try:
        return store.read_checkpoint(cell, versions)
    except BrokenArtefactError as error:
        log.warning("%s; training starts from the beginning", error)
        return None


def _test_confusion(decoder: nn.Module, eeg: SimulatedEEG, split: Split) -> np.ndarray:
    device = next(decoder.parameters()).device
    logits = predict(decoder, torch.from_numpy(eeg.x[split.test]).to(device))
    return confusion_matrix(eeg.y[split.test], logits.argmax(1).cpu().numpy(), eeg.n_classes)
