"""How fast the study's sixteen metrics are compared with two other programs, in one run.

    python -m benchmarks.metrics [rounds]

512 maps of 62 channels x 250 samples, and their topographies. The plain program uses scikit-image,
scipy and scikit-learn, one trial at a time, and is the reference for ours in the tests; it scores
every eighth map, and its time is extrapolated to all. For topographies both programs start from
channels and times, the plain one with one matrix product per trial. The other program is
braindecode's two functions, on channels and times. The programs run in turn; times are wall and
processor time.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
import torch
from braindecode.visualization import compute_metrics, compute_ssim_metrics

from eegxai.evaluation import STUDY_METRICS, score
from eegxai.evaluation.maps.domains import topography_operator
from eegxai.head import montage_info
from tests.plain_metrics import plain

N_MAPS, SHAPE, SHARE = 512, (62, 250), 8
INFO = montage_info(250.0)
Maps = tuple[np.ndarray, np.ndarray]
Program = Callable[[Maps], np.ndarray]


def data() -> Maps:
    """Noise, and the magnitudes of a burst at some channels."""
    rng = np.random.default_rng(0)
    attribution = rng.standard_normal((N_MAPS, *SHAPE))
    reference = np.zeros((N_MAPS, *SHAPE))
    reference[:, 20:50, 60:160] = np.abs(rng.standard_normal((N_MAPS, 30, 100)))
    return attribution, reference


def eegxai(domain: str, maps: Maps) -> np.ndarray:
    return score(*maps, domain, info=INFO)[list(STUDY_METRICS)].to_numpy()


def plain_program(picture: Callable[[np.ndarray], np.ndarray], mask: np.ndarray, maps: Maps):
    pairs = zip(*(part[::SHARE] for part in maps), strict=True)
    scores = [plain(picture(one), picture(other), mask) for one, other in pairs]
    return np.array([[row[name] for name in STUDY_METRICS] for row in scores])


def plain_topographies(maps: Maps) -> np.ndarray:
    matrix, head = (part.numpy() for part in topography_operator(INFO))
    return plain_program(lambda trial: (matrix @ trial.mean(1)).reshape(head.shape), head, maps)


def braindecode(maps: Maps) -> np.ndarray:
    twelve, _ = compute_metrics(*maps, abs_reference=False)
    ssim, _ = compute_ssim_metrics(*maps, abs_reference=False)
    return np.hstack([twelve, ssim])


CHANNEL_TIME: dict[str, tuple[Program, int]] = {
    # program: (function, one map in how many it scores)
    "eegxai": (partial(eegxai, "channel_time"), 1),
    "plain": (partial(plain_program, np.asarray, np.ones(SHAPE, bool)), SHARE),
    "braindecode": (braindecode, 1),
}
TOPOGRAPHY: dict[str, tuple[Program, int]] = {
    "eegxai": (partial(eegxai, "topography"), 1),
    "plain": (plain_topographies, SHARE),
}


def times(program: tuple[Program, int], maps: Maps) -> np.ndarray:
    """Wall and processor time for all maps, s."""
    function, share = program
    wall, processor = time.perf_counter(), time.process_time()
    function(maps)
    return share * np.array([time.perf_counter() - wall, time.process_time() - processor])


def compare(domain: str, programs: dict[str, tuple[Program, int]], maps: Maps, n_rounds: int):
    """Print what each program takes, and how many times as long as ours."""
    ours, reference = (programs[name][0](maps) for name in ("eegxai", "plain"))
    print(f"{domain}: largest difference from the plain program {_apart(ours, reference):.1e}")
    rounds = [{name: times(p, maps) for name, p in programs.items()} for _ in range(n_rounds)]
    for name in programs:
        wall, processor = (1e3 * median(r[name][i] for r in rounds) / N_MAPS for i in (0, 1))
        ratios = [median((r[name] / r["eegxai"])[i] for r in rounds) for i in (0, 1)]
        print(
            f"  {name:12} {wall:8.3f} ms a map, {processor:8.3f} of the processor; "
            f"{ratios[0]:5.1f} and {ratios[1]:5.1f} times eegxai's"
        )


def _apart(ours: np.ndarray, reference: np.ndarray) -> float:
    return np.abs(ours[::SHARE] - reference).max()


def main(n_rounds: int) -> None:
    maps = data()
    print(f"{N_MAPS} maps, {torch.get_num_threads()} threads, medians of {n_rounds} rounds")
    compare("channel_time", CHANNEL_TIME, maps, n_rounds)
    compare("topography", TOPOGRAPHY, maps, n_rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
