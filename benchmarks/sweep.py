"""How much of a sweep's wall time is useful, and what a second worker gains.

    python -m benchmarks.sweep [FIELD=VALUE ...]

A real grid of 4 decoders and 48 method cells, each with one CPU thread, run by the command itself.
Useful time is what the cells record: simulating, training, attributing and scoring. The rest is
divided by when it occurs, according to the cells' records.

The driver and Ray need time as well. Two workers on two cores share the cores with them; one worker
is measured both with a second core, which is theirs, and on one core together with them.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "conf" / "quickstart.yaml"
GRID = (
    "grid.feature=temporal",
    "grid.seed=[0,1,2,3]",
    "grid.method=study",
    "data.head.montage=null",
    "data.n_trials=600",
    "training.epochs=4",
    "evaluation.n_trials=96",
)
ONE_CORE = ("taskset", "--cpu-list", "0")
ONE_WORKER = ("resources.train.max_concurrent=1", "resources.explain.max_concurrent=1")


def swept(
    overrides: Sequence[str], within: Sequence[str] = ()
) -> tuple[pd.DataFrame, float, float]:
    """The cells' records (stage, start, end), and when the command started and ended, s."""
    with tempfile.TemporaryDirectory() as folder:
        given = [*GRID, *overrides, f"output={folder}"]
        started = time.time()
        command = [*within, sys.executable, "-m", "sweeps.cli", "sweep", str(CONFIG), *given]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return records(given), started, time.time()


def records(given: Sequence[str]) -> pd.DataFrame:
    """When each cell was begun and done, seconds since 1970."""
    config = load(CONFIG, given)
    store = store_of(config)
    made = [("train", store.read_decoder(cell)) for cell in decoder_cells(config)]
    made += [("explain", store.read_scores(cell)) for cell in method_cells(config)]
    rows = [(stage, record.finished - record.seconds, record.finished) for stage, record in made]
    return pd.DataFrame(rows, columns=["stage", "start", "end"])


def told(name: str, n_workers: int, cells: pd.DataFrame, started: float, ended: float) -> float:
    """Print where the time went; the wall time, s."""
    wall, useful = ended - started, (cells["end"] - cells["start"]).sum()
    stages = cells.groupby("stage", sort=False).agg(start=("start", "min"), end=("end", "max"))
    train, explain = stages.loc["train"], stages.loc["explain"]
    print(f"{name}: {wall:.0f} s, useful {useful:.0f} s of cells")
    print(f"  useful share of the workers' time: {useful / wall / n_workers:.3f}")
    print(f"  before the first cell: {train['start'] - started:.1f} s")
    print(f"  between the stages: {explain['start'] - train['end']:.1f} s")
    print(f"  after the last cell: {ended - explain['end']:.1f} s")
    return wall


def main(overrides: Sequence[str]) -> None:
    """Print the runs and their ratios."""
    alone = [*overrides, *ONE_WORKER]
    two = told("two workers on two cores", 2, *swept(overrides))
    one = told("one worker on one core", 1, *swept(alone, ONE_CORE))
    beside = told("one worker and a core for the driver and Ray", 1, *swept(alone))
    print(f"two workers on two cores are {one / two:.2f} times as fast as one on one core")
    print(f"and {beside / two:.2f} times as fast as one on two cores")


if __name__ == "__main__":
    main(sys.argv[1:])
