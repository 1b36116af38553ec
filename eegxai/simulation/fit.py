"""Whether a feature type fits the epoch and the head: what does not would be no ground truth."""

from functools import lru_cache

import numpy as np

from eegxai.head import HeadSpec, open_head
from eegxai.simulation.feature_spec import FeatureSpec, Signal
from eegxai.simulation.kinds import BAND_TRANSITION_HZ
from eegxai.simulation.waveforms import Epoch

FEWEST_SAMPLES = 2  # of a peak or burst


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
    narrowest_ms = 1e3 * FEWEST_SAMPLES / epoch.sfreq
    if signal.width_ms.lowest < narrowest_ms:
        raise ValueError(
            f"{where} has width_ms={list(signal.width_ms)}; at sfreq={epoch.sfreq:g} Hz it must "
            f"stay above {narrowest_ms:g} ms, two samples"
        )
    lowest, highest = _frequencies(signal)
    if lowest <= 0 or highest >= epoch.sfreq / 2:
        raise ValueError(
            f"{where} has frequencies from {lowest:g} to {highest:g} Hz; at sfreq={epoch.sfreq:g} "
            f"Hz they must lie between 0 and {epoch.sfreq / 2:g} Hz"
        )


def _frequencies(signal: Signal) -> tuple[float, float]:
    """Lowest and highest frequency (Hz) that a burst is made of; of a peak any two that fit."""
    if signal.frequency_hz is not None:
        return signal.frequency_hz.lowest, signal.frequency_hz.highest
    if signal.band_hz is not None:
        low, high = signal.band_hz
        return low - BAND_TRANSITION_HZ / 2, high + BAND_TRANSITION_HZ / 2
    return np.finfo(float).tiny, 0.0
