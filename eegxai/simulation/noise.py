"""What a recording contains besides the signal: brain noise, sensor noise, line noise, blinks.

Every random stream is named by (seed, purpose, block of trials).
"""

import math
from functools import lru_cache

import mne
import numpy as np

from eegxai.head import mni_to_head
from eegxai.seeding import generator
from eegxai.simulation.background import drawn, stretches
from eegxai.simulation.blocks import BLOCK
from eegxai.simulation.features import MOMENT_PER_UNIT
from eegxai.simulation.pink import pink
from eegxai.simulation.spec import DataSpec
from eegxai.simulation.waveforms import gaussian_peak, sine, white

# Each eye as a current dipole in a homogeneous conductor (source dipoles of blinks: Lins et al.
# 1993, Brain Topogr. 6:65-78). Centres of the eyeballs (MNI mm, rounded) and the direction, up
# and forward, are our choice: the field is largest and positive at the frontopolar electrodes.
EYES_MNI_MM = ((-32.0, 60.0, -35.0), (32.0, 60.0, -35.0))
BLINK_DIRECTION = (0.0, 0.5, 0.87)
BLINK_WIDTH_MS, BLINK_WIDTH_SPREAD_MS = 400.0, 50.0  # six sigma of the peak, as for ERPs
BLINK_SIZE_SPREAD = 0.2  # standard deviation of a blink's size, share of the mean
LINE_GAIN_SPREAD = 0.5  # of the logarithm of an electrode's gain: impedances differ

Array = np.ndarray


def prepare_noise(data: DataSpec) -> None:
    """Compute and cache all that depends on the head, since MNE is not thread-safe."""
    if data.background:
        recorded_stretches(data)
        return
    noise_sources(data)
    _line_pattern(data)
    _blink_pattern(data)


def sensor_noise(data: DataSpec, rows: slice) -> Array:
    """Brain and electrode noise of one block before mixing: (trials, channels, times), µV."""
    block, n_trials, n_times = rows.start // BLOCK, rows.stop - rows.start, data.epoch.n_times
    topographies, _ = noise_sources(data)
    brain = white_noise(data, "source noise", block, (n_trials, topographies.shape[1], n_times))
    noise = electrode_noise(data, rows)
    # The filter acts along time and the projection along channels, so their order is free.
    noise += pink(topographies @ brain)
    return noise


def electrode_noise(data: DataSpec, rows: slice) -> Array:
    """White noise of the electrodes alone, a part of :func:`sensor_noise`, with the same values."""
    block, n_trials, n_times = rows.start // BLOCK, rows.stop - rows.start, data.epoch.n_times
    topographies, electrode_rms = noise_sources(data)
    noise = white_noise(data, "sensor noise", block, (n_trials, len(topographies), n_times))
    noise -= noise.mean(axis=1, keepdims=True)
    noise *= electrode_rms
    return noise


def recorded_noise(data: DataSpec, rows: slice) -> Array:
    """The recordings behind one block: (trials, channels, times) float32, µV, as they are."""
    found = recorded_stretches(data)
    return found[drawn(len(found), data.n_trials, data.seed)[rows]]


def recorded_stretches(data: DataSpec) -> Array:
    """All stretches of a data set's recordings, see :func:`background.stretches`."""
    assert data.background
    return stretches(data.background, data.epoch)


def line_noise(data: DataSpec, rows: slice) -> Array:
    """Line noise of one block: a sine of random phase in each trial, µV.

    Its pattern over the electrodes is log-normal and the same in all trials of a seed.
    """
    block, n_trials = rows.start // BLOCK, rows.stop - rows.start
    phase = generator(data.seed, "line phase", block).random(BLOCK)[:n_trials]
    wave = sine(data.epoch, np.full(n_trials, data.noise.line_hz), phase).astype(np.float32)
    return data.noise.line_uv * _line_pattern(data)[:, None] * wave[:, None, :]


def blinks(data: DataSpec, rows: slice) -> Array:
    """Eye blinks of one block, µV: a share of the trials contains one, at any time."""
    block, n_trials = rows.start // BLOCK, rows.stop - rows.start
    rng = generator(data.seed, "blinks", block)
    present, moment = rng.random((2, BLOCK))[:, :n_trials]
    width, size = rng.standard_normal((2, BLOCK))[:, :n_trials]
    latency_ms = data.epoch.start_ms + moment * data.epoch.duration_ms
    course = gaussian_peak(data.epoch, latency_ms, BLINK_WIDTH_MS + BLINK_WIDTH_SPREAD_MS * width)
    peak = data.noise.blink_uv * (1 + BLINK_SIZE_SPREAD * size)
    peak[present >= data.noise.blink_probability] = 0
    course = (peak[:, None] * course).astype(np.float32)
    return _blink_pattern(data)[:, None] * course[:, None, :]


def add_artefacts(x: Array, data: DataSpec, rows: slice) -> None:
    """Add the configured artefacts to ``x``, the recording of one block."""
    if data.noise.line_uv:
        x += line_noise(data, rows)
    if data.noise.blink_uv:
        x += blinks(data, rows)


def white_noise(data: DataSpec, purpose: str, block: int, shape: tuple[int, ...]) -> Array:
    """White noise (trials, ...), variance 1; fewer trials are a prefix of more."""
    n_trials, n_values = shape[0], math.prod(shape[1:])
    even = n_values + n_values % 2  # numbers are made in pairs
    noise = white(generator(data.seed, purpose, block), (n_trials, even))
    return noise[:, :n_values].reshape(shape)


@lru_cache(maxsize=8)
def noise_sources(data: DataSpec) -> tuple[Array, np.float32]:
    """Root mean squares of the brain sources, µV (channels, dipoles), and of the sensors, µV.

    That of the sensors is before the average reference, which removes 1 / channels of the power.
    """
    head = data.opened_head
    places = head.random_places(data.noise.n_dipoles, generator(data.seed, "noise places"))
    field = head.lead_field(places)
    orientations = field.orientations(generator(data.seed, "noise orientations"))
    amplitude = MOMENT_PER_UNIT * data.noise.source_amplitude
    topographies = (amplitude * field.project(orientations)).astype(np.float32)
    brain_power = np.mean(np.sum(topographies**2, axis=1))
    share, kept = data.noise.sensor_share, 1 - 1 / len(topographies)  # by the average reference
    return topographies, np.sqrt(brain_power * share / (1 - share) / kept).astype(np.float32)


@lru_cache(maxsize=8)
def _line_pattern(data: DataSpec) -> Array:
    """Gain of each channel, average reference, root mean square 1, float32."""
    gain = generator(data.seed, "line pattern").lognormal(0.0, LINE_GAIN_SPREAD, data.n_channels)
    gain -= gain.mean()
    return (gain / np.sqrt(np.mean(gain**2))).astype(np.float32)


@lru_cache(maxsize=8)
def _blink_pattern(data: DataSpec) -> Array:
    """Potential of a blink, average reference, 1 at the largest channel, float32.

    A dipole p at the origin of a homogeneous conductor has the potential p r / r^3.
    """
    montage: mne.Info = data.opened_head.info(data.sfreq)
    electrodes = np.array([channel["loc"][:3] for channel in montage["chs"]]) * 1e3
    eyes = mni_to_head(np.array(EYES_MNI_MM))
    from_eye = electrodes[:, None, :] - eyes
    field = from_eye @ np.array(BLINK_DIRECTION) / np.linalg.norm(from_eye, axis=2) ** 3
    potential = field.sum(axis=1)
    potential -= potential.mean()
    return (potential / np.abs(potential).max()).astype(np.float32)
