"""Trials of files: the suffix selects the reader, and a folder is a BIDS data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from eegxai.recordings.labelled import LabelledTrials, Unit

Events = Mapping[str, str] | Sequence[str]


def read_trials(
    path: str | Path,
    *,
    events: Events | None = None,
    tmin: float | None = None,
    tmax: float | None = None,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    unit: Unit | None = None,
    picks: str | Sequence[str] = "eeg",
    montage: str | None = None,
    drop_bads: bool = False,
) -> LabelledTrials:
    """Read the trials of a file, checked and with their unit decided.

    Parameters
    ----------
    path : str or Path
        Epochs or a recording (.fif), a recording (.edf, .bdf, .vhdr), either of them (.set),
        arrays (.npz), or a BIDS folder with one recording; see docs/recordings.md.
    events : mapping or sequence of str, optional
        Events to take: their names, or a mapping of their names to names of classes, whose order
        is then that of the classes. The default is all events in the order of their codes.
    tmin, tmax : float, optional
        Start and end of the trials, s, relative to the event; the sample at ``tmax`` is not part
        of them. Recordings require both, unless all events last equally long; epochs are cropped.
    sfreq : float, optional
        Sampling frequency of arrays without the key ``sfreq``, Hz.
    ch_names : sequence of str, optional
        Names of the channels of arrays without the key ``ch_names``.
    class_names, unit, picks, montage, drop_bads
        As in :func:`eegxai.recordings.as_labelled`.

    Raises
    ------
    ValueError
        One sentence that names the field, the value and what is allowed.
    """
    raise NotImplementedError


def read_windows(
    path: str | Path,
    duration: float,
    *,
    unit: Unit | None = None,
    picks: str | Sequence[str] = "eeg",
    montage: str | None = None,
    drop_bads: bool = False,
) -> LabelledTrials:
    """Cut a recording into windows one after the other, without labels; events are not needed.

    Parameters
    ----------
    path : str or Path
        A recording: .fif, .edf, .bdf, .set, .vhdr, or a BIDS folder with one.
    duration : float
        Length of each window, s. Windows that touch an annotation whose name starts with "bad"
        are dropped, which is noted.
    unit, picks, montage, drop_bads
        As in :func:`eegxai.recordings.as_labelled`.

    Raises
    ------
    ValueError
        One sentence that names the field, the value and what is allowed.
    """
    raise NotImplementedError
