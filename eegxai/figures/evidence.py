"""Evidence without a ground truth: curves as trials are replaced, and activation patterns."""

from collections.abc import Mapping, Sequence
from typing import Any

import mne
import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eegxai.evaluation.evidence.curves import CURVES, MEASURED_ORDER, ORDER_LEVELS, curve_areas
from eegxai.evaluation.evidence.patterns import Patterns
from eegxai.figures.maps import SIGNED_SCALE, colour_bar
from eegxai.figures.scalp import draw_scalp, relative
from eegxai.figures.style import (
    BLUE,
    DOUBLE,
    GREY,
    N_COLUMNS,
    PRINT,
    VERMILION,
    label_beside,
    legend_below,
    small_multiples,
    title_inches,
    write_title,
)
from eegxai.rounding import digits

LINES: Mapping[str, Mapping[str, Any]] = {
    "deletion": {"color": BLUE, "ls": "-"},
    "insertion": {"color": VERMILION, "ls": "--"},
}
LABELLED_CURVE = "insertion"  # whose area is named
CHANCE_STYLE: Mapping[str, Any] = {"color": GREY, "lw": 0.8}
CEILING: Mapping[str, Any] = {"lw": 0.8, "ls": (0, (1, 1.2))}
REPLACEMENT_BAND: Mapping[str, Any] = {"alpha": 0.15, "lw": 0}
REPLACEMENT_ROW_INCHES, FRAME_INCHES = 1.2, 0.75  # of a class; of titles and the axis
REPLACEMENT_BAR = (0.93, 0.25, 0.012, 0.5)  # of the colours: left, bottom, width and height
DECODER_STYLE: Mapping[str, Any] = {"color": BLUE, "label": "decoder"}
OF_LINEAR: Mapping[str, Any] = {"color": VERMILION, "ls": "--", "label": "linear model"}

Array = np.ndarray


@rc_context(PRINT)
def replacement_curves(curves: pd.DataFrame, title: str = "") -> Figure:
    """Decisions as trials are replaced and brought back, one panel per method.

    Above each panel is the area between insertion and that of random orders (grey), with its 95 %
    interval; of the two curves it follows what a decoder used better. Dotted is the order of the
    measured losses, bands are standard errors over trials.

    Parameters
    ----------
    curves : DataFrame
        As ``eegxai.evaluation.deletion_curves`` gives it.
    title : str
        Lines above the panels: whose curves they are.
    """
    methods = [name for name in curves["method"].unique() if name not in ORDER_LEVELS]
    areas = curve_areas(curves).set_index(["curve", "method"]).loc[LABELLED_CURVE]
    figure, axes = small_multiples(methods, title)
    measured = curves[curves["method"] == MEASURED_ORDER]
    for method, ax in axes.items():
        _draw_replacement_panel(ax, curves[curves["method"] == method], measured)
        ax.set_title(f"{ax.get_title()}\n{_area_in_words(areas.loc[[method]].iloc[0])}", fontsize=7)
    for ax in list(axes.values())[-N_COLUMNS:]:
        ax.set_xlabel("share of the pieces", fontsize=7)
    label_beside(figure, "decision: the class's logit less the mean of the others")
    handles = [
        *(Line2D([], [], label=name, **line) for name, line in LINES.items()),
        Line2D([], [], label="random orders: chance", **CHANCE_STYLE),
        Line2D([], [], color=GREY, label="order of the measured losses: the ceiling", **CEILING),
    ]
    legend_below(figure, handles)
    return figure


@rc_context(PRINT)
def pattern_topographies(
    found: Patterns,
    info: mne.Info,
    class_names: Sequence[str] = (),
    start_ms: float = 0.0,
    title: str = "",
) -> Figure:
    """Activation patterns of each class: on the scalp at their peak, and over time.

    Each is relative to its largest magnitude; r is the correlation of two halves of the trials, and
    near 0 the pattern is noise.

    Parameters
    ----------
    found : Patterns
        As ``eegxai.evaluation.patterns`` gives it.
    info : mne.Info
        The channels and the sampling rate.
    class_names : sequence of str
        By default, their numbers.
    start_ms : float
        Time of the first sample.
    title : str
        Lines above: whose patterns they are.
    """
    models = {"decoder": found.decoder} | ({"linear model": found.linear} if found.linear else {})
    n_classes = len(found.decoder.patterns)
    names = list(class_names) or [f"class {number}" for number in range(n_classes)]
    above = title_inches(title)
    height = REPLACEMENT_ROW_INCHES * n_classes + FRAME_INCHES + above
    figure = Figure(figsize=(DOUBLE, height))
    write_title(figure, title)
    grid = figure.subplots(
        n_classes, len(models) + 1, squeeze=False, sharex="col",
        width_ratios=[1.0] * len(models) + [1.6],
        gridspec_kw={
            "left": 0.1, "right": 0.91, "bottom": 0.4 / height,
            "top": 1 - (above + 0.3) / height, "hspace": 0.35, "wspace": 0.1,
        },
    )  # fmt: skip
    for number, (row, name) in enumerate(zip(grid, names, strict=True)):
        shown = {model: each.patterns[number] for model, each in models.items()}
        reliability = {model: each.reliability[number] for model, each in models.items()}
        _class_row(row, shown, reliability, info, start_ms)
        row[0].text(-0.1, 0.5, name, transform=row[0].transAxes, ha="right", va="center")
    grid[-1, -1].set_xlabel("time (ms)")
    grid[0, -1].legend(loc="upper right")
    grid[0, -1].set_title("strength over channels, relative to its peak", fontsize=7)
    colour_bar(figure, SIGNED_SCALE, REPLACEMENT_BAR)
    return figure


def _class_row(
    row: Sequence[Axes],
    shown: Mapping[str, Array],
    reliability: Mapping[str, float],
    info: mne.Info,
    start_ms: float,
) -> None:
    """Scalp of each model at the peak of its pattern, and the strength of all over time."""
    *scalps, course = row
    times = start_ms + 1e3 * np.arange(next(iter(shown.values())).shape[1]) / info["sfreq"]
    styles = (DECODER_STYLE, OF_LINEAR)
    for ax, style, (model, pattern) in zip(scalps, styles, shown.items(), strict=False):
        strength = np.sqrt(np.square(pattern).mean(0))
        peak = int(strength.argmax())
        draw_scalp(ax, pattern[:, peak], info, *SIGNED_SCALE)
        told = f"{model}, {times[peak]:.0f} ms\nr = {digits(reliability[model])} of halves"
        ax.set_title(told, fontsize=7, pad=2)
        course.plot(times, relative(strength), **style)
    course.set(xlim=(times[0], times[-1]), ylim=(0, 1.05), yticks=[0, 1])


def _draw_replacement_panel(ax: Axes, rows: pd.DataFrame, measured: pd.DataFrame) -> None:
    for name in CURVES:
        own, style = rows[rows["curve"] == name], LINES[name]
        mean, error = _mean_and_error(own, "decision")
        ax.plot(mean.index, _mean_and_error(own, "random")[0], **CHANCE_STYLE)
        ceiling, _ = _mean_and_error(measured[measured["curve"] == name], "decision")
        ax.plot(ceiling.index, ceiling, color=style["color"], **CEILING)
        ax.fill_between(
            mean.index, mean - error, mean + error, color=style["color"], **REPLACEMENT_BAND
        )
        ax.plot(mean.index, mean, **style)
    ax.set_xticks([0, 0.5, 1])


def _mean_and_error(rows: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    by_share = rows.groupby("share")[column]
    return by_share.mean(), by_share.sem()


def _area_in_words(row: pd.Series) -> str:
    if np.isnan(row["area"]):
        return "the same everywhere: no order"
    return f"{LABELLED_CURVE} {row['area']:z.2f} ({row['low']:z.2f} to {row['high']:z.2f})"
