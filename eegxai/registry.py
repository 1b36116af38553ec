"""Registries, and look-ups in any mapping, with an error that suggests the closest name."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

MOST_NAMES_LISTED = 12  # choices that a sentence names where it can name the closest instead
N_CLOSEST = 4

T = TypeVar("T")


class UnknownNameError(KeyError, ValueError):
    """No entry has this name; the message suggests the closest."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would quote it


class Registry(dict[str, T]):
    """Entries by name, which answers a name that is not there with the closest.

    Examples
    --------
    >>> Registry("method", {"Saliency": 1})["Salency"]
    Traceback (most recent call last):
    eegxai.registry.UnknownNameError: method 'Salency' is unknown; did you mean 'Saliency'? ...
    """

    def __init__(self, kind: str, entries: Mapping[str, T] | None = None) -> None:
        super().__init__(entries or {})
        self.kind = kind

    def __missing__(self, name: str) -> T:
        raise UnknownNameError(unknown_name(self.kind, name, self))


def unknown_name(kind: str, name: object, choices: Iterable[str], page: str = "") -> str:
    """Sentence that names the field, the value, the closest match and the choices.

    Of many choices it names only those that are close, where some are, or where a ``page`` of the
    documentation lists all.
    """
    names = sorted(choices)
    folded = {choice.lower(): choice for choice in names}
    close = difflib.get_close_matches(str(name).lower(), folded, n=N_CLOSEST, cutoff=0.5)
    closest = [folded[one] for one in close]
    hint = f"; did you mean {closest[0]!r}?" if closest else ""
    if len(names) <= MOST_NAMES_LISTED or not (closest or page):
        return f"{kind} {name!r} is unknown{hint} (choices: {', '.join(names)})"
    shown = f"closest of {len(names)} choices: {', '.join(closest)}" if closest else "none is close"
    listed = f"; {page} lists all" if page else ""
    return f"{kind} {name!r} is unknown{hint} ({shown}{listed})"


def lookup(registry: Mapping[str, T], name: str, kind: str) -> T:
    """Entry of a registry by its name.

    Raises
    ------
    ValueError
        When ``name`` is not registered; the message suggests the closest match.
    """
    if name not in registry:
        raise ValueError(unknown_name(kind, name, registry))
    return registry[name]
