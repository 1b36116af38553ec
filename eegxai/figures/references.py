"""What the map of one trial is compared with: the references side by side."""

from collections.abc import Mapping
from typing import NamedTuple

import mne
import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eegxai.figures.maps import SIGNED_SCALE, colour_bar
from eegxai.figures.scalp import draw_scalp, relative
from eegxai.figures.style import BLUE, DOUBLE, GREY, PRINT, VERMILION, title_inches, write_title

HEIGHT = 3.1  # inches
REFERENCE_MARGINS = {
    "left": 0.05,
    "right": 0.91,
    "top": 0.86,
    "bottom": 0.14,
    "wspace": 0.2,
    "hspace": 0.14,
}
REFERENCE_BAR = (0.925, 0.46, 0.012, 0.32)  # of the colours: left, bottom, width and height

Array = np.ndarray


class ScalpAndTime(NamedTuple):
    """What one column shows of a trial.

    Attributes
    ----------
    over_channels : array, shape (channels,)
        Signed, of any scale.
    over_time : array, shape (parts,)
        Signed values of equal parts of the epoch, such as windows or samples.
    note : str
        Second line of the title.
    """

    over_channels: Array
    over_time: Array
    note: str = ""


@rc_context(PRINT)
def references_of_trial(
    shown: Mapping[str, ScalpAndTime],
    info: mne.Info,
    epoch_ms: tuple[float, float],
    title: str = "",
) -> Figure:
    """References and maps of one trial side by side: on the scalp, and below it over time.

    Every picture is relative to its largest magnitude, since they have no common unit.

    Parameters
    ----------
    shown : mapping of str to ScalpAndTime
        By title, from left to right.
    info : mne.Info
        The channels.
    epoch_ms : tuple of float
        Start and end of the epoch.
    title : str
        Lines above the columns: whose trial it is.

    Examples
    --------
    >>> import eegxai
    >>> info = eegxai.simulate("temporal", n_trials=4, seed=0, snr_db=0).info
    >>> one = ScalpAndTime(np.arange(62.0), np.ones(10), "a ramp")
    >>> len(references_of_trial({"planted": one}, info, (0, 1000)).axes)
    3
    """
    height = HEIGHT + title_inches(title)
    figure = Figure(figsize=(DOUBLE, height))
    write_title(figure, title)
    margins = REFERENCE_MARGINS | {
        edge: REFERENCE_MARGINS[edge] * HEIGHT / height for edge in ("top", "bottom")
    }
    grid = figure.subplots(
        2, len(shown), squeeze=False, sharex="row", sharey="row", height_ratios=(2, 1),
        gridspec_kw=margins,
    )  # fmt: skip
    for (scalp, course), (title, column) in zip(grid.T, shown.items(), strict=True):
        draw_scalp(scalp, column.over_channels, info, *SIGNED_SCALE)
        scalp.set_title(f"{title}\n{column.note}", pad=3)
        _over_time(course, column.over_time, epoch_ms)
    grid[1, 0].set(yticks=[0, 1], ylabel="share of\nthe peak")
    colour_bar(figure, SIGNED_SCALE, REFERENCE_BAR)
    return figure


def _over_time(ax: Axes, values: Array, epoch_ms: tuple[float, float]) -> None:
    edges, heights = np.linspace(*epoch_ms, len(values) + 1), relative(values)
    for part, colour in ((heights.clip(min=0), VERMILION), (heights.clip(max=0), BLUE)):
        ax.stairs(part, edges, fill=True, color=colour)
    ax.axhline(0, color=GREY, lw=0.6)
    ax.set(xlim=epoch_ms, xticks=np.linspace(*epoch_ms, 3), xlabel="time (ms)")
