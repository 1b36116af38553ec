"""A short recording, as people have them, and its epochs."""

import mne
import numpy as np

SFREQ, N_TIMES, N_TRIALS = 128.0, 64, 9
CH_NAMES = ["Fp1", "C3", "C4", "O1"]
CLASSES = ["left", "right", "rest"] * 3  # of the trials, in their order
MICROVOLTS = 20 * np.random.default_rng(0).standard_normal((N_TRIALS, 4, N_TIMES))


def info_of(ch_names=CH_NAMES, ch_types="eeg", placed=True):
    info = mne.create_info(list(ch_names), SFREQ, ch_types, verbose="ERROR")
    return info.set_montage("colin27_1005", on_missing="ignore") if placed else info


def recording(microvolts=MICROVOLTS, info=None, names=CLASSES):
    """Trials one after the other, each annotated with its class for as long as it lasts."""
    microvolts = np.asarray(microvolts)
    raw = mne.io.RawArray(1e-6 * np.hstack(microvolts), info or info_of(), verbose="ERROR")
    seconds = microvolts.shape[-1] / SFREQ
    return raw.set_annotations(mne.Annotations(seconds * np.arange(len(names)), seconds, names))


def epochs_of(microvolts=MICROVOLTS, info=None, codes=(1, 2, 3) * 3, event_id="named", **options):
    """Epochs whose event codes name the classes in another order than the alphabet's."""
    named = {"left": 1, "right": 2, "rest": 3} if event_id == "named" else event_id
    samples = N_TIMES * np.arange(len(codes))
    return mne.EpochsArray(
        1e-6 * np.asarray(microvolts),
        info or info_of(),
        np.column_stack([samples, np.zeros_like(samples), codes]),
        event_id=named,
        verbose="ERROR",
        **options,
    )
