"""One method's maps beside the planted signal: channels by time, trial by trial."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eegxai.evaluation import KINDS, ExampleMaps
from eegxai.figures.style import BLUE, DIVERGING, VERMILION

SHOWN_KINDS = ("best", "median", "worst")  # kinds of example trials, one row each
COLUMNS = ("planted signal", "attribution, ± 30 % of its peak", "mean over channels")
SIZE = (9.0, 6.0)  # inches
# An automatic layout takes as long as the drawing itself, and thousands are drawn.
MARGINS = {"left": 0.1, "right": 0.985, "top": 0.94, "bottom": 0.08, "wspace": 0.12, "hspace": 0.1}
FAINT = 0.3  # of the attribution's peak, where colours saturate: else few pixels hide the rest

Array = np.ndarray


def map_against_truth(examples: ExampleMaps) -> Figure:
    """Planted signal and attribution of a method's best, median and worst trial.

    One row per trial, with channels in the order of their planted power, strongest on top: the
    planted signal and the signed map, each relative to its peak, and both over time.

    Parameters
    ----------
    examples : ExampleMaps
    """
    figure = Figure(figsize=SIZE)
    grid = figure.subplots(
        len(SHOWN_KINDS), len(COLUMNS), sharex=True, width_ratios=(3, 3, 2.5), gridspec_kw=MARGINS
    )
    for row, kind in zip(grid, SHOWN_KINDS, strict=True):
        _row(row, examples, kind)
    for ax, title in zip(grid[0], COLUMNS, strict=True):
        ax.set_title(title)
    for ax in grid[-1]:
        ax.set_xlabel("time (ms)")
    grid[0, -1].legend(loc="upper right", frameon=False)
    return figure


def _row(axes: Array, examples: ExampleMaps, kind: str) -> None:
    place = KINDS.index(kind)
    truth, values = examples.ground_truth[place], examples.attribution[place]
    order = np.square(truth).sum(1).argsort()[::-1]
    times_ms = examples.times_ms
    planted, shown, over_time = axes
    _heat_map(planted, truth[order] / max(np.abs(truth).max(), 1e-30), times_ms, 1.0)
    _heat_map(shown, values[order], times_ms, FAINT)
    planted.set_ylabel(f"{kind} trial\nscore {examples.scores[place]:.2f}\n\nchannel")
    _curves(over_time, np.abs(truth).mean(0), np.abs(values).mean(0), times_ms)


def _heat_map(ax: Axes, values: Array, times_ms: Array, limit: float) -> None:
    extent = (times_ms[0], _end(times_ms), len(values), 0.0)
    ax.imshow(
        values, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", extent=extent,
        interpolation="nearest",
    )  # fmt: skip
    ax.set_yticks([])


def _curves(ax: Axes, planted: Array, attributed: Array, times_ms: Array) -> None:
    for values, colour, label in (
        (planted, VERMILION, "planted"),
        (attributed, BLUE, "attribution"),
    ):
        ax.plot(times_ms, values / max(values.max(), 1e-30), color=colour, lw=1.2, label=label)
    ax.set(xlim=(times_ms[0], _end(times_ms)), yticks=[0, 1])


def _end(times_ms: Array) -> float:
    """When the last sample ends."""
    return float(2 * times_ms[-1] - times_ms[-2])
