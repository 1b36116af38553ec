"""How pictures look: sizes and letters for print, colours that suit colour-blind readers."""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SINGLE, DOUBLE = 3.5, 7.2  # inches: the widths of one and of two columns of a journal
PRINT: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "figure.labelsize": 8,
    "figure.titlesize": 9,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "text.parse_math": False,  # names are shown as they are, whatever characters they contain
    "pdf.fonttype": 42,  # letters stay letters, as journals require
    "svg.hashsalt": "eegxai",  # equal pictures are equal files
}
DPI = 200
# The metadata field of each format that would hold the date, which is omitted.
FIGURE_FORMATS: Mapping[str, Mapping[str, None]] = {
    "png": {},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}

# Okabe & Ito's colours without the yellow, which is hardly visible on white.
BLACK, GREY = "#000000", "#999999"
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY = "#E69F00", "#56B4E9"
# What distinguishes series: a colour and, for print in grey, a marker and a line style.
SERIES: Sequence[Mapping[str, Any]] = tuple(
    {"color": colour, "marker": marker, "ls": line}
    for colour, marker, line in (
        (BLUE, "o", "-"),
        (VERMILION, "s", "--"),
        (GREEN, "^", "-."),
        (PURPLE, "D", ":"),
        (ORANGE, "v", "-"),
        (SKY, "P", "--"),
        (BLACK, "X", "-."),
    )
)
DIVERGING = "RdBu_r"  # its ends can be distinguished by colour-blind readers
DARK = 0.5  # luminance below which letters are white
SLANTED: Mapping[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
N_COLUMNS = 4  # of small multiples
PANEL_HEIGHT = 1.35  # inches
PANEL_LETTERS = 22  # of a panel's title in one line
TITLE_SIZE, TITLE_INCHES, TITLE_MARGIN = 8, 0.155, 0.06  # letters in points, a line, above it
BREAKS = re.compile(r"(?<=[\s._])(?=\S)|(?<=[a-z+])(?=[A-Z])")  # where a long name may go on
LEGEND_LETTERS, HANDLE_INCHES = 45, 0.55  # of an entry in one line; its line and the gap
# Letters in an inch of a title, of a legend and of a method's name, which has more capitals.
TITLE_LETTERS, ENTRY_LETTERS, STYLE_NAME_LETTERS = 16.5, 18.5, 15
SIDE_LETTERS = 12  # in an inch of a figure's height, of a label beside it


def letters_on(background: Sequence[float]) -> str:
    """Black or white, whichever is readable on a colour."""
    luminance = np.dot(background[:3], (0.299, 0.587, 0.114))
    return "white" if luminance < DARK else "black"


def series_of(names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Colour, marker and line of each name, in the order of ``SERIES``.

    Raises
    ------
    ValueError
        When there are more names than styles that a reader can distinguish.
    """
    if len(names) > len(SERIES):
        raise ValueError(f"{len(names)} series in one picture; at most {len(SERIES)} are readable")
    return dict(zip(names, SERIES, strict=False))


def write_title(figure: Figure, title: str) -> None:
    """Write lines at the top left of a figure, whose height has :func:`title_inches` for them."""
    width, height = figure.get_size_inches()
    top = None if figure.get_layout_engine() else 1 - TITLE_MARGIN / height  # None: it is placed
    lines = "\n".join(_title_lines(title, width))
    figure.suptitle(lines, x=TITLE_MARGIN / width, y=top, ha="left", va="top", fontsize=TITLE_SIZE)


def title_inches(title: str, width: float = DOUBLE) -> float:
    """Height of the lines of a title in a figure of a width; 0 without one."""
    lines = _title_lines(title, width)
    return TITLE_MARGIN + TITLE_INCHES * len(lines) if lines else 0.0


def _title_lines(title: str, width: float) -> list[str]:
    n_letters = int(TITLE_LETTERS * width)
    return [line for part in title.splitlines() for line in textwrap.wrap(part, n_letters)]


def in_lines(name: str, n_letters: int) -> str:
    r"""A name in lines of about so many letters, broken at blanks and before capitals in words.

    Examples
    --------
    >>> in_lines("captum.ShapleyValueSampling", 20)
    'captum.ShapleyValue\nSampling'
    """
    lines = [""]
    for piece in BREAKS.split(name):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > n_letters:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def label_beside(figure: Figure, label: str) -> None:
    """What is drawn upwards, left of all axes, in as many lines as the height needs."""
    figure.supylabel(in_lines(label, int(SIDE_LETTERS * figure.get_figheight())))


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Legend below the axes of a figure, in as many columns as its width has room for."""
    for handle in handles:
        handle.set_label(in_lines(str(handle.get_label()), LEGEND_LETTERS))
    widths = [_legend_inches(str(handle.get_label())) for handle in handles]
    room = figure.get_figwidth()
    counts = range(len(handles), 0, -1)
    fitting = (n for n in counts if sum(map(max, np.array_split(widths, n))) <= room)
    figure.legend(handles=list(handles), loc="outside lower center", ncols=next(fitting, 1))


def _legend_inches(label: str) -> float:
    """Width of an entry of a legend."""
    return HANDLE_INCHES + max(map(len, label.splitlines())) / ENTRY_LETTERS


def small_multiples(names: Sequence[str], title: str = "") -> tuple[Figure, dict[str, Axes]]:
    """Figure two columns wide with one panel per name, all on the same scales."""
    n_rows = math.ceil(len(names) / N_COLUMNS)
    height = 0.65 + PANEL_HEIGHT * n_rows + title_inches(title)
    figure = Figure(figsize=(DOUBLE, height), layout="constrained")
    grid = figure.subplots(n_rows, N_COLUMNS, sharex=True, sharey=True, squeeze=False)
    axes = dict(zip(names, grid.flat, strict=False))
    for name, ax in axes.items():
        ax.set_title(in_lines(name, PANEL_LETTERS))
    write_title(figure, title)
    for ax in grid.flat[len(names) :]:
        ax.axis("off")
    _label_ticks_above(grid, len(names))
    return figure, axes


def _label_ticks_above(grid: np.ndarray, n_panels: int) -> None:
    """If the last row is not full, the panels above the gaps get the tick labels."""
    for ax in grid.flat[max(0, n_panels - N_COLUMNS) : n_panels]:
        ax.tick_params(labelbottom=True)


def save(figure: Figure, target: Path | BinaryIO, form: str, dpi: int = DPI) -> None:
    """Write a figure; equal figures are equal files.

    Parameters
    ----------
    figure : Figure
    target : Path or file
        A file that exists is replaced.
    form : str
        One of ``FIGURE_FORMATS``.
    dpi : int
        Resolution of everything that is drawn as pixels.
    """
    with rc_context(PRINT):
        figure.savefig(target, format=form, dpi=dpi, metadata=FIGURE_FORMATS[form])
