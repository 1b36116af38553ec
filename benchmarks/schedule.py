"""What scheduling costs: a large grid of trivial method cells on a real Ray.

    python -m benchmarks.schedule [cells] [cells_per_trial]

Every cell is already in the store, so that a worker only looks it up: the wall time is that of Ray
Tune, the workers' look-ups and the driver's bookkeeping. The seconds per cell are printed for each
tenth of the grid, since a cost that grows with the number of finished cells rules out large sweeps;
so is the driver's memory.
"""

import os
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from eegxai.attribution import STUDY_METHODS, Validity
from eegxai.simulation import DataSpec
from sweeps.design.cells import DecoderCell, MethodCell
from sweeps.design.config import TrialResources
from sweeps.execution.ray_session import private_ray
from sweeps.execution.runner import CellOutcome, Stage, run_local
from sweeps.store.artefacts import Store
from sweeps.store.records import MethodScores

N_CELLS, TENTHS, N_LOCAL = 7200, 10, 200
NOTHING = MethodScores(
    table=pd.DataFrame({"check": ["ground_truth"], "mean": [0.5]}),
    validity=Validity("ok"),
    accuracy=1.0,
    at_chance=False,
    seconds=0.0,
    finished=0.0,
    versions={},
)


def grid(n_cells: int) -> list[MethodCell]:
    """The study's twelve methods on as many decoders as that takes."""
    seeds = range(n_cells // len(STUDY_METHODS))
    data = DataSpec(feature="temporal", snr_db=-3.5, n_trials=8, seed=0)
    decoders = (DecoderCell(data=replace(data, seed=s), architecture="deepnet") for s in seeds)
    return [
        MethodCell(decoder=decoder, method=name) for decoder in decoders for name in STUDY_METHODS
    ]


def megabytes() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def looked_up(stage: Stage, store: Store) -> float:
    """Seconds that one cell takes without Ray."""
    some = replace(stage, cells=stage.cells[:N_LOCAL])
    started = time.perf_counter()
    run_local(some, store.url, lambda outcome: None)
    return (time.perf_counter() - started) / N_LOCAL


def scheduled(stage: Stage, store: Store) -> tuple[np.ndarray, Counter[int | None], float]:
    """Times at which cells ended, s; cells by process; seconds until all of Ray was over."""
    ends: list[float] = []
    workers: Counter[int | None] = Counter()

    def on_done(outcome: CellOutcome) -> None:
        assert not outcome.error, outcome.error
        ends.append(time.perf_counter() - started)
        workers[outcome.pid] += 1

    with private_ray() as run_ray:
        started = time.perf_counter()
        run_ray(stage, store.url, on_done)
        return np.array(ends), workers, time.perf_counter() - started


def main(n_cells: int = N_CELLS, cells_per_trial: int = TrialResources().cells_per_trial) -> None:
    """Print seconds per cell, by tenths, and the driver's memory."""
    with tempfile.TemporaryDirectory() as folder:
        store, cells = Store(str(Path(folder) / "store")), grid(n_cells)
        for cell in cells:
            store.write_scores(cell, NOTHING)
        stage = Stage("explain", "method", cells, TrialResources(cells_per_trial=cells_per_trial))
        alone, before = looked_up(stage, store), megabytes()
        ends, workers, wall = scheduled(stage, store)
    print(f"{len(ends)} cells, {cells_per_trial} per trial, {os.cpu_count()} CPUs: {wall:.0f} s")
    print(f"per cell: {wall / len(ends):.4f} s with Ray, {alone:.4f} s without")
    per_tenth = np.diff(ends[:: len(ends) // TENTHS]) / (len(ends) // TENTHS)
    print("by tenths, s per cell:", *(f"{seconds:.4f}" for seconds in per_tenth))
    print(f"before the first cell: {ends[0]:.1f} s; cells by worker: {sorted(workers.values())}")
    print(f"driver: {before:.0f} MB before, {megabytes():.0f} MB at most")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
