"""What happens in each trial: class, dipole, latency, width, amplitude, frequency as a table."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from eegxai.seeding import generator
from eegxai.simulation.blocks import BLOCK, blocks
from eegxai.simulation.features import FEATURES, ClassSpec, Feature
from eegxai.simulation.spec import DataSpec

SIDES = {-1: "left", 0: "midline", 1: "right"}

T = TypeVar("T")


def draw_trials(data: DataSpec) -> pd.DataFrame:
    """Parameters of every trial, as in :attr:`SimulatedEEG.trials`."""
    classes = FEATURES[data.feature].classes
    return _draw(data, "trials", [classes[i % len(classes)] for i in range(data.n_trials)])


def draw_distractors(data: DataSpec) -> pd.DataFrame:
    """Parameters of the distractor in every trial, columns as in :func:`draw_trials`.

    Raises
    ------
    ValueError
        When the feature type has no distractor.
    """
    distractor = FEATURES[data.feature].distractor
    if distractor is None:
        raise ValueError(f"feature {data.feature!r} has no distractor")
    return _draw(data, "distractors", [distractor] * data.n_trials)


def _draw(data: DataSpec, purpose: str, classes: Sequence[ClassSpec]) -> pd.DataFrame:
    feature = FEATURES[data.feature]
    draws = zip(classes, _randomness(data, purpose), strict=False)
    trials = pd.DataFrame([_draw_trial(feature, drawn, *numbers) for drawn, numbers in draws])
    trials["phase"] = trials["phase"].where(trials["frequency_hz"].notna())
    return trials.rename_axis("trial")


def _randomness(data: DataSpec, purpose: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Uniform and normal numbers of each trial, block after block."""
    for block in range(len(blocks(data.n_trials))):
        rng = generator(data.seed, purpose, block)
        yield from zip(rng.random((BLOCK, 3)), rng.standard_normal((BLOCK, 4)), strict=True)


def _draw_trial(
    feature: Feature, drawn: ClassSpec, uniform: np.ndarray, normal: np.ndarray
) -> dict[str, object]:
    which_signal, which_dipole, phase = uniform
    latency, width, amplitude, frequency = normal
    signal, dipole = _pick(drawn.signals, which_signal), _pick(drawn.dipoles, which_dipole)
    x_mm, y_mm, z_mm = feature.dipoles_mni_mm[dipole]
    return {
        "class_name": drawn.name,
        "signal": signal.name,
        "dipole": dipole,
        "x_mm": x_mm,
        "y_mm": y_mm,
        "z_mm": z_mm,
        "side": SIDES[int(np.sign(x_mm))],
        "latency_ms": signal.latency_ms.at(latency),
        "width_ms": signal.width_ms.at(width),
        "amplitude": signal.amplitude.at(amplitude),
        "low_hz": signal.band_hz[0],
        "high_hz": signal.band_hz[1],
        "frequency_hz": signal.frequency_hz.at(frequency),
        "phase": phase,
    }


def _pick(options: Sequence[T], uniform: float) -> T:
    return options[int(uniform * len(options))]
