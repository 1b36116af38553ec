"""Whether a feature type fits the epoch and the head: what does not would be no ground truth."""

from functools import lru_cache

import numpy as np

from eegxai.head import HeadSpec, open_head
from eegxai.simulation.feature_spec import FeatureSpec, Signal
from eegxai.simulation.kinds import BAND_TRANSITION_HZ
from eegxai.simulation.waveforms import Epoch, whole_samples

FEWEST_SIGNAL_SAMPLES = (
    3  # of a peak or burst: the first and last sample of a burst's window are zero
)


@lru_cache(maxsize=64)
def require_fit(feature: FeatureSpec, epoch: Epoch) -> None:
    """Refuse signals that leave the epoch or that its sampling cannot represent.

    Raises
    ------
    ValueError
        Names the class, the signal and the value.
    """
    for source in feature.sources:
        for signal in source.signals:
            where = f"class {source.name!r}: signal {signal.name!r}"
            _require_inside_epoch(where, signal, epoch)
            _require_sampled(where, signal, epoch)


@lru_cache(maxsize=64)
def require_inside_head(feature: FeatureSpec, head: HeadSpec) -> None:
    """Refuse dipoles outside the brain of a head.

    Raises
    ------
    ValueError
        Names the class and the dipole.
    """
    opened = open_head(head)
    for source in feature.sources:
        try:
            if source.signals:
                opened.require_inside(np.array(feature.dipoles_of(source)))
        except ValueError as error:
            raise ValueError(f"class {source.name!r}: {error}") from error


def _require_inside_epoch(where: str, signal: Signal, epoch: Epoch) -> None:
    half = signal.width_ms.highest / 2
    begins, ends = signal.latency_ms.lowest - half, signal.latency_ms.highest + half
    if begins < epoch.start_ms or ends > epoch.end_ms:
        raise ValueError(
            f"{where} with latency_ms={list(signal.latency_ms)} and "
            f"width_ms={list(signal.width_ms)} lasts from {begins:g} to {ends:g} ms, "
            f"but the epoch from {epoch.start_ms:g} to {epoch.end_ms:g} ms"
        )


def _require_sampled(where: str, signal: Signal, epoch: Epoch) -> None:
    narrowest_ms = 1e3 * FEWEST_SIGNAL_SAMPLES / epoch.sfreq
    if whole_samples(signal.width_ms.lowest, epoch.sfreq) < FEWEST_SIGNAL_SAMPLES:
        raise ValueError(
            f"{where} has width_ms={list(signal.width_ms)}; at sfreq={epoch.sfreq:g} Hz it must "
            f"be at least {narrowest_ms:g} ms, three samples, in every trial"
        )
    frequencies = _frequencies(signal)
    if not all(0 < frequency < epoch.sfreq / 2 for frequency in frequencies):
        raise ValueError(
            f"{where} has frequencies from {min(frequencies):g} to {max(frequencies):g} Hz; at "
            f"sfreq={epoch.sfreq:g} Hz they must lie between 0 and {epoch.sfreq / 2:g} Hz"
        )


def _frequencies(signal: Signal) -> list[float]:
    """Limits (Hz) of what a burst is made of and of the band it is counted in; of a peak none.

    A filter needs its transitions, too; the band of a tone is not filtered.
    """
    margin = BAND_TRANSITION_HZ / 2 if signal.frequency_hz is None else 0.0
    tone = [signal.frequency_hz.lowest, signal.frequency_hz.highest] if signal.frequency_hz else []
    band = [signal.band_hz[0] - margin, signal.band_hz[1] + margin] if signal.band_hz else []
    return tone + band
