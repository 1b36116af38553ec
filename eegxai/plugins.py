"""Methods, decoders and feature types of other packages, found by their entry points."""

import warnings
from importlib.metadata import entry_points


def load_plugins(group: str) -> None:
    """Import the modules that installed packages name under an entry point group.

    A module registers its contents with the same functions as this package. If one fails, a
    warning names it and the others are still loaded.
    """
    for point in entry_points(group=group):
        try:
            point.load()
        except Exception as error:
            warnings.warn(
                f"plug-in {point.value!r} ({group}) cannot be used: {error}", stacklevel=2
            )
