"""Trials and targets as people give them, checked."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Trials = Tensor | npt.ArrayLike
INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)


def as_trials(field: str, x: Trials) -> Tensor:
    """Trials as a tensor, checked."""
    x = _read(field, x)
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


def _read(field: str, x: Trials) -> Tensor:
    try:
        return as_tensor(x)
    except TypeError:
        raise ValueError(f"{field} must be numbers (trials, channels, times)") from None


def _hint(x: Tensor) -> str:
    images = x.ndim == 4 and x.shape[1] == 1
    return ": give x[:, 0], a decoder that wants the axis gets it" if images else ""


def as_target(target: Trials, x: Tensor) -> Tensor:
    """Classes as a tensor of int64, checked."""
    target = as_tensor(target)
    if target.dtype not in INTEGERS or target.shape != x.shape[:1]:
        raise ValueError(
            f"target must be integers of shape ({len(x)},), one class for each trial of x, "
            f"not {target.dtype} of shape {tuple(target.shape)}"
        )
    return target.long()


def as_tensor(values: Trials) -> Tensor:
    """A tensor as it is, anything else as a tensor of its own."""
    return values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
