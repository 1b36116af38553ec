"""Pictures of a sweep's maps: next to the planted signal, and over frequency."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from eegxai import figures
from eegxai.evaluation import ExampleMaps, planted_bands
from sweeps.design.cells import DecoderCell, MethodCell
from sweeps.report.picture import DroppedPicture, Picture, Pictures, ShownMaps
from sweeps.report.shown_decoders import as_sentences, decoder_line, rows_of_decoders
from sweeps.report.shown_methods import method_names, methods_line
from sweeps.scores.words import study_score
from sweeps.store.artefacts import Store
from sweeps.store.names import MAPS_FOLDER
from sweeps.store.packing import BrokenArtefactError


def shown_maps(cells: Iterable[MethodCell], store: Store) -> ShownMaps:
    """Example maps on one decoder of each feature type: the first at the highest SNR."""
    found: dict[str, dict[DecoderCell, dict[str, ExampleMaps]]] = {}
    stems = store.stems(MAPS_FOLDER)
    with_maps = (cell for cell in cells if cell.stem in stems)
    for cell in sorted(with_maps, key=lambda cell: -cell.decoder.data.snr_db):
        decoders = found.setdefault(cell.decoder.data.feature, {})
        is_another = bool(decoders) and cell.decoder not in decoders
        if not is_another and (maps := _readable_maps(cell, store)):
            decoders.setdefault(cell.decoder, {})[cell.method] = maps
    return {decoder: maps for decoders in found.values() for decoder, maps in decoders.items()}


def _readable_maps(cell: MethodCell, store: Store) -> ExampleMaps | None:
    try:
        return store.read_maps(cell)
    except BrokenArtefactError as error:
        store.note_broken(error)
        return None


def maps_beside_truth(tidy: pd.DataFrame, maps: ShownMaps | None) -> Pictures:
    """The maps of each decoder that is shown, in a picture of its own."""
    yield from _dropped_without_maps("maps", maps)
    for decoder, named, whose in _shown(tidy, maps):
        title = (
            "Each method's median, best and worst trial by the study's score, the number next to "
            f"them: {study_score(decoder.data.feature)}.\n{whose}"
        )
        yield Picture(
            f"maps-{decoder.data.feature}",
            figures.maps_beside_truth(named, title),
            f"{as_sentences(title)} Planted signal and map on the scalp (mean magnitude over time) "
            "and both over time (mean magnitude over channels), each relative to its peak; "
            "channels or times that a method does not resolve are not drawn.",
            f"Scalp maps and time courses of {len(named)} methods next to the planted signal.",
        )


def over_frequency(tidy: pd.DataFrame, maps: ShownMaps | None) -> Pictures:
    """Relevance over frequency on each decoder that is shown and whose classes have bands."""
    yield from _dropped_without_maps("frequency", maps)
    for decoder, named, whose in _shown(tidy, maps):
        if not np.isnan(planted_bands(decoder.data)).all():
            yield _relevance_over_frequency(decoder, named, whose)


def _shown(
    tidy: pd.DataFrame, maps: ShownMaps | None
) -> Iterator[tuple[DecoderCell, Mapping[str, ExampleMaps], str]]:
    """Each decoder, its example maps by marked method, and lines that name it and the marks."""
    for decoder, examples in (maps or {}).items():
        rows = rows_of_decoders(decoder, tidy)
        shown = rows[rows["method"].isin(list(examples))]
        names = method_names(shown)
        named = {names.get(method, method): one for method, one in examples.items()}
        yield decoder, named, f"{decoder_line(decoder, tidy)}\n{methods_line(shown)}".strip()


def _relevance_over_frequency(
    decoder: DecoderCell, examples: Mapping[str, ExampleMaps], whose: str
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
    title = (
        "Relevance over frequency, summed over channels: share of its magnitude, mean over a "
        f"class's trials.\n{whose}"
    )
    return Picture(
        name,
        figures.relevance_over_frequency(telling, decoder.data.feature_type.class_names, title),
        f"{as_sentences(title)} Shown up to {highest:g} Hz (at most {100 * above:.0f} % of a curve "
        "lies above), with the planted band shaded; next to it the relevance inside the band on "
        "the "
        "scalp, relative to its peak, and above them the planted signal (mean magnitude over "
        "time). Each trial is scaled so that the magnitudes of its curve add up to 1 over all "
        "frequencies. A method has one scale for all classes.",
        f"Curves over frequency and scalp maps of {len(telling)} methods for each class.",
    )


def _dropped_without_maps(name: str, maps: ShownMaps | None) -> Iterator[DroppedPicture]:
    """Why a picture of maps is dropped, where there are none."""
    if maps is None:
        yield DroppedPicture(name, "MLflow holds no maps, they need --source store")
    elif not maps:
        yield DroppedPicture(name, "the store holds no example maps")
