"""Options of captum's classes that do not fit trials of a size, found before any work."""

from typing import Any

import torch
from torch import Tensor

from eegxai.attribution.core.registry import Misfit
from eegxai.rounding import counted

MOST_ORDERED = 7  # features whose orders can be gone through, 5,040


def feature_numbers(n_channels: int, n_times: int, feature_mask: str, window: int) -> Tensor:
    """Number of the feature of each channel and sample, (channels, times).

    Examples
    --------
    >>> feature_numbers(2, 4, "channels_windows", 2)
    tensor([[0, 0, 1, 1],
            [2, 2, 3, 3]])
    """
    channels = torch.arange(n_channels)[:, None]
    windows = torch.arange(n_times)[None] // window
    numbers = {
        "channels": channels,
        "windows": windows,
        "channels_windows": channels * (windows.max() + 1) + windows,
    }
    return numbers[feature_mask].expand(n_channels, n_times).contiguous()


def n_features(n_channels: int, n_times: int, feature_mask: str, window: int) -> int:
    """How many features of a trial are perturbed one by one.

    Examples
    --------
    >>> n_features(62, 250, "windows", 25), n_features(62, 250, "channels", 25)
    (10, 62)
    """
    return int(feature_numbers(n_channels, n_times, feature_mask, window).max()) + 1


def _window_too_large(
    n_channels: int,
    n_times: int,
    sliding_window_shapes: list[int],
    strides: list[int],
    **_options: Any,
) -> str | None:
    """Whether windows are larger than a trial, or their strides than they."""
    size = [n_channels, n_times]
    if _larger(sliding_window_shapes, size):
        return (
            f"sliding_window_shapes={sliding_window_shapes} is larger than {_trials_phrase(*size)}"
        )
    if _larger(strides, sliding_window_shapes):
        return (
            f"strides={strides} must not be larger than sliding_window_shapes="
            f"{sliding_window_shapes}: otherwise some samples would be in no window"
        )
    return None


def _larger(shape: list[int], other: list[int]) -> bool:
    return any(one > allowed for one, allowed in zip(shape, other, strict=True))


def _too_few_features(
    n_channels: int, n_times: int, feature_mask: str, window: int, **_options: Any
) -> str | None:
    if n_features(n_channels, n_times, feature_mask, window) > 1:
        return None
    size = _trials_phrase(n_channels, n_times)
    mask = _mask_phrase(feature_mask, window)
    return f"{mask} makes one feature of {size}; at least two are needed"


def _too_many_features(
    n_channels: int, n_times: int, feature_mask: str, window: int, **_options: Any
) -> str | None:
    number = n_features(n_channels, n_times, feature_mask, window)
    if number <= MOST_ORDERED:
        return None
    mask, size = _mask_phrase(feature_mask, window), _trials_phrase(n_channels, n_times)
    return (
        f"{mask} makes {number} features of {size}, "
        f"and it evaluates all of their orders; at most {MOST_ORDERED} features are allowed"
    )


def _mask_phrase(feature_mask: str, window: int) -> str:
    return f"feature_mask={feature_mask!r} with window={window}"


def _trials_phrase(n_channels: int, n_times: int) -> str:
    return f"trials of {counted(n_channels, 'channel')} and {counted(n_times, 'sample')}"


# By the name of the class that computes the maps.
MISFITS: dict[str, Misfit] = {
    "Occlusion": _window_too_large,
    "KernelShap": _too_few_features,
    "ShapleyValues": _too_many_features,
}
