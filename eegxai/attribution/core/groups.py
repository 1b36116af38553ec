"""Groups of methods by name, and the one reading of how callers name methods."""

from collections.abc import Iterable, Mapping
from typing import Any

from eegxai.attribution.core.registry import (
    CONTROLS,
    GROUPS,
    LIBRARIES,
    METHODS,
    find,
    names_of,
    unknown_method,
)
from eegxai.errors import short

Names = str | Iterable[str] | Mapping[str, Mapping[str, Any]]


def method_groups() -> dict[str, tuple[str, ...]]:
    """Names of methods by group: each of the tables', ``all`` but the controls, each library's."""
    libraries = {name: library.standard for name, library in LIBRARIES.items()}
    return {**{group: names_of(group) for group in GROUPS}, "all": tuple(METHODS), **libraries}


def without_groups(names: Iterable[Any]) -> list[Any]:
    """Names of methods, each group written out."""
    groups = method_groups()
    return [name for word in names for name in groups.get(str(word), (word,))]


def asked_methods(names: Names) -> dict[str, Mapping[str, Any]]:
    """Options by name of the methods that a caller asks for, each method once.

    Parameters
    ----------
    names : str, sequence of str or mapping
        A name of a method or a group, several of them, or their options by name.

    Raises
    ------
    ValueError
        When a name is unknown, with the closest of methods and groups, or none is given.

    Examples
    --------
    >>> from eegxai.attribution import asked_methods
    >>> asked_methods("DeepLift"), list(asked_methods(["controls", "DeepLift"]))
    ({'DeepLift': {}}, ['RandomMap', 'InputMagnitude', 'DeepLift'])
    """
    given = [names] if isinstance(names, str) else names
    if not (isinstance(given, Iterable) and all(isinstance(name, str) for name in given)):
        raise ValueError(
            f"methods={short(names)} is not allowed: it must be a name of a method or a group, a "
            "list of names, such as ['Saliency'], or a mapping of names to options"
        )
    options = given if isinstance(given, Mapping) else {name: {} for name in given}
    asked = {name: own for word, own in options.items() for name in without_groups([word])}
    for name in asked:
        _require_method(name)
    if not asked:
        raise ValueError("methods is empty; at least one is needed")
    return asked


def _require_method(name: str) -> None:
    """Refuse a name of no method; groups, which may stand there too, are choices."""
    choices = METHODS | CONTROLS
    if "," in name and "(" not in name:
        listed = [word.strip() for word in name.split(",")]
        raise ValueError(f"methods={name!r} is one name: give several as a list, {listed}")
    if name.isidentifier() and name not in choices:
        raise ValueError(unknown_method("method", name, {*choices, *method_groups()}))
    find(name)
