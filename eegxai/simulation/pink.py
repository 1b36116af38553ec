"""Pink noise, whose power falls as 1/f, cut from a recording that is longer than the epoch.

Noise made on the epoch's own frequencies is periodic in the epoch and has nothing at 0 Hz: its last
sample is like its first and its mean is known, which a decoder can use and no recording offers.
"""

from functools import cache

import numpy as np
import scipy

Array = np.ndarray

# Length of the recording, in epochs. Samples of one epoch are at most a quarter of the recording
# apart, so that its period does not show. 1/f has no lower limit: a longer recording has more of
# its variance in the mean of an epoch (16 % with 4 epochs, 23 % with 8, 30 % with 16).
RECORDING_EPOCHS = 4


def pink_covariance(n_times: int) -> Array:
    """Covariance (times, times) of the samples of an epoch of pink noise of variance 1, float64.

    The recording is a stationary, periodic Gaussian process of L = 4 ``n_times`` samples, whose
    Fourier coefficient k has the power p[k]: 0 at 0 Hz, else proportional to 1/f, with a mean of 1.
    By the theorem of Wiener and Khinchin,

        P[t, t'] = mean over k of p[k] cos(2 pi k (t - t') / L).

    It does not depend on the sampling frequency, since 1/f has no scale.
    """
    n_recording = RECORDING_EPOCHS * n_times
    frequency = np.abs(scipy.fft.fftfreq(n_recording))
    power = np.concatenate([[0.0], 1 / frequency[1:]])
    autocovariance = scipy.fft.ifft(power / power.mean()).real
    return scipy.linalg.toeplitz(autocovariance[:n_times])


def pink(white: Array) -> Array:
    """Turn white noise (..., channels, times) of variance 1 into pink noise of variance 1.

    An epoch that begins at a random place of the recording, as at any other, is Gaussian with the
    covariance P of :func:`pink_covariance`. With P = C C^T (Cholesky), C times white noise has this
    distribution, too, and the rest of the recording need not be made. Each trial is a matrix
    product of its own, so that its bits do not depend on the others.
    """
    return white @ _white_to_pink(white.shape[-1]).astype(white.dtype)


@cache
def _white_to_pink(n_times: int) -> Array:
    """Transposed Cholesky factor (white samples, pink samples) of the covariance."""
    return np.ascontiguousarray(np.linalg.cholesky(pink_covariance(n_times)).T)
