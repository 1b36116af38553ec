"""Files as MNE reads them: the suffix selects the reader, and a folder is a BIDS data set."""

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import mne

from eegxai.recordings import eeglab
from eegxai.recordings.bids import is_bids, read_recording, recording
from eegxai.recordings.reading import foreign

Opened: TypeAlias = mne.io.BaseRaw | mne.BaseEpochs


def _read_fif(path: Path) -> Opened:
    try:
        return mne.io.read_raw_fif(path)
    except ValueError:  # what MNE raises where there is no recording
        return _read_epochs(path)


def _read_epochs(path: Path) -> mne.BaseEpochs:
    try:
        return mne.read_epochs(path)
    except ValueError as error:
        told = f"it holds neither a recording nor epochs that are whole; {error}"
        raise ValueError(told) from error


def _read_set(path: Path) -> Opened:
    try:
        return mne.io.read_raw_eeglab(path)
    except TypeError:  # what MNE raises for several trials
        return eeglab.read_epochs(path)


READERS: Mapping[str, Callable[[Path], Opened]] = {
    ".fif": _read_fif,
    ".edf": mne.io.read_raw_edf,
    ".bdf": mne.io.read_raw_bdf,
    ".set": _read_set,
    ".vhdr": mne.io.read_raw_brainvision,
}

# Types of channels that files list as EEG, by how their names begin.
TYPES_BY_NAME: Mapping[str, str] = {
    "eog": "eog", "heog": "eog", "veog": "eog", "ecg": "ecg", "ekg": "ecg", "emg": "emg",
    "resp": "resp", "gsr": "gsr", "temp": "temperature",
}  # fmt: skip


def existing(path: str | Path) -> Path:
    """The path, if there is something that can be read.

    Raises
    ------
    ValueError
        When it is no path, there is nothing, or a file with a suffix that is not read.
    """
    if not isinstance(path, str | PathLike):
        raise ValueError(f"path={path!r} is not allowed: the path of a file or folder is")
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    known = [*READERS, ".npz"]
    if not path.is_dir() and _suffix(path) not in known:
        raise ValueError(
            f"{path} has the suffix {path.suffix!r}; allowed are {', '.join(known)}, and BIDS "
            "folders; what else MNE reads can be given to eegxai.recordings.as_labelled as Epochs"
        )
    return path


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def opened_file(path: Path) -> tuple[Opened, Mapping[str, int] | None, list[str]]:
    """What a file holds, the codes of its events where files beside it state them, and notes.

    Raises
    ------
    ValueError
        When it cannot be read, or a BIDS folder has no recording or several.
    """
    notes: list[str] = []
    codes: Mapping[str, int] | None = None
    file = recording(path) if is_bids(path) else path
    with foreign(f"{file} cannot be read", notes):
        if is_bids(path):
            found, codes = read_recording(file)
        else:
            found = READERS[_suffix(path)](path)
    return found, codes, [*notes, *_typed_by_name(found)]


def _typed_by_name(recording: Opened) -> list[str]:
    """Give channels the types that their names begin with; the sentence that says so."""
    types = dict(zip(recording.ch_names, recording.get_channel_types(), strict=True))
    others = {
        name: kind
        for name, own in types.items()
        if own == "eeg"
        for start, kind in TYPES_BY_NAME.items()
        if name.lower().startswith(start)
    }
    if not others:
        return []
    recording.set_channel_types(others, verbose="ERROR")
    listed = ", ".join(f"{name} ({kind})" for name, kind in others.items())
    return [f"channels that are listed as EEG but named otherwise: {listed}"]
