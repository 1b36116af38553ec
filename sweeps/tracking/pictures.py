"""Pictures of a run, drawn by the publisher from the maps in the store."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import MethodCell
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError

# Tables also import this package, and draw nothing.
if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 80  # for a screen; figures for print are made by `eegxai figures`
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
    return {f"{name}.png": _png(draw(cell, maps)) for name, draw in RUN_PICTURES.items()}


def no_pictures(_cell: MethodCell, _store: Store) -> dict[str, bytes]:
    """No pictures, for ``tracking.figures=false``."""
    return {}


def _classes_on_the_scalp(cell: MethodCell, maps: ExampleMaps) -> "Figure":
    """Mean magnitude of the planted signal and of the map for each class."""
    from eegxai.figures import topographies

    names = cell.decoder.data.feature_type.class_names
    both = {"planted": maps.class_ground_truth, "map": maps.class_attribution}
    shown = {
        f"{name}\n{kind}": values
        for place, name in enumerate(names)
        for kind, values in ((kind, classes[place]) for kind, classes in both.items())
    }
    return topographies(shown, maps.info)


def _map_against_truth(_cell: MethodCell, maps: ExampleMaps) -> "Figure":
    from eegxai.figures import map_against_truth

    return map_against_truth(maps)


RUN_PICTURES: "dict[str, Callable[[MethodCell, ExampleMaps], Figure]]" = {
    "map_against_truth": _map_against_truth,
    "topographies": _classes_on_the_scalp,
}


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs=QUICKLY)
    return buffer.getvalue()
