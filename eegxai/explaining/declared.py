"""What a decoder says of the trials that it wants, by the attributes that braindecode's have."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn


@dataclass(frozen=True)
class Declared:
    """What a decoder says of the trials that it wants; None where it says nothing."""

    n_chans: int | None
    n_times: int | None
    sfreq: float | None
    ch_names: tuple[str, ...] | None
    n_outputs: int | None


# Names that networks use for each, braindecode's first.
ATTRIBUTES = {
    "n_chans": ("n_chans", "n_channels"),
    "n_times": ("n_times",),
    "sfreq": ("sfreq",),
    "n_outputs": ("n_outputs", "n_classes"),
}


def declared(decoder: nn.Module) -> Declared:
    """What a decoder says of itself, by the attributes that braindecode's models have."""
    said = {name: _declared_number(decoder, names) for name, names in ATTRIBUTES.items()}
    return Declared(
        n_chans=_integer_or_none(said["n_chans"]),
        n_times=_integer_or_none(said["n_times"]),
        sfreq=said["sfreq"],
        ch_names=_channel_names(decoder),
        n_outputs=_integer_or_none(said["n_outputs"]),
    )


def of_its_own(said: Declared, told: Set[str]) -> Declared:
    """What a decoder declares, without the values that were passed to build it for the trials."""
    fields = {field for field, names in ATTRIBUTES.items() if told & {*names}}
    if told & {"chs_info", "ch_names"}:
        fields.add("ch_names")
    return replace(said, **dict.fromkeys(fields))


def _attribute(decoder: nn.Module, name: str) -> Any:
    try:
        return getattr(decoder, name, None)
    except ValueError:  # what braindecode raises where it was not told
        return None


def _declared_number(decoder: nn.Module, names: tuple[str, ...]) -> float | None:
    found = (_attribute(decoder, name) for name in names)
    numbers = (value for value in found if isinstance(value, int | float | np.number))
    return next((float(value) for value in numbers), None)


def _integer_or_none(value: float | None) -> int | None:
    return None if value is None else int(value)


def _channel_names(decoder: nn.Module) -> tuple[str, ...] | None:
    infos = _attribute(decoder, "chs_info")
    names = [info.get("ch_name") for info in infos or () if isinstance(info, Mapping)]
    if not names:
        names = _attribute(decoder, "ch_names")
    if not isinstance(names, list | tuple) or not names or not all(map(_is_filled_text, names)):
        return None
    return tuple(names)


def _is_filled_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
