"""One method's maps beside the planted signal: channels by time of trials, classes over time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eegxai.evaluation import KINDS, ExampleMaps
from eegxai.figures.maps import WHOLE, AxisRow, draw_course
from eegxai.figures.scalp import is_uniform, relative
from eegxai.figures.style import BLUE, DIVERGING, GREY, VERMILION, title_inches, write_title
from eegxai.rounding import digits

SHOWN_KINDS = ("best", "median", "worst")  # kinds of example trials, one row each
PLANTED_LABEL, MAGNITUDE = "planted signal", "mean magnitude over channels"  # titles of columns
ATTRIBUTION = {
    False: "attribution, ± 30 % of its peak",
    True: "attribution, the same on all channels",
}
NO_CHANNELS = "Channels are not resolved: the map is the same on all of them."
WIDTH, ROWS_INCHES, TRIAL_HEADER_INCHES, TRIAL_FOOTER_INCHES = 9.0, 5.2, 0.35, 0.5
# An automatic layout takes as long as the drawing itself, and thousands are drawn.
TRIAL_MARGINS = {"left": 0.1, "right": 0.97, "wspace": 0.12}
COURSE_STEP, SPACE = 1.1, 0.05  # from row to row, and above and below curves, in heights of a row
FRAME: Mapping[str, Any] = {"color": "black", "lw": 0.8, "clip_on": False}
CLASS_INCHES = 1.9  # height of the course of a class
FAINT = 0.3  # of the attribution's peak, where colours saturate: else few pixels hide the rest

Array = np.ndarray


def map_against_truth(examples: ExampleMaps, title: str = "") -> Figure:
    """Planted signal and attribution of a method's best, median and worst trial.

    One row per trial, with channels in the order of their planted power, strongest on top: the
    planted signal and the signed map, each relative to its peak, and both over time. A map that
    is the same on all channels is drawn as one curve.

    Parameters
    ----------
    examples : ExampleMaps
    title : str
        Lines above the rows: whose map it is, and what the score is.
    """
    header = TRIAL_HEADER_INCHES + title_inches(title, WIDTH)
    height = header + ROWS_INCHES + TRIAL_FOOTER_INCHES
    figure = Figure(figsize=(WIDTH, height))
    write_title(figure, title)
    margins = TRIAL_MARGINS | {"top": 1 - header / height, "bottom": TRIAL_FOOTER_INCHES / height}
    axes = figure.subplots(1, 3, sharex=True, width_ratios=(3, 3, 2.5), gridspec_kw=margins)
    rows = [AxisRow(-COURSE_STEP * place, SPACE) for place in range(len(SHOWN_KINDS))]
    for row, kind in zip(rows, SHOWN_KINDS, strict=True):
        _draw_row(axes, row, examples, kind)
    columns = PLANTED_LABEL, ATTRIBUTION[is_uniform(examples.attribution, axis=1)], MAGNITUDE
    for ax, column in zip(axes, columns, strict=True):
        ax.set_title(column, fontsize=9)
        _frame(ax, rows, examples.times_ms)
    ends = [row.at(share) for row in rows for share in (0, 1)]
    axes[-1].set_yticks(ends, ["0", "1"] * len(rows))
    axes[-1].legend(*_first_of_each(axes[-1]), loc="upper right", frameon=False)
    return figure


def _draw_row(axes: Sequence[Axes], row: AxisRow, examples: ExampleMaps, kind: str) -> None:
    place = KINDS.index(kind)
    truth, values = examples.ground_truth[place], examples.attribution[place]
    order = np.square(truth).sum(1).argsort()[::-1]
    times_ms = examples.times_ms
    planted, shown, over_time = axes
    _heat_map(planted, row, relative(truth)[order], times_ms, 1.0)
    if is_uniform(values, axis=0):
        _only_over_time(shown, row, values[0], times_ms)
    else:
        _heat_map(shown, row, values[order], times_ms, FAINT)
    label = f"{kind} trial\nscore {digits(examples.scores[place])}\n\nchannel"
    planted.annotate(
        label, (0, row.at(0.5)), (-4, 0), ("axes fraction", "data"), "offset points", ha="right",
        va="center", rotation="vertical", size="medium",
    )  # fmt: skip
    _draw_time_courses(over_time, np.abs(truth).mean(0), np.abs(values).mean(0), times_ms, row)


def _heat_map(ax: Axes, row: AxisRow, values: Array, times_ms: Array, limit: float) -> None:
    extent = (times_ms[0], _end(times_ms), row.lowest, row.lowest + 1)
    ax.imshow(
        values, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", extent=extent,
        interpolation="nearest",
    )  # fmt: skip


def _only_over_time(ax: Axes, row: AxisRow, course: Array, times_ms: Array) -> None:
    """Draw a signed map of no channels relative to its peak, and tell that it has none."""
    zero, peak = 0.45, 0.4  # shares of the row: below them the lowest peak, above them the words
    ax.plot(times_ms, row.at(zero + peak * relative(course)), color=BLUE, lw=1.2)
    ax.plot(times_ms[[0, -1]], [row.at(zero)] * 2, color=GREY, lw=0.6)
    across = ax.get_yaxis_transform()
    for share in (-1, 0, 1):
        height = row.at(zero + peak * share)
        ax.text(-0.02, height, f"{share}", transform=across, fontsize=8, ha="right", va="center")
    words = "channels not resolved"
    ax.text(0.5, row.at(1), words, transform=across, fontsize=8, ha="center", va="top")


def _frame(ax: Axes, rows: Sequence[AxisRow], times_ms: Array) -> None:
    """Limits of the axes, a frame around each row, and the marks of the last one."""
    start, end = times_ms[0], _end(times_ms)
    for row in rows:
        below, above = row.lowest, row.lowest + 1
        ax.plot([start, end, end, start, start], [below, below, above, above, below], **FRAME)
    ax.spines[:].set_visible(False)
    ax.set(xlim=(start, end), ylim=(rows[-1].lowest, rows[0].lowest + 1), yticks=[])
    ax.set_xlabel("time (ms)")


def _first_of_each(ax: Axes) -> tuple[list[Artist], list[str]]:
    """Of curves with the same name, one to explain all."""
    named = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    return list(named.values()), list(named)


def _draw_time_courses(
    ax: Axes, planted: Array, attributed: Array, times_ms: Array, row: AxisRow = WHOLE
) -> None:
    ax.plot(times_ms, row.at(relative(planted)), color=VERMILION, lw=1.2, label="planted")
    draw_course(ax, attributed, times_ms, row, lw=1.2, label="attribution")


def classes_over_time(examples: ExampleMaps, class_names: Sequence[str], title: str = "") -> Figure:
    """Planted signal and attribution of each class over time, of a map that has no channels.

    Mean magnitudes over the scored trials of the class and over channels, relative to their peak.

    Parameters
    ----------
    examples : ExampleMaps
        With ``class_courses``.
    class_names : sequence of str
        In the order of the classes.
    title : str
        Lines above the curves: whose map it is.

    Raises
    ------
    ValueError
        When the example maps have no ``class_courses``.
    """
    planted, attributed = examples.class_ground_truth_courses, examples.class_courses
    if planted is None or attributed is None:
        raise ValueError("the example maps have no class_courses, which are needed")
    size = (WIDTH, CLASS_INCHES * len(class_names) + title_inches(title, WIDTH))
    figure = Figure(figsize=size, layout="constrained")
    write_title(figure, f"{title}\n{NO_CHANNELS}".strip())
    times_ms = examples.times_ms
    axes = figure.subplots(len(class_names), sharex=True, squeeze=False)[:, 0]
    for ax, name, signal, course in zip(axes, class_names, planted, attributed, strict=True):
        _draw_time_courses(ax, signal, course, times_ms)
        ax.set(xlim=(times_ms[0], _end(times_ms)), yticks=[0, 1], ylabel=name)
    axes[-1].set_xlabel("time (ms)")
    axes[0].legend(loc="upper right", frameon=False)
    return figure


def _end(times_ms: Array) -> float:
    """When the last sample ends."""
    return float(times_ms[-1] + (np.diff(times_ms[-2:]).sum() or 1))
