"""Simulated EEG with a known signal: draw trials, project them to the scalp, mix in noise."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import mne
import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

from eegxai.head import HeadSpec, Montage, open_head, with_montage
from eegxai.simulation import noise, signal
from eegxai.simulation.blocks import BLOCK, blocks, each_block
from eegxai.simulation.feature_spec import FeatureSpec
from eegxai.simulation.labels import labels
from eegxai.simulation.noise import add_artefacts, sensor_noise
from eegxai.simulation.signal import columns, sensor_distractor, sensor_signal
from eegxai.simulation.spec import DEFAULT_NOISE, DataSpec, NoiseSpec
from eegxai.simulation.support import band_support, time_support
from eegxai.simulation.trials import draw_distractors, draw_trials

BAND_SHARE = 0.05  # of a trial's peak power, like the threshold of the ground-truth maps

Array = np.ndarray
Parts = Callable[[slice], tuple[Array, Array]]  # signal and noise of one block of trials


@dataclass(frozen=True, eq=False)
class SimulatedEEG:
    """Epochs with labels, and the noiseless signal that they contain.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
        Signal, noise and artefacts, float32, µV, average reference.
    y : array, shape (trials,)
        Class labels, int64.
    ground_truth : array, shape (trials, channels, times)
        The signal as it is contained in ``x``, float32, µV.
    trials : DataFrame
        One row per trial: class_name, signal, dipole (index in the feature's table), x_mm, y_mm,
        z_mm (MNI), side, latency_ms, width_ms, amplitude (source units), low_hz, high_hz,
        frequency_hz, phase (cycles). NaN where the signal has no such property; in a trial
        without a signal, its name is empty and its dipole -1.
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
        return self.spec.feature_type.class_names

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def time_support(self) -> Array:
        """Samples in which each trial's signal is active, see :func:`support.time_support`."""
        return time_support(self.trials, self.spec.epoch.times_ms)

    def band_support(self, share: float = BAND_SHARE) -> tuple[Array, Array]:
        """Frequencies (Hz) and where each trial's signal is, see :func:`support.band_support`."""
        return band_support(self.ground_truth, self.spec.sfreq, share)


def simulate(
    feature: str | FeatureSpec,
    snr_db: float,
    seed: int,
    n_trials: int,
    head: str | HeadSpec = "sphere",
    noise: NoiseSpec = DEFAULT_NOISE,
    *,
    sfreq: float = 250.0,
    tmin: float = 0.0,
    tmax: float = 1.0,
    montage: Montage = None,
) -> SimulatedEEG:
    """Simulate EEG of one feature type; the parameters are those of :class:`DataSpec`.

    ``feature`` is a name or the feature type itself, ``montage`` the name of a standard montage
    of MNE or a list of electrodes, see :func:`eegxai.head.with_montage`.

    Raises
    ------
    ValueError
        When the feature or head is unknown, a value is out of range, or the feature type does
        not fit the epoch or the head.
    """
    own = feature if isinstance(feature, FeatureSpec) else None
    spec = DataSpec(
        feature=own.name if own else str(feature),
        definition=own,
        snr_db=snr_db,
        n_trials=n_trials,
        seed=seed,
        sfreq=sfreq,
        tmin=tmin,
        tmax=tmax,
        head=with_montage(HeadSpec(model=head) if isinstance(head, str) else head, montage),
        noise=noise,
    )
    return simulate_spec(spec)


def simulate_spec(data: DataSpec) -> SimulatedEEG:
    """Simulate the EEG that a spec describes."""
    trials, info = draw_trials(data), open_head(data.head).info(data.sfreq)
    parts = _parts(data, trials)
    # Two arrays are filled and mixed in place, because 40,000 trials take 2.5 GB per array.
    shape = (data.n_trials, len(info.ch_names), data.epoch.n_times)
    ground_truth, x = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def fill(rows: slice) -> None:
        ground_truth[rows], x[rows] = parts(rows)

    each_block(fill, data.n_trials)
    factors = mixing_factors(lambda rows: (ground_truth[rows], x[rows]), data.n_trials, data.snr_db)
    each_block(lambda rows: _mix(data, factors, rows, ground_truth[rows], x[rows]), data.n_trials)
    y = labels(data.feature_type.shares, data.n_trials)
    return SimulatedEEG(x, y, ground_truth, trials, info, data)


def simulate_trials(data: DataSpec, start: int, stop: int) -> tuple[Array, Array]:
    """``x`` and ``ground_truth`` of the trials from ``start`` up to, not including, ``stop``.

    They are bit-identical to those of :func:`simulate_spec` and take only the memory of these
    trials. Mixing needs the norms of the whole data set, so the first call for a spec passes
    through it block by block.

    Raises
    ------
    ValueError
        When the data set has no such trials.
    """
    if not 0 <= start < stop <= data.n_trials:
        raise ValueError(f"trials {start} to {stop} do not exist; allowed are 0 to {data.n_trials}")
    trials, factors = draw_trials(data), _streamed_factors(data)
    needed = blocks(data.n_trials)[start // BLOCK : -(-stop // BLOCK)]
    with threadpool_limits(1, user_api="blas"):  # the same bits as from all blocks in parallel
        made = [_parts(data, trials)(rows) for rows in needed]
    for rows, (ground_truth, x) in zip(needed, made, strict=True):
        _mix(data, factors, rows, ground_truth, x)
    ground_truth, x = (np.concatenate(arrays) for arrays in zip(*made, strict=True))
    wanted = slice(start % BLOCK, start % BLOCK + stop - start)
    return x[wanted], ground_truth[wanted]


def mixing_factors(parts: Parts, n_trials: int, snr_db: float) -> tuple[np.float32, np.float32]:
    """Factors a, b of the mixture a * signal + b * noise, as in SEREEGA (utl_mix_data.m).

    r * S / ||S|| + (1 - r) * N / ||N|| over the whole data set, scaled to the mean absolute
    amplitude of S and N together. ``snr_db`` = 20 log10(r / (1 - r)).
    """

    def measure(rows: slice) -> tuple[float, float, float]:
        signal, noise = parts(rows)
        return _power(signal), _power(noise), _amplitude(signal) + _amplitude(noise)

    def mixed(rows: slice) -> float:
        signal, noise = parts(rows)
        return _amplitude(a * signal + b * noise)

    signal_power, noise_power, amplitude = np.sum(each_block(measure, n_trials), axis=0)
    logit = snr_db * np.log(10) / 20
    a = np.float32(expit(logit) / np.sqrt(signal_power / n_trials))
    b = np.float32(expit(-logit) / np.sqrt(noise_power / n_trials))
    scale = np.float32(amplitude / 2 / sum(each_block(mixed, n_trials)))
    return scale * a, scale * b


def _parts(data: DataSpec, trials: pd.DataFrame) -> Parts:
    """Function that makes signal and noise of any block; a distractor counts as noise."""
    signal.prepare(data)
    noise.prepare(data)
    drawn = columns(trials)
    if data.feature_type.distractor is None:
        return lambda rows: (sensor_signal(data, drawn, rows), sensor_noise(data, rows))
    distractors = columns(draw_distractors(data))
    return lambda rows: (
        sensor_signal(data, drawn, rows),
        sensor_noise(data, rows) + sensor_distractor(data, distractors, rows),
    )


def _mix(
    data: DataSpec, factors: tuple[np.float32, np.float32], rows: slice, signal: Array, noise: Array
) -> None:
    """Turn signal and noise of one block into ground truth and recording, in place."""
    signal *= factors[0]
    noise *= factors[1]
    noise += signal
    add_artefacts(noise, data, rows)


@lru_cache(maxsize=8)
def _streamed_factors(data: DataSpec) -> tuple[np.float32, np.float32]:
    return mixing_factors(_parts(data, draw_trials(data)), data.n_trials, data.snr_db)


def _power(part: Array) -> float:
    # Trial by trial in single precision and their sum in double: fast, and exact to 1e-6.
    return float(np.einsum("tcs,tcs->t", part, part).sum(dtype=np.float64))


def _amplitude(part: Array) -> float:
    return float(np.abs(part).sum(axis=(1, 2)).sum(dtype=np.float64))
