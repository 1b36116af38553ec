"""Topographies: maps averaged over time and interpolated to the head as MNE draws them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import mne
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from eegxai.evaluation.maps.stacks import Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESOLUTION = 64  # pixels along each side, MNE's default and the study's

_OPERATORS: dict[bytes, tuple[Tensor, Tensor]] = {}


def topography_operator(info: mne.Info) -> tuple[Tensor, Tensor]:
    """Interpolation from channels to the pixels of MNE's topographic map.

    The interpolation is linear in the channel values, so its matrix is what
    :func:`mne.viz.plot_topomap` draws for one channel at a time. Computed once per montage.

    Parameters
    ----------
    info : mne.Info
        EEG channels with positions.

    Returns
    -------
    matrix : Tensor (64 * 64, channels)
        Weights in float64, pixels row by row from the back of the head to the front, each row
        from left to right; zero outside the head.
    head : Tensor (64, 64)
        True inside the disc to which MNE clips its picture.

    Raises
    ------
    ValueError
        When a channel has no position.
    """
    if names := without_position(info):
        raise ValueError(f"info has no position for {', '.join(names)}; set a montage first")
    key = _positions(info).tobytes()
    if key not in _OPERATORS:
        _OPERATORS[key] = _probe(info)
    return _OPERATORS[key]


def without_position(info: mne.Info) -> list[str]:
    """Channels without a position on the head, of which there are no topographies."""
    positions = _positions(info)
    unplaced = ~np.isfinite(positions).all(1) | (positions == 0).all(1)
    return [name for name, true in zip(info.ch_names, unplaced, strict=True) if true]


def has_topography(info: mne.Info) -> bool:
    """Whether topographies of these channels can be drawn."""
    try:
        topography_operator(info)
    except Exception:  # MNE's and scipy's, where channels lie on top of each other or on a line
        return False
    return True


def _positions(info: mne.Info) -> np.ndarray:
    return np.stack([channel["loc"][:3] for channel in info["chs"]])


def _probe(info: mne.Info) -> tuple[Tensor, Tensor]:
    from matplotlib.figure import Figure

    head = _head_disc()
    # A Figure of its own, not pyplot's: nothing is registered, nothing is drawn or kept.
    axes = Figure().add_axes((0, 0, 1, 1))
    # MNE solves thousands of small systems: with several threads per system it is ten times slower.
    with threadpool_limits(1, user_api="blas"):
        pictures = [_picture(channel, info, axes) for channel in np.eye(len(info["chs"]))]
    matrix = torch.from_numpy(np.stack(pictures, axis=-1))
    return matrix.masked_fill(~head[..., None], 0).flatten(0, 1), head


def _picture(values: np.ndarray, info: mne.Info, axes: "Axes") -> np.ndarray:
    image, _ = mne.viz.plot_topomap(
        values, info, axes=axes, res=RESOLUTION, sensors=False, contours=0, show=False
    )
    return np.ma.getdata(image.get_array())


def _head_disc() -> Tensor:
    # MNE's grid spans the disc that it clips the picture to, first and last pixel on its edge.
    edge = torch.linspace(-1, 1, RESOLUTION, dtype=torch.float64)
    return edge[:, None].square() + edge.square() <= 1


def topography(maps: Tensor, info: mne.Info) -> Tensor:
    """Topographies of maps averaged over time.

    Parameters
    ----------
    maps : Tensor (trials, channels, times)
        Maps of any unit.
    info : mne.Info
        The channels.

    Returns
    -------
    Tensor (trials, 64, 64)
        Float64, in the maps' unit, zero outside the head (see ``topography_operator``).

    Raises
    ------
    ValueError
        When the channels of ``maps`` and ``info`` differ in number.
    """
    matrix, _ = topography_operator(info)
    if maps.shape[1] != matrix.shape[1]:
        raise ValueError(
            f"maps have {maps.shape[1]} channels, info has {matrix.shape[1]}; they must agree"
        )
    pixels = maps.double().mean(2) @ matrix.to(maps.device).T
    return pixels.unflatten(1, (RESOLUTION, RESOLUTION))


def _channel_time(maps: Tensor, info: mne.Info | None) -> Maps:
    return Maps(maps.double())


def _topography(maps: Tensor, info: mne.Info | None) -> Maps:
    if info is None:
        raise ValueError("info is missing: topographies need the channel positions")
    _, head = topography_operator(info)
    return Maps(topography(maps, info), head.to(maps.device))


def _topography_magnitude(maps: Tensor, info: mne.Info | None) -> Maps:
    signed = _topography(maps.abs(), info)
    # The interpolation falls below zero around a peak, where a magnitude is at least zero.
    return Maps(signed.values.clamp(min=0), signed.mask)


DOMAINS: dict[str, Callable[[Tensor, mne.Info | None], Maps]] = {
    "channel_time": _channel_time,
    "topography": _topography,
    "topography_magnitude": _topography_magnitude,
}
