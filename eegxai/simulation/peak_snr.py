"""How far the signal of a single trial stands out, which is what people mean by SNR."""

import numpy as np

from eegxai.simulation.blocks import each_block

Array = np.ndarray


def peak_snr_db(x: Array, ground_truth: Array) -> Array:
    """Peak signal-to-noise ratio of each trial: (trials,) float64, dB.

    At the channel where the trial's noiseless signal has its largest absolute value,

        20 log10(max |ground truth| / root mean square of (x - ground truth)),

    both in the same trial, the mean square over the whole epoch and about zero. So everything but
    the class signal is noise, artefacts and a distractor included. NaN without a signal.

    Parameters
    ----------
    x, ground_truth : array, shape (trials, channels, times)
        The recording and the noiseless signal in it, µV.
    """
    return np.concatenate(
        each_block(lambda rows: _peak_snr_of(x[rows], ground_truth[rows]), len(x))
    )


def _peak_snr_of(x: Array, ground_truth: Array) -> Array:
    peaks = np.abs(ground_truth).max(axis=2)
    channel = peaks.argmax(axis=1)[:, None]
    peak = np.take_along_axis(peaks, channel, axis=1)[:, 0].astype(np.float64)
    recorded, true = (
        _channel_of_each_trial(channel, part).astype(np.float64) for part in (x, ground_truth)
    )
    noise_rms = np.sqrt(np.mean((recorded - true) ** 2, axis=1))
    return 20 * np.log10(np.where(peak > 0, peak, np.nan) / noise_rms)


def _channel_of_each_trial(channel: Array, part: Array) -> Array:
    """One channel of each trial: (trials, times)."""
    return np.take_along_axis(part, channel[:, :, None], axis=1)[:, 0]
