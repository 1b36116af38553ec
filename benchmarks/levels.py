"""What a level of one definition of the signal-to-noise ratio is in the other.

    python benchmarks/levels.py [N_TRIALS]

Two levels are the same where the median trial has the same peak SNR. A seed has dipoles and noise
sources of its own, so every number is the mean over seeds, with the lowest and the highest of them.
docs/simulation.md shows the table.
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
# Of the second definition, interpolated between.
LADDER_DB = np.union1d(np.arange(-40.0, 61.0, 5.0), STUDY_LEVELS_DB)
SEEDS = range(10)
Array = np.ndarray


def peak(feature: str, snr_db: float, definition: str, n_trials: int, seed: int) -> float:
    """Median of the trials' peak SNR, dB."""
    eeg = simulate(feature, snr_db, seed, n_trials, snr_definition=definition)
    return float(np.nanmedian(eeg.peak_snr_db()))


def compared(feature: str, n_trials: int, seed: int) -> pd.DataFrame:
    """For each of the study's levels (rows) its peaks and the same level in the other definition.

    In signal_to_noise the peak SNR rises with the level dB by dB; in source_to_sensor the noise of
    the dipole bounds it, and a level beyond the last step of the ladder is NaN. The last row is
    this bound.
    """
    zero = peak(feature, 0.0, SIGNAL_TO_NOISE, n_trials, seed)
    ladder = [peak(feature, level, SOURCE_TO_SENSOR, n_trials, seed) for level in LADDER_DB]
    first = np.array([zero + level for level in STUDY_LEVELS_DB])
    second = np.interp(STUDY_LEVELS_DB, LADDER_DB, ladder)
    columns = {
        "peak SNR, signal_to_noise": first,
        "as source_to_sensor": np.interp(first, ladder, LADDER_DB, right=np.nan),
        "peak SNR, source_to_sensor": second,
        "as signal_to_noise": second - zero,
    }
    table = pd.DataFrame(columns, index=pd.Index(STUDY_LEVELS_DB, name="dB"))
    table.loc[LADDER_DB[-1], "peak SNR, source_to_sensor"] = ladder[-1]
    return table


def power_ratio(feature: str, n_trials: int, seed: int) -> float:
    """Power of the class signal over that of the pink noise of its dipole, over whole epochs."""
    data = DataSpec(
        feature=feature, snr_db=0, n_trials=n_trials, seed=seed, snr_definition=SOURCE_TO_SENSOR
    )
    parts, powers = parts_of(data, draw_trials(data)), np.zeros(2)
    for rows in blocks(n_trials):
        signal = parts.signal(rows)
        noise = parts.source(rows, signal) - signal
        powers += [np.sum(part.astype(float) ** 2) for part in (signal, noise)]
    return float(powers[0] / powers[1])


def shown(values: Array) -> str:
    """Mean over seeds, and the lowest and the highest; a dash where a seed has none."""
    if np.isnan(values).any():
        return "–"
    return f"{values.mean():.1f} ({values.min():.1f} to {values.max():.1f})"


def over_seeds(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of text from those of all seeds."""
    stacked = pd.concat(tables)
    return stacked.groupby(level="dB", sort=False).agg(lambda values: shown(values.to_numpy()))


def main(n_trials: int) -> None:
    print(f"{n_trials} trials of each of the seeds {SEEDS[0]} to {SEEDS[-1]}")
    for feature in FEATURE_TYPES:
        ratios = np.array([power_ratio(feature, n_trials, seed) for seed in SEEDS])
        print(f"\n{feature}; signal : pink noise of the dipole, percent: {shown(100 * ratios)}")
        table = over_seeds([compared(feature, n_trials, seed) for seed in SEEDS])
        print(table.to_string(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
