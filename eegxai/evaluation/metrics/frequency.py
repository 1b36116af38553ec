"""Scores of relevance over frequency against the planted band.

The relevance of a frequency is summed over channels first: what whitening adds at one channel and
takes away at the next is one piece of evidence.
"""

import numpy as np
import pandas as pd
import torch

from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS
from eegxai.evaluation.metrics.earth_movers import band_distance
from eegxai.evaluation.metrics.physical import SourceTruth

Array = np.ndarray


def frequency_profile(relevance: Array) -> Array:
    """Relevance of each frequency, (trials, frequencies), summed over channels."""
    return np.asarray(relevance, dtype=float).sum(1)


def frequency_scores(relevance: Array, truth: SourceTruth) -> pd.DataFrame:
    """How well relevance over frequency finds the planted band, one row per trial.

    Parameters
    ----------
    relevance : array, shape (trials, channels, frequencies)
        As ``frequency_relevance`` gives it, signed and of any scale.
    truth : SourceTruth
        Of the same trials.

    Returns
    -------
    DataFrame
        band_mass (share of the positive relevance that lies between the band's edges),
        band_auprc (average precision of the ranking of frequencies by their relevance),
        band_error_hz (distance of the frequency of most relevance from the band, 0 inside) and
        emd_hz (mean distance of the positive relevance from the band); NaN for trials without a
        band, and without positive relevance.
    """
    profile = frequency_profile(relevance)
    frequencies = np.fft.rfftfreq(truth.ground_truth.shape[-1], 1 / truth.sfreq)
    edges = truth.low_hz[:, None], truth.high_hz[:, None]
    inside = (frequencies >= edges[0]) & (frequencies <= edges[1])
    positive = profile.clip(min=0)
    defined = (positive.sum(1) > 0) & inside.any(1)
    scores = pd.DataFrame(
        {
            "band_mass": (positive * inside).sum(1) / np.where(defined, positive.sum(1), 1),
            "band_auprc": _average_precision(profile, inside),
            "band_error_hz": _outside(frequencies[profile.argmax(1)], *edges),
            "emd_hz": band_distance(positive, frequencies, truth.low_hz, truth.high_hz),
        }
    )
    scores[~defined] = np.nan
    return scores


def _average_precision(profile: Array, inside: Array) -> Array:
    pictures = (torch.from_numpy(values[:, None].astype(float)) for values in (profile, inside))
    return CALIBRATED_METRICS["auprc_signed"](*map(Maps, pictures)).numpy()


def _outside(peaks: Array, low_hz: Array, high_hz: Array) -> Array:
    """Distance of a frequency from a band in Hz, 0 inside."""
    return np.maximum(0, np.maximum(low_hz[:, 0] - peaks, peaks - high_hz[:, 0]))
