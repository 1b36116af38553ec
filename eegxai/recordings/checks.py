"""Checks of trials: what no decoder can be asked about is refused, what misleads is noted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

FAR_SIZE = 100  # how many times larger or smaller than the others a channel is called odd

Array = np.ndarray


def as_array(data: Any, field: str) -> Array:
    """A NumPy array of anything that has numbers, tensors of torch on any device included.

    Raises
    ------
    ValueError
        When it is no array, such as trials of different lengths, or some of it is masked.
    """
    if hasattr(data, "detach"):
        data = data.detach().cpu()
        data = (data.float() if "bfloat16" in str(data.dtype) else data).numpy()
    if np.ma.is_masked(data):
        raise ValueError(f"{field} has masked values; allowed are arrays without a mask")
    try:
        return np.asarray(data)
    except ValueError:
        raise ValueError(f"{field}: {_ragged(data)}") from None


def _ragged(data: Sequence[Any]) -> str:
    """Which of some trials has another shape than the first."""
    shapes = [np.shape(one) for one in data]
    odd = next((trial for trial, shape in enumerate(shapes) if shape != shapes[0]), 0)
    return (
        f"trial {odd} has the shape {shapes[odd]} and trial 0 {shapes[0]}; "
        "all trials need the same channels and the same number of samples"
    )


def require_trials(x: Array) -> None:
    """Refuse an array that is not (trials, channels, times) of real numbers."""
    if x.dtype.kind not in "fiu":
        raise ValueError(f"x holds numbers of the type {x.dtype}; allowed are real ones")
    if x.ndim != 3 or not x.size:
        raise ValueError(f"x has the shape {x.shape}; allowed is (trials, channels, times)")


def require_finite(x: Array, ch_names: Sequence[str]) -> None:
    """Refuse trials that hold NaN or infinite numbers.

    Raises
    ------
    ValueError
        Names the first trial and channel, and how many others there are.
    """
    broken = ~np.isfinite(x).all(axis=-1)
    if not broken.any():
        return
    trial, channel = np.argwhere(broken)[0]
    values = x[trial, channel]
    kind = "NaN" if np.isnan(values).any() else "an infinite number"
    raise ValueError(
        f"x holds {kind} in trial {trial}, channel {ch_names[channel]}, and is not finite in "
        f"{broken.sum()} of {broken.size} pairs of trial and channel; drop these trials or "
        "channels, or interpolate them"
    )


def shape_notes(x: Array, ch_names: Sequence[str]) -> list[str]:
    """Sentences on channels that are flat, or far larger or smaller than the others.

    Raises
    ------
    ValueError
        When all channels are flat in all trials.
    """
    deviations = x.std(axis=-1)
    flat = x.max(axis=-1) == x.min(axis=-1)
    if flat.all():
        raise ValueError(
            "x is constant over time in every trial and channel; there is no EEG in it"
        )
    notes = []
    if always := _chosen_channels(flat.all(axis=0), ch_names):
        notes.append(f"channels that are flat in all trials: {always}")
    now_and_then = flat.any(axis=0) & ~flat.all(axis=0)
    if sometimes := _chosen_channels(now_and_then, ch_names):
        n_trials = int(flat[:, now_and_then].any(axis=1).sum())
        notes.append(f"channels that are flat in some trials, {n_trials} in all: {sometimes}")
    return notes + _odd_sizes(np.median(deviations, axis=0), ch_names)


def _odd_sizes(sizes: Array, ch_names: Sequence[str]) -> list[str]:
    typical = np.median(sizes[sizes > 0]) if (sizes > 0).any() else 0
    odd = (sizes > FAR_SIZE * typical) | ((sizes > 0) & (sizes < typical / FAR_SIZE))
    if not (names := _chosen_channels(odd, ch_names)):
        return []
    return [f"channels more than {FAR_SIZE} times larger or smaller than the others: {names}"]


def _chosen_channels(which: Array, ch_names: Sequence[str]) -> str:
    return ", ".join(name for name, chosen in zip(ch_names, which, strict=True) if chosen)
