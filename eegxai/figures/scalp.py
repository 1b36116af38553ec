"""Maps with one value per channel on the scalp, as MNE draws them, for many pictures.

MNE triangulates the channels again for every picture, which takes most of the time. Pictures of
the same montage differ only in their pixels, which are the result of a matrix product.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import mne
import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from eegxai.evaluation.maps.domains import RESOLUTION, topography_operator

# Shown share of the disc's radius: pixels on its edge are blended with the empty ones outside.
SHOWN_RADIUS = 1 - 3 / RESOLUTION
SPACING = 1.18  # distance between heads in a row, in widths of the disc: room for the ears
OUTLINE: Mapping[str, Any] = {"color": "black", "lw": 0.8, "clip_on": False}
# Between electrodes and beyond the outermost ones a map is interpolated: dots say where they are.
ELECTRODES: Mapping[str, Any] = {"color": "black", "ls": "", "marker": ".", "ms": 2, "mew": 0}
# How far from an electrode a map is shown, in (large) distances between neighbours: what is
# interpolated further out has little to do with any channel, and may be stronger than all of them.
REACH = 1.5
# Of the largest magnitude: a smaller span is one colour to the eye, and rounding in the store.
UNIFORM = 2e-3
# What stands in the place of a map: readable over a curve too.
UNRESOLVED: Mapping[str, Any] = {
    "ha": "center",
    "va": "center",
    "linespacing": 1.1,
    "bbox": {"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 0.5},
}

Array = np.ndarray


class HeadOutline(NamedTuple):
    """What pictures of a montage share: extent, lines of the head, electrodes, pixels near them."""

    extent: tuple[float, float, float, float]
    lines: list[Array]
    electrodes: Array
    near: Array


_OUTLINES: dict[bytes, HeadOutline] = {}


def draw_scalp(
    ax: Axes,
    values: Array,
    info: mne.Info,
    colours: Colormap | str,
    lowest: float = 0,
    shift: float = 0,
    letters: float = 6,
) -> None:
    """Draw a map (channels,) relative to its largest magnitude, from ``lowest`` to 1.

    A map that is the same on all channels has no place on the scalp: in its stead stands that the
    channels are not resolved, in ``letters`` of so many points. ``shift`` is the position of the
    head in a row of heads in the same axes: creating axes takes most of the time of a picture.
    """
    extent, lines, electrodes, _ = _shifted(info, shift)
    left, right, bottom, top = extent
    centre = (left + right) / 2, (bottom + top) / 2
    radius = SHOWN_RADIUS * (right - left) / 2
    if is_uniform(values):
        ax.text(*centre, "channels\nnot\nresolved", fontsize=letters, **UNRESOLVED)
        ax.update_datalim([(left, bottom), (right, top)])
    else:
        image = ax.imshow(
            _pixels(values, info), cmap=colours, vmin=lowest, vmax=1, extent=extent,
            origin="lower", interpolation="bilinear",
        )  # fmt: skip
        image.set_clip_path(Circle(centre, radius, transform=ax.transData))
        for line in lines:
            ax.plot(*line, **OUTLINE)
        ax.plot(*electrodes, **ELECTRODES)
    ax.set_aspect("equal")
    ax.autoscale()
    ax.set_axis_off()


def is_uniform(values: Array, axis: int = 0) -> bool:
    """Whether values do not change along an axis: a map that does not resolve it. Not of zeros."""
    peak = np.abs(values).max()
    return bool(peak > 0 and np.ptp(values, axis=axis).max() <= UNIFORM * peak)


def _pixels(values: Array, info: mne.Info) -> Array:
    """A map on the scalp, relative to its peak, masked far from all electrodes.

    It stays within what channels have, and 0: the interpolation overshoots between them.
    """
    matrix, disc = topography_operator(info)
    shares = relative(values)
    pixels = (matrix.numpy() @ shares).clip(min(shares.min(), 0), max(shares.max(), 0))
    return np.ma.masked_where(~_outline(info).near, pixels.reshape(disc.shape))


def draw_title(ax: Axes, title: str, info: mne.Info, shift: float = 0) -> None:
    """Write above a head of ``draw_scalp``."""
    left, right, _, top = _shifted(info, shift).extent
    ax.annotate(
        title, ((left + right) / 2, top), (0, 6), textcoords="offset points", ha="center",
        va="bottom", size="large",
    )  # fmt: skip


def relative(values: Array) -> Array:
    """Values divided by their largest magnitude; zero stays zero."""
    peak = np.abs(values).max()
    return values / peak if peak > 0 else values


def _shifted(info: mne.Info, shift: float) -> HeadOutline:
    """The head at a position in a row of heads."""
    outline = _outline(info)
    left, right, bottom, top = outline.extent
    moved = shift * SPACING * (right - left)
    by = np.array([[moved], [0]])
    return outline._replace(
        extent=(left + moved, right + moved, bottom, top),
        lines=[line + by for line in outline.lines],
        electrodes=outline.electrodes + by,
    )


def _outline(info: mne.Info) -> HeadOutline:
    key = np.stack([channel["loc"][:3] for channel in info["chs"]]).tobytes()
    if key not in _OUTLINES:
        axes = Figure().add_axes((0, 0, 1, 1))
        image, _ = mne.viz.plot_topomap(
            np.zeros(len(info["chs"])), info, axes=axes, sensors="k.", contours=0, show=False
        )
        drawn = [(line.get_marker(), np.asarray(line.get_xydata()).T) for line in axes.lines]
        lines = [points for marker, points in drawn if marker != "."]
        (electrodes,) = (points for marker, points in drawn if marker == ".")
        extent = tuple(image.get_extent())
        near = _within_reach(electrodes, extent)
        _OUTLINES[key] = HeadOutline(extent, lines, electrodes, near)
    return _OUTLINES[key]


def _within_reach(electrodes: Array, extent: tuple[float, float, float, float]) -> Array:
    """Which pixels of a map are within reach of an electrode."""
    left, right, bottom, top = extent
    pixels = np.stack(
        np.meshgrid(np.linspace(left, right, RESOLUTION), np.linspace(bottom, top, RESOLUTION)), -1
    )
    tree = scipy.spatial.KDTree(electrodes.T)
    (_, neighbours), (nearest, _) = tree.query(electrodes.T, 2)[0].T, tree.query(pixels)
    return nearest <= REACH * np.quantile(neighbours, 0.9)
