"""Ranks of the methods: which differ significantly, and by two scores side by side."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eegxai.figures.style import (
    BLACK,
    DOUBLE,
    GREY,
    PRINT,
    STYLE_NAME_LETTERS,
    VERMILION,
    title_inches,
    write_title,
)
from eegxai.statistics import RankComparison

MOVED = 3  # ranks: a method that moves at least as far is drawn in colour
MOVES: Mapping[str, Any] = {"color": VERMILION, "lw": 1.5}
STAYS: Mapping[str, Any] = {"color": GREY, "lw": 0.8}
RANK_ROW_INCHES = 0.155
N_SIDE_BY_SIDE = 2  # panels of slopes: their labels fill a column each
SLOPE_LETTERS = 22  # of a method's name: longer ones need both columns
LINE: Mapping[str, Any] = {"color": BLACK, "lw": 0.7, "clip_on": False}
CLIQUE_BAR: Mapping[str, Any] = {"color": VERMILION, "lw": 3, "solid_capstyle": "round"}
RANK_INCHES = 0.17  # of the number of a rank on its axis
RANK_LETTERS, WIDEST_NAMES = 7, 0.36  # a rank beside a name; of the figure's width
TICK, RANK_NUMBER_INCHES, BAR_STEP, LABELS_BELOW = 0.25, 0.35, 0.55, 0.6  # in rows of labels


@rc_context(PRINT)
def critical_difference(comparison: RankComparison, title: str) -> Figure:
    """Mean ranks on a line; a bar joins methods that are not significantly different.

    Parameters
    ----------
    comparison : RankComparison
        From :func:`eegxai.statistics.compare_ranks`.
    title : str
        What was compared.

    Notes
    -----
    Demsar, JMLR 7:1, 2006, with bars by pairwise signed-rank tests (Benavoli et al., JMLR 17:5,
    2016) in place of one critical difference.
    """
    ranks, bars = comparison.mean_ranks, comparison.cliques
    half = math.ceil(len(ranks) / 2)
    lowest = LABELS_BELOW + BAR_STEP * len(bars) + half
    height = 0.35 + 0.17 * (lowest + 1) + title_inches(title)
    figure = Figure(figsize=(DOUBLE, height), layout="constrained")
    write_title(figure, title)
    ax = figure.subplots()
    room = _room_for_names(list(ranks.index))
    _rank_axis(ax, len(ranks), DOUBLE / (1 + 2 * room))
    _bars(ax, ranks, bars)
    below = LABELS_BELOW + BAR_STEP * len(bars)
    best, rest = ranks.iloc[:half], ranks.iloc[half:]
    _draw_rank_labels(ax, best, below, edge=0.7, align="right")
    _draw_rank_labels(ax, rest.iloc[::-1], below, edge=len(ranks) + 0.3, align="left")
    room *= len(ranks)
    ax.set(xlim=(0.7 - room, len(ranks) + 0.3 + room), ylim=(lowest, -1.6))
    ax.axis("off")
    return figure


def _room_for_names(names: Sequence[str]) -> float:
    """Width of the names on one side, in widths of the axis of ranks between them."""
    inches = (max(map(len, names)) + RANK_LETTERS) / STYLE_NAME_LETTERS
    share = min(inches / DOUBLE, WIDEST_NAMES)
    return share / (1 - 2 * share)


def _rank_axis(ax: Axes, n_methods: int, inches: float) -> None:
    """A line of all ranks, with as many of their numbers as it has room for."""
    ax.plot([1, n_methods], [0, 0], **LINE)
    step = math.ceil(RANK_INCHES * n_methods / inches)
    for rank in range(1, n_methods + 1):
        ax.plot([rank, rank], [0, -TICK], **LINE)
        if (rank - 1) % step == 0:
            ax.text(rank, -RANK_NUMBER_INCHES, str(rank), ha="center", va="bottom", fontsize=7)
    ax.text(0.5, -RANK_NUMBER_INCHES, "mean rank ", ha="right", va="bottom", fontsize=7)


def _bars(ax: Axes, ranks: pd.Series, cliques: Iterable[Sequence[str]]) -> None:
    for number, names in enumerate(cliques):
        y = BAR_STEP * (number + 1)
        members = ranks[list(names)]
        ax.plot([members.min(), members.max()], [y, y], **CLIQUE_BAR)


def _draw_rank_labels(ax: Axes, ranks: pd.Series, below: float, edge: float, align: str) -> None:
    """Names on one side, the outermost at the top, each with a line to its rank."""
    for row, (name, rank) in enumerate(ranks.items()):
        y = below + row + 0.3
        ax.plot([rank, rank, edge], [0, y, y], **LINE)
        text = f"{name}  {rank:.1f} " if align == "right" else f" {rank:.1f}  {name}"
        ax.text(edge, y, text, ha=align, va="center")


@rc_context(PRINT)
def rankings(scores: pd.DataFrame, left: str, right: str, title: str = "") -> Figure:
    """Ranks of the methods by two scores, one panel per feature type; large moves in colour.

    Parameters
    ----------
    scores : DataFrame
        One row per feature and method: columns feature, method and the two scores; higher is
        better.
    left, right : str
        The columns of the two scores, which are also the headings of the panel's sides.
    title : str
        Lines above the panels: whose scores they are, and what they are.
    """
    groups = list(scores.groupby("feature", sort=False))
    is_long = scores["method"].str.len().max() > SLOPE_LETTERS
    n_side_by_side = 1 if is_long else N_SIDE_BY_SIDE
    n_columns = min(len(groups), n_side_by_side)
    n_rows = math.ceil(len(groups) / n_columns)
    n_methods, width = scores["method"].nunique(), DOUBLE / n_side_by_side * n_columns
    height = (0.55 + RANK_ROW_INCHES * n_methods) * n_rows + title_inches(title, width)
    figure = Figure(figsize=(width, height), layout="constrained")
    write_title(figure, title)
    axes = figure.subplots(n_rows, n_columns, squeeze=False).flat
    for ax, (feature, rows) in zip(axes, groups, strict=False):
        _slopes(ax, rows.set_index("method")[[left, right]], n_methods)
        ax.set_title(str(feature), pad=16)
    for ax in axes[len(groups) :]:
        ax.axis("off")
    return figure


def _slopes(ax: Axes, scores: pd.DataFrame, n_rows: int) -> None:
    """One line per method, from its rank by the first score to its rank by the second."""
    ranks = scores.rank(ascending=False, method="first").to_numpy()
    for method, values, ends in zip(scores.index, scores.to_numpy(), ranks, strict=True):
        style = STAYS if abs(ends[0] - ends[1]) < MOVED else MOVES
        ax.plot([0, 1], ends, marker="o", ms=3, **style)
        for x, score, rank in zip((0, 1), values, ends, strict=True):
            text = (f"{method}  {score:z.2f}", f"{score:z.2f}  {method}")[x]
            _beside(ax, text, x, rank, va="center", fontsize=7)
    for x, name in enumerate(scores.columns):
        _beside(ax, name, x, 0.2, va="bottom", fontweight="bold")
    ax.set(xlim=(-1.9, 2.9), ylim=(n_rows + 0.5, 0.2))
    ax.axis("off")


def _beside(ax: Axes, text: str, x: int, y: float, **style: Any) -> None:
    """Text outside the left (0) or right (1) end of the slopes."""
    shift, align = ((-5, "right"), (5, "left"))[x]
    ax.annotate(text, (x, y), xytext=(shift, 0), textcoords="offset points", ha=align, **style)
