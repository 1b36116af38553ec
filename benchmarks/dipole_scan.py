"""How far from a dipole its own noiseless topography is located: the floor of dipole_error_mm.

    python benchmarks/dipole_scan.py [N_SEEDS]

Scanned with the head that made the topographies and with the other one that scores are computed
with. The dipoles are those of trials of the three feature types, whose orientations each seed
draws anew, and random ones all over the brain. docs/evaluation.md shows the table.
"""

import sys
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd

from eegxai.evaluation.metrics.physical import SourceGrid, dipole_error, source_grid
from eegxai.head import HeadSpec, brain_points, mni_to_head, open_head, scanning_head
from eegxai.simulation import simulate

FEATURE_TYPES = ("temporal", "spectral", "spatial")
N_TRIALS = 32  # of each seed
DEPTHS_MM = (0, 40, 55, 70, 100)  # distances to the nearest electrode
SIMULATING = open_head(HeadSpec())
Array = np.ndarray
Located = tuple[Array, Array]  # maps (trials, channels, times) and dipoles (trials, 3), MNI mm


def of_trials(feature: str, n_seeds: int) -> Located:
    """Noiseless signals of trials."""
    data = [simulate(feature, -3.5, seed, N_TRIALS) for seed in range(n_seeds)]
    dipoles = pd.concat([eeg.trials[["x_mm", "y_mm", "z_mm"]] for eeg in data])
    return np.concatenate([eeg.ground_truth for eeg in data]), dipoles.to_numpy()


def of_the_brain(n_dipoles: int) -> Located:
    """Topographies of dipoles at random positions, oriented as those of the feature types."""
    dipoles = brain_points(n_dipoles, np.random.default_rng(0))
    field = SIMULATING.lead_field(dipoles)
    topographies = field.project(field.orientations(np.random.default_rng(1)))
    return topographies.T[:, :, None], dipoles


def by_depth(maps: Array, dipoles: Array) -> dict[str, Located]:
    """The same, sorted by the distance of the dipole to the nearest electrode."""
    electrodes = [channel["loc"][:3] * 1e3 for channel in SIMULATING.info(1.0)["chs"]]
    depth = np.linalg.norm(mni_to_head(dipoles)[:, None] - electrodes, axis=2).min(1)
    chosen = {
        f"brain, {low:g} to {high:g} mm": (depth >= low) & (depth < high)
        for low, high in pairwise(DEPTHS_MM)
    }
    return {name: (maps[which], dipoles[which]) for name, which in chosen.items()}


def nearest(_: Array, dipoles: Array, grid: SourceGrid) -> Array:
    """Distance of dipoles to the nearest position of the grid, mm."""
    return np.linalg.norm(dipoles[:, None] - grid.places_mni_mm, axis=2).min(1)


def quantiles(
    error: Callable[[Array, Array, SourceGrid], Array], located: Located, grid: SourceGrid
) -> str:
    """Median and 90 % quantile of an error, mm."""
    median, most = np.quantile(error(*located, grid), (0.5, 0.9))
    return f"{median:.1f}, {most:.1f}"


def main(n_seeds: int) -> None:
    sets = {feature: of_trials(feature, n_seeds) for feature in FEATURE_TYPES}
    sets |= by_depth(*of_the_brain(40 * n_seeds))
    same, other = source_grid(SIMULATING), source_grid(scanning_head(SIMULATING))
    rows = {
        name: {
            "n": len(located[1]),
            "nearest position": quantiles(nearest, located, other),
            "same head": quantiles(dipole_error, located, same),
            "other head": quantiles(dipole_error, located, other),
        }
        for name, located in sets.items()
    }
    print("Median and 90 % quantile, mm")
    print(pd.DataFrame(rows).T.to_string())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
