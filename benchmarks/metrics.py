"""How fast the study's sixteen metrics are: this project's against two other programs, in one run.

    python -m benchmarks.metrics [rounds]

512 maps of 62 channels x 250 samples. The plain program takes one trial at a time with
scikit-image, scipy and scikit-learn, the one that the tests hold ours to; it sees every eighth map
and is counted for all. The other is braindecode's two functions. The programs take turns.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from braindecode.visualization import compute_metrics, compute_ssim_metrics

from eegxai.evaluation import METRICS, score
from tests.plain_metrics import plain

N_MAPS, SHAPE, SHARE = 512, (62, 250), 8
Maps = tuple[np.ndarray, np.ndarray]


def data() -> Maps:
    """Noise, and the magnitudes of a burst at some channels."""
    rng = np.random.default_rng(0)
    attribution = rng.standard_normal((N_MAPS, *SHAPE))
    reference = np.zeros((N_MAPS, *SHAPE))
    reference[:, 20:50, 60:160] = np.abs(rng.standard_normal((N_MAPS, 30, 100)))
    return attribution, reference


def eegxai(maps: Maps) -> np.ndarray:
    return score(*maps)[list(METRICS)].to_numpy()


def plain_program(maps: Maps) -> np.ndarray:
    everywhere = np.ones(SHAPE, bool)
    pairs = zip(*(part[::SHARE] for part in maps), strict=True)
    scores = [plain(attribution, reference, everywhere) for attribution, reference in pairs]
    return np.array([[row[name] for name in METRICS] for row in scores])


def braindecode(maps: Maps) -> np.ndarray:
    twelve, _ = compute_metrics(*maps, abs_reference=False)
    ssim, _ = compute_ssim_metrics(*maps, abs_reference=False)
    return np.hstack([twelve, ssim])


PROGRAMS: dict[str, tuple[Callable[[Maps], np.ndarray], int]] = {
    # program: (function, one map in how many it scores)
    "eegxai": (eegxai, 1),
    "plain": (plain_program, SHARE),
    "braindecode": (braindecode, 1),
}


def seconds(program: str, maps: Maps) -> float:
    """Wall time for all maps."""
    function, share = PROGRAMS[program]
    start = time.perf_counter()
    function(maps)
    return share * (time.perf_counter() - start)


def main(n_rounds: int) -> None:
    maps = data()
    difference = np.abs(eegxai(maps)[::SHARE] - plain_program(maps)).max()
    rounds = [{name: seconds(name, maps) for name in PROGRAMS} for _ in range(n_rounds)]
    print(f"{N_MAPS} maps, {torch.get_num_threads()} threads, median of {n_rounds} rounds")
    print(f"largest difference from the plain program {difference:.1e}")
    for name in PROGRAMS:
        milliseconds = 1e3 * median(times[name] for times in rounds) / N_MAPS
        ratio = median(times[name] / times["eegxai"] for times in rounds)
        print(f"{name:12} {milliseconds:8.3f} ms a map {ratio:8.1f} times eegxai's")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
