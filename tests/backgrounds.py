"""Recordings to plant signals in: pink noise of a few dipoles, as raw data and as epochs."""

import mne
import numpy as np

from eegxai.head.montage import template_info

SFREQ, N_TIMES, N_STRETCHES = 128.0, 128, 120
CH_NAMES = ("Fz", "FC1", "FC2", "C3", "Cz", "C4", "CP1", "CP2", "Pz", "Oz")


def microvolts(n_stretches=N_STRETCHES, seed=0, reference="average"):
    """Noise (channels, samples) with a spectrum that falls, mixed over channels."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((len(CH_NAMES), n_stretches * N_TIMES))
    smooth = np.apply_along_axis(
        lambda row: np.convolve(row, 0.8 ** np.arange(20), "same"), 1, steps
    )
    x = 8 * rng.standard_normal((len(CH_NAMES),) * 2) @ smooth + 2 * steps
    return x - (x.mean(0) if reference == "average" else x[CH_NAMES.index(reference)])


def raw_of(x, ch_names=CH_NAMES, placed=True):
    info = mne.create_info(list(ch_names), SFREQ, "eeg")
    raw = mne.io.RawArray(1e-6 * np.asarray(x, float), info, verbose="ERROR")
    return raw.set_montage("colin27_1005") if placed else raw


def write_raw(path, x=None, **options):
    raw_of(microvolts() if x is None else x, **options).save(path, fmt="double", verbose="ERROR")
    return str(path)


def write_epochs(path, x, starts, tmin=0.0):
    """Epochs that were cut from a recording of these microvolts at these samples."""
    cut = np.stack([x[:, start : start + N_TIMES] for start in starts])
    events = np.column_stack([starts, np.zeros_like(starts), np.ones_like(starts)])
    info = template_info(CH_NAMES, SFREQ)
    epochs = mne.EpochsArray(1e-6 * cut, info, events, tmin=tmin, verbose="ERROR")
    epochs.save(path, fmt="double", verbose="ERROR")
    return str(path)
