"""Pictures of a decoder and its explanations where no ground truth is known."""

from collections.abc import Mapping, Sequence

import mne
import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eegxai.figures.maps import UNSIGNED_SCALE, colour_bar
from eegxai.figures.scalp import draw_scalp
from eegxai.figures.style import (
    DIVERGING,
    GREY,
    N_COLUMNS,
    PRINT,
    SERIES,
    SINGLE,
    SLANTED,
    in_lines,
    label_beside,
    legend_below,
    letters_on,
    series_of,
    small_multiples,
    title_inches,
    write_title,
)
from eegxai.rounding import digits

MATRIX_CELL_INCHES, MATRIX_NAMES_INCHES = 0.42, 1.5
HEAD_INCHES, MATRIX_HEADER_INCHES, MATRIX_FOOTER_INCHES, MATRIX_BAR_INCHES = 0.95, 0.3, 0.1, 0.75
MATRIX_NAME_LETTERS = 19  # of a method's name in one line

Array = np.ndarray


@rc_context(PRINT)
def confusion(counts: pd.DataFrame, title: str = "") -> Figure:
    """Confusion matrix: numbers of trials, coloured by their share of the true class.

    Parameters
    ----------
    counts : DataFrame (true classes, predicted classes)
    title : str
        Lines above it.
    """
    values = counts.to_numpy(float)
    totals = values.sum(1, keepdims=True)
    shares = values / np.where(totals > 0, totals, np.nan)
    texts = [[f"{count:g}" for count in row] for row in values]
    figure, ax = _matrix(counts, shares, texts, ("Blues", 0), title)
    ax.set(xlabel="predicted class", ylabel="true class")
    return figure


@rc_context(PRINT)
def agreement(correlations: pd.DataFrame, title: str = "") -> Figure:
    """Correlations of the methods' maps with each other.

    Parameters
    ----------
    correlations : DataFrame (methods, methods)
        In -1 .. 1; NaN is shown as a dash.
    title : str
        Lines above it.
    """
    values = correlations.to_numpy(float)
    texts = [[digits(value) for value in row] for row in values]
    return _matrix(correlations, values, texts, (DIVERGING, -1), title)[0]


def _matrix(
    table: pd.DataFrame,
    values: Array,
    texts: Sequence[Sequence[str]],
    scale: tuple[str, float],
    title: str,
) -> tuple[Figure, Axes]:
    """A square of coloured cells with a text in each."""
    side = MATRIX_NAMES_INCHES + MATRIX_CELL_INCHES * len(table)
    width = max(SINGLE, side)
    figure = Figure(figsize=(width, side + title_inches(title, width)), layout="constrained")
    write_title(figure, title)
    ax = figure.subplots()
    name, lowest = scale
    colours, norm = colormaps[name].with_extremes(bad="0.93"), Normalize(lowest, 1)
    ax.imshow(np.ma.masked_invalid(values), cmap=colours, norm=norm)
    for (row, column), value in np.ndenumerate(values):
        colour = letters_on(colours(norm(value))) if np.isfinite(value) else "black"
        ax.text(column, row, texts[row][column], ha="center", va="center", color=colour, fontsize=7)
    ax.set_xticks(range(len(table.columns)), list(table.columns), **SLANTED)
    ax.set_yticks(range(len(table)), list(table.index))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure, ax


@rc_context(PRINT)
def class_topographies(
    tables: Mapping[str, pd.DataFrame], info: mne.Info, title: str = ""
) -> Figure:
    """Scalp maps of each class: one row per method, one column per class, each to its own peak.

    Parameters
    ----------
    tables : mapping of str to DataFrame (classes, channels)
        Values of at least zero, by the methods' names.
    info : mne.Info
        The channels.
    title : str
        Lines above the rows.
    """
    classes = list(next(iter(tables.values())).index)
    heads = HEAD_INCHES * len(classes)
    width = max(SINGLE, MATRIX_NAMES_INCHES + heads + MATRIX_BAR_INCHES)
    header = MATRIX_HEADER_INCHES + title_inches(title, width)
    height = header + HEAD_INCHES * len(tables) + MATRIX_FOOTER_INCHES
    figure = Figure(figsize=(width, height))
    write_title(figure, title)
    grid = figure.add_gridspec(
        len(tables), len(classes), left=MATRIX_NAMES_INCHES / width,
        right=(MATRIX_NAMES_INCHES + heads) / width,
        top=1 - header / height, bottom=MATRIX_FOOTER_INCHES / height, wspace=0.05, hspace=0.12,
    ).subplots(squeeze=False)  # fmt: skip
    for axes, (name, table) in zip(grid, tables.items(), strict=True):
        for ax, values in zip(axes, table.to_numpy(float), strict=True):
            draw_scalp(ax, values, info, *UNSIGNED_SCALE)
        axes[0].annotate(
            in_lines(name, MATRIX_NAME_LETTERS), (0, 0.5), (-6, 0), "axes fraction",
            "offset points", ha="right", va="center", fontsize=7,
        )  # fmt: skip
    for ax, name in zip(grid[0], classes, strict=True):
        ax.set_title(in_lines(str(name), 12), fontsize=7)
    bar = min(1.2, 0.7 * height)
    place = 1 - (MATRIX_BAR_INCHES - 0.15) / width, (1 - header / height) - bar / height
    colour_bar(figure, UNSIGNED_SCALE, (*place, 0.1 / width, bar / height))
    return figure


@rc_context(PRINT)
def class_curves(
    tables: Mapping[str, pd.DataFrame], x_label: str, y_label: str, title: str = ""
) -> Figure:
    """Curves of each class, one panel per method, each relative to the method's peak.

    Parameters
    ----------
    tables : mapping of str to DataFrame (points, classes)
        The index are the points on the x axis; by the methods' names. Of more than seven classes
        the first seven are drawn.
    x_label, y_label : str
        What is drawn against what.
    title : str
        Lines above the panels.
    """
    classes = list(next(iter(tables.values())).columns)
    shown = classes[: len(SERIES)]
    if len(classes) > len(shown):
        title = f"{title}\nThe first {len(shown)} of {len(classes)} classes.".strip()
    styles = {name: {**style, "marker": ""} for name, style in series_of(shown).items()}
    figure, axes = small_multiples(list(tables), title)
    lowest = 0.0
    for name, table in tables.items():
        values = table[shown] / max(float(np.abs(table.to_numpy()).max()), 1e-300)
        lowest = min(lowest, float(values.min().min()))
        for label in shown:
            axes[name].plot(table.index, values[label], **styles[label], lw=0.9)
        axes[name].axhline(0, color=GREY, lw=0.5, zorder=0)
        axes[name].set_xlim(table.index[0], table.index[-1])
    next(iter(axes.values())).set_ylim(1.05 * lowest, 1.05)
    for ax in list(axes.values())[-min(N_COLUMNS, len(axes)) :]:
        ax.set_xlabel(x_label, fontsize=7)
    label_beside(figure, y_label)
    legend_below(
        figure, [Line2D([], [], label=str(name), **style) for name, style in styles.items()]
    )
    return figure
