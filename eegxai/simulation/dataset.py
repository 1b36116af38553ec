"""Simulated EEG with a known answer: draw trials, project them to the scalp, mix in noise.

Every random stream is named by (seed, purpose, block of trials). So SNR levels share signal and
noise, more trials extend the same data, and any block can be made alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import mne
import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator
from scipy.special import expit

from eegxai.head import HEADS, brain_points, lead_field, montage_info
from eegxai.registry import lookup
from eegxai.seeding import generator
from eegxai.simulation.features import FEATURES, MOMENT_PER_UNIT, Feature
from eegxai.simulation.waveforms import Epoch, pink
from eegxai.spec import spec

EPOCH = Epoch(n_times=250, sfreq=250.0)  # 1 s, as in the authors' code
BLOCK = 256  # trials that share a random stream; part of the identity of the data

Array = np.ndarray
T = TypeVar("T")


@spec
class NoiseSpec:
    """Noise of a recording: pink dipoles all over the brain and white sensor noise.

    Parameters
    ----------
    n_dipoles : int
        Pink sources at random places of the brain with random orientations.
    source_amplitude : float
        Root mean square of each source, in source units (10 nA·m). 1.7 has the mean peak of 5
        that the published re-creation gives its pink noise.
    sensor_share : float
        Expected share of white sensor noise in the noise power, 0 to below 1. The re-creation
        gives both noises the same amplitude, hence 0.5.
    """

    n_dipoles: Annotated[int, Field(ge=1)] = 64
    source_amplitude: Annotated[float, Field(gt=0)] = 1.7
    sensor_share: Annotated[float, Field(ge=0, lt=1)] = 0.5


DEFAULT_NOISE = NoiseSpec()


@spec
class DataSpec:
    """One simulated data set: equal specs give equal bits.

    Parameters
    ----------
    feature : str
        Name in :data:`eegxai.simulation.FEATURES`.
    snr_db : float
        20 log10(r / (1 - r)) of the amplitude mixing ratio r.
    n_trials : int
        At least one per class; trial i belongs to class i modulo the number of classes.
    seed : int
        Not negative.
    head : str
        Name in :data:`eegxai.head.HEADS`.
    noise : NoiseSpec
    """

    feature: str
    snr_db: float
    n_trials: int
    seed: Annotated[int, Field(ge=0)]
    head: str = "sphere"
    noise: NoiseSpec = DEFAULT_NOISE

    @field_validator("feature")
    @classmethod
    def _known_feature(cls, name: str) -> str:
        lookup(FEATURES, name, "feature")
        return name

    @field_validator("head")
    @classmethod
    def _known_head(cls, name: str) -> str:
        lookup(HEADS, name, "head")
        return name

    @model_validator(mode="after")
    def _every_class_has_a_trial(self) -> "DataSpec":
        needed = len(FEATURES[self.feature].classes)
        if self.n_trials < needed:
            raise ValueError(
                f"n_trials {self.n_trials} is too small: "
                f"{self.feature!r} has {needed} classes and needs a trial of each"
            )
        return self


@dataclass(frozen=True, eq=False)
class SimulatedEEG:
    """Epochs with labels and the noiseless signal that is in them.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
        Signal and noise, float32, µV, average reference.
    y : array, shape (trials,)
        Class labels, int64.
    ground_truth : array, shape (trials, channels, times)
        The signal as it is contained in ``x``, float32, µV.
    trials : DataFrame
        A row per trial: class_name, signal, dipole (place in the feature's table), x_mm, y_mm,
        z_mm (MNI), side, latency_ms, width_ms, amplitude (source units), low_hz, high_hz,
        frequency_hz, phase (cycles). NaN where the signal has no such thing.
    info : mne.Info
    spec : DataSpec
    """

    x: Array
    y: Array
    ground_truth: Array
    trials: pd.DataFrame
    info: mne.Info
    spec: DataSpec

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their labels."""
        return FEATURES[self.spec.feature].class_names

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def simulate(
    feature: str,
    snr_db: float,
    seed: int,
    n_trials: int,
    head: str = "sphere",
    noise: NoiseSpec = DEFAULT_NOISE,
) -> SimulatedEEG:
    """Simulate EEG of one feature type; the parameters are those of :class:`DataSpec`.

    Raises
    ------
    ValueError
        For an unknown feature or head, and values out of range.
    """
    return simulate_spec(
        DataSpec(
            feature=feature, snr_db=snr_db, seed=seed, n_trials=n_trials, head=head, noise=noise
        )
    )


def simulate_spec(data: DataSpec) -> SimulatedEEG:
    """Simulate the EEG that a spec describes."""
    trials = draw_trials(data)
    ground_truth, x = sensor_signal(data, trials), sensor_noise(data)
    signal_factor, noise_factor = mixing_factors(ground_truth, x, data.snr_db)
    # In place, because 40,000 trials fill 2.5 GB an array.
    ground_truth *= signal_factor
    x *= noise_factor
    x += ground_truth
    labels = np.arange(data.n_trials, dtype=np.int64) % len(FEATURES[data.feature].classes)
    return SimulatedEEG(x, labels, ground_truth, trials, montage_info(EPOCH.sfreq), data)


def draw_trials(data: DataSpec) -> pd.DataFrame:
    """Parameters of every trial, as in :attr:`SimulatedEEG.trials`."""
    blocks = [_draw_block(data, block) for block, _ in _blocks(data.n_trials)]
    return pd.concat(blocks, ignore_index=True).iloc[: data.n_trials].rename_axis("trial")


def sensor_signal(data: DataSpec, trials: pd.DataFrame) -> Array:
    """Signal at the electrodes before mixing: (trials, channels, times) float32, µV."""
    topographies = _signal_topographies(data).astype(np.float32)
    signal = _empty(data.n_trials, len(topographies))
    for block, rows in _blocks(data.n_trials):
        activity = _activity(data, trials.iloc[rows], block).astype(np.float32)
        scalp = topographies.T[trials["dipole"].iloc[rows]]
        np.multiply(scalp[:, :, None], activity[:, None, :], out=signal[rows])
    return signal


def sensor_noise(data: DataSpec) -> Array:
    """Noise at the electrodes before mixing: (trials, channels, times) float32, µV."""
    topographies = _noise_topographies(data).astype(np.float32)
    source_power = np.mean(np.sum(topographies**2, axis=1))
    share = data.noise.sensor_share
    sensor_rms = np.sqrt(source_power * share / (1 - share)).astype(np.float32)
    noise = _empty(data.n_trials, len(topographies))
    for block, rows in _blocks(data.n_trials):
        # The filter works along time and the projection along channels: either may come first.
        source = pink(
            topographies @ _white(data, "source noise", block, rows, topographies.shape[1])
        )
        sensor = sensor_rms * _white(data, "sensor noise", block, rows, len(topographies))
        np.add(source, sensor - sensor.mean(axis=1, keepdims=True), out=noise[rows])
    return noise


def mixing_factors(signal: Array, noise: Array, snr_db: float) -> tuple[float, float]:
    """Factors a, b of the mixture a * signal + b * noise, SEREEGA's way (utl_mix_data.m).

    r * S / ||S|| + (1 - r) * N / ||N|| over the whole data set, with the mean absolute amplitude
    that S and N have together. ``snr_db`` = 20 log10(r / (1 - r)).
    """
    logit = snr_db * np.log(10) / 20
    a = expit(logit) / np.sqrt(_total(np.square, signal))
    b = expit(-logit) / np.sqrt(_total(np.square, noise))
    before = (_total(np.abs, signal) + _total(np.abs, noise)) / 2
    scale = before / _total(lambda s, n: np.abs(a * s + b * n), signal, noise)
    return float(scale * a), float(scale * b)


def _draw_block(data: DataSpec, block: int) -> pd.DataFrame:
    feature = FEATURES[data.feature]
    rng = generator(data.seed, "trials", block)
    uniforms, normals = rng.random((BLOCK, 3)), rng.standard_normal((BLOCK, 4))
    labels = [(block * BLOCK + i) % len(feature.classes) for i in range(BLOCK)]
    draws = zip(labels, uniforms, normals, strict=True)
    trials = pd.DataFrame([_draw_trial(feature, *draw) for draw in draws])
    trials["phase"] = trials["phase"].where(trials["frequency_hz"].notna())
    return trials


def _draw_trial(feature: Feature, label: int, uniform: Array, normal: Array) -> dict[str, object]:
    which_signal, which_dipole, phase = uniform
    latency, width, amplitude, frequency = normal
    drawn = feature.classes[label]
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


SIDES = {-1: "left", 0: "midline", 1: "right"}


def _pick(options: Sequence[T], uniform: float) -> T:
    return options[int(uniform * len(options))]


def _activity(data: DataSpec, trials: pd.DataFrame, block: int) -> Array:
    """Source waveforms (trials, times) of one block, source units."""
    activity = np.empty((len(trials), EPOCH.n_times))
    signals = FEATURES[data.feature].signals
    for name in trials["signal"].unique():
        rows = np.flatnonzero(trials["signal"] == name)
        rng = generator(data.seed, f"{name} carrier", block)
        activity[rows] = signals[name].waveform(EPOCH, trials.iloc[rows], rng)
    return activity


def _signal_topographies(data: DataSpec) -> Array:
    """µV (channels, dipoles) per source unit of the feature's dipoles."""
    field = lead_field(data.head, np.array(FEATURES[data.feature].dipoles_mni_mm))
    orientations = field.orientations(generator(data.seed, "orientations"))
    return MOMENT_PER_UNIT * field.project(orientations)


def _noise_topographies(data: DataSpec) -> Array:
    """µV (channels, dipoles) of the noise sources at their root mean square."""
    places = brain_points(data.noise.n_dipoles, generator(data.seed, "noise places"))
    field = lead_field(data.head, places)
    orientations = field.orientations(generator(data.seed, "noise orientations"))
    return MOMENT_PER_UNIT * data.noise.source_amplitude * field.project(orientations)


def _white(data: DataSpec, purpose: str, block: int, rows: slice, n_rows: int) -> Array:
    """White noise (trials, n_rows, times), variance 1; fewer trials are a prefix of more."""
    rng = generator(data.seed, purpose, block)
    shape = (rows.stop - rows.start, n_rows, EPOCH.n_times)
    return rng.standard_normal(shape, dtype=np.float32)


def _blocks(n_trials: int) -> Iterator[tuple[int, slice]]:
    for block, start in enumerate(range(0, n_trials, BLOCK)):
        yield block, slice(start, min(start + BLOCK, n_trials))


def _empty(n_trials: int, n_channels: int) -> Array:
    return np.empty((n_trials, n_channels, EPOCH.n_times), dtype=np.float32)


def _total(measure: Callable[..., Array], *arrays: Array) -> float:
    """Sum of a measure over all trials, block by block to spare memory, in double precision."""
    parts = (measure(*(array[rows] for array in arrays)) for _, rows in _blocks(len(arrays[0])))
    return float(sum(part.sum(dtype=np.float64) for part in parts))
