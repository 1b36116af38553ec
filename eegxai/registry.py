"""A registry is a plain dict; this is its look-up, with an error that suggests the closest name."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def unknown_name(kind: str, name: object, choices: Iterable[str]) -> str:
    """Sentence that names the field, the value, the closest match and the choices."""
    names = sorted(choices)
    folded = {choice.lower(): choice for choice in names}
    close = difflib.get_close_matches(str(name).lower(), folded, n=1, cutoff=0.5)
    hint = f"; did you mean {folded[close[0]]!r}?" if close else ""
    return f"{kind} {name!r} is unknown{hint} (choices: {', '.join(names)})"


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
