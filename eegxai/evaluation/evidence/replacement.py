"""What a decision owes to the parts of a trial, in comparison with other trials.

On simulated data the use of a part is what the decision owes to the signal that was planted in it
(:func:`eegxai.evaluation.decoder_use`). Of a recording nobody knows the signal, but another trial
is a background that the decoder knows: x = d + (x - d), and the difference takes the place of the
signal. The mean over several such donors d is the use by replacement. It counts what the decision
owes to the noise of a trial too, which on a real recording is part of what is to be explained.
"""

import mne
import numpy as np
import pandas as pd
from torch import Tensor, nn

from eegxai.evaluation.evidence.agreements import MapsByMethod, map_sums, reference_agreement_table
from eegxai.evaluation.evidence.donors import donors_of
from eegxai.evaluation.references.use import DecoderUse, PieceUse, decoder_use


def replacement_use(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    info: mne.Info,
    *,
    pool: Tensor | None = None,
    n_donors: int = 4,
) -> DecoderUse:
    """What decisions owe to each channel, window and band of trials in the place of others.

    Parameters
    ----------
    decoder : nn.Module
        Maps (trials, channels, times) to (trials, classes); see ``eegxai.attribution.adapted``.
    x : Tensor (trials, channels, times)
        Trials in µV, on the decoder's device.
    target : Tensor (trials,)
        The classes explained.
    info : mne.Info
        The channels and the sampling rate.
    pool : Tensor (trials, channels, times), optional
        Trials to compare with, at best many and of all classes; by default ``x``.
    n_donors : int
        Trials of the pool that each is compared with, 2 or more. Each takes two passes a channel,
        window and band.

    Returns
    -------
    DecoderUse
        Means over donors; ``halves`` are the means over each half of them.

    Raises
    ------
    ValueError
        When there are too few donors.

    Examples
    --------
    >>> import eegxai, torch
    >>> eeg = eegxai.simulate("temporal", snr_db=-3.5, seed=0, n_trials=4)
    >>> linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(eeg.x[0].size, 4))
    >>> x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    >>> replacement_use(linear, x, y, eeg.info, n_donors=2).families["channel"].use.shape
    (4, 62)
    """
    if n_donors < 2:
        raise ValueError(f"n_donors is {n_donors}: two or more are needed to compare halves")
    donors = donors_of(x, x if pool is None else pool, n_donors)
    compared = [decoder_use(decoder, x, target, x - donor, info) for donor in donors.unbind(1)]
    total = np.mean([each.total for each in compared], axis=0)
    names = compared[0].families
    return DecoderUse(total, {name: _mean([c.families[name] for c in compared]) for name in names})


def replacement_agreement(maps: MapsByMethod, use: DecoderUse, info: mne.Info) -> pd.DataFrame:
    """Correlation of each method's sums over channels and windows with the use by replacement.

    Parameters
    ----------
    maps : mapping of str to Tensor or array (trials, channels, times)
        Signed maps of the trials, by method.
    use : DecoderUse
        As :func:`replacement_use` gives it.
    info : mne.Info
        The channels.

    Returns
    -------
    DataFrame
        One row per method and domain (``"channel"``, ``"window"``): value, the mean correlation
        over trials, low and high, its 95 % interval (Student's, over trials), n_valid, chance (0:
        what sums in random order have) and ceiling, the correlation of halves of the donors.
    """
    halves = {name: each.halves for name, each in use.families.items()}
    reference = {name: each.use for name, each in use.families.items()}
    return reference_agreement_table(map_sums(maps, info), reference, halves)


def _mean(compared: list[PieceUse]) -> PieceUse:
    values = np.stack([each.use for each in compared])
    middle = len(values) // 2
    return PieceUse(
        compared[0].names,
        values.mean(0),
        np.stack([values[:middle].mean(0), values[middle:].mean(0)]),
        values.std(0, ddof=1) / np.sqrt(len(values)),
    )
