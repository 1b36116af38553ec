"""Heat map of the methods: every check of every feature type in one picture."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from eegxai.figures.style import (
    DIVERGING,
    DOUBLE,
    PRINT,
    SLANTED,
    STYLE_NAME_LETTERS,
    letters_on,
    title_inches,
    write_title,
)
from eegxai.rounding import digits

HEAT_MAP_SCORES = ("calibrated", "score")  # against the planted signal
# Blue is good everywhere: near the planted signal, unlike the randomized map.
COLOUR_MAPS: Mapping[bool, str] = {True: "Blues", False: DIVERGING}
SCALES: Mapping[bool, str] = {
    True: "score (0: random maps, 1: best)",
    False: "Pearson correlation with the original map",
}
TITLES: Mapping[str, str] = {
    "calibrated": "planted signal:\ncalibrated score",
    "score": "planted signal:\nstudy's score",
    "target_swap": "wrong class",
    "wrong_classes": "wrong classes",
    "cascade": "random weights",
    "bottom_up": "random weights,\nfrom the input",
    "independent": "one random layer",
    "all_weights": "all weights\nrandom",
    "label_retrain": "permuted labels",
    "null": "maps that\nknow nothing",
}
HEAT_ROW_INCHES = 0.19
HEAT_CELL_INCHES, HEAT_GAP_INCHES = 0.29, 0.12  # the number of a cell, and what is between blocks
TITLE_BLOCK_INCHES = 0.95  # the least width of a block, for its title


@rc_context(PRINT)
def heat_map(table: pd.DataFrame, title: str = "") -> Figure:
    """Methods by checks and feature types, every value written in its cell.

    Parameters
    ----------
    table : DataFrame
        One row per method, check and feature: method, check, feature, value. For the checks of
        ``HEAT_MAP_SCORES`` the value is the score above chance, for all others the
        similarity to the original map. Missing values are shown as a dash.
    title : str
        Lines above the blocks: whose maps they are, and what the scores are.
    """
    checks = sorted(table["check"].unique(), key=lambda check: check not in HEAT_MAP_SCORES)
    methods, n_features = list(table["method"].unique()), table["feature"].nunique()
    rows = _rows_of_checks(checks, n_features, max(map(len, methods)))
    height = (1.35 + HEAT_ROW_INCHES * len(methods)) * len(rows)
    size = (DOUBLE, height + title_inches(title))
    figure = Figure(figsize=size, layout="constrained")
    write_title(figure, title)
    for part, shown in zip(figure.subfigures(len(rows), squeeze=False)[:, 0], rows, strict=True):
        _draw_checks(part, table, shown)
    return figure


def _rows_of_checks(checks: Sequence[str], n_features: int, n_letters: int) -> list[Sequence[str]]:
    """Checks in rows of blocks that stand side by side, beside names of so many letters."""
    room = DOUBLE - n_letters / STYLE_NAME_LETTERS
    n_blocks = max(
        1, int(room / (max(TITLE_BLOCK_INCHES, HEAT_CELL_INCHES * n_features) + HEAT_GAP_INCHES))
    )
    return [checks[first : first + n_blocks] for first in range(0, len(checks), n_blocks)]


def _draw_checks(part: SubFigure, table: pd.DataFrame, checks: Sequence[str]) -> None:
    """The blocks of some checks, side by side."""
    methods, features = (list(table[axis].unique()) for axis in ("method", "feature"))
    axes = part.subplots(1, len(checks), sharey=True, squeeze=False)[0]
    images = {}
    for ax, check in zip(axes, checks, strict=True):
        rows = table[table["check"] == check]
        values = rows.pivot_table("value", "method", "feature", dropna=False, sort=False)
        images[check] = _draw_check(ax, values.reindex(index=methods, columns=features), check)
    _scales(part, dict(zip(checks, axes, strict=True)), images)


def _draw_check(ax: Axes, values: pd.DataFrame, check: str) -> AxesImage:
    """The cells of a check: one row per method, one column per feature type."""
    colours = colormaps[COLOUR_MAPS[check in HEAT_MAP_SCORES]].with_extremes(bad="0.93")
    scale = Normalize(0, 1)
    numbers = values.to_numpy(float)
    image = ax.imshow(np.ma.masked_invalid(numbers), cmap=colours, norm=scale, aspect="auto")
    for (row, column), value in np.ndenumerate(numbers):
        colour = letters_on(colours(scale(value)))
        ax.text(column, row, digits(value), ha="center", va="center", color=colour, fontsize=7)
    ax.set_title(TITLES.get(check, check))
    ax.set_xticks(range(len(values.columns)), values.columns, **SLANTED)
    ax.set_yticks(range(len(values)), values.index)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image


def _scales(part: SubFigure, axes: Mapping[str, Axes], images: Mapping[str, AxesImage]) -> None:
    """A colour bar under the scores and one under the similarities."""
    for is_score, label in SCALES.items():
        shown = [check for check in axes if (check in HEAT_MAP_SCORES) == is_score]
        if shown:
            bar = part.colorbar(
                images[shown[0]],
                ax=[axes[check] for check in shown],
                location="bottom",
                aspect=30,
                shrink=0.8,
                pad=0.02,
                label=label,
            )
            bar.outline.set_visible(False)
