"""Calls of foreign readers: their warnings become notes, and their errors one sentence."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import mne

LONGEST = 240  # characters of a foreign message that are quoted
OF_READER = "MNE: "  # before what it warned of
STUMBLES = (AttributeError, TypeError, LookupError, UnboundLocalError, struct.error)
ABOUT_FILE_NAMES = "does not conform to MNE naming conventions"  # says nothing about the data


@contextmanager
def foreign(failure: str, notes: list[str]) -> Iterator[None]:
    """Run calls of MNE and the like.

    Parameters
    ----------
    failure : str
        How the sentence begins when a call fails.
    notes : list of str
        Gets the warnings.

    Raises
    ------
    ValueError
        In place of any error. Readers of files that are damaged raise whatever they stumble on.
    """
    with warnings.catch_warnings(record=True) as caught, mne.utils.use_log_level("WARNING"):
        warnings.simplefilter("always")
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:
            raise ValueError(f"{failure}: {_why(error)}") from error
    found = [f"{OF_READER}{_one_line_of(one.message)}" for one in caught if not _is_noise(one)]
    notes.extend(dict.fromkeys(found))


@contextmanager
def mentioning(notes: list[str]) -> Iterator[None]:
    """Add what a reader warned of to an error, which it may explain: a file that is cut short."""
    try:
        yield
    except ValueError as error:
        warned = [note for note in notes if note.startswith(OF_READER)]
        if not warned:
            raise
        raise ValueError(f"{error} ({'; '.join(warned)})") from error


def _is_noise(warning: warnings.WarningMessage) -> bool:
    """Whether a warning is of programmers or of file names alone."""
    for_programmers = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
    return issubclass(warning.category, for_programmers) or ABOUT_FILE_NAMES in str(warning.message)


def _why(error: Exception) -> str:
    """What a reader says is wrong; where it stumbles over a file instead, that it is damaged."""
    if not isinstance(error, STUMBLES):
        return _one_line_of(error)
    told = f"{type(error).__name__}: {_one_line_of(error)}"
    return f"it is empty, damaged or of another type than its name says ({told})"


def _one_line_of(message: Exception | Warning | str) -> str:
    """A message in one line."""
    text = " ".join(str(message).split()) or type(message).__name__
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
