"""Which fields of a cell are parameters of its run: its axes, and what was chosen otherwise.

MLflow tells runs apart, filters and compares them by their parameters. A field that is as the
software has it would only hide the others; one that was chosen is stated also where all runs of a
sweep share it, as another sweep of the same name may have chosen otherwise.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic_core import to_jsonable_python

from eegxai.decoders import recommended
from eegxai.simulation import DataSpec
from eegxai.simulation.background import IDENTITY
from sweeps.design.cells import Cell, DecoderCell, MethodCell
from sweeps.design.config import Attributions, SweepConfig
from sweeps.design.data import Data

LONGEST_PARAM = 6000  # characters; MLflow refuses longer ones, such as many classes in one
OF_DECODER = "decoder."  # before a method's fields that its decoder's run has, too
AXES_OF_DATA = ("data.feature", "data.snr_db", "data.seed")  # are axes under their own names
NOT_GIVEN = str(None)
USUAL_TRIALS = Data.model_fields["n_trials"].default
SETTINGS = ("data", "training", "attribution", "evaluation")  # what makes cells beside the grid


def parameters_of(cell: Cell) -> dict[str, str]:
    """The axes of a cell, then its fields that differ from the defaults, under their paths."""
    usual = _default_fields(cell.axes["architecture"], cell.axes.get("method"))
    return {
        name: value[:LONGEST_PARAM]
        for name, value in all_parameters_of(cell).items()
        if name in cell.axes or usual.get(name) != value
    }


def shared_fields(cells: Iterable[Cell]) -> dict[str, str]:
    """Fields with one value in all cells that have them, without those that are not given."""
    values: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        for name, value in all_parameters_of(cell).items():
            values[name].add(value)
    found = {name: next(iter(each)) for name, each in values.items() if len(each) == 1}
    return {name: value for name, value in found.items() if value != NOT_GIVEN}


def settings_digest(config: SweepConfig) -> str:
    """The same for two sweeps of which one has more seeds, levels or methods than the other."""
    settings = {name: getattr(config, name) for name in SETTINGS}
    text = json.dumps(to_jsonable_python(settings, context=IDENTITY), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def all_parameters_of(cell: Cell) -> dict[str, str]:
    """Axes under their own names, then everything else under its path."""
    leaves = {
        name.removeprefix(OF_DECODER): value for name, value in _leaves_by_path(cell.as_json())
    }
    values = {**cell.axes, **leaves, **cell.axes}
    return {name: str(value) for name, value in values.items() if name not in AXES_OF_DATA}


@cache  # a sweep asks for all pairs of architecture and method in turn
def _default_fields(architecture: str, method: str | None) -> Mapping[str, str]:
    """Fields of a cell for which a configuration chooses nothing but its axes."""
    decoder = DecoderCell(
        data=DataSpec(feature="temporal", snr_db=0, n_trials=USUAL_TRIALS, seed=0),
        architecture=architecture,
        training=recommended(architecture),
    )
    if method is None:
        return all_parameters_of(decoder)
    options = Attributions().of(method)
    return all_parameters_of(MethodCell(decoder=decoder, method=method, options=options))


def _leaves_by_path(content: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _leaves_by_path(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
