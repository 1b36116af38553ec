"""Trials of files: the suffix selects the reader, and a folder is a BIDS data set."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np

from eegxai.recordings.arrays import read_npz
from eegxai.recordings.channels import list_of_names
from eegxai.recordings.epoching import FEWEST_EPOCH_SAMPLES, cropped, cut, dropped, selected
from eegxai.recordings.events import Events, class_events
from eegxai.recordings.labelled import LabelledTrials, Unit
from eegxai.recordings.opening import existing, opened_file
from eegxai.recordings.reading import foreign, mentioning
from eegxai.recordings.sources import as_labelled, unlabelled
from eegxai.recordings.units import require_unit


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

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> x = 10 * np.random.default_rng(0).standard_normal((6, 2, 50))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "own.npz"
    ...     np.savez(path, x=x, y=["left", "right"] * 3, sfreq=100, ch_names=["C3", "C4"])
    ...     trials = read_trials(path, tmin=0.1)
    >>> trials.x.shape, trials.class_names, trials.unit
    ((6, 2, 40), ('left', 'right'), 'uV')
    """
    require_unit(unit)
    path = existing(path)
    options: dict[str, Any] = {"picks": picks, "montage": montage, "drop_bads": drop_bads}
    if path.suffix.lower() == ".npz":
        if events is not None:
            raise ValueError("events applies to recordings and epochs, and not to .npz files")
        given = {
            "sfreq": sfreq,
            "ch_names": None if ch_names is None else list_of_names(ch_names, "ch_names"),
            "class_names": class_names,
            "unit": unit,
        }
        return cropped(read_npz(path, given, options), tmin, tmax)
    options |= {"sfreq": sfreq, "ch_names": ch_names, "unit": unit}
    found, codes, notes = opened_file(path)
    with mentioning(notes):
        if isinstance(found, mne.BaseEpochs):
            trials = cropped(_trials_of_epochs(found, events, class_names, options), tmin, tmax)
        else:
            epochs, how = cut(found, class_events(found, codes, events), tmin, tmax)
            trials = as_labelled(epochs, class_names=class_names, **options)
            notes += how
    return replace(trials, notes=(*notes, *trials.notes))


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
    require_unit(unit)
    path = existing(path)
    found, _, notes = opened_file(path)
    if isinstance(found, mne.BaseEpochs):
        raise ValueError(f"{path} holds epochs, which are not cut again; read_trials reads them")
    sfreq = found.info["sfreq"]
    n_times = round(duration * sfreq) if np.isfinite(duration) else 0
    if n_times < FEWEST_EPOCH_SAMPLES or n_times > found.n_times:
        raise ValueError(
            f"duration={duration:g} is not allowed: windows have {FEWEST_EPOCH_SAMPLES / sfreq:g} "
            f"to {found.n_times / sfreq:g} s, the length of the recording"
        )
    with foreign(f"{path} cannot be read", notes):
        epochs = mne.make_fixed_length_epochs(found, n_times / sfreq, preload=True)
    notes += [f"the recording was cut into windows of {n_times} samples", *dropped(epochs)]
    trials = unlabelled(epochs, unit=unit, picks=picks, montage=montage, drop_bads=drop_bads)
    return replace(trials, notes=(*notes, *trials.notes))


def _trials_of_epochs(
    epochs: mne.BaseEpochs,
    events: Events | None,
    class_names: Sequence[str] | None,
    options: Mapping[str, Any],
) -> LabelledTrials:
    """Trials of epochs, or of those with some events."""
    if events is None:
        return as_labelled(epochs, class_names=class_names, **options)
    chosen, classes, ordered = selected(epochs, events)
    return as_labelled(chosen, classes, class_names=class_names or ordered, **options)
