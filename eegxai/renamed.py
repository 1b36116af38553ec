"""Names that moved: they work from their old place until the next minor version, and warn."""

import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any


class RenamedWarning(DeprecationWarning):
    """An old name was used; the message gives the new one."""


def warn_renamed(old: str, new: str, stacklevel: int = 2) -> None:
    """Warn the caller's caller that a name is an old one."""
    message = f"{old} is now called {new}; the old name will be removed in the next minor version"
    warnings.warn(message, RenamedWarning, stacklevel=stacklevel + 1)


def keep_old_names(module: str, names: Mapping[str, str]) -> None:
    """Let a module answer to names that it had once (PEP 562), with a warning.

    Set from here and not written in the module, where a type checker would take it as leave to
    read any name.

    Parameters
    ----------
    module : str
        Dotted name of the module, its ``__name__``.
    names : mapping
        Old name to ``MODULE:NAME``, where it is now.
    """

    def old_name(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = names[name].partition(":")
        warn_renamed(f"{module}.{name}", f"{place}.{new}")
        return getattr(import_module(place), new)

    vars(sys.modules[module])["__getattr__"] = old_name
