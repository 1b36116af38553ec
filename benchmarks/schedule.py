"""What scheduling costs: the method cells of a configuration, all done, on a real Ray.

    python -m benchmarks.schedule CONFIG [FIELD=VALUE ...]

Cells that are in the store are only looked up: the time is that of Ray Tune, the workers' look-ups
and the driver's bookkeeping. Seconds per cell are printed for each tenth of the grid, since a cost
that grows with the number of finished cells rules out large sweeps; so is the driver's memory.
:mod:`benchmarks.paper_size` fills the store and runs it.
"""

import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.execution.ray_session import private_ray
from sweeps.execution.runner import CellOutcome, Stage
from sweeps.store.artefacts import store_of

TENTHS = 10


def peak_gigabytes() -> float:
    """Largest memory of this process so far; ``getrusage`` would tell that of its parent too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1e6  # type: ignore[index]


def scheduled(stage: Stage, store_url: str) -> tuple[np.ndarray, Counter[int | None]]:
    """Times at which cells ended, seconds since 1970, and cells by process."""
    ends: list[float] = []
    workers: Counter[int | None] = Counter()

    def on_done(outcome: CellOutcome) -> None:
        assert not outcome.error, outcome.error
        ends.append(time.time())
        workers[outcome.pid] += 1

    with private_ray() as run_ray:
        run_ray(stage, store_url, on_done)
    return np.array(ends), workers


def main(config_file: str, overrides: list[str]) -> None:
    """Print the time to the first cell, seconds per cell by tenths, and the driver's memory."""
    started = time.time()
    config = load(config_file, overrides)
    store = store_of(config)
    cells = [cell for cell in method_cells(config) if store.has(cell)]
    stage = Stage("explain", "method", cells, config.resources.explain)
    before = peak_gigabytes()
    ends, workers = scheduled(stage, store.url)
    wall = time.time() - started
    tenths = [part[-1] - part[0] for part in np.array_split(ends, TENTHS)]
    size = len(ends) / TENTHS
    print(f"{len(ends)} cells, {len(list(stage.bundles))} trials, {os.cpu_count()} CPUs")
    print(f"first cell {ends[0] - started:.1f} s after the imports, all after {wall:.0f} s")
    print("s per cell, by tenths:", *(f"{seconds / size:.4f}" for seconds in tenths))
    print(f"cells by worker: {sorted(workers.values())}")
    print(f"driver: {before:.2f} GB before Ray, {peak_gigabytes():.2f} GB at most")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
