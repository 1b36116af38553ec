"""Names that moved: they work from their old place until the next minor version, and warn."""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


class RenamedWarning(DeprecationWarning):
    """An old name was used; the message gives the new one."""


def warn_renamed(old: str, new: str, stacklevel: int = 2) -> None:
    """Warn the caller's caller that a name is an old one."""
    message = f"{old} is called {new} now; the old name goes with the next minor version"
    warnings.warn(message, RenamedWarning, stacklevel=stacklevel + 1)


def old_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module for names that it had once.

    Parameters
    ----------
    module : str
        Dotted name of the module, its ``__name__``.
    names : mapping
        Old name to ``MODULE:NAME``, where it is now.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 (PEP 562)
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = names[name].partition(":")
        warn_renamed(f"{module}.{name}", f"{place}.{new}")
        return getattr(import_module(place), new)

    return __getattr__
