"""What a level of one definition of the signal-to-noise ratio is in the other.

    python benchmarks/levels.py [N_TRIALS]

Two levels are the same where the median trial has the same peak SNR. docs/simulation.md shows the
table.
"""

import sys

import numpy as np
import pandas as pd

from eegxai.simulation import simulate

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

    Of one definition it is exact, since there the peak SNR rises with the level dB by dB; of the
    other the largest reachable peak is that of the last step of the ladder.
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


def _shown(percentiles: Array) -> str:
    median, low, high = percentiles
    return f"{median:.1f} ({low:.1f} to {high:.1f})"


def main(n_trials: int) -> None:
    for feature in FEATURE_TYPES:
        table = compared(feature, n_trials)
        print(
            f"\n{feature}, {n_trials} trials; source_to_sensor reaches {table.attrs['highest']:.1f}"
        )
        print(table.to_string(float_format=lambda level: f"{level:.1f}"), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
