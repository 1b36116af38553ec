"""Relevance over frequency beside the planted bands, and over channels inside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from eegxai.evaluation import ExampleMaps
from eegxai.figures.maps import towards
from eegxai.figures.scalp import draw_scalp
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

PROFILE_ROW_INCHES, PROFILE_HEADER_INCHES, PROFILE_FOOTER_INCHES = 0.62, 0.4, 0.6
PROFILE_NAMES_INCHES, BLOCK_INCHES, PROFILE_GAP_INCHES = (
    1.5,
    1.35,
    0.08,
)  # a class has a block, at least so wide
WIDTHS = (1.8, 1.0)  # of a profile and its head
PROFILE_NAME_LETTERS = 19  # of a method's name in one line
LEAST_SHOWN_HZ, PROFILE_ABOVE_BAND = (
    60.0,
    1.25,
)  # shown at least, and of the highest band's upper edge
PROFILE_MARGIN = 0.05  # below and above the profiles, of their range
PROFILE_BAND: Mapping[str, Any] = {"color": VERMILION, "alpha": 0.3, "lw": 0}
PROFILE: Mapping[str, Any] = {"color": BLUE, "lw": 0.8}
NOTE: Mapping[str, Any] = {"ha": "center", "va": "center", "fontsize": 6}

Array = np.ndarray


@rc_context(PRINT)
def relevance_over_frequency(
    maps: Mapping[str, ExampleMaps], class_names: Sequence[str], title: str = ""
) -> Figure:
    """Relevance of the methods over frequency, and over channels inside the planted band.

    One block per class. The first row shows the planted band, and the signal on the scalp (mean
    magnitude over time). Each method has a row: the mean over trials of the relevance summed over
    channels, with the band shaded, and the relevance summed over the band on the scalp, relative
    to its largest magnitude. The profiles of a method have the same scale in all classes.

    Parameters
    ----------
    maps : mapping of str to ExampleMaps
        By the methods' names, in the order of the rows: on the same decoder, all with
        ``class_frequency``.
    class_names : sequence of str
        In the order of the classes.
    title : str
        Lines above the rows: whose relevance it is, and what its numbers are.

    Raises
    ------
    ValueError
        When there are no maps, or some say nothing about frequency.
    """
    _require_frequency(maps)
    n_rows = 1 + len(maps)
    width = max(DOUBLE, PROFILE_NAMES_INCHES + BLOCK_INCHES * len(class_names))
    header, n_classes = PROFILE_HEADER_INCHES + title_inches(title, width), len(class_names)
    figure = Figure(figsize=(width, header + PROFILE_ROW_INCHES * n_rows + PROFILE_FOOTER_INCHES))
    write_title(figure, title)
    blocks = np.stack(
        [_class_axes(figure, place, n_classes, n_rows, header) for place in range(n_classes)]
    )
    _planted_row(blocks[:, 0], next(iter(maps.values())))
    _label_row(blocks[0, 0, 0], "planted signal")
    for place, (name, examples) in enumerate(maps.items(), 1):
        _draw_method_classes(blocks[:, place], examples)
        _label_row(blocks[0, place, 0], name)
    for block, name in zip(blocks, class_names, strict=True):
        _label_class(block, name)
    _draw_band_legend(figure)
    return figure


def shown_hz(examples: ExampleMaps) -> float:
    """Highest frequency that is shown: 60 Hz or above the highest band, at most the epoch's."""
    highest = PROFILE_ABOVE_BAND * float(np.nanmax(_told(examples)[1]))
    return float(min(max(LEAST_SHOWN_HZ, highest), examples.frequencies_hz[-1]))


def share_above(examples: ExampleMaps, highest_hz: float) -> float:
    """Share of the magnitude of a method's profiles above a frequency, the most of any class."""
    profiles = np.abs(_told(examples)[0].sum(1))
    hidden, whole = profiles[:, examples.frequencies_hz > highest_hz].sum(1), profiles.sum(1)
    return float(np.max(hidden[whole > 0] / whole[whole > 0], initial=0))


def _require_frequency(maps: Mapping[str, ExampleMaps]) -> None:
    if not maps:
        raise ValueError("maps is empty; at least one method is needed")
    for name, examples in maps.items():
        if examples.class_frequency is None:
            raise ValueError(f"maps[{name!r}] has no class_frequency, which is needed")


def _told(examples: ExampleMaps) -> tuple[Array, Array]:
    """Relevance over frequency of each class, and their bands."""
    relevance, bands_hz = examples.class_frequency, examples.class_bands_hz
    if relevance is None or bands_hz is None:
        raise ValueError("the example maps have no class_frequency, which is needed")
    return relevance, bands_hz


def _class_axes(figure: Figure, place: int, n_blocks: int, n_rows: int, header: float) -> Array:
    """Axes (rows, 2) of a class, below so many inches: profiles and heads."""
    width, height = figure.get_size_inches()
    block = (width - PROFILE_NAMES_INCHES) / n_blocks
    left = PROFILE_NAMES_INCHES + place * block
    grid = figure.add_gridspec(
        n_rows,
        len(WIDTHS),
        left=left / width,
        right=(left + block - PROFILE_GAP_INCHES) / width,
        top=1 - header / height,
        bottom=PROFILE_FOOTER_INCHES / height,
        width_ratios=list(WIDTHS),
        wspace=0.06,
        hspace=0.3,
    )
    return grid.subplots(squeeze=False)


def _planted_row(axes: Array, examples: ExampleMaps) -> None:
    """The band and the signal of each class; axes (classes, 2)."""
    for (over_frequency, head), band, signal in zip(
        axes, _told(examples)[1], examples.class_ground_truth, strict=True
    ):
        _spectrum_axes(over_frequency, examples, band)
        over_frequency.set(ylim=(0, 1), yticks=[])
        note = "no single band" if np.isnan(band).any() else f"{band[0]:g} to {band[1]:g} Hz"
        over_frequency.text(0.5, 1.08, note, transform=over_frequency.transAxes, **NOTE)
        _draw_scalp(head, signal, examples, towards(VERMILION), 0)


def _draw_method_classes(axes: Array, examples: ExampleMaps) -> None:
    """Profile and head of each class, the profiles on one scale; axes (classes, 2)."""
    (relevance, bands), frequencies = _told(examples), examples.frequencies_hz
    profiles = relevance.sum(1)
    limits = _profile_range(profiles[:, frequencies <= shown_hz(examples)])
    for (over_frequency, head), profile, of_class, band in zip(
        axes, profiles, relevance, bands, strict=True
    ):
        _spectrum_axes(over_frequency, examples, band)
        over_frequency.plot(frequencies, profile, **PROFILE)
        over_frequency.set(ylim=_with_margin(limits), yticks=[])
        if np.isnan(profile).any():
            over_frequency.text(0.5, 0.5, "no trials", transform=over_frequency.transAxes, **NOTE)
        inside = (frequencies >= band[0]) & (frequencies <= band[1])
        in_band = of_class[:, inside].sum(1) if inside.any() else np.full(len(of_class), np.nan)
        _draw_scalp(head, in_band, examples, DIVERGING, -1)
    peak = max(limits, key=abs)
    axes[0, 0].set_yticks([0, peak], ["0", f"{peak:.2g}".replace("-", "−")], fontsize=6)


def _profile_range(profiles: Array) -> tuple[float, float]:
    """Range of the profiles, and of zero."""
    values = profiles[np.isfinite(profiles)]
    low, high = min([0.0, *values]), max([0.0, *values])
    return (low, high) if high > low else (0.0, 1.0)


def _with_margin(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return low - PROFILE_MARGIN * (high - low), high + PROFILE_MARGIN * (high - low)


def _spectrum_axes(ax: Axes, examples: ExampleMaps, band: Array) -> None:
    """Axes over frequency with the band shaded, if there is one."""
    if not np.isnan(band).any():
        ax.axvspan(*band, **PROFILE_BAND)
    ax.axhline(0, color=GREY, lw=0.5)
    ax.set(xlim=(0, shown_hz(examples)))
    ax.tick_params(bottom=False, labelbottom=False, length=2, pad=1)
    ax.spines[:].set_visible(False)


def _draw_scalp(
    ax: Axes, values: Array, examples: ExampleMaps, colours: Colormap | str, lowest: float
) -> None:
    """Values on the scalp; nothing where there are none."""
    if np.isnan(values).any():
        ax.set_axis_off()
    else:
        draw_scalp(ax, values, examples.info, colours, lowest)


def _label_row(ax: Axes, name: str) -> None:
    ax.annotate(
        in_lines(name, PROFILE_NAME_LETTERS), (0, 0.5), (-22, 0), "axes fraction", "offset points",
        ha="right", va="center", fontsize=7,
    )  # fmt: skip


def _label_class(axes: Array, name: str) -> None:
    """The class above the first row, and the frequency below the last one."""
    axes[0, 0].set_title(name, fontweight="bold", pad=10)
    over_frequency = axes[-1, 0]
    over_frequency.tick_params(bottom=True, labelbottom=True)
    over_frequency.set_xlabel("Hz", labelpad=1)
    axes[-1, 1].annotate(
        "in the band", (0.5, 0), (0, -13), "axes fraction", "offset points", ha="center", va="top",
        fontsize=7,
    )  # fmt: skip


def _draw_band_legend(figure: Figure) -> None:
    negative, positive = (colormaps[DIVERGING](end) for end in (0.1, 0.9))
    handles = [
        Patch(label="planted band", **PROFILE_BAND),
        Line2D([], [], label="relevance, mean over trials", **PROFILE),
        Patch(label="relevance in the band: positive", color=positive),
        Patch(label="negative", color=negative),
    ]
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), handlelength=1)
