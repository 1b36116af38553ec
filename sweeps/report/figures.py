"""The pictures of a sweep: which rows each shows, what it says, and why one is dropped."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from eegxai import figures
from eegxai.atomic import staging
from eegxai.attribution import CONTROLS
from eegxai.evaluation import (
    HEADLINE,
    SIMILARITY_NULLS,
    ExampleMaps,
    chance_corrected,
    planted_bands,
)
from eegxai.evaluation.score_rows import AGAINST_TRUTH
from eegxai.statistics import ALPHA, compare_ranks
from sweeps.analysis.references import REFERENCE_SCORES, references
from sweeps.analysis.summary import estimate, headline, highest_null, similarities
from sweeps.design.cells import DecoderCell, MethodCell, method_cells
from sweeps.design.config import SweepConfig
from sweeps.report.source import load_scores
from sweeps.scores.table import CASCADE, SIMILARITY, SPECIFICITY_THRESHOLD
from sweeps.store.artefacts import MAPS, Store, store_of
from sweeps.store.packing import BrokenArtefactError

ShownMaps = Mapping[DecoderCell, Mapping[str, ExampleMaps]]

AXES_WITHIN_FEATURE = ["snr_db", "seed", "fold", "architecture"]  # of one feature type
INTERVALS_SHOWN = "95 % intervals over seeds (over trials where there is one)"
# Of the tidy checks those that compare with the planted signal or are a null, not a robustness.
NOT_ROBUSTNESS = (*AGAINST_TRUTH, *SIMILARITY_NULLS)


@dataclass(frozen=True)
class PlottedScore:
    """A score of the headline as pictures name it, and the columns of what it must beat."""

    label: str
    rivals: Sequence[str]
    dotted: str


PLOTTED_SCORES: Mapping[str, PlottedScore] = {
    "calibrated": PlottedScore(
        "calibrated score (AUPRC, band mass)",
        ("calibrated_chance", "calibrated_input"),
        "the better of the recording itself and random maps of the same spectrum",
    ),
    "score": PlottedScore(
        "study's score (mass, cosine)", ("chance",), "random maps of the same spectrum"
    ),
}

RANKED_BY = {"score": "study's score", "calibrated": "calibrated score"}


@dataclass(frozen=True)
class Picture:
    """A figure, and what is said of it.

    Attributes
    ----------
    name : str
        Stem of its file.
    figure : Figure
    caption : str
        What it shows and how it is read.
    alt : str
        What it is, for those who do not see it.
    """

    name: str
    figure: Figure
    caption: str
    alt: str


@dataclass(frozen=True)
class DroppedPicture:
    """A picture that the data do not allow, and why."""

    name: str
    reason: str


Pictures = Iterator[Picture | DroppedPicture]


def write_figures(
    config: SweepConfig, source: str, folder: Path, formats: Sequence[str]
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

    Yields
    ------
    Path or DroppedPicture
        A file that was written, or a picture that cannot be drawn.

    Raises
    ------
    ValueError
        See :func:`sweeps.report.source.load_scores`.
    """
    tidy = load_scores(config, source)
    for picture in draw_figures(tidy, load_maps(config, source)):
        if isinstance(picture, DroppedPicture):
            yield picture
        else:
            yield from _write(picture, folder, formats)


def _write(picture: Picture, folder: Path, formats: Sequence[str]) -> list[Path]:
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


def draw_figures(tidy: pd.DataFrame, maps: ShownMaps | None) -> Pictures:
    """All pictures of a sweep, one at a time, and those that are dropped.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    maps : mapping or None
        Decoders whose maps are shown, and of each the example maps by method; None where the
        source of the scores has no maps.
    """
    only_controls = tidy["method"].isin(list(CONTROLS)).all()
    for draw in FOR_CONTROLS if only_controls else FIGURES:
        yield from draw(tidy, maps)
    if only_controls:
        yield DroppedPicture("curves", "controls only")


def shown_maps(cells: Iterable[MethodCell], store: Store) -> ShownMaps:
    """Example maps on one decoder of each feature type: the first at the highest SNR."""
    found: dict[str, dict[DecoderCell, dict[str, ExampleMaps]]] = {}
    stems = store.stems(MAPS)
    with_maps = (cell for cell in cells if cell.stem in stems)
    for cell in sorted(with_maps, key=lambda cell: -cell.decoder.data.snr_db):
        decoders = found.setdefault(cell.decoder.data.feature, {})
        is_another = bool(decoders) and cell.decoder not in decoders
        if not is_another and (maps := _maps_of(cell, store)):
            decoders.setdefault(cell.decoder, {})[cell.method] = maps
    return {decoder: maps for decoders in found.values() for decoder, maps in decoders.items()}


def _maps_of(cell: MethodCell, store: Store) -> ExampleMaps | None:
    try:
        return store.read_maps(cell)
    except BrokenArtefactError as error:
        store.note_broken(error)
        return None


def _check_heat_map(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    table = checks(tidy)
    yield Picture(
        "checks",
        figures.heat_map(table),
        "Every check of every method, means over decoders. Scores: 0 at chance, 1 at their best. "
        "Other checks: correlation of the map with the map it must differ from, and at most with "
        "maps that know nothing (null). Blue is good "
        f"everywhere; white is {SPECIFICITY_THRESHOLD:g}, the study's threshold.",
        f"Heat map of {table['method'].nunique()} methods by {table['check'].nunique()} checks "
        f"and {table['feature'].nunique()} feature types, its values written in the cells.",
    )


def checks(tidy: pd.DataFrame) -> pd.DataFrame:
    """Mean of each method, check and feature type: above chance, or similarity at the last step."""
    scores = headline(tidy)
    calibrated = chance_corrected(scores["calibrated"], scores["calibrated_chance"])
    parts = [
        scores.assign(check="calibrated", value=calibrated),
        scores.assign(check="score", value=scores["above_chance"]),
    ]
    for check in tidy.loc[tidy["metric"] == SIMILARITY, "check"].unique():
        if check not in NOT_ROBUSTNESS:
            means = similarities(tidy, check).groupby(["method", "feature"], sort=False)["mean"]
            parts.append(means.mean().rename("value").reset_index().assign(check=check))
    parts.append(scores.assign(check="null", value=scores["null_r"]))
    columns = ["method", "feature", "check", "value"]
    return pd.concat(parts, ignore_index=True)[columns]


def _score_by_snr(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    if tidy["snr_db"].nunique() < 2:
        yield from (DroppedPicture(f"{name}-by-snr", "one SNR only") for name in PLOTTED_SCORES)
        return
    table = headline(tidy, ("feature", "snr_db"))
    for name, score in PLOTTED_SCORES.items():
        yield Picture(
            f"{name}-by-snr",
            figures.score_by_snr(with_floor(table, name), score.label, score.dotted),
            f"The {score.label} of each method against SNR, with {INTERVALS_SHOWN}. Dotted: "
            f"{score.dotted}, which know no decoder; only above it does a method add information.",
            f"Line charts of the {score.label} against SNR, one for each method.",
        )


def with_floor(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A score of the headline with its interval, and the best that its rivals have."""
    columns = {f"{name}{end}": f"score{end}" for end in ("", "_low", "_high")}
    chosen = table[["feature", "snr_db", "method", *columns]].rename(columns=columns)
    return chosen.assign(floor=table[list(PLOTTED_SCORES[name].rivals)].max(axis=1))


def _cascades(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    rows = tidy[(tidy["check"] == CASCADE) & (tidy["metric"] == SIMILARITY)]
    rows = rows[rows["domain"] == HEADLINE.domains(rows["feature"])]
    if rows.empty:
        yield DroppedPicture("cascade", "the check cascade was not run")
    for architecture, part in rows.groupby("architecture", sort=False):
        null = highest_null(tidy[tidy["architecture"] == architecture], ("feature", "method"))
        table = estimated(part, ["feature", "method", "step"]).join(
            null["null_r"].rename("null"), on=["feature", "method"]
        )
        yield Picture(
            f"cascade-{architecture}",
            figures.cascade_curves(table, SPECIFICITY_THRESHOLD),
            f"Correlation of each map of {architecture} with the original one while its layers "
            f"are randomized, from the output to the input, with {INTERVALS_SHOWN}. A method that "
            f"explains the network ends below {SPECIFICITY_THRESHOLD:g} (dotted), or below what "
            "maps reach that know nothing (dashed).",
            f"Line charts of similarity against randomized layers for "
            f"{table['method'].nunique()} methods on {architecture}.",
        )


def estimated(rows: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Mean over the decoders of each group with its 95 % interval, in the order of the rows."""
    order = rows.groupby(groups, sort=False).size().index
    return pd.DataFrame(estimate("mean", rows, groups)).reindex(order).reset_index()


def _critical_differences(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    scores = headline(tidy, ("feature", *AXES_WITHIN_FEATURE))
    for feature, rows in scores.groupby("feature", sort=False):
        name = f"critical-difference-{feature}"
        wide = rows.pivot_table("calibrated", AXES_WITHIN_FEATURE, "method", sort=False)
        if wide[wide.notna().any(axis=1)].index.unique("seed").size < 2:
            yield DroppedPicture(name, "one seed only")
            continue
        compared = compare_ranks(wide)
        title = f"{feature}: mean ranks over {compared.n_blocks} seeds"
        yield Picture(
            name,
            figures.critical_difference(compared, title),
            f"Mean rank of each method by the calibrated score, {feature}; 1 is best. A bar joins "
            "methods that are not significantly different in pairwise signed-rank tests with "
            f"Holm's correction at {ALPHA:g}; Friedman's test that all rank alike: "
            f"p = {compared.p:.2g}.",
            f"Critical-difference diagram of {len(compared.mean_ranks)} methods, best first: "
            f"{', '.join(compared.mean_ranks.index)}.",
        )


def _paper_against_calibrated(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    means = headline(tidy)[["feature", "method", *PLOTTED_SCORES]].dropna()
    if means.empty:
        yield DroppedPicture("rankings", "no method has both a study's and a calibrated score")
        return
    named = means.rename(columns=RANKED_BY)
    yield Picture(
        "rankings",
        figures.rankings(named, *RANKED_BY.values()),
        "Methods ranked by the study's score (left) and by the calibrated one (right), of the "
        f"same maps. Orange: moved by {figures.MOVED} ranks or more.",
        f"Slope chart of the ranks of {means['method'].nunique()} methods by two scores.",
    )


def _reference_scores(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    rows = against_references(tidy)
    if rows["score"].isna().all():
        yield DroppedPicture("references", "no method has a score of the corrected evaluation")
        return
    named = "; ".join(f"{name}: {score.about}" for name, score in REFERENCE_SCORES.items())
    yield Picture(
        "references",
        figures.reference_scores(rows),
        f"Each method against each reference, with {INTERVALS_SHOWN}. {named}. Dotted: maps that "
        "know nothing. Dashed: the highest to expect, the ideal observer (planted) or the "
        "agreement of two halves of the estimate (used).",
        f"Dot plots of {rows['method'].nunique()} methods against {len(REFERENCE_SCORES)} "
        "references.",
    )


def against_references(tidy: pd.DataFrame) -> pd.DataFrame:
    """The table of references, one row for each feature, method and reference."""
    table = references(tidy)
    parts = []
    for name in REFERENCE_SCORES:
        ends = {f"{name}{end}": f"score{end}" for end in ("", "_low", "_high")}
        levels = {f"{name}_{level}": level for level in ("chance", "ceiling")}
        own = table.reindex(columns=["feature", "method", *ends, *levels])
        named = own.rename(columns=ends | levels)
        parts.append(named.assign(reference=name, unit=REFERENCE_SCORES[name].unit))
    return pd.concat(parts, ignore_index=True)


def _maps_beside_truth(_tidy: pd.DataFrame, maps: ShownMaps | None) -> Pictures:
    yield from _without_maps("maps", maps)
    for decoder, examples in (maps or {}).items():
        yield Picture(
            f"maps-{decoder.data.feature}",
            figures.maps_beside_truth(examples),
            f"{decoder.title}: each method's median, best and worst trial by the study's score "
            "(number). Planted signal and map on the scalp (mean magnitude over time) and both "
            "over time (mean magnitude over channels), each relative to its peak.",
            f"Scalp maps and time courses of {len(examples)} methods beside the planted signal.",
        )


def _over_frequency(_tidy: pd.DataFrame, maps: ShownMaps | None) -> Pictures:
    yield from _without_maps("frequency", maps)
    for decoder, examples in (maps or {}).items():
        if not np.isnan(planted_bands(decoder.data)).all():
            yield _relevance_over_frequency(decoder, examples)


def _relevance_over_frequency(
    decoder: DecoderCell, examples: Mapping[str, ExampleMaps]
) -> Picture | DroppedPicture:
    """Picture of the methods that say something about frequency on a decoder."""
    name = f"frequency-{decoder.data.feature}"
    telling = {method: one for method, one in examples.items() if one.class_frequency is not None}
    if not telling:
        return DroppedPicture(
            name,
            "no stored map says anything about frequency, or all are older than this picture",
        )
    highest = figures.shown_hz(next(iter(telling.values())))
    above = max(figures.share_above(one, highest) for one in telling.values())
    return Picture(
        name,
        figures.relevance_over_frequency(telling, decoder.data.feature_type.class_names),
        f"{decoder.title}: relevance over frequency, summed over channels, for each class up to "
        f"{highest:g} Hz (at most {100 * above:.0f} % of a curve lies above), with the planted "
        "band shaded; beside it the relevance inside the band on the scalp, relative to its peak, "
        "and above them the planted signal (mean magnitude over time). Means over the scored "
        "trials, each scaled so that the magnitudes of its curve add up to 1 over all frequencies. "
        "A method has one scale for all classes.",
        f"Curves over frequency and scalp maps of {len(telling)} methods for each class.",
    )


def _without_maps(name: str, maps: ShownMaps | None) -> Iterator[DroppedPicture]:
    """Why a picture of maps is dropped, where there are none."""
    if maps is None:
        yield DroppedPicture(name, "MLflow holds no maps, they need --source store")
    elif not maps:
        yield DroppedPicture(name, "the store holds no example maps")


Drawing = Callable[[pd.DataFrame, ShownMaps | None], Pictures]
RANKINGS: tuple[Drawing, ...] = (_critical_differences, _paper_against_calibrated)
FOR_CONTROLS: tuple[Drawing, ...] = (_check_heat_map, _maps_beside_truth, *RANKINGS)
FIGURES: tuple[Drawing, ...] = (
    _check_heat_map,
    _reference_scores,
    _score_by_snr,
    _cascades,
    _maps_beside_truth,
    _over_frequency,
    *RANKINGS,
)
