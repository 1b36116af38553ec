"""The axes of a sweep, and the names of architectures and methods that may stand on them."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, NonNegativeInt, field_validator

from eegxai.attribution import (
    CONTROLS,
    METHODS,
    STUDY_METHODS,
    find,
    method_groups,
    without_groups,
)
from eegxai.attribution.core.registry import LABEL, unknown_method
from eegxai.decoders import DECODERS
from eegxai.registry import lookup
from eegxai.renamed import warn_renamed
from eegxai.simulation.spec import SnrDb
from sweeps.design.data import Model

METHOD_GROUPS = method_groups()
RENAMED_CONFIG_GROUPS = {"baselines": "controls"}  # old names, until the next minor version


def _as_axis(value: Any) -> Any:
    if isinstance(value, str) and "," in value:
        raise ValueError(f"holds a comma; several values are written as a list, [{value}]")
    return list(value) if isinstance(value, list | tuple) else [value]


# What to do about a value that is there twice, by the axis.
OTHER_OPTIONS = (
    "; with other options it takes a label, {0}@wide, and they go into "
    "attribution.per_method under that name"
)


def _checked_axis(values: tuple[Any, ...], advice: str = "") -> tuple[Any, ...]:
    if not values:
        raise ValueError("is empty, at least one value is needed")
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise ValueError(f"holds {twice[0]!r} more than once{advice.format(twice[0])}")
    return values


def _is_made_up(method: str) -> bool:
    """Whether a name has parts: of a library and its method, or of a method and a label."""
    return bool({".", LABEL} & set(method))


def check_architecture(field: str, name: str) -> None:
    """Refuse a name of no architecture."""
    lookup(DECODERS, name, field)


def check_method(field: str, name: str, groups: Collection[str] = ()) -> None:
    """Refuse a name of no method; ``groups`` are suggested where they may stand instead."""
    if _is_made_up(name):
        try:
            find(name)
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from error
    elif name not in METHODS | CONTROLS:
        raise ValueError(unknown_method(field, name, {*METHODS, *CONTROLS, *groups}))


def _expand_groups(methods: list[Any]) -> list[Any]:
    for old in RENAMED_CONFIG_GROUPS.keys() & {
        entry for entry in methods if isinstance(entry, str)
    }:
        warn_renamed(f"grid.method={old}", f"grid.method={RENAMED_CONFIG_GROUPS[old]}")
    return without_groups(RENAMED_CONFIG_GROUPS.get(str(entry), entry) for entry in methods)


AXES_OF_NAMES: dict[str, Callable[[str, str], None]] = {
    "architecture": check_architecture,
    "method": partial(check_method, groups=METHOD_GROUPS),
}
OneOrMore = BeforeValidator(_as_axis)


class Grid(Model):
    """The axes; a decoder cell is one point of all of them but ``method``."""

    feature: Annotated[tuple[str, ...], OneOrMore]
    snr_db: Annotated[tuple[SnrDb, ...], OneOrMore]
    seed: Annotated[tuple[NonNegativeInt, ...], OneOrMore] = (0,)
    fold: Annotated[tuple[NonNegativeInt, ...], OneOrMore] = (0,)
    architecture: Annotated[tuple[str, ...], OneOrMore] = ("deepnet",)
    method: Annotated[tuple[str, ...], BeforeValidator(_expand_groups), OneOrMore] = STUDY_METHODS

    @field_validator("*")
    @classmethod
    def _no_axis_is_empty_or_doubled(cls, values: tuple[Any, ...], info: Any) -> tuple[Any, ...]:
        return _checked_axis(values, OTHER_OPTIONS if info.field_name == "method" else "")

    @field_validator(*AXES_OF_NAMES)
    @classmethod
    def _names_are_registered(cls, values: tuple[str, ...], info: Any) -> tuple[str, ...]:
        check = AXES_OF_NAMES[info.field_name]
        for value in values:
            check(f"grid.{info.field_name}", value)
        return values
