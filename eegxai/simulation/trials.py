"""What happens in each trial: class, dipole, latency, width, amplitude, frequency as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from eegxai.seeding import generator
from eegxai.simulation.blocks import BLOCK, blocks
from eegxai.simulation.feature_spec import ClassSpec, FeatureSpec, Signal
from eegxai.simulation.labels import labels
from eegxai.simulation.regions import Position
from eegxai.simulation.spec import DataSpec

SIDES = {-1: "left", 0: "midline", 1: "right"}
NO_BAND = (np.nan, np.nan)
NO_SIGNAL = {
    "signal": "",
    "dipole": -1,
    **dict.fromkeys(("x_mm", "y_mm", "z_mm"), np.nan),
    "side": "",
    **dict.fromkeys(("latency_ms", "width_ms", "amplitude"), np.nan),
    **dict.fromkeys(("low_hz", "high_hz", "frequency_hz", "phase"), np.nan),
}

T = TypeVar("T")


def draw_trials(data: DataSpec) -> pd.DataFrame:
    """Parameters of every trial, as in :attr:`SimulatedEEG.trials`."""
    feature = data.feature_type
    drawn = [feature.classes[label] for label in labels(feature.shares, data.n_trials)]
    return _draw_trials(data, "trials", drawn)


def draw_distractors(data: DataSpec) -> pd.DataFrame:
    """Parameters of the distractor in every trial, columns as in :func:`draw_trials`.

    Raises
    ------
    ValueError
        When the feature type has no distractor.
    """
    distractor = data.feature_type.distractor
    if distractor is None:
        raise ValueError(f"feature {data.feature!r} has no distractor")
    return _draw_trials(data, "distractors", [distractor] * data.n_trials)


def _draw_trials(data: DataSpec, purpose: str, classes: Sequence[ClassSpec]) -> pd.DataFrame:
    feature, places = data.feature_type, _dipole_indices(data.feature_type)
    draws = zip(classes, _randomness(data, purpose), strict=False)
    trials = pd.DataFrame(
        [_draw_trial(feature, places, drawn, *numbers) for drawn, numbers in draws]
    )
    trials["phase"] = trials["phase"].where(trials["frequency_hz"].notna())
    return trials.rename_axis("trial")


def _randomness(data: DataSpec, purpose: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Uniform and normal numbers of each trial, block after block."""
    for block in range(len(blocks(data.n_trials))):
        rng = generator(data.seed, purpose, block)
        yield from zip(rng.random((BLOCK, 3)), rng.standard_normal((BLOCK, 4)), strict=True)


def _dipole_indices(feature: FeatureSpec) -> dict[Position, int]:
    """Index of each dipole in the feature type's table."""
    return {place: index for index, place in enumerate(feature.dipoles_mni_mm)}


def _draw_trial(
    feature: FeatureSpec,
    places: Mapping[Position, int],
    drawn: ClassSpec,
    uniform: np.ndarray,
    normal: np.ndarray,
) -> dict[str, object]:
    if not drawn.signals:
        return {"class_name": drawn.name, **NO_SIGNAL}
    which_signal, which_dipole, phase = uniform
    signal = _pick(drawn.signals, which_signal)
    place = _pick(feature.dipoles_of(drawn), which_dipole)
    x_mm, y_mm, z_mm = place
    return {
        "class_name": drawn.name,
        "signal": signal.name,
        "dipole": places[place],
        "x_mm": x_mm,
        "y_mm": y_mm,
        "z_mm": z_mm,
        "side": SIDES[int(np.sign(x_mm))],
        **_draw_signal(signal, normal),
        "phase": phase,
    }


def _draw_signal(signal: Signal, normal: np.ndarray) -> dict[str, float]:
    latency, width, amplitude, frequency = normal
    low_hz, high_hz = signal.band_hz or NO_BAND
    return {
        "latency_ms": signal.latency_ms.at(latency),
        "width_ms": signal.width_ms.at(width),
        "amplitude": signal.amplitude.at(amplitude),
        "low_hz": low_hz,
        "high_hz": high_hz,
        "frequency_hz": signal.frequency_hz.at(frequency) if signal.frequency_hz else np.nan,
    }


def _pick(options: Sequence[T], uniform: float) -> T:
    return options[int(uniform * len(options))]
