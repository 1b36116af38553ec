"""Trials of data in memory: MNE Epochs, datasets of braindecode, arrays."""

from collections.abc import Sequence
from typing import Any

from eegxai.recordings.labelled import LabelledTrials, Unit


def as_labelled(
    data: Any,
    y: Any = None,
    *,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    unit: Unit | None = None,
    tmin: float | None = None,
    picks: str | Sequence[str] = "eeg",
    montage: str | None = None,
    drop_bads: bool = False,
) -> LabelledTrials:
    """Trials of data in memory, checked and with their unit decided.

    Parameters
    ----------
    data : mne.Epochs, braindecode dataset of windows, array or LabelledTrials
        Arrays have the shape (trials, channels, times). LabelledTrials are returned as they are,
        with other labels where ``y`` is given.
    y : sequence of int or str, shape (trials,), optional
        Labels, in place of those of the data. Integers with a zero among them are positions of
        classes; others are codes, numbered in their order. Names are numbered as in
        ``class_names``, or else alphabetically.
    sfreq : float, optional
        Sampling frequency, Hz; required for arrays.
    ch_names : sequence of str, optional
        Names of the channels; required for arrays.
    class_names : sequence of str, optional
        Names of the classes in the order of the decoder's outputs. The default is the order of
        the event codes.
    unit : {"uV", "V", "as_given"}, optional
        What the numbers are. Volts become microvolts; ``"as_given"`` changes nothing. The default
        is volts for MNE objects; for others the size of the numbers decides, which is noted.
    tmin : float, optional
        Time of the first sample of an array, s, relative to the event; the default is 0.
    picks : str or sequence of str
        Type or names of the channels to take; others are dropped, which is noted.
    montage : str, optional
        Standard montage of MNE that gives the channels their positions. Without it, channels
        without positions get those of the 10-05 template, provided that it has all their names.
    drop_bads : bool
        Whether to drop channels that are marked as bad. By default they stay, since a decoder
        expects the channels that it was trained with, and are noted.

    Raises
    ------
    ValueError
        One sentence that names the field, the value and what is allowed.

    Examples
    --------
    >>> import numpy as np
    >>> x = 1e-5 * np.random.default_rng(0).standard_normal((6, 2, 50))
    >>> trials = as_labelled(x, ["left", "right"] * 3, sfreq=100, ch_names=["C3", "C4"])
    >>> trials.unit, trials.class_names, trials.y.tolist()
    ('uV', ('left', 'right'), [0, 1, 0, 1, 0, 1])
    """
    raise NotImplementedError
