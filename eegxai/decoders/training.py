"""Training of a decoder: early stopping, history, resuming; seeded and free of global state."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from eegxai.decoders.checkpoint import Checkpoint, TrainingEpoch, TrainingState
from eegxai.decoders.memory import in_parts_that_fit
from eegxai.decoders.precision import float32_products
from eegxai.decoders.registry import DECODERS, build
from eegxai.decoders.steppers import STEPPERS
from eegxai.decoders.steps import Stepper, balanced, loss_sum
from eegxai.decoders.tracing import evaluation_mode
from eegxai.registry import lookup
from eegxai.seeding import global_generators, torch_generator
from eegxai.spec import spec

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@spec
class TrainingSpec:
    """How a decoder is trained; the defaults are the study's (authors' public code).

    Attributes
    ----------
    optimizer : str
        ``adam`` or ``adamw``.
    learning_rate, weight_decay : float
        Step size and weight decay of the optimizer.
    clip_norm : float or None
        Largest norm of the gradient of a step; None for no clipping.
    batch_size, epochs, patience : int
        Trials per step, largest number of epochs, and number of epochs without a better
        validation loss before training stops and the best weights are restored.
    n_folds : int
        Number of folds; each fold's held-out part is half validation, half test.
    holdout : float or None
        Share of the trials held out once, half validation, half test, instead of folds.
    precision : str
        Number type of the forward pass in training; weights and explanations stay float32.
        ``tf32`` is float32 whose products a GPU computes from factors of ten bits.
    """

    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: PositiveFloat = 1e-4
    weight_decay: NonNegativeFloat = 0.0
    clip_norm: PositiveFloat | None = None
    batch_size: PositiveInt = 128
    epochs: PositiveInt = 500
    patience: PositiveInt = 5
    n_folds: int = Field(default=5, ge=2)
    holdout: float | None = Field(default=None, gt=0, lt=1)
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"


def recommended(architecture: str, **changes: Any) -> TrainingSpec:
    """Recommended training of an architecture on a few thousand trials, with changes applied.

    Raises
    ------
    ValueError
        When the architecture is unknown, or a changed field is unknown or not allowed.
    """
    own = lookup(DECODERS, architecture, "decoder").training
    return TrainingSpec(**{**own, **changes})


@contextmanager
def isolated_rng(seed: int, purpose: str, *index: int) -> Iterator[None]:
    """Seed torch's global generators inside the context and restore them after it.

    Weight initialisation and nn.Dropout cannot draw from any other generator.
    """
    with torch.random.fork_rng():
        torch.manual_seed(torch_generator(seed, purpose, *index).initial_seed())
        yield


def initialised(
    architecture: str, n_channels: int, n_times: int, n_classes: int, sfreq: float, seed: int
) -> nn.Module:
    """Untrained decoder whose weights depend on the seed alone (see ``build``)."""
    with isolated_rng(seed, "initial weights"):
        return build(architecture, n_channels, n_times, n_classes, sfreq)


def fit(
    decoder: nn.Module,
    training: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    spec: TrainingSpec,
    seed: int,
    on_epoch: Callable[[TrainingEpoch], None] = lambda _epoch: None,
    resume: Checkpoint | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    enough: float = math.inf,
    steps: str = "eager",
) -> list[TrainingEpoch]:
    """Train a decoder in place and return its history, one entry per epoch.

    Classes have equal weight in the losses even if their sizes differ. All trials are moved to
    the device of the decoder once.

    Parameters
    ----------
    decoder : nn.Module
        On the device to train on; ends in evaluation mode with the best weights.
    training, validation : (Tensor, Tensor)
        Trials (trials, channels, times) in µV and classes (trials,).
    spec : TrainingSpec
        Optimizer, batch size, epochs, patience, precision.
    seed : int
        Seed of the order of trials and of dropout.
    on_epoch : callable
        Called after each epoch with its history entry, for a progress display.
    resume : Checkpoint, optional
        State of an interrupted training with the same arguments; on a CPU the result is
        bit-identical to that of an uninterrupted training.
    on_checkpoint : callable, optional
        Called after each epoch with a checkpoint, to store it.
    enough : float
        Validation accuracy at which training ends, before patience does.
    steps : str
        How steps are taken: ``eager``, ``compiled``, ``graphs`` or ``compiled_graphs``, which
        differ in time on a GPU (see ``eegxai.decoders.steppers``).

    Raises
    ------
    ValueError
        When there is no such way to take steps, or trials and classes do not belong together.
    FloatingPointError
        When a loss is not finite; the message names the epoch and the last finite loss.
    """
    _require_labelled("training", *training)
    _require_labelled("validation", *validation)
    device = next(decoder.parameters()).device
    training, validation = _on(device, training), _on(device, validation)
    state = TrainingState(decoder, _optimizer(decoder, spec))
    if resume:
        state.resume(resume)
    how = (spec.batch_size, spec.clip_norm, spec.precision)
    stepper = lookup(STEPPERS, steps, "way to take steps")(decoder, state.optimizer, *how)
    while _goes_on(state, spec, enough):
        epoch = len(state.history)
        with isolated_rng(seed, "dropout", epoch):
            order = torch_generator(seed, "order of trials", epoch)
            loss = _train_epoch(stepper, training, spec.batch_size, order)
        entry = {"epoch": epoch, "train_loss": loss, **_validate(decoder, validation)}
        _check_finite(entry, state.history)
        state.record(entry)
        on_epoch(entry)
        if on_checkpoint:
            on_checkpoint(state.checkpoint())
    state.restore_best()
    decoder.eval()
    return state.history


def _require_labelled(name: str, x: Tensor, y: Tensor) -> None:
    """Refuse classes that are not one integer for each trial."""
    if y.shape != x.shape[:1] or y.is_floating_point() or y.is_complex():
        raise ValueError(
            f"{name} must be trials (trials, channels, times) and an integer class for each, not "
            f"{x.dtype} of shape {tuple(x.shape)} and {y.dtype} of shape {tuple(y.shape)}"
        )


def _goes_on(state: TrainingState, spec: TrainingSpec, enough: float) -> bool:
    if state.history and state.history[-1]["validation_accuracy"] >= enough:
        return False
    return len(state.history) < spec.epochs and state.waited < spec.patience


def _on(device: torch.device, data: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return data[0].to(device), data[1].to(device)


def _optimizer(decoder: nn.Module, spec: TrainingSpec) -> torch.optim.Optimizer:
    kind = OPTIMIZERS[spec.optimizer]
    parameters = decoder.parameters()
    return kind(parameters, spec.learning_rate, weight_decay=spec.weight_decay, fused=True)


def _train_epoch(
    stepper: Stepper, data: tuple[Tensor, Tensor], batch_size: int, order: torch.Generator
) -> float:
    """Take a step on every batch; returns the mean loss."""
    x, y = data
    weights = balanced(y)
    stepper.decoder.train()
    total = torch.zeros((), device=x.device)
    for batch in torch.randperm(len(y), generator=order).to(x.device).split(batch_size):
        total += stepper.step(x[batch], y[batch], weights[batch])
    return float(total / weights.sum())


def _check_finite(entry: TrainingEpoch, history: list[TrainingEpoch]) -> None:
    for name in ("train_loss", "validation_loss"):
        if not np.isfinite(entry[name]):
            last = history[-1][name] if history else "none"
            raise FloatingPointError(
                f"{name} is {entry[name]} in epoch {entry['epoch']}, last finite loss {last}; "
                "lower training.learning_rate"
            )


def _validate(decoder: nn.Module, data: tuple[Tensor, Tensor]) -> dict[str, float]:
    x, y = data
    logits = predict(decoder, x)
    weights = balanced(y)
    return {
        "validation_loss": float(loss_sum(logits, y, weights) / weights.sum()),
        "validation_accuracy": float((logits.argmax(1) == y).float().mean()),
    }


# Trials per forward pass. Small chunks keep a deep network's activations in a CPU's cache, which
# was measured to be three times faster than chunks of 128.
CHUNKS = {"cpu": 32}
PREDICTION_CHUNK = 512


def predict(decoder: nn.Module, x: Tensor) -> Tensor:
    """Logits (trials, classes) of trials (trials, channels, times), in evaluation mode.

    A decoder that draws random numbers even so draws the same in each call.
    """
    chunk = CHUNKS.get(x.device.type, PREDICTION_CHUNK)
    return in_parts_that_fit(partial(_evaluated_logits, decoder, x), min(chunk, len(x) or 1))


def _evaluated_logits(decoder: nn.Module, x: Tensor, chunk: int) -> Tensor:
    with (
        torch.no_grad(),
        evaluation_mode(decoder),
        global_generators(0, x.device),
        float32_products(x.device),
    ):
        return torch.cat([decoder(part) for part in x.split(chunk)])
