"""Where the planted signal is: in which samples and in which frequencies of each trial."""

import numpy as np
import pandas as pd
import scipy

Array = np.ndarray


def time_support(trials: pd.DataFrame, times_ms: Array) -> Array:
    """Samples in which each trial's signal is active: (trials, times) bool.

    A signal is active within half its width of its latency, where a peak is above 1.1 % of its
    height (three sigma) and a burst's window is above zero.

    Parameters
    ----------
    trials : DataFrame
        With the columns latency_ms and width_ms.
    times_ms : array, shape (times,)
    """
    latency, half = (trials[name].to_numpy()[:, None] for name in ("latency_ms", "width_ms"))
    return np.abs(times_ms - latency) <= half / 2


def power_spectrum(epochs: Array, sfreq: float) -> tuple[Array, Array]:
    """Frequencies (Hz) and power (trials, frequencies) summed over channels, µV² per bin.

    One-sided: the sum over frequencies is the mean over time of the squared epochs.

    Parameters
    ----------
    epochs : array, shape (trials, channels, times)
        µV.
    sfreq : float
        Hz.
    """
    n_times = epochs.shape[-1]
    both_sides = np.full(n_times // 2 + 1, 2.0)
    both_sides[0] = 1.0
    if n_times % 2 == 0:
        both_sides[-1] = 1.0
    amplitude = np.abs(scipy.fft.rfft(epochs)) / n_times
    power = np.sum(amplitude**2, axis=1, dtype=float) * both_sides
    return scipy.fft.rfftfreq(n_times, 1 / sfreq), power


def band_support(ground_truth: Array, sfreq: float, share: float) -> tuple[Array, Array]:
    """Frequencies (Hz) and where each trial's signal has power: (trials, frequencies) bool.

    Parameters
    ----------
    ground_truth : array, shape (trials, channels, times)
        The noiseless signal.
    sfreq : float
        Hz.
    share : float
        Least power that counts, as a share of the trial's peak.
    """
    frequencies, power = power_spectrum(ground_truth, sfreq)
    peak = power.max(axis=1, keepdims=True)
    return frequencies, (power >= share * peak) & (peak > 0)
