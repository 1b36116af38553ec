"""How signal and noise are mixed, and what the signal-to-noise ratio is the ratio of."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from eegxai.simulation import noise, signal
from eegxai.simulation.blocks import each_block
from eegxai.simulation.kinds import TrialParameters
from eegxai.simulation.noise import add_artefacts, electrode_noise, recorded_noise, sensor_noise
from eegxai.simulation.signal import columns, dipole_noise, sensor_distractor, sensor_signal
from eegxai.simulation.spec import DataSpec
from eegxai.simulation.trials import draw_distractors, draw_trials

Array = np.ndarray
Factors = tuple[np.float32, np.float32]  # of the source and of the noise
WeighedParts = Callable[[slice], tuple[Array, Array]]  # rows of a block to its source and noise


class Definition(NamedTuple):
    """What a signal-to-noise ratio is the ratio of.

    ``source`` is a function of (data, trials, rows, class signal) to what the trials' dipoles do,
    and ``noise`` one of (data, rows) to what that is mixed with, both before mixing. ``factors``
    is one of (parts, n_trials, snr_db) to the factors of both. The ground truth is the class
    signal's part of the source.
    """

    source: Callable[[DataSpec, TrialParameters, slice, Array], Array]
    noise: Callable[[DataSpec, slice], Array]
    factors: Callable[[WeighedParts, int, float], Factors]


def _signal_alone(data: DataSpec, trials: TrialParameters, rows: slice, signal: Array) -> Array:
    return signal


def _signal_in_noise(data: DataSpec, trials: TrialParameters, rows: slice, signal: Array) -> Array:
    return signal + dipole_noise(data, trials, rows)


class Parts(NamedTuple):
    """Functions that make the parts of any block of trials before mixing, µV.

    ``signal`` and ``noise`` take the rows, ``source`` the rows and their signal.
    """

    signal: Callable[[slice], Array]
    source: Callable[[slice, Array], Array]
    noise: Callable[[slice], Array]


def parts_of(data: DataSpec, trials: pd.DataFrame) -> Parts:
    """The parts of a data set; a distractor counts as noise."""
    signal.prepare_signal(data)
    noise.prepare_noise(data)
    drawn, definition = columns(trials), _definition(data)
    return Parts(
        signal=lambda rows: sensor_signal(data, drawn, rows),
        source=lambda rows, signal: definition.source(data, drawn, rows, signal),
        noise=_with_distractor(data, definition),
    )


def factors_of(data: DataSpec, parts: WeighedParts) -> Factors:
    """Factors a, b of the mixture a * source + b * noise, by the definition of the data.

    Raises
    ------
    ValueError
        When the source or the noise is zero or not finite.
    """
    return _definition(data).factors(parts, data.n_trials, data.snr_db)


def mixing_factors(parts: WeighedParts, n_trials: int, snr_db: float) -> Factors:
    """Factors a, b of the mixture a * source + b * noise, as in SEREEGA (utl_mix_data.m).

    r * S / ||S|| + (1 - r) * N / ||N|| over the whole data set, scaled to the mean absolute
    amplitude of S and N together. ``snr_db`` = 20 log10(r / (1 - r)).

    Parameters
    ----------
    parts : function
        From the rows of a block to its source S and noise N.
    n_trials : int
    snr_db : float

    Raises
    ------
    ValueError
        When the source or the noise is zero or not finite.
    """

    def measure(rows: slice) -> tuple[float, float, float]:
        source, noise = parts(rows)
        return _summed_power(source), _summed_power(noise), _amplitude(source) + _amplitude(noise)

    def mixed(rows: slice) -> float:
        source, noise = parts(rows)
        return _amplitude(a * source + b * noise)

    source_power, noise_power, amplitude = np.sum(each_block(measure, n_trials), axis=0)
    _require_power(source=source_power, noise=noise_power)
    logit = snr_db * np.log(10) / 20
    a = np.float32(scipy.special.expit(logit) / np.sqrt(source_power / n_trials))
    b = np.float32(scipy.special.expit(-logit) / np.sqrt(noise_power / n_trials))
    scale = np.float32(amplitude / 2 / sum(each_block(mixed, n_trials)))
    return scale * a, scale * b


def planting_factors(parts: WeighedParts, n_trials: int, snr_db: float) -> Factors:
    """Factors g, 1 of the sum g * source + noise: recordings stay as they are.

    ``snr_db`` = 20 log10(||g S|| / ||N - m||) over the whole data set, m the mean of each channel:
    the offset of an electrode is no noise. Parameters and errors as in :func:`mixing_factors`.
    """

    def measure(rows: slice) -> tuple[float, int, Array, Array]:
        source, noise = parts(rows)
        n_samples, exact = len(noise) * noise.shape[-1], noise.astype(np.float64)
        return (
            _summed_power(source),
            n_samples,
            exact.sum(axis=(0, 2)),
            np.square(exact).sum(axis=(0, 2)),
        )

    measured = zip(*each_block(measure, n_trials), strict=True)
    source_power, n_samples, total, squares = (sum(values) for values in measured)
    noise_power = float(np.sum(squares - total**2 / n_samples))
    _require_power(source=source_power, noise=noise_power)
    ratio = 10 ** (snr_db / 20) * np.sqrt(noise_power / source_power)
    return np.float32(ratio), np.float32(1)


@lru_cache(maxsize=8)
def streamed_factors(data: DataSpec) -> Factors:
    """The factors of a data set, which is made block by block for them and not kept."""
    parts = parts_of(data, draw_trials(data))

    def made(rows: slice) -> tuple[Array, Array]:
        return parts.source(rows, parts.signal(rows)), parts.noise(rows)

    return factors_of(data, made)


def mix(
    data: DataSpec, parts: Parts, factors: Factors, rows: slice, signal: Array, noise: Array
) -> None:
    """Turn signal and noise of one block into ground truth and recording, in place."""
    noise *= factors[1]
    noise += factors[0] * parts.source(rows, signal)
    signal *= factors[0]
    add_artefacts(noise, data, rows)


# In the published re-creation the spectral and spatial scripts weigh the signal against pink and
# white noise, generate_temporal_domain_db.m signal and pink noise of a dipole against white noise.
SNR_DEFINITIONS: Mapping[str, Definition] = {
    "signal_to_noise": Definition(_signal_alone, sensor_noise, mixing_factors),
    "source_to_sensor": Definition(_signal_in_noise, electrode_noise, mixing_factors),
}
# Signals are added to recordings, which are all noise there is.
IN_RECORDINGS = Definition(_signal_alone, recorded_noise, planting_factors)


def _definition(data: DataSpec) -> Definition:
    return IN_RECORDINGS if data.background else SNR_DEFINITIONS[data.snr_definition]


def _with_distractor(data: DataSpec, definition: Definition) -> Callable[[slice], Array]:
    if data.feature_type.distractor is None:
        return lambda rows: definition.noise(data, rows)
    distractors = columns(draw_distractors(data))
    return lambda rows: definition.noise(data, rows) + sensor_distractor(data, distractors, rows)


def _require_power(**parts: float) -> None:
    for name, power in parts.items():
        if not (np.isfinite(power) and power > 0):
            raise ValueError(
                f"the {name} before mixing has a power of {power:g} µV², but it must be finite and "
                "above 0; check the amplitudes and the unit of the head's file"
            )


def _summed_power(part: Array) -> float:
    # Trial by trial in single precision and their sum in double: fast, and exact to 1e-6.
    return float(np.einsum("tcs,tcs->t", part, part).sum(dtype=np.float64))


def _amplitude(part: Array) -> float:
    return float(np.abs(part).sum(axis=(1, 2)).sum(dtype=np.float64))
