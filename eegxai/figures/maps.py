"""Attribution maps on the scalp and over time, beside what was planted."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import mne
import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eegxai.evaluation import KINDS, ExampleMaps
from eegxai.figures.scalp import UNRESOLVED, draw_scalp, draw_title, is_uniform, relative
from eegxai.figures.style import (
    BLUE,
    DIVERGING,
    DOUBLE,
    GREY,
    PRINT,
    VERMILION,
    in_lines,
    title_inches,
    write_title,
)
from eegxai.rounding import digits

PANEL_INCHES, MAP_TITLE_INCHES, MAP_BAR_INCHES = 2.3, 0.6, 0.9
MAP_ROW_INCHES, MAP_HEADER_INCHES, MAP_FOOTER_INCHES = 0.62, 0.45, 0.4
MAP_NAMES_INCHES, GAP_SHARE = 1.45, 0.02  # of the methods' names; the end of a block, of the width
MAP_NAME_LETTERS = 20  # of a method's name in one line
EXAMPLE_TRIALS = ("median", "best", "worst")
TRUTH: Mapping[str, Any] = {"color": VERMILION, "label": "planted signal"}
MAP: Mapping[str, Any] = {"color": BLUE, "label": "attribution"}
MAP_PARTS: Mapping[str, float] = {"planted": 1.0, "map": 1.0, "over time": 1.9}  # and their widths

Array = np.ndarray


def towards(colour: str) -> Colormap:
    """Colours from white for zero to the given one for the peak."""
    return LinearSegmentedColormap.from_list(colour, ["white", colour])


def topographies(maps: Mapping[str, Array], info: mne.Info, title: str = "") -> Figure:
    """Scalp maps side by side, each on a scale of its own.

    Where no map has a negative value, the colours have none either. A map that is the same on all
    channels is not drawn, but told.

    Parameters
    ----------
    maps : mapping of str to ndarray (channels,)
        Title and value of each channel; attributions have no common unit, so each map is
        shown relative to its largest magnitude.
    info : mne.Info
        The channels.
    title : str
        Lines above the maps: whose they are.

    Raises
    ------
    ValueError
        When a map and ``info`` have different numbers of channels.
    """
    shown = {name: _of_montage(name, values, info) for name, values in maps.items()}
    width = PANEL_INCHES * len(maps) + MAP_BAR_INCHES
    above = MAP_TITLE_INCHES + title_inches(title, width)
    height = PANEL_INCHES + above
    figure = Figure(figsize=(width, height))
    write_title(figure, title)
    # An automatic layout takes as long as the drawing itself, and thousands are drawn.
    right, top = 1 - MAP_BAR_INCHES / width, 1 - above / height
    left, bottom = 0.1 / width, 0.1 / height
    ax = figure.add_axes((left, bottom, right - left, top - bottom))
    scale = SIGNED_SCALE if any((values < 0).any() for values in shown.values()) else UNSIGNED_SCALE
    for place, (name, values) in enumerate(shown.items()):
        draw_scalp(ax, values, info, *scale, shift=place, letters=10)
        draw_title(ax, name, info, shift=place)
    colour_bar(figure, scale, (right + 0.15 / width, 0.15, 0.12 / width, 0.55))
    return figure


class Scale(NamedTuple):
    """Colours of shares of a peak, from the lowest to 1."""

    colours: Colormap | str
    lowest: float


SIGNED_SCALE, UNSIGNED_SCALE = Scale(DIVERGING, -1), Scale("Reds", 0)


def _of_montage(name: str, values: Array, info: mne.Info) -> Array:
    """Values as float, one for each channel."""
    values = np.asarray(values, dtype=float)
    if values.shape != (len(info.ch_names),):
        raise ValueError(
            f"map {name!r} has shape {values.shape}; ({len(info.ch_names)},) is needed"
        )
    return values


def colour_bar(figure: Figure, scale: Scale, place: tuple[float, float, float, float]) -> None:
    """What the colours of a scale are, in axes at (left, bottom, width, height)."""
    colours = ScalarMappable(Normalize(scale.lowest, 1), scale.colours)
    bar = figure.colorbar(colours, cax=figure.add_axes(place))
    bar.set_ticks(sorted({scale.lowest, 0, 1}))
    bar.set_label("share of the map's peak")


@rc_context(PRINT)
def maps_beside_truth(maps: Mapping[str, ExampleMaps], title: str = "") -> Figure:
    """Maps of the methods beside the planted signal: their median, best and worst trial.

    One row per method. Each trial shows the planted signal and the map on the scalp (mean
    magnitudes over time) and both over time (mean magnitudes over channels), each relative to its
    peak, and the trial's headline score. Channels or times that a map does not resolve are not
    drawn, but told.

    Parameters
    ----------
    maps : mapping of str to ExampleMaps
        By the methods' names, in the order of the rows.
    title : str
        Lines above the rows: whose maps they are, and what the number is.
    """
    header = MAP_HEADER_INCHES + title_inches(title)
    figure = Figure(figsize=(DOUBLE, header + MAP_ROW_INCHES * len(maps) + MAP_FOOTER_INCHES))
    write_title(figure, title)
    for place, name in enumerate(EXAMPLE_TRIALS):
        axes = _trial_axes(figure, place, len(maps), header)
        for row, examples in zip(axes, maps.values(), strict=True):
            _draw_example_trial(row, examples, KINDS.index(name))
        _label_trial(axes, name)
        if place == 0:
            _label_rows(axes, list(maps))
    handles = [Line2D([], [], lw=4, **style) for style in (TRUTH, MAP)]
    figure.legend(handles=handles, loc="lower left", ncols=2, handlelength=1)
    return figure


def _trial_axes(figure: Figure, place: int, n_rows: int, header: float) -> Array:
    """Axes (rows, parts) of one of the trials, from left to right, below so many inches."""
    names, height = MAP_NAMES_INCHES / DOUBLE, figure.get_figheight()
    width = (1 - names) / len(EXAMPLE_TRIALS)
    left = names + place * width
    grid = figure.add_gridspec(
        n_rows,
        len(MAP_PARTS),
        left=left,
        right=left + width - GAP_SHARE,
        top=1 - header / height,
        bottom=MAP_FOOTER_INCHES / height,
        width_ratios=list(MAP_PARTS.values()),
        wspace=0.08,
        hspace=0.25,
    )
    return grid.subplots(squeeze=False)


def _draw_example_trial(axes: Sequence[Axes], examples: ExampleMaps, trial: int) -> None:
    """A trial of a method: the planted signal and the map on the scalp, both over time."""
    planted, shown, over_time = axes
    truth, values = abs(examples.ground_truth[trial]), abs(examples.attribution[trial])
    draw_scalp(planted, truth.mean(1), examples.info, towards(VERMILION))
    draw_scalp(shown, values.mean(1), examples.info, towards(BLUE))
    _draw_mean_over_time(over_time, truth.mean(0), values.mean(0), examples.times_ms)
    score = digits(examples.scores[trial])
    over_time.text(1, 0.98, score, ha="right", va="top", fontsize=6, transform=over_time.transAxes)


def _label_trial(axes: Array, name: str) -> None:
    """Names of the trial and of its parts above the first row, and the time below the last row."""
    for part, ax in zip(MAP_PARTS, axes[0], strict=True):
        ax.set_title(part, fontsize=7, pad=3)
    axes[0, 1].annotate(
        f"{name} trial", (1, 1), (0, 17), "axes fraction", "offset points", ha="center",
        fontweight="bold",
    )  # fmt: skip
    over_time = axes[-1, -1]
    over_time.tick_params(labelbottom=True)
    over_time.set_xlabel("ms", labelpad=1)


def _label_rows(axes: Array, names: Sequence[str]) -> None:
    for ax, name in zip(axes[:, 0], names, strict=True):
        ax.annotate(
            in_lines(name, MAP_NAME_LETTERS), (0, 0.5), (-5, 0), "axes fraction", "offset points",
            ha="right", va="center", fontsize=7,
        )  # fmt: skip


def _draw_mean_over_time(ax: Axes, truth: Array, values: Array, times_ms: Array) -> None:
    ax.fill_between(times_ms, relative(truth), color=VERMILION, alpha=0.35, lw=0)
    draw_course(ax, values, times_ms, lw=0.7)
    ax.set(ylim=(0, 1.25), xlim=(times_ms[0], times_ms[-1]), yticks=[], xticks=_ticks(times_ms))
    ax.tick_params(labelbottom=False, length=2)
    ax.spines[["left"]].set_visible(False)
    ax.spines[["bottom"]].set_color(GREY)


class AxisRow(NamedTuple):
    """A stretch of a vertical axis, from ``lowest`` and 1 high, with a space above and below.

    Several rows share axes where many pictures are drawn: creating axes takes most of the time.
    """

    lowest: float
    space: float

    def at(self, share: Any) -> Any:
        """Where a share, or an array of shares, of the height within its spaces is."""
        return self.lowest + self.space + (1 - 2 * self.space) * share


WHOLE = AxisRow(0.0, 0.0)


def draw_course(
    ax: Axes, values: Array, times_ms: Array, row: AxisRow = WHOLE, **line: Any
) -> None:
    """Draw a map over time relative to its peak, or tell that it is the same at all times."""
    if is_uniform(values):
        across = ax.get_yaxis_transform()
        words = "times not resolved"
        ax.text(0.5, row.at(0.5), words, transform=across, fontsize=6, **UNRESOLVED)
    else:
        ax.plot(times_ms, row.at(relative(values)), color=BLUE, **line)


def _ticks(times_ms: Array) -> list[float]:
    """Time zero and one mark halfway to the end, as far as they are within the epoch."""
    halfway = 100.0 * round(times_ms[-1] / 200)
    return [at for at in (0.0, halfway) if times_ms[0] <= at <= times_ms[-1]]
