"""Attribution maps on the scalp and over time."""

from collections.abc import Mapping

import mne
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eegxai.figures.style import DIVERGING

PANEL_INCHES = 2.3

Array = np.ndarray


def topographies(maps: Mapping[str, Array], info: mne.Info) -> Figure:
    """Scalp maps side by side, each on a scale of its own.

    Parameters
    ----------
    maps : mapping of str to ndarray (channels,)
        Title and value of each channel; attributions have no common unit, so each map is
        shown relative to its largest magnitude.
    info : mne.Info
        The channels.

    Raises
    ------
    ValueError
        When a map has another number of channels than ``info``.
    """
    figure = Figure(figsize=(PANEL_INCHES * len(maps), PANEL_INCHES + 0.6), layout="constrained")
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for ax, (title, values) in zip(axes, maps.items(), strict=True):
        _topography(ax, title, np.asarray(values, dtype=float), info)
    bar = figure.colorbar(axes[-1].images[0], ax=axes, shrink=0.7, pad=0.01)
    bar.set_ticks([-1, 0, 1])
    bar.set_label("share of the map's peak")
    return figure


def _topography(ax: Axes, title: str, values: Array, info: mne.Info) -> None:
    if values.shape != (len(info.ch_names),):
        raise ValueError(
            f"map {title!r} has shape {values.shape}, allowed is ({len(info.ch_names)},)"
        )
    peak = np.abs(values).max()
    relative = values / peak if peak > 0 else values
    mne.viz.plot_topomap(
        relative, info, axes=ax, show=False, cmap=DIVERGING, vlim=(-1, 1), contours=0, sensors=False
    )
    ax.set_title(title)
