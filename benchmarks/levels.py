"""What a level of one definition of the signal-to-noise ratio is in the other.

    python benchmarks/levels.py [N_TRIALS]

Two levels are the same where the median trial has the same peak SNR. docs/simulation.md shows the
table.
"""

import sys

import numpy as np
import pandas as pd

from eegxai.simulation import DataSpec, simulate
from eegxai.simulation.blocks import blocks
from eegxai.simulation.mixing import parts_of
from eegxai.simulation.trials import draw_trials

FEATURE_TYPES = ("temporal", "spectral", "spatial")
STUDY_LEVELS_DB = (-3.5, -12.0, -16.0, -19.0, -23.0)
SIGNAL_TO_NOISE, SOURCE_TO_SENSOR = "signal_to_noise", "source_to_sensor"
LADDER_DB = np.arange(-40.0, 61.0, 5.0)  # of the second definition, interpolated between
PERCENTILES = (50, 5, 95)
Array = np.ndarray


def peaks(feature: str, snr_db: float, definition: str, n_trials: int) -> Array:
    """Median, 5th and 95th percentile of the trials' peak SNR, dB."""
    eeg = simulate(feature, snr_db, 0, n_trials, snr_definition=definition)
    return np.nanpercentile(eeg.peak_snr_db(), PERCENTILES)


def compared(feature: str, n_trials: int) -> pd.DataFrame:
    """For each of the study's levels (rows) its peaks and the same level in the other definition.

    In signal_to_noise the peak SNR rises with the level dB by dB; in source_to_sensor the noise of
    the dipole bounds it, and a level beyond the last step of the ladder is NaN.
    """
    ladder = [peaks(feature, level, SOURCE_TO_SENSOR, n_trials)[0] for level in LADDER_DB]
    rows = {}
    for level in STUDY_LEVELS_DB:
        first = peaks(feature, level, SIGNAL_TO_NOISE, n_trials)
        second = peaks(feature, level, SOURCE_TO_SENSOR, n_trials)
        rows[level] = {
            "peak SNR, signal_to_noise": _shown(first),
            "as source_to_sensor": np.interp(first[0], ladder, LADDER_DB, right=np.nan),
            "peak SNR, source_to_sensor": _shown(second),
            "as signal_to_noise": level + second[0] - first[0],
        }
    table = pd.DataFrame(rows).T.rename_axis("dB")
    table.attrs["highest"] = ladder[-1]
    return table


def power_ratio(feature: str, n_trials: int) -> float:
    """Power of the class signal over that of the pink noise of its dipole, over whole epochs."""
    data = DataSpec(
        feature=feature, snr_db=0, n_trials=n_trials, seed=0, snr_definition=SOURCE_TO_SENSOR
    )
    parts, powers = parts_of(data, draw_trials(data)), np.zeros(2)
    for rows in blocks(n_trials):
        signal = parts.signal(rows)
        noise = parts.source(rows, signal) - signal
        powers += [np.sum(part.astype(float) ** 2) for part in (signal, noise)]
    return float(powers[0] / powers[1])


def _shown(percentiles: Array) -> str:
    median, low, high = percentiles
    return f"{median:.1f} ({low:.1f} to {high:.1f})"


def main(n_trials: int) -> None:
    for feature in FEATURE_TYPES:
        table, ratio = compared(feature, n_trials), power_ratio(feature, n_trials)
        print(f"\n{feature}, {n_trials} trials; signal : pink noise of the dipole = {ratio:.3f}")
        print(f"source_to_sensor reaches a median peak SNR of {table.attrs['highest']:.1f} dB")
        print(table.to_string(float_format=lambda level: f"{level:.1f}"), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
