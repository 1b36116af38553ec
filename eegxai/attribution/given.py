"""Trials and targets as people give them, checked."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from eegxai.microvolts import may_be_volts

Trials = Tensor | npt.ArrayLike
SIGNED_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64)
INTEGERS = (*SIGNED_INTEGERS, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


class UnitWarning(UserWarning):
    """What is said of the unit of trials, where it may not be what a decoder was trained on."""


_unit_decided = ContextVar("unit decided", default=False)


@contextmanager
def unit_decided() -> Iterator[None]:
    """Context, or decorator, of callers who know that trials are in the decoder's unit."""
    token = _unit_decided.set(True)
    try:
        yield
    finally:
        _unit_decided.reset(token)


def as_trials(field: str, x: Trials) -> Tensor:
    """Trials as a tensor, checked."""
    x = _read_numbers(field, x, "(trials, channels, times)")
    if x.ndim != 3 or not x.is_floating_point() or not x.numel():
        raise ValueError(
            f"{field} must be a floating-point tensor (trials, channels, times) with at least one "
            f"trial, not {x.dtype} of shape {tuple(x.shape)}{_hint(x)}"
        )
    if not x.isfinite().all():
        raise ValueError(f"{field} has values that are not finite, all must be")
    return x


def as_references(references: Trials, x: Tensor) -> Tensor:
    """Trials that trials are compared with, checked."""
    references = as_trials("references", references)
    if references.shape[1:] != x.shape[1:]:
        own, others = (" channels and ".join(map(str, r.shape[1:])) for r in (x, references))
        raise ValueError(
            f"references must be as large as the trials of x, {own} samples, not {others}"
        )
    return references


def _read_numbers(field: str, values: Trials, axes: str) -> Tensor:
    if hasattr(values, "get_data"):
        raise ValueError(
            f"{field} is MNE {type(values).__name__}, which is in volts and has its own channel "
            "order: give numbers in the decoder's unit and channel order, in µV by "
            f"{field}.get_data(picks='eeg') * 1e6, or use eegxai.explain, which takes Epochs"
        )
    if np.ma.is_masked(values):
        raise ValueError(f"{field} has masked values, all must be numbers")
    try:
        return as_tensor(values)
    except TypeError:
        raise ValueError(f"{field} must be numbers {axes}") from None


def _hint(x: Tensor) -> str:
    images = x.ndim == 4 and x.shape[1] == 1
    return ": give x[:, 0], a decoder that wants the axis gets it" if images else ""


def in_known_unit(x: Trials, references: Trials | None) -> tuple[Tensor, Tensor | None]:
    """Trials as :func:`as_trials` has them, with a warning where they look like volts.

    For functions that people call: the warning names the line that called them.
    """
    x = as_trials("x", x)
    references = None if references is None else as_references(references, x)
    given = [] if _unit_decided.get() else [("x", x), ("references", references)]
    for field, trials in given:
        if trials is not None and may_be_volts(size := _typical_size(trials)):
            warnings.warn(_volts(field, size), UnitWarning, stacklevel=3)
    return x, references


def _volts(field: str, size: float) -> str:
    return (
        f"{field} has a typical standard deviation of {size:.3g}, as EEG in volts (the unit of "
        f"MNE) has: for a decoder that was trained on µV, give {field} * 1e6; for one that was "
        "trained on volts, warnings.simplefilter('ignore', eegxai.attribution.UnitWarning) "
        "silences this"
    )


def _typical_size(x: Tensor) -> float:
    """Median standard deviation over time of trials and channels that are not flat; 0 if all are.

    As :func:`eegxai.recordings.units.typical_size`, where the trials are.
    """
    deviations = x.detach().std(-1, correction=0)
    deviations = deviations[deviations > 0]
    return float(deviations.median()) if deviations.numel() else 0.0


def as_target(target: Trials, x: Tensor) -> Tensor:
    """Classes as a tensor of int64, checked."""
    target = _read_numbers("target", target, "(trials,)")
    if target.dtype not in INTEGERS or target.shape != x.shape[:1]:
        raise ValueError(
            f"target must be integers of shape ({len(x)},), one class for each trial of x, "
            f"not {target.dtype} of shape {tuple(target.shape)}"
        )
    return target.long()


def as_tensor(values: Trials) -> Tensor:
    """A tensor as it is, anything else as a tensor of its own."""
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
