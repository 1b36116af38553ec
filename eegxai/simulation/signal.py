"""Activity of single dipoles at the electrodes: class signal, distractor, and noise of a dipole.

Every random stream is named by (seed, purpose, block of trials).
"""

from functools import lru_cache

import numpy as np
import pandas as pd

from eegxai.seeding import generator
from eegxai.simulation.background import span
from eegxai.simulation.blocks import BLOCK
from eegxai.simulation.features import MOMENT_PER_UNIT
from eegxai.simulation.kinds import SIGNAL_KINDS, TrialParameters
from eegxai.simulation.noise import white_noise
from eegxai.simulation.pink import pink
from eegxai.simulation.spec import DataSpec

Array = np.ndarray


def prepare_signal(data: DataSpec) -> None:
    """Compute and cache the lead field, since MNE is not thread-safe."""
    dipole_topographies(data)


def columns(trials: pd.DataFrame) -> TrialParameters:
    """Table of trials as plain arrays: slicing a block in pandas takes longer than making it."""
    return {str(name): column.to_numpy() for name, column in trials.items()}


def sensor_signal(data: DataSpec, trials: TrialParameters, rows: slice) -> Array:
    """Class signal of one block before mixing: (trials, channels, times) float32, µV.

    Parameters
    ----------
    data : DataSpec
    trials : mapping of str to array
        All trials of the data, see :func:`columns`.
    rows : slice
        The block.
    """
    return _evoked(data, trials, rows, "carrier")


def sensor_distractor(data: DataSpec, distractors: TrialParameters, rows: slice) -> Array:
    """Distractor of one block before mixing, like :func:`sensor_signal`."""
    return _evoked(data, distractors, rows, "distractor carrier")


def dipole_noise(data: DataSpec, trials: TrialParameters, rows: slice) -> Array:
    """Pink noise of the dipole that has each trial's signal, like :func:`sensor_signal`.

    Its root mean square is ``noise.source_amplitude``, in source units. In a trial without a
    signal it comes from a dipole of the other classes, drawn at random.
    """
    block, n_trials = rows.start // BLOCK, rows.stop - rows.start
    white = white_noise(data, "dipole noise", block, (n_trials, 1, data.epoch.n_times))
    scalp = dipole_topographies(data).T[_active_dipoles(data, trials["dipole"][rows], block)]
    return data.noise.source_amplitude * scalp[:, :, None] * pink(white)


def _active_dipoles(data: DataSpec, dipoles: Array, block: int) -> Array:
    """Dipole of each trial of a block, (trials,) indices: a random one where there is no signal."""
    feature = data.feature_type
    places = {place for one in feature.classes if one.signals for place in feature.dipoles_of(one)}
    choices = np.flatnonzero([place in places for place in feature.dipoles_mni_mm])
    drawn = generator(data.seed, "idle dipoles", block).random(BLOCK)[: len(dipoles)]
    return np.where(dipoles >= 0, dipoles, choices[(drawn * len(choices)).astype(int)])


def _evoked(data: DataSpec, trials: TrialParameters, rows: slice, purpose: str) -> Array:
    block = {name: values[rows] for name, values in trials.items()}
    activity = _activity(data, block, purpose, rows.start // BLOCK).astype(np.float32)
    scalp = dipole_topographies(data).T[block["dipole"]]
    return scalp[:, :, None] * activity[:, None, :]


def _activity(data: DataSpec, trials: TrialParameters, purpose: str, block: int) -> Array:
    """Source waveforms (trials, times) of one block, source units; zero without a signal."""
    names = trials["signal"]
    activity = np.zeros((len(names), data.epoch.n_times))
    signals = data.feature_type.signals
    for name in sorted({*names} & {*signals}):
        rows = np.flatnonzero(names == name)
        some = {column: values[rows] for column, values in trials.items()}
        rng = generator(data.seed, f"{name} {purpose}", block)
        activity[rows] = SIGNAL_KINDS[signals[name].kind].waveform(data.epoch, some, rng)
    return activity


@lru_cache(maxsize=8)
def dipole_topographies(data: DataSpec) -> Array:
    """µV (channels, dipoles) per source unit of the feature's dipoles, float32.

    In recordings they keep to what the recordings span.
    """
    field = data.opened_head.lead_field(np.array(data.feature_type.dipoles_mni_mm))
    orientations = field.orientations(generator(data.seed, "orientations"))
    scalp = MOMENT_PER_UNIT * field.project(orientations)
    if data.background:
        spanned = span(data.background, data.epoch)
        scalp = spanned @ (spanned.T @ scalp)
    return scalp.astype(np.float32)
