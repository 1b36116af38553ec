"""Maps with one value per channel on the scalp, as MNE draws them, for many pictures.

MNE triangulates the channels again for every picture, which takes most of the time. Pictures of
the same montage differ only in their pixels, which are the result of a matrix product.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import mne
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from eegxai.evaluation.maps.domains import RESOLUTION, topography_operator

# Shown share of the disc's radius: pixels on its edge are blended with the empty ones outside.
SHOWN_RADIUS = 1 - 3 / RESOLUTION
SPACING = 1.18  # distance between heads in a row, in widths of the disc: room for the ears
OUTLINE: Mapping[str, Any] = {"color": "black", "lw": 0.8, "clip_on": False}

Array = np.ndarray


class HeadOutline(NamedTuple):
    """What pictures of a montage share: the extent, and the lines of head, nose and ears."""

    extent: tuple[float, float, float, float]
    lines: list[Array]


_OUTLINES: dict[bytes, HeadOutline] = {}


def draw_scalp(
    ax: Axes,
    values: Array,
    info: mne.Info,
    colours: Colormap | str,
    lowest: float = 0,
    shift: float = 0,
) -> None:
    """Draw a map (channels,) relative to its largest magnitude, from ``lowest`` to 1.

    ``shift`` is the position of the head in a row of heads in the same axes: creating axes takes
    most of the time of a picture.
    """
    matrix, disc = topography_operator(info)
    extent, lines = _shifted(info, shift)
    left, right, bottom, top = extent
    image = ax.imshow(
        (matrix.numpy() @ relative(values)).reshape(disc.shape), cmap=colours, vmin=lowest, vmax=1,
        extent=extent, origin="lower", interpolation="bilinear",
    )  # fmt: skip
    centre = (left + right) / 2, (bottom + top) / 2
    image.set_clip_path(Circle(centre, SHOWN_RADIUS * (right - left) / 2, transform=ax.transData))
    for line in lines:
        ax.plot(*line, **OUTLINE)
    ax.autoscale()
    ax.set_axis_off()


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
    (left, right, bottom, top), lines = _outline(info)
    moved = shift * SPACING * (right - left)
    return HeadOutline(
        (left + moved, right + moved, bottom, top), [np.stack((x + moved, y)) for x, y in lines]
    )


def _outline(info: mne.Info) -> HeadOutline:
    key = np.stack([channel["loc"][:3] for channel in info["chs"]]).tobytes()
    if key not in _OUTLINES:
        axes = Figure().add_axes((0, 0, 1, 1))
        image, _ = mne.viz.plot_topomap(
            np.zeros(len(info["chs"])), info, axes=axes, sensors=False, contours=0, show=False
        )
        lines = [np.asarray(line.get_xydata()).T for line in axes.lines]
        _OUTLINES[key] = HeadOutline(tuple(image.get_extent()), lines)
    return _OUTLINES[key]
