"""The pictures of a sweep: all that its scores and maps allow, and as files."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from eegxai import figures
from eegxai.atomic import staging
from eegxai.attribution import CONTROLS
from eegxai.evaluation import HEADLINE
from sweeps.analysis.references import REFERENCE_COLUMNS
from sweeps.analysis.summary import HEADLINE_ROWS
from sweeps.design.cells import method_cells
from sweeps.design.config import SweepConfig
from sweeps.report.map_pictures import maps_beside_truth, over_frequency, shown_maps
from sweeps.report.picture import Drawing, DroppedPicture, Picture, Pictures, ShownMaps
from sweeps.report.recordings import IDEAL_NAME, observer_of
from sweeps.report.score_pictures import (
    cascades,
    check_heat_map,
    critical_differences,
    reference_scores,
    score_by_snr,
    two_rankings,
)
from sweeps.report.source import load_scores
from sweeps.scores.needed import ANY_CHECK, Measured
from sweeps.scores.table import SIMILARITY
from sweeps.store.artefacts import Store, store_of

RANKINGS: tuple[Drawing, ...] = (critical_differences, two_rankings)
FOR_CONTROLS: tuple[Drawing, ...] = (check_heat_map, maps_beside_truth, *RANKINGS)
FIGURES: tuple[Drawing, ...] = (
    check_heat_map,
    reference_scores,
    score_by_snr,
    cascades,
    maps_beside_truth,
    over_frequency,
    *RANKINGS,
)
# What of the scores they show.
FIGURE_ROWS = (
    *HEADLINE_ROWS,
    *REFERENCE_COLUMNS.values(),
    Measured(ANY_CHECK, HEADLINE.with_metric(SIMILARITY)),
)


def write_figures(
    config: SweepConfig,
    source: str,
    folder: Path,
    formats: Sequence[str],
    keep_at_chance: bool = False,
) -> Iterator[Path | DroppedPicture]:
    """Write the pictures of a sweep as files, one picture at a time.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    source : str
        Where its scores are read, see :func:`sweeps.report.source.load_scores`.
    folder : Path
        Where the files go; they appear whole.
    formats : sequence of str
        Of each picture, names of ``eegxai.figures.FIGURE_FORMATS``.
    keep_at_chance : bool
        Whether decoders that decode no better than chance count.

    Yields
    ------
    Path or DroppedPicture
        A file that was written, or a picture that cannot be drawn.

    Raises
    ------
    ValueError
        See :func:`sweeps.report.source.load_scores`.
    """
    tidy = load_scores(config, source, FIGURE_ROWS, keep_at_chance=keep_at_chance)
    for picture in draw_figures(tidy, load_maps(config, source), observer_of(config)):
        if isinstance(picture, DroppedPicture):
            yield picture
        else:
            yield from _write_picture(picture, folder, formats)


def _write_picture(picture: Picture, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write a picture in each format; whole files or none."""
    names = [f"{picture.name}.{form}" for form in formats]
    with staging(folder) as temporary:
        for name, form in zip(names, formats, strict=True):
            figures.save(picture.figure, temporary / name, form)
    return [folder / name for name in names]


def load_maps(config: SweepConfig, source: str, store: Store | None = None) -> ShownMaps | None:
    """Maps that pictures show; None where the source has none."""
    if source != "store":
        return None
    return shown_maps(method_cells(config), store or store_of(config))


def draw_figures(
    tidy: pd.DataFrame, maps: ShownMaps | None, observer: str = IDEAL_NAME
) -> Pictures:
    """All pictures of a sweep, one at a time, and those that are dropped.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    maps : mapping or None
        Decoders whose maps are shown, and of each the example maps by method; None where the
        source of the scores has no maps.
    observer : str
        What the ideal observer is called.
    """
    only_controls = tidy["method"].isin(list(CONTROLS)).all()
    named: dict[Drawing, Drawing] = {reference_scores: partial(reference_scores, observer=observer)}
    for draw in FOR_CONTROLS if only_controls else FIGURES:
        yield from named.get(draw, draw)(tidy, maps)
    if only_controls:
        yield DroppedPicture("curves", "controls only")
