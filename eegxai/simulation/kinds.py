"""The kinds of signals: how a dipole's activity in a trial follows from the trial's parameters."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from eegxai.simulation import waveforms
from eegxai.simulation.waveforms import Epoch

BURST_TAPER = 0.5  # tapered share of a burst
BAND_TRANSITION_HZ = 1.0  # between passband and stopband of band-limited noise

TrialParameters = Mapping[str, np.ndarray]  # a column of values per name, as in the table of trials
Waveform = Callable[[Epoch, TrialParameters, np.random.Generator], np.ndarray]


def peak(epoch: Epoch, trials: TrialParameters, rng: np.random.Generator) -> np.ndarray:
    """Event-related potential: a Gaussian peak."""
    latency, width, amplitude = _columns(trials, "latency_ms", "width_ms", "amplitude")
    return waveforms.scale_to_peak(waveforms.gaussian_peak(epoch, latency, width), amplitude)


def tone_burst(epoch: Epoch, trials: TrialParameters, rng: np.random.Generator) -> np.ndarray:
    """Burst of a sine whose frequency and phase differ from trial to trial."""
    frequency, phase = _columns(trials, "frequency_hz", "phase")
    return _windowed_carrier(epoch, trials, waveforms.sine(epoch, frequency, phase))


def band_burst(epoch: Epoch, trials: TrialParameters, rng: np.random.Generator) -> np.ndarray:
    """Burst of noise limited to the band, which is the same in all of the trials."""
    low, high = _columns(trials, "low_hz", "high_hz")
    taps = waveforms.bandpass_taps(low[0], high[0], BAND_TRANSITION_HZ, epoch.sfreq)
    return _windowed_carrier(epoch, trials, waveforms.band_noise(epoch, len(low), taps, rng))


class Kind(NamedTuple):
    """A kind of signal.

    ``waveform`` is a function of (epoch, trials, generator) to (trials, times); ``needs`` and
    ``may_have`` are fields of a signal beside latency, width and amplitude.
    """

    waveform: Waveform
    needs: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()


SIGNAL_KINDS: Mapping[str, Kind] = {
    "peak": Kind(peak),
    "tone": Kind(tone_burst, needs=("frequency_hz",), may_have=("band_hz",)),
    "band": Kind(band_burst, needs=("band_hz",)),
}


def _windowed_carrier(epoch: Epoch, trials: TrialParameters, carrier: np.ndarray) -> np.ndarray:
    latency, width, amplitude = _columns(trials, "latency_ms", "width_ms", "amplitude")
    window = waveforms.burst_window(epoch, latency, width, BURST_TAPER)
    return waveforms.scale_to_peak(carrier, amplitude) * window


def _columns(trials: TrialParameters, *names: str) -> list[np.ndarray]:
    return [trials[name] for name in names]
