"""Errors in the units of the signal: ms and mm MNI.

These need to know more of the truth than a reference map: the sampling rate and the position of the
dipole (see :class:`SourceTruth`).
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from eegxai.head import scanning_head
from eegxai.head.base import Head
from eegxai.simulation import SimulatedEEG

# Metrics whose best value is 0; of all others it is 1.
ERRORS = (
    "latency_error_ms", "dipole_error_mm", "emd_ms", "emd_mm", "band_error_hz", "emd_hz",
)  # fmt: skip
# Three moments at any place explain every map of up to three dimensions, and the average reference
# leaves one dimension less than there are channels.
FEWEST_CHANNELS = 5
NEGLIGIBLE_SHARE = 1e-12  # a smaller share of a map's power is rounding, even in single precision

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class SourceGrid:
    """Positions of dipoles, and the topographies that each can produce.

    Attributes
    ----------
    places_mni_mm : array, shape (sources, 3)
    projectors : array, shape (sources, channels, channels)
        Projectors onto the topographies of the dipole's three directions, average reference.
    """

    places_mni_mm: Array
    projectors: Array


@dataclass(frozen=True, eq=False)
class SourceTruth:
    """What is known about simulated trials besides their noiseless signal.

    Attributes
    ----------
    ground_truth : array, shape (trials, channels, times)
        Noiseless signal in µV.
    sfreq : float
        Sampling rate in Hz.
    dipoles_mni_mm : array, shape (trials, 3)
    low_hz, high_hz : array, shape (trials,)
        Edges of the band; NaN where the signal has none.
    grid : SourceGrid
        Of the head to scan with, by default another one than the trials were simulated with.
    """

    ground_truth: Array
    sfreq: float
    dipoles_mni_mm: Array
    low_hz: Array
    high_hz: Array
    grid: SourceGrid

    def of(self, trials: Array) -> "SourceTruth":
        """Truth of some of the trials, given by their indices."""
        return replace(
            self,
            ground_truth=self.ground_truth[trials],
            dipoles_mni_mm=self.dipoles_mni_mm[trials],
            low_hz=self.low_hz[trials],
            high_hz=self.high_hz[trials],
        )


def source_truth(eeg: SimulatedEEG, trials: Array, scan_with: Head | None = None) -> SourceTruth:
    """Truth of chosen trials of a simulation.

    Parameters
    ----------
    eeg : SimulatedEEG
    trials : array, shape (trials,)
        Indices of the trials in it.
    scan_with : Head, optional
        The head in which dipoles are sought. By default :func:`eegxai.head.scanning_head` of the
        head that made the data, so that it is another one.

    Raises
    ------
    ValueError
        When that head has other channels than the data.
    """
    head = scanning_head(eeg.spec.opened_head) if scan_with is None else scan_with
    _require_same_channels(head, eeg)
    table = eeg.trials.iloc[trials]
    return SourceTruth(
        eeg.ground_truth[trials],
        eeg.info["sfreq"],
        table[["x_mm", "y_mm", "z_mm"]].to_numpy(),
        table["low_hz"].to_numpy(),
        table["high_hz"].to_numpy(),
        source_grid(head),
    )


def _require_same_channels(head: Head, eeg: SimulatedEEG) -> None:
    if (channels := head.info(1.0).ch_names) != eeg.info.ch_names:
        raise ValueError(
            f"scan_with has the channels {', '.join(channels)}; those of the data are needed: "
            f"{', '.join(eeg.info.ch_names)}"
        )


@lru_cache(maxsize=1)  # 119 MB with 62 channels
def source_grid(head: Head) -> SourceGrid:
    """Positions to scan in a head with their topographies, the same for every data set."""
    places = head.scan_places()
    gain = head.lead_field(places).gain.transpose(1, 0, 2)
    bases, _, _ = np.linalg.svd(gain, full_matrices=False)
    return SourceGrid(places, bases @ bases.transpose(0, 2, 1))


def physical_scores(attribution: Array, truth: SourceTruth) -> pd.DataFrame:
    """Errors of maps, one row per trial; NaN where undefined.

    Parameters
    ----------
    attribution : array, shape (trials, channels, times)
        Signed maps of any scale.
    truth : SourceTruth
        Of the same trials.
    """
    columns = {
        "latency_error_ms": latency_error(attribution, truth.ground_truth, truth.sfreq),
        "dipole_error_mm": dipole_error(attribution, truth.dipoles_mni_mm, truth.grid),
    }
    return pd.DataFrame(columns)


def latency_error(attribution: Array, ground_truth: Array, sfreq: float) -> Array:
    """Time in ms between the peaks of a map and of the signal, (trials,), 0 or more.

    A peak is the first sample at which the magnitudes summed over channels are largest. NaN if
    they are the same at all samples.
    """
    peaks = [_peak_position(maps) for maps in (attribution, ground_truth)]
    return 1000 / sfreq * np.abs(peaks[0] - peaks[1])


def _peak_position(maps: Array) -> Array:
    profile = np.abs(maps).sum(1)
    varies = profile.max(1) > profile.min(1)
    return np.where(varies, profile.argmax(1), np.nan)


def dipole_error(attribution: Array, dipoles_mni_mm: Array, grid: SourceGrid) -> Array:
    """Distance in mm MNI between a map's best-fitting dipole and the true one, (trials,).

    The best-fitting dipole is the one in the grid that explains most of the map's power over
    channels and times, with a free moment at every sample. Maps are average-referenced first. NaN
    if nothing remains then, and with fewer than :data:`FEWEST_CHANNELS` channels, where every
    dipole explains every map.
    """
    maps = np.asarray(attribution, float)
    if maps.shape[1] < FEWEST_CHANNELS:
        return np.full(len(maps), np.nan)
    referenced = maps - maps.mean(1, keepdims=True)
    found = _best_sources(referenced, grid)
    error = np.linalg.norm(grid.places_mni_mm[found] - dipoles_mni_mm, axis=1)
    return np.where(_map_power(referenced) > NEGLIGIBLE_SHARE * _map_power(maps), error, np.nan)


def _best_sources(maps: Array, grid: SourceGrid) -> Array:
    covariance = maps @ maps.transpose(0, 2, 1)
    n_trials, n_places = len(covariance), len(grid.projectors)
    # Their traces as one matrix product; tensordot would copy the projectors, 119 MB.
    explained = covariance.reshape(n_trials, -1) @ grid.projectors.reshape(n_places, -1).T
    return explained.argmax(1)


def _map_power(maps: Array) -> Array:
    return np.square(maps).sum((1, 2))
