"""Source waveforms, vectorised over trials: one row per trial, one column per sample.

Definitions are SEREEGA's (Krol et al. 2018, J. Neurosci. Methods 309:13-24) where it has them;
latencies are relative to time zero. Amplitudes have the unit of the ``amplitude`` given.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

Array = np.ndarray

PEAK_WIDTH_SIGMAS = 6.0  # a peak's width spans six standard deviations (erp_generate_signal.m)
STOPBAND_DB = 40.0  # ripple 0.01, the smaller of SEREEGA's two (ersp_generate_signal.m)


@dataclass(frozen=True)
class Epoch:
    """Sampling of a trial.

    Parameters
    ----------
    n_times : int
        Number of samples.
    sfreq : float
        Sampling frequency, Hz.
    first : int
        The first sample, counted from that at time zero: below 0 where the epoch has a baseline.
    """

    n_times: int
    sfreq: float
    first: int = 0

    @classmethod
    def between(cls, tmin: float, tmax: float, sfreq: float) -> "Epoch":
        """Epoch from ``tmin`` to before ``tmax`` (s), each rounded to a whole sample."""
        first = round(tmin * sfreq)
        return cls(round(tmax * sfreq) - first, sfreq, first)

    @property
    def start_ms(self) -> float:
        """Time of the first sample, ms."""
        return 1e3 * self.first / self.sfreq

    @property
    def end_ms(self) -> float:
        """Time at which the trial ends, one sample after the last one, ms."""
        return self.start_ms + self.duration_ms

    @property
    def duration_ms(self) -> float:
        """Length of the trial, ms."""
        return 1e3 * self.n_times / self.sfreq

    @property
    def times_ms(self) -> Array:
        """Times (n_times,) of the samples, ms."""
        return 1e3 * (self.first + np.arange(self.n_times)) / self.sfreq


def scale_to_peak(signal: Array, amplitude: Array) -> Array:
    """Scale each row so that its largest absolute sample equals ``amplitude``.

    A negative amplitude inverts the sign; a row of zeros stays zero.

    Parameters
    ----------
    signal : array, shape (trials, times)
    amplitude : array, shape (trials,)
    """
    peak = np.abs(signal).max(axis=1)
    return signal * (amplitude / np.where(peak > 0, peak, 1.0))[:, None]


def gaussian_peak(epoch: Epoch, latency_ms: Array, width_ms: Array) -> Array:
    """Gaussian peak of height 1 (trials, times), sigma = width / 6 (erp_generate_signal.m).

    Parameters
    ----------
    epoch : Epoch
    latency_ms, width_ms : array, shape (trials,)
        Centre and full width, ms.
    """
    sigma_ms = width_ms / PEAK_WIDTH_SIGMAS
    return np.exp(-0.5 * ((epoch.times_ms - latency_ms[:, None]) / sigma_ms[:, None]) ** 2)


def sine(epoch: Epoch, frequency_hz: Array, phase: Array) -> Array:
    """Sine waves (trials, times); the phase (trials,) is in cycles, 0 to 1."""
    cycles = frequency_hz[:, None] * epoch.times_ms / 1e3
    return np.sin(2 * np.pi * (cycles + phase[:, None]))


def whole_samples(milliseconds: Array | float, sfreq: float) -> Array:
    """Times in samples, rounded down; ``sfreq`` in Hz."""
    return np.floor(milliseconds / 1e3 * sfreq)


def burst_window(epoch: Epoch, latency_ms: Array, width_ms: Array, taper: float) -> Array:
    """Tukey windows (trials, times) centred on the burst latency, 0 elsewhere.

    Latency and width are rounded down to whole samples, as in ersp_generate_signal.m. A burst
    that extends beyond the epoch is cut off.

    Parameters
    ----------
    epoch : Epoch
    latency_ms, width_ms : array, shape (trials,)
        Centre and full width, ms; a width is at least three samples, since the first and the last
        are zero.
    taper : float
        Tapered share of the window: near 0 a rectangle, 1 a Hann window.
    """
    width = whole_samples(width_ms, epoch.sfreq)
    begins = whole_samples(latency_ms, epoch.sfreq) + 1 - np.ceil(width / 2)
    position = epoch.first + np.arange(epoch.n_times) - begins[:, None]
    to_edge = np.minimum(position, width[:, None] - 1 - position)
    ramp = to_edge / (taper * (width[:, None] - 1) / 2)
    tapered = 0.5 - 0.5 * np.cos(np.pi * np.clip(ramp, 0, 1))
    return np.where(to_edge >= 0, tapered, 0.0)


@cache
def bandpass_taps(low_hz: float, high_hz: float, transition_hz: float, sfreq: float) -> Array:
    """Kaiser-window FIR band-pass (taps,), some 40 dB down one transition off the passband."""
    n_taps, beta = scipy.signal.kaiserord(STOPBAND_DB, transition_hz / (sfreq / 2))
    middle = transition_hz / 2
    edges = [low_hz - middle, high_hz + middle]
    taps = scipy.signal.firwin(
        n_taps | 1, edges, window=("kaiser", beta), pass_zero=False, fs=sfreq
    )
    taps.setflags(write=False)
    return taps


def band_noise(epoch: Epoch, n_trials: int, taps: Array, rng: np.random.Generator) -> Array:
    """White noise (trials, times) through a filter, stationary over the whole epoch."""
    white = rng.standard_normal((n_trials, epoch.n_times + len(taps) - 1))
    return scipy.signal.fftconvolve(white, taps[None], mode="valid", axes=1)


def white(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """White Gaussian noise (trials, ...) of variance 1, float32; fewer trials are a prefix of more.

    The method of Box & Muller 1958 (Ann. Math. Stat. 29:610) on whole arrays takes a third of the
    time of numpy's normal generator. A trial must have an even number of values. The largest
    possible value is 5.6; one in 10^7 normal values is larger.
    """
    n_trials, *rest = shape
    uniform = _uniform_numbers(rng, (n_trials, math.prod(rest))).reshape(n_trials, 2, -1)
    normal, radius, angle = np.empty_like(uniform), uniform[:, :1], uniform[:, 1]
    angle *= 2 * np.pi
    np.cos(angle, out=normal[:, 0])
    np.sin(angle, out=normal[:, 1])
    normal *= np.sqrt(-2 * np.log(1 - radius))
    return normal.reshape(shape)


def _uniform_numbers(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Uniform numbers of 23 bits in [0, 1), float32: two of each 64 random bits.

    Random bits below the exponent of 1 give a number in [1, 2), and one 64-bit draw is twice as
    fast as two draws of floats.
    """
    n_rows, n_columns = shape
    words = rng.integers(0, 2**64, size=(n_rows, n_columns // 2), dtype=np.uint64)
    bits = words.view(np.uint32)
    bits >>= np.uint32(9)
    bits |= np.float32(1).view(np.uint32)
    uniform = bits.view(np.float32)
    uniform -= np.float32(1)
    return uniform
