"""The ideal observer of a simulated recording: the matched filter of its known noise.

The noise of a trial is Gaussian with the covariance, over channels and times,

    Sigma = A A^T (x) P + sigma^2 R (x) I,

A the scaled topographies of its brain sources, P the covariance of pink noise
(:func:`eegxai.simulation.pink_covariance`), sigma that of the electrodes, and R the projection onto
the average reference. Both terms are diagonal in one basis: with U diag(lam) U^T = A A^T on the
space of the average reference and P = V diag(d) V^T,

    Sigma^-1 s = U [(U^T s V) / (lam_i d_j + sigma^2)] V^T.

The observer knows the true parameters of each trial's signal s, its waveform included, and asks
whether s is there or only noise (Green & Swets, Signal Detection Theory and Psychophysics, 1966;
Barrett & Myers, Foundations of Image Science, 2004, ch. 13).

Recordings are not Gaussian, and their covariance is not known. There the observer is the best one
that is linear, with a covariance estimated from stretches that are not among its trials (the
Hotelling observer, Barrett & Myers, ch. 13.2): see :func:`recorded_covariance`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy

from eegxai.simulation import SimulatedEEG, pink_covariance
from eegxai.simulation.background import EMPTY, drawn
from eegxai.simulation.mixing import parts_of
from eegxai.simulation.noise import add_artefacts, noise_sources, recorded_stretches
from eegxai.simulation.signal import dipole_topographies
from eegxai.simulation.spec import DataSpec

N_FITTED_TRIALS = 16  # of which the factors are read; each has thousands of values
# Relative to the noise, a small part of the recording at high SNRs: a filter of it leaves a
# residual of the order of 1, rounding to single precision 1e-7 to 1e-4, a file with 16 bits a
# value 1e-4 at 0 dB and 1e-2 at 40 dB.
LARGEST_RESIDUAL = 1e-2
FEWEST_STRETCHES = 100  # of which a covariance is estimated, see docs/evaluation.md

Array = np.ndarray


class Covariance:
    """Covariance of trials over channels and times that pairs of directions make diagonal."""

    _basis: tuple[Array, Array, Array]
    """U (channels, directions), V (times, times), and the power in each pair of them."""

    def whitened_twice(self, signal: Array) -> Array:
        """Sigma^-1 s of signals (trials, channels, times) in µV, in 1/µV, float64."""
        channels, times, power = self._basis
        return channels @ ((channels.T @ signal @ times) / power) @ times.T


@dataclass(frozen=True, eq=False)
class NoiseCovariance(Covariance):
    """Covariance of the noise of a trial over channels and times, in average reference.

    Attributes
    ----------
    sources_uv : array, shape (channels, sources)
        Root mean squares of the sources of pink noise at the electrodes, average reference.
    electrode_uv : float
        Root mean square of the white noise of an electrode, before the average reference.
    n_times : int
    """

    sources_uv: Array
    electrode_uv: float
    n_times: int

    @cached_property
    def _basis(self) -> tuple[Array, Array, Array]:  # type: ignore[override]
        referenced = scipy.linalg.null_space(np.ones((1, len(self.sources_uv))))
        inside = referenced.T @ self.sources_uv.astype(float)
        brain, rotation = np.linalg.eigh(inside @ inside.T)
        pink, times = np.linalg.eigh(pink_covariance(self.n_times))
        power = np.outer(brain.clip(min=0), pink.clip(min=0)) + self.electrode_uv**2
        return referenced @ rotation, times, power


@dataclass(frozen=True, eq=False)
class IdealObserver:
    """What the ideal observer's decisions on trials owe to each channel and sample.

    Attributes
    ----------
    x : array, shape (trials, channels, times)
        The trials in µV.
    template : array, shape (trials, channels, times)
        Sigma^-1 s in 1/µV, float32: what the observer multiplies a trial by.
    detectability : array, shape (trials,)
        d'^2 = sum(s * Sigma^-1 s): the statistic's mean with the signal, and its variance.
    left_out : tuple of str
        Parts of the recording that the covariance leaves out.
    is_estimated : bool
        Whether the covariance is estimated from recordings.
    """

    x: Array = field(repr=False)
    template: Array = field(repr=False)
    detectability: Array = field(repr=False)
    left_out: tuple[str, ...] = ()
    is_estimated: bool = False

    @property
    def contributions(self) -> Array:
        """X * Sigma^-1 s, (trials, channels, times), float32.

        A trial's sum is the statistic that the observer decides by, and its log likelihood ratio
        (signal or noise alone) is that minus ``detectability`` / 2.
        """
        return self.x * self.template

    def of(self, trials: Array) -> "IdealObserver":
        """That of some of the trials, given by their indices."""
        return replace(
            self,
            x=self.x[trials],
            template=self.template[trials],
            detectability=self.detectability[trials],
        )

    @property
    def knowledge(self) -> str:
        """What the observer knows, and what it leaves out, in one sentence."""
        noise = "the recordings, as estimated" if self.is_estimated else "brain and electrode noise"
        known = f"knows each trial's true signal and the covariance of {noise}"
        missing = f"; it leaves out {' and '.join(self.left_out)}" if self.left_out else ""
        return f"The ideal observer {known}{missing}."


def ideal_observer(eeg: SimulatedEEG, trials: Array) -> IdealObserver | None:
    """The ideal observer of chosen trials; None where it is not defined.

    It is not without noise of the electrodes, where a signal that the brain noise does not reach
    is detected with certainty, and not where the recording is not what its spec describes, for
    instance after a filter. In recordings its covariance is estimated, and ``x`` is without their
    mean over stretches; it is not defined where fewer than :data:`FEWEST_STRETCHES` are left.

    Parameters
    ----------
    eeg : SimulatedEEG
    trials : array, shape (trials,)
        Indices of the trials in it.

    Examples
    --------
    >>> from eegxai.simulation import simulate
    >>> eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=8)
    >>> ideal_observer(eeg, np.arange(8)).contributions.shape
    (8, 62, 250)
    """
    factors = mixing_of(eeg)
    if factors is None or eeg.spec.noise.sensor_share == 0:
        return None
    if eeg.spec.background:
        return _in_recordings(eeg, trials)
    dipoles = eeg.trials["dipole"].to_numpy()[trials]
    signal = eeg.ground_truth[trials].astype(float)
    template = np.zeros_like(signal)
    for place, rows in _alike(eeg.spec, dipoles):
        covariance = noise_covariance(eeg.spec, factors, place)
        template[rows] = covariance.whitened_twice(_without_rounding(signal[rows], covariance))
    return IdealObserver(
        eeg.x[trials],
        template.astype(np.float32),
        np.einsum("tcs,tcs->t", signal, template),
        left_out(eeg.spec),
    )


def _in_recordings(eeg: SimulatedEEG, trials: Array) -> IdealObserver | None:
    found = recorded_stretches(eeg.spec)
    order = drawn(len(found), eeg.spec.n_trials, eeg.spec.seed)
    others = np.delete(found, order[trials], axis=0)
    if len(others) < FEWEST_STRETCHES:
        return None
    mean = others.mean(axis=0, dtype=np.float64)
    signal = eeg.ground_truth[trials].astype(float)
    others -= mean.astype(np.float32)
    template = recorded_covariance(others).whitened_twice(signal)
    return IdealObserver(
        (eeg.x[trials] - mean).astype(np.float32),
        template.astype(np.float32),
        np.einsum("tcs,tcs->t", signal, template),
        left_out(eeg.spec),
        is_estimated=True,
    )


def noise_covariance(data: DataSpec, factors: tuple[float, float], dipole: int) -> NoiseCovariance:
    """Covariance of the noise of the trials of a dipole, by the factors of source and noise.

    With ``source_to_sensor`` the dipole's own pink noise is mixed as part of the source, and the
    brain has no other; else every trial has the same covariance.
    """
    of_source, of_noise = factors
    brain, electrode_rms = noise_sources(data)
    if data.snr_definition == "source_to_sensor":
        own = dipole_topographies(data)[:, [dipole]]
        sources = of_source * data.noise.source_amplitude * own
    else:
        sources = of_noise * brain
    return NoiseCovariance(sources, float(of_noise * electrode_rms), data.epoch.n_times)


@dataclass(frozen=True, eq=False)
class RecordedCovariance(Covariance):
    """Covariance of stretches of recordings, see :func:`recorded_covariance`."""

    channels: Array
    times: Array
    power: Array

    @property
    def _basis(self) -> tuple[Array, Array, Array]:  # type: ignore[override]
        return self.channels, self.times, self.power


def recorded_covariance(stretches: Array) -> RecordedCovariance:
    """Estimated covariance of stretches (stretches, channels, times) without their mean, µV.

    Its directions are those of the covariance over channels and of the covariance over times, as
    they are in the simulated noise. The power in a pair of directions is that of the stretches,
    shrunk towards the product of both, which a separable covariance would have: relative to it by
    as much as the estimates vary by chance (Ledoit & Wolf 2004, J. Multivar. Anal. 88:365-411).
    """
    n_stretches, n_channels, n_times = stretches.shape

    def exactly() -> Iterator[Array]:
        """One stretch at a time, in double precision: of all it would take much memory."""
        return (one.astype(float) for one in stretches)

    over_channels = sum(one @ one.T for one in exactly()) / (n_stretches * n_times)
    over_times = sum(one.T @ one for one in exactly()) / (n_stretches * n_channels)
    (of_channels, channels), (of_times, times) = map(np.linalg.eigh, (over_channels, over_times))
    held = of_channels > EMPTY * of_channels[-1]
    channels, of_channels = channels[:, held], of_channels[held]
    separable = np.outer(of_channels, of_times.clip(min=EMPTY * of_times[-1]))
    separable *= n_channels / of_channels.sum()
    powers = (np.square(channels.T @ one @ times) / separable for one in exactly())
    mean, variance = _streamed_moments(powers, n_stretches)
    shrinkage = min(1.0, variance.mean() / n_stretches / np.mean(np.square(mean - 1)))
    power = separable * (shrinkage + (1 - shrinkage) * mean.clip(min=EMPTY))
    return RecordedCovariance(channels, times, power)


def _streamed_moments(arrays: Iterable[Array], count: int) -> tuple[Array, Array]:
    """Mean and variance of many arrays, of which only one is held."""
    total = squares = np.zeros(())
    for one in arrays:
        total, squares = total + one, squares + one**2
    mean = total / count
    return mean, squares / count - mean**2


def left_out(data: DataSpec) -> tuple[str, ...]:
    """Parts of a recording that are not Gaussian, or have another covariance than its noise."""
    parts = {
        "the distractor": data.feature_type.distractor is not None,
        "line noise": data.noise.line_uv > 0,
        "blinks": data.noise.blink_uv > 0,
    }
    return tuple(name for name, present in parts.items() if present)


def mixing_of(eeg: SimulatedEEG) -> tuple[float, float] | None:
    """Factors of source and noise in a recording, read from its first trials by least squares.

    None where they do not explain it, or the ground truth is another than the signal in it. To
    compute them as the simulator does takes a pass through the whole data set.
    """
    rows = slice(0, min(N_FITTED_TRIALS, len(eeg.x)))
    parts, artefacts = parts_of(eeg.spec, eeg.trials), np.zeros_like(eeg.x[rows])
    add_artefacts(artefacts, eeg.spec, rows)
    mixed = (eeg.x[rows] - artefacts).ravel().astype(float)
    signal = parts.signal(rows)
    made = (parts.source(rows, signal), parts.noise(rows))
    if any(part.shape != eeg.x[rows].shape for part in made):
        return None
    columns = np.stack([part.ravel() for part in made], axis=1).astype(float)
    factors = np.linalg.lstsq(columns, mixed, rcond=None)[0]
    unexplained = mixed - columns @ factors
    same = _is_small(unexplained, factors[1] * columns[:, 1])
    planted = eeg.ground_truth[rows]
    same &= _is_small(planted - factors[0] * signal, planted)
    return (float(factors[0]), float(factors[1])) if same else None


def _is_small(residual: Array, part: Array) -> bool:
    return bool(np.linalg.norm(residual) <= LARGEST_RESIDUAL * np.linalg.norm(part))


def _without_rounding(signal: Array, covariance: NoiseCovariance) -> Array:
    """Signals on the topography that they have in common with the only source of noise.

    What single precision adds beside it meets the noise of the electrodes alone, and where that is
    almost none (40 dB and more) it would be most of the template.
    """
    if covariance.sources_uv.shape[1] > 1:
        return signal
    topography = covariance.sources_uv[:, 0].astype(float)
    courses = topography / (topography @ topography) @ signal
    clean = topography[:, None] * courses[:, None]
    return clean if _is_small(signal - clean, signal) else signal


def _alike(data: DataSpec, dipoles: Array) -> list[tuple[int, Array]]:
    """A dipole and where its trials are, for trials with a signal that share a covariance."""
    planted = dipoles >= 0
    if data.snr_definition != "source_to_sensor":
        return [(-1, np.flatnonzero(planted))]
    return [(int(one), np.flatnonzero(dipoles == one)) for one in np.unique(dipoles[planted])]
