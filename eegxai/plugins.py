"""Methods and decoders of other packages, found by their entry points."""

import warnings
from importlib.metadata import entry_points


def load_plugins(group: str) -> None:
    """Import the modules that installed packages name under an entry point group.

    A module registers what it has by the same decorators as this package. One that fails does
    not stand in the way of the others: a warning names it.
    """
    for point in entry_points(group=group):
        try:
            point.load()
        except Exception as error:
            warnings.warn(
                f"plug-in {point.value!r} ({group}) cannot be used: {error}", stacklevel=2
            )
