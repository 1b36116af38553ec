"""How far wrong a map is: the earth mover's distance to a reference, in ms, mm or Hz.

The least work that turns one distribution into another, as mass times distance (Rubner et al.,
Int. J. Comput. Vis. 40:99, 2000). Distributions are of magnitudes: methods use the sign in
different ways, and the planted signal has both. NaN where a map or its reference is zero.
"""

import mne
import numpy as np
import pandas as pd
import scipy

from eegxai.evaluation.maps.stacks import evenly_spaced
from eegxai.evaluation.metrics.transport import least_work

SCALP_TRIALS = 16  # most trials whose distance over the scalp is computed
NEGLIGIBLE_MASS = 1e-6  # of a channel's surplus: moves less than a micrometre

Array = np.ndarray


def earth_movers_scores(attribution: Array, ground_truth: Array, info: mne.Info) -> pd.DataFrame:
    """Distances of maps from references in ms and mm, one row per trial.

    Parameters
    ----------
    attribution, ground_truth : array, shape (trials, channels, times)
        Of any scale; their magnitudes are compared.
    info : mne.Info
        Sampling rate and positions of the channels.

    Returns
    -------
    DataFrame
        ``emd_ms`` and ``emd_mm``; the latter of :data:`SCALP_TRIALS` trials, evenly spaced, and
        NaN of the others.
    """
    maps, truth = np.abs(attribution), np.abs(ground_truth)
    some = evenly_spaced(len(maps), SCALP_TRIALS)
    over_scalp = np.full(len(maps), np.nan)
    over_scalp[some] = scalp_distance(maps[some].sum(2), truth[some].sum(2), electrodes_mm(info))
    over_time = time_distance(maps.sum(1), truth.sum(1), info["sfreq"])
    return pd.DataFrame({"emd_ms": over_time, "emd_mm": over_scalp})


def electrodes_mm(info: mne.Info) -> Array:
    """Positions of the channels on the head, (channels, 3)."""
    return 1e3 * np.array([channel["loc"][:3] for channel in info["chs"]])


def time_distance(profile: Array, reference: Array, sfreq: float) -> Array:
    """Distance in ms between distributions over time, (trials,).

    In one dimension it is the area between the two cumulative distributions (Vallender, Theory
    Probab. Appl. 18:784, 1974).

    Parameters
    ----------
    profile, reference : array, shape (trials, times)
        Not negative, of any scale.
    sfreq : float
        Hz.

    Examples
    --------
    >>> time_distance(np.eye(5)[[1]], np.eye(5)[[4]], sfreq=250.0)
    array([12.])
    """
    moved = np.cumsum(_mass_shares(profile) - _mass_shares(reference), axis=1)
    return 1000 / sfreq * np.abs(moved[:, :-1]).sum(1)


def scalp_distance(profile: Array, reference: Array, places_mm: Array) -> Array:
    """Distance in mm, straight from electrode to electrode, between topographies, (trials,).

    Parameters
    ----------
    profile, reference : array, shape (trials, channels)
        Not negative, of any scale.
    places_mm : array, shape (channels, 3)
    """
    surplus = _mass_shares(profile) - _mass_shares(reference)
    between = scipy.spatial.distance.cdist(places_mm, places_mm)
    return np.array([_least_work(trial, between) for trial in surplus])


def band_distance(relevance: Array, frequencies: Array, low_hz: Array, high_hz: Array) -> Array:
    """Mean distance in Hz of the relevance of frequencies from a band, (trials,).

    Within the band it is 0: the least work that brings all of the relevance into the band.

    Parameters
    ----------
    relevance : array, shape (trials, frequencies)
        Of any sign and scale; its magnitude counts.
    frequencies : array, shape (frequencies,)
        Hz.
    low_hz, high_hz : array, shape (trials,)
        Edges of the band; NaN makes the distance NaN.
    """
    below, above = low_hz[:, None] - frequencies, frequencies - high_hz[:, None]
    outside = np.maximum(below, above).clip(min=0)
    return (_mass_shares(np.abs(relevance)) * outside).sum(1)


def _mass_shares(mass: Array) -> Array:
    """Shares of each row, NaN where it is zero or not finite."""
    mass = np.asarray(mass, float)
    total = mass.sum(1, keepdims=True)
    return mass / np.where((total > 0) & np.isfinite(total), total, np.nan)


def _least_work(surplus: Array, between: Array) -> float:
    """Least work that brings what is too much to where it lacks.

    What a place has in both distributions stays there, since distances obey the triangle
    inequality.
    """
    if np.isnan(surplus).any():
        return np.nan
    much, little = surplus > NEGLIGIBLE_MASS, surplus < -NEGLIGIBLE_MASS
    if not much.any() or not little.any():
        return 0.0
    supply, demand = surplus[much], -surplus[little]
    supply, demand = supply / supply.sum(), demand / demand.sum()
    work = least_work(supply, demand, between[np.ix_(much, little)])
    return float(work * surplus[much].sum())
