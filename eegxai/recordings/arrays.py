"""Trials in a NumPy file: the keys that are read, and what they may hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from eegxai.recordings.labelled import LabelledTrials
from eegxai.recordings.sources import as_labelled

# What as_labelled takes, under the same names; "x" alone is required.
KEYS = ("x", "y", "sfreq", "ch_names", "class_names", "unit", "tmin")
WRITTEN_BY_SIMULATE = frozenset({"ground_truth", "spec", "times_ms"})  # whose arrays are in µV

Array = np.ndarray


def read_npz(path: Path, given: Mapping[str, Any], options: Mapping[str, Any]) -> LabelledTrials:
    """Trials of a .npz file, without pickle.

    Parameters
    ----------
    path : Path
        Arrays by the names of :data:`KEYS`, or a file that ``eegxai simulate`` writes.
    given : mapping
        Values of keys other than x and y, or None. They have to be those of the file where it has
        them, apart from names of classes.
    options : mapping
        Other arguments of :func:`eegxai.recordings.as_labelled`.

    Raises
    ------
    ValueError
        When the file is no such file, lacks ``x``, or has a key with another value than given.
    """
    found = _arrays(path)
    if "x" not in found:
        raise ValueError(
            f"{path} has no array 'x' (trials, channels, times); it holds "
            f"{', '.join(found) or 'nothing'}, and the keys that are read are {', '.join(KEYS)}"
        )
    known = {key: _python_value(key, found[key]) for key in KEYS if key in found}
    if set(found) >= WRITTEN_BY_SIMULATE:
        known |= {"unit": "uV", "tmin": float(found["times_ms"][0]) / 1e3}
    stated = {key: value for key, value in given.items() if value is not None}
    names = stated.pop("class_names", None) if "class_names" in known else None
    for key, value in stated.items():
        if known.setdefault(key, value) != value:
            raise ValueError(f"{key}={value!r} is not what {path} has: {known[key]!r}")
    trials = as_labelled(known.pop("x"), **known, **options)
    return as_labelled(trials, class_names=names)


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays that are read of a file, and of the others the names alone."""
    if not is_zipfile(path):
        raise ValueError(f"{path} is no .npz file, or only a part of one")
    read = {*KEYS, "times_ms"}
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] if key in read else np.empty(0) for key in file.files}
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise ValueError(f"{path} cannot be read: {error}") from error
        raise ValueError(
            f"{path} holds Python objects, which are not read as they could run code; save text "
            "as an array of strings and numbers as an array of numbers"
        ) from error
    except Exception as error:  # a damaged archive fails in many ways
        raise ValueError(f"{path} cannot be read: {error}") from error


def _python_value(key: str, value: Array) -> Any:
    """A key's value as Python has it: a number, a text, or a list of names."""
    if key in ("x", "y"):
        return value
    plain = value.tolist()
    if key in ("ch_names", "class_names"):
        return plain if isinstance(plain, list) else [plain]
    if isinstance(plain, list):
        if len(plain) != 1:
            raise ValueError(f"{key} has the shape {value.shape}; allowed is a single value")
        return plain[0]
    return plain
