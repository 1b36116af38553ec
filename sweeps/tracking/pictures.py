"""Pictures of a run, drawn by the publisher from the maps in the store."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import MethodCell
from sweeps.scores.words import line_of_decoder, study_score
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError

# Tables also import this package, and draw nothing.
if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN_PICTURE_DPI = 80  # for a screen; figures for print are made by `eegxai figures`
QUICKLY = {"compress_level": 1}  # a third of the time, for a few kilobytes more


def run_pictures(cell: MethodCell, store: Store) -> dict[str, bytes]:
    """PNG pictures of a method by name; none if the store has no maps of it."""
    try:
        maps = store.read_maps(cell)
    except BrokenArtefactError as error:
        store.note_broken(error)
        return {}
    if maps is None:
        return {}
    whose = _whose(cell, store)
    return {f"{name}.png": _png(draw(cell, maps, whose)) for name, draw in RUN_PICTURES.items()}


def no_pictures(_cell: MethodCell, _store: Store) -> dict[str, bytes]:
    """No pictures, for ``tracking.figures=false``."""
    return {}


def _whose(cell: MethodCell, store: Store) -> str:
    """Method and decoder, and how well that decodes."""
    scores = store.read_scores(cell)
    return f"{cell.method}. {line_of_decoder(cell.decoder, scores.accuracy, scores.at_chance)}"


def _draw_class_means(cell: MethodCell, maps: ExampleMaps, whose: str) -> "Figure":
    """Mean magnitude of the planted signal and of the map for each class.

    On the scalp; of a map that is the same on all channels over time, where the store has that.
    """
    from eegxai.figures import classes_over_time, is_uniform, topographies

    names = cell.decoder.data.feature_type.class_names
    title = f"Mean magnitude over the scored trials of each class, {{}}.\n{whose}"
    if is_uniform(maps.attribution, axis=1) and maps.class_courses is not None:
        return classes_over_time(maps, names, title.format("over time"))
    both = {"planted": maps.class_ground_truth, "map": maps.class_attribution}
    shown = {
        f"{name}\n{kind}": values
        for place, name in enumerate(names)
        for kind, values in ((kind, classes[place]) for kind, classes in both.items())
    }
    return topographies(shown, maps.info, title.format("on the scalp"))


def _map_against_truth(cell: MethodCell, maps: ExampleMaps, whose: str) -> "Figure":
    from eegxai.figures import map_against_truth

    score = study_score(cell.decoder.data.feature)
    return map_against_truth(maps, f"{whose}\nScore: the study's, {score}.")


RUN_PICTURES: "dict[str, Callable[[MethodCell, ExampleMaps, str], Figure]]" = {
    "map_against_truth": _map_against_truth,
    "topographies": _draw_class_means,
}


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=RUN_PICTURE_DPI, pil_kwargs=QUICKLY)
    return buffer.getvalue()
