"""Recordings in BIDS folders, with their events, channels and electrodes in files beside them."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import mne

DESCRIPTION = "dataset_description.json"  # of every BIDS data set, in its root
SUFFIXES = (".vhdr", ".edf", ".bdf", ".set")  # of EEG in BIDS
MOST_FILES_LISTED = 5


def is_bids(path: Path) -> bool:
    """Whether a path is a folder, or a recording of EEG within a BIDS data set."""
    return path.is_dir() or (_is_recording(path) and _root(path) is not None)


def recording(path: Path) -> Path:
    """The one recording of EEG that a folder or file means.

    Parameters
    ----------
    path : Path
        A BIDS data set, a folder within one, or a recording in it. Derivatives are not searched.

    Raises
    ------
    ValueError
        When it is no BIDS folder, or has no recording or several, which are listed; or when
        mne-bids is not installed.
    """
    if not find_spec("mne_bids"):
        raise ValueError(
            f"{path} is in BIDS, which needs another package; run: pip install mne-bids"
        )
    if _root(path) is None:
        raise ValueError(f"{path} is no BIDS folder: there is no {DESCRIPTION} in it or above it")
    if path.is_file():
        return path
    found = sorted(
        file
        for file in path.glob("**/sub-*_eeg.*")
        if _is_recording(file) and "derivatives" not in file.relative_to(path).parts
    )
    if len(found) != 1:
        listed = ", ".join(str(file.relative_to(path)) for file in found[:MOST_FILES_LISTED])
        more = (
            f" and {len(found) - MOST_FILES_LISTED} more" if len(found) > MOST_FILES_LISTED else ""
        )
        raise ValueError(
            f"{path} has {len(found)} recordings of EEG, one of which must be given, such as "
            f"{found[0]}; they are {listed}{more}"
            if found
            else f"{path} has no recording of EEG: no file sub-*_eeg with {', '.join(SUFFIXES)}"
        )
    return found[0]


def read_recording(path: Path) -> tuple[mne.io.BaseRaw, Mapping[str, int] | None]:
    """A recording with what the files beside it say, and the codes of its events where they do."""
    import mne_bids

    place = mne_bids.get_bids_path_from_fname(path, verbose="ERROR")
    beside = place.find_matching_sidecar(suffix="events", extension=".tsv", on_error="ignore")
    if beside is None:
        return mne_bids.read_raw_bids(place), None
    return mne_bids.read_raw_bids(place, return_event_dict=True)


def _is_recording(path: Path) -> bool:
    """Whether a file is named as BIDS names recordings of EEG; derivatives have other names."""
    named = path.name.startswith("sub-") and path.stem.endswith("_eeg")
    return named and path.suffix.lower() in SUFFIXES


def _root(path: Path) -> Path | None:
    """The innermost BIDS data set that a path is, or is in."""
    places = (path, *path.absolute().parents)
    return next((place for place in places if (place / DESCRIPTION).is_file()), None)
