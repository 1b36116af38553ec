"""Which fields of a cell are parameters of its run: those that differ between the sweep's runs.

MLflow compares runs by their parameters, so that one that never varies only hides the others.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.design.cells import Cell

LONGEST_PARAM = 6000  # characters; MLflow refuses longer ones, such as many classes in one
OF_DECODER = "decoder."  # before a method's fields that its decoder's run has, too
AXES_OF_DATA = ("data.feature", "data.snr_db", "data.seed")  # are axes under their own names
NOT_GIVEN = str(None)


@dataclass(frozen=True)
class Parameters:
    """Fields of a sweep's cells, sorted by whether they vary.

    Attributes
    ----------
    varying : mapping of type to frozenset of str
        Of each kind of cell: fields that all its cells have, with several values.
    constant : mapping of str to str
        Fields with one value in all cells that have them, without those that are not given.
    """

    varying: Mapping[type, frozenset[str]] = field(default_factory=dict)
    constant: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_sweep(cls, cells: Iterable[Cell]) -> "Parameters":
        """Read them off all cells of a sweep."""
        fields: dict[type, list[dict[str, str]]] = defaultdict(list)
        for cell in cells:
            fields[type(cell)].append(fields_of(cell))
        varying = {kind: _varying(each) for kind, each in fields.items()}
        values = _values(one for each in fields.values() for one in each)
        constant = {
            name: next(iter(found))
            for name, found in values.items()
            if len(found) == 1 and found != {NOT_GIVEN}
        }
        return cls(varying, constant)

    def of(self, cell: Cell) -> dict[str, str]:
        """Those of a cell that vary in the sweep, the axes first."""
        chosen = self.varying.get(type(cell), frozenset())
        return {
            name: value[:LONGEST_PARAM] for name, value in fields_of(cell).items() if name in chosen
        }


def fields_of(cell: Cell) -> dict[str, str]:
    """Axes under their own names, then everything else under its path."""
    leaves = {name.removeprefix(OF_DECODER): value for name, value in _leaves(cell.as_json())}
    values = {**cell.axes, **leaves, **cell.axes}
    return {name: str(value) for name, value in values.items() if name not in AXES_OF_DATA}


def _varying(fields: list[dict[str, str]]) -> frozenset[str]:
    shared = set.intersection(*map(set, fields))
    return frozenset(
        name for name, found in _values(fields).items() if len(found) > 1 and name in shared
    )


def _values(fields: Iterable[Mapping[str, str]]) -> dict[str, set[str]]:
    values: dict[str, set[str]] = defaultdict(set)
    for each in fields:
        for name, value in each.items():
            values[name].add(value)
    return values


def _leaves(content: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
