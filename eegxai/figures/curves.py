"""Curves of the methods: scores against SNR, similarities against randomized layers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from eegxai.attribution import CONTROLS
from eegxai.figures.style import (
    BLACK,
    GREY,
    N_COLUMNS,
    PRINT,
    label_beside,
    legend_below,
    series_of,
    small_multiples,
)
from eegxai.rounding import decibels

FLOOR: Mapping[str, Any] = {"lw": 0.7, "ls": (0, (1, 1.2))}
NULL_STYLE: Mapping[str, Any] = {"lw": 0.7, "ls": (0, (4, 2))}
THRESHOLD: Mapping[str, Any] = {"color": GREY, "lw": 0.8, "ls": (0, (1, 1.2)), "zorder": 0}
CURVE_BAND: Mapping[str, Any] = {"alpha": 0.15, "lw": 0.4}  # edges separate bands that overlap
AT_CHANCE = "some decoders no better than chance"
# Over the marker of a point whose decoders are, some or all, no better than chance.
OPEN: Mapping[str, Any] = {"ls": "", "markerfacecolor": "white", "zorder": 3}
CURVE_MARGIN = 0.05  # above and below the lines, of their span


@rc_context(PRINT)
def score_by_snr(scores: pd.DataFrame, label: str, dotted: str, title: str = "") -> Figure:
    """Score against SNR: one panel per method, one curve per feature type with its 95 % band.

    Parameters
    ----------
    scores : DataFrame
        One row per feature, snr_db and method: feature, snr_db, method, score, score_low,
        score_high, floor, the score that a method must exceed (dotted), and at_chance, how many
        of the decoders are no better than chance (open markers, if any). Methods in ``CONTROLS``
        have no panel.
    label, dotted : str
        What the score is, and what the floor is.
    title : str
        Lines above the panels: whose scores they are.
    """
    methods = scores[~scores["method"].isin(list(CONTROLS))]
    figure, axes = small_multiples(list(methods["method"].unique()), title)
    styles = series_of(list(methods["feature"].unique()))
    for (method, feature), rows in methods.groupby(["method", "feature"], sort=False):
        style, ax = styles[str(feature)], axes[str(method)]
        _curve(ax, rows, "snr_db", "score", style)
        ordered = rows.sort_values("snr_db")
        ax.plot(ordered["snr_db"], ordered["floor"], color=style["color"], **FLOOR)
        unclear = ordered[ordered["at_chance"] > 0]
        ax.plot(unclear["snr_db"], unclear["score"], **{**style, **OPEN})
    for ax in axes.values():
        levels = sorted(scores["snr_db"].unique())
        ax.set_xticks(levels, [decibels(level) for level in levels], fontsize=6)
    _fit_to_lines(list(axes.values()))
    at_chance = {AT_CHANCE: {"marker": "o", **OPEN}} if methods["at_chance"].any() else {}
    _draw_curve_legend(figure, styles, {dotted: FLOOR, **at_chance})
    _label_below(axes, "SNR (dB)")
    figure.supylabel(label)
    return figure


@rc_context(PRINT)
def cascade_curves(similarities: pd.DataFrame, threshold: float, title: str = "") -> Figure:
    """Similarity to the original map against randomized layers, one panel per method.

    Parameters
    ----------
    similarities : DataFrame
        One row per feature, method and step: feature, method, step (layers randomized, from the
        output), mean, mean_low, mean_high and null, the similarity of maps without any information
        (dashed). With no layer randomized the similarity is 1.
        Methods in ``CONTROLS``, which do not depend on weights, have no panel.
    threshold : float
        Similarity below which a method counts as model-specific.
    title : str
        Lines above the panels: whose maps they are.
    """
    methods = similarities[~similarities["method"].isin(list(CONTROLS))]
    figure, axes = small_multiples(list(methods["method"].unique()), title)
    styles = series_of(list(methods["feature"].unique()))
    for (method, feature), rows in methods.groupby(["method", "feature"], sort=False):
        start = pd.DataFrame([{"step": 0, "mean": 1.0, "mean_low": 1.0, "mean_high": 1.0}])
        whole = pd.concat([start, rows], ignore_index=True)
        style, ax = styles[str(feature)], axes[str(method)]
        _curve(ax, whole, "step", "mean", style)
        ax.plot(
            whole["step"], [rows["null"].iloc[0]] * len(whole), color=style["color"], **NULL_STYLE
        )
    for ax in axes.values():
        ax.axhline(threshold, **THRESHOLD)
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    _fit_to_lines(list(axes.values()))
    marked = {f"{threshold:g}: model-specific below": FLOOR, "uninformative maps": NULL_STYLE}
    _draw_curve_legend(figure, styles, marked)
    _label_below(axes, "layers randomized")
    label_beside(figure, "Pearson correlation with the original map (1: unchanged)")
    return figure


def _label_below(axes: Mapping[str, Axes], label: str) -> None:
    """What the x axis is, below the panels that have no other below them."""
    for ax in list(axes.values())[-N_COLUMNS:]:
        ax.set_xlabel(label, fontsize=7)


def _curve(ax: Axes, rows: pd.DataFrame, x: str, y: str, style: Mapping[str, Any]) -> None:
    """A line, and a band where its limits are known."""
    rows = rows.sort_values(x)
    ax.fill_between(
        rows[x],
        rows[f"{y}_low"],
        rows[f"{y}_high"],
        color=style["color"],
        **CURVE_BAND,
    )
    ax.plot(rows[x], rows[y], **style)


def _fit_to_lines(axes: Sequence[Axes]) -> None:
    """From 0 to 1 and as far as lines extend; bands over two decoders may extend far beyond."""
    values = np.concatenate([line.get_ydata() for ax in axes for line in ax.lines])
    low, high = np.nanmin([0.0, *values]), np.nanmax([1.0, *values])
    margin = CURVE_MARGIN * (high - low)
    axes[0].set_ylim(low - margin, high + margin)


def _draw_curve_legend(
    figure: Figure,
    styles: Mapping[str, Mapping[str, Any]],
    marked: Mapping[str, Mapping[str, Any]],
) -> None:
    """Names of the curves, and of the lines that scores are read against."""
    lines = [Line2D([], [], label=name, **style) for name, style in styles.items()]
    lines += [Line2D([], [], color=BLACK, label=name, **line) for name, line in marked.items()]
    legend_below(figure, lines)
