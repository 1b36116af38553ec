"""Scores against each reference: one panel a reference, one row a method."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eegxai.figures.style import (
    BLACK,
    DOUBLE,
    GREY,
    PRINT,
    in_lines,
    legend_below,
    series_of,
    title_inches,
    write_title,
)

REFERENCE_ROW_INCHES = 0.17
LEVEL_STYLES: Mapping[str, Mapping[str, Any]] = {
    "chance": {"lw": 0.8, "ls": (0, (1, 1.2))},
    "ceiling": {"lw": 0.8, "ls": (0, (4, 2))},
}
CHANCE_NAME = "chance: random maps"
CEILING_NAME = "ceiling: the most to expect"
GRID: Mapping[str, Any] = {"color": GREY, "lw": 0.3, "alpha": 0.5}
UNIT_LETTERS = 28  # of a line below a panel
SPREAD = 0.5  # of a row's height, over which the feature types lie


@rc_context(PRINT)
def reference_scores(scores: pd.DataFrame, title: str = "", ceiling: str = CEILING_NAME) -> Figure:
    """Score of each method against each reference, with its 95 % interval, chance and ceiling.

    Parameters
    ----------
    scores : DataFrame
        One row per feature, method and reference: feature, method, reference, score, score_low,
        score_high, chance and ceiling, NaN where there is none, and unit, what the numbers are. In
        the order in which methods and references are shown; levels are drawn as the mean over the
        methods.
    title : str
        Lines above the panels: whose scores they are.
    ceiling : str
        What the dashed level is called: it is an estimate where the noise is recorded.
    """
    methods = list(scores["method"].unique())
    names = list(scores["reference"].unique())
    styles = series_of(list(scores["feature"].unique()))
    height = 1.25 + REFERENCE_ROW_INCHES * len(methods) + title_inches(title)
    figure = Figure(figsize=(DOUBLE, height), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for ax, name in zip(panels, names, strict=True):
        rows = scores[scores["reference"] == name]
        ax.set(title=name, xlabel=in_lines(rows["unit"].iloc[0], UNIT_LETTERS))
        _draw_reference_panel(ax, rows, methods, styles)
    panels[0].set_yticks(range(len(methods)), methods)
    panels[0].set_ylim(len(methods) - 0.4, -0.6)
    write_title(figure, title)
    _draw_reference_legend(figure, styles, (CHANCE_NAME, ceiling))
    return figure


def _draw_reference_panel(
    ax: Axes, rows: pd.DataFrame, methods: list[str], styles: Mapping[str, Mapping[str, Any]]
) -> None:
    ax.grid(axis="y", **GRID)
    ax.tick_params(axis="y", length=0)
    places = np.linspace(-SPREAD / 2, SPREAD / 2, len(styles)) if len(styles) > 1 else [0.0]
    for place, (feature, style) in zip(places, styles.items(), strict=True):
        own = rows[rows["feature"] == feature].set_index("method").reindex(methods)
        y, colour = np.arange(len(methods)) + place, style["color"]
        ax.hlines(y, own["score_low"], own["score_high"], color=colour, lw=0.8)
        ax.plot(own["score"], y, style["marker"], color=colour, ls="")
        for level, line in LEVEL_STYLES.items():
            if own[level].notna().any():
                ax.axvline(own[level].mean(), color=colour, zorder=0, **line)


def _draw_reference_legend(
    figure: Figure, styles: Mapping[str, Mapping[str, Any]], names: tuple[str, str]
) -> None:
    handles = [
        Line2D([], [], color=style["color"], marker=style["marker"], ls="", label=name)
        for name, style in styles.items()
    ]
    handles += [
        Line2D([], [], color=BLACK, label=name, **line)
        for name, line in zip(names, LEVEL_STYLES.values(), strict=True)
    ]
    legend_below(figure, handles)
