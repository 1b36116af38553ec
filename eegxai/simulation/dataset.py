"""Simulated EEG with a known signal: draw trials, project them to the scalp, mix in noise."""

from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from eegxai.head import HeadSpec, Montage, with_montage
from eegxai.simulation.background import background_recording, drawn
from eegxai.simulation.blocks import BLOCK, blocks, each_block
from eegxai.simulation.feature_spec import FeatureSpec
from eegxai.simulation.labels import labels
from eegxai.simulation.memory import require_memory
from eegxai.simulation.mixing import factors_of, mix, parts_of, streamed_factors
from eegxai.simulation.peak_snr import peak_snr_db
from eegxai.simulation.spec import DEFAULT_NOISE, DataSpec, NoiseSpec, SnrDefinition
from eegxai.simulation.support import band_support, time_support
from eegxai.simulation.trials import draw_trials

BAND_SHARE = 0.05  # of a trial's peak power, like the threshold of the ground-truth maps

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class SimulatedEEG:
    """Epochs with labels, and the noiseless signal that they contain.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
        Signal, noise and artefacts, float32, µV, average reference; in recordings their reference.
    y : array, shape (trials,)
        Class labels, int64.
    ground_truth : array, shape (trials, channels, times)
        The signal as it is contained in ``x``, float32, µV.
    trials : DataFrame
        One row per trial: class_name, signal, dipole (index in the feature's table), x_mm, y_mm,
        z_mm (MNI), side, latency_ms, width_ms, amplitude (source units), low_hz, high_hz,
        frequency_hz, phase (cycles). NaN where the signal has no such property; in a trial
        without a signal, its name is empty and its dipole -1. In recordings also recorded_s: when
        the stretch begins, s after the file does, NaN where the file does not say it.
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

    def peak_snr_db(self) -> Array:
        """Peak signal-to-noise ratio of each trial, dB, see :func:`peak_snr.peak_snr_db`."""
        return peak_snr_db(self.x, self.ground_truth)


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
    snr_definition: SnrDefinition = "signal_to_noise",
) -> SimulatedEEG:
    """Simulate EEG of one feature type; the parameters are those of :class:`DataSpec`.

    ``feature`` is a name or the feature type itself, ``montage`` the name of a standard montage
    of MNE or a list of electrodes, see :func:`eegxai.head.with_montage`.

    Raises
    ------
    ValueError
        When the feature or head is unknown, a value is out of range, or the feature type does
        not fit the epoch or the head, or the data do not fit into memory.
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
        snr_definition=snr_definition,
    )
    return simulate_spec(spec)


def simulate_spec(data: DataSpec) -> SimulatedEEG:
    """Simulate the EEG that a spec describes.

    Raises
    ------
    ValueError
        When it does not fit into memory; the message says how many trials would.
    """
    require_memory(data)
    trials, info = draw_trials(data), data.opened_head.info(data.sfreq)
    parts = parts_of(data, trials)
    # Two arrays are filled and mixed in place, because 40,000 trials take 2.5 GB per array.
    shape = (data.n_trials, len(info.ch_names), data.epoch.n_times)
    ground_truth, x = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def fill(rows: slice) -> None:
        ground_truth[rows], x[rows] = parts.signal(rows), parts.noise(rows)

    def weighed(rows: slice) -> tuple[Array, Array]:
        return parts.source(rows, ground_truth[rows]), x[rows]

    each_block(fill, data.n_trials)
    factors = factors_of(data, weighed)
    each_block(
        lambda rows: mix(data, parts, factors, rows, ground_truth[rows], x[rows]), data.n_trials
    )
    y = labels(data.feature_type.shares, data.n_trials)
    return SimulatedEEG(x, y, ground_truth, _located(trials, data), info, data)


def _located(trials: pd.DataFrame, data: DataSpec) -> pd.DataFrame:
    """Trials, and where in the recordings each of them is."""
    if data.background is None:
        return trials
    onsets_s = background_recording(data.background).onsets_s(data.epoch.n_times)
    return trials.assign(recorded_s=onsets_s[drawn(len(onsets_s), data.n_trials, data.seed)])


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
    parts, factors = parts_of(data, draw_trials(data)), streamed_factors(data)
    needed = blocks(data.n_trials)[start // BLOCK : -(-stop // BLOCK)]
    with threadpool_limits(1, user_api="blas"):  # the same bits as from all blocks in parallel
        made = [(parts.signal(rows), parts.noise(rows)) for rows in needed]
        for rows, (ground_truth, x) in zip(needed, made, strict=True):
            mix(data, parts, factors, rows, ground_truth, x)
    ground_truth, x = (np.concatenate(arrays) for arrays in zip(*made, strict=True))
    wanted = slice(start % BLOCK, start % BLOCK + stop - start)
    return x[wanted], ground_truth[wanted]
