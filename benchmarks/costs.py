"""What cells cost on this machine, and from that the cost of a large sweep.

    python -m benchmarks.costs [CONFIG] [EPOCHS] [SPEEDUP]

Two small grids give the cost of each architecture and method as fixed + rate x size (trials x
epochs of a training, scored trials of an explanation); a third, larger grid checks the prediction.
The prediction for a configuration counts its cells with EPOCHS epochs per training (an assumption,
since early stopping decides), in hours of one CPU core and of workers as fast as SPEEDUP of them.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from sweeps.design.cells import DecoderCell, MethodCell, decoder_cells, method_cells
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep

ROOT = Path(__file__).parents[1]
COMMON = (
    "grid.feature=temporal",
    "grid.architecture=[deepnet,eegnet,eegnet_relu,shallow_fbcsp,deep4,eegconformer]",
    "data.head.montage=null",  # the study's 62 electrodes
    "data.n_trials=300",
)
SIZES = {  # grid: what makes it larger than the one before
    "small": ("training.epochs=2", "evaluation.n_trials=2"),
    "middle": ("training.epochs=6", "evaluation.n_trials=10"),
    "check": ("training.epochs=10", "evaluation.n_trials=18"),
}
TRAINING_SHARE = 0.8  # of the trials, with five folds
TRAINING = "training"
N_WORKERS = (1, 8, 64)
WHO = ["architecture", "method"]


def size(cell: DecoderCell | MethodCell, epochs: float) -> float:
    """What a cell's cost grows with."""
    if isinstance(cell, MethodCell):
        return cell.evaluation.n_trials
    return TRAINING_SHARE * cell.data.n_trials * epochs


def measured(overrides: Sequence[str]) -> pd.DataFrame:
    """Size and seconds of every cell of a grid: columns architecture, method, size, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        config = load(ROOT / "conf" / "quickstart.yaml", [*overrides, f"output={folder}"])
        run = Sweep(config, Console(quiet=True))
        run.run(local=True)
        rows = [
            (cell.architecture, TRAINING, size(cell, len(made.history)), made.seconds)
            for cell in run.decoders
            for made in [run.store.read_decoder(cell)]
        ]
        rows += [
            (cell.decoder.architecture, cell.method, made.table["n_trials"].max(), made.seconds)
            for cell in run.methods
            for made in [run.store.read_scores(cell)]
            if len(made.table)  # a method that is not applicable costs next to nothing
        ]
    return pd.DataFrame(rows, columns=[*WHO, "size", "seconds"])


def rates(small: pd.DataFrame, middle: pd.DataFrame) -> pd.DataFrame:
    """Fixed seconds, and seconds a unit of size, of each kind of cell."""
    pair = small.merge(middle, on=WHO, suffixes=("_small", "_middle"))
    extra, more = pair["seconds_middle"] - pair["seconds_small"], pair["size_middle"]
    rate = (extra / (more - pair["size_small"])).clip(lower=0)
    fixed = (pair["seconds_small"] - rate * pair["size_small"]).clip(lower=0)
    return pair[WHO].assign(fixed=fixed, rate=rate).set_index(WHO)


def predicted(cells: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """Seconds of cells of known kinds."""
    found = known.reindex(pd.MultiIndex.from_frame(cells[WHO])).fillna(0)
    return pd.Series(found["fixed"].to_numpy() + found["rate"].to_numpy() * cells["size"])


def cells_of(config: SweepConfig, epochs: float) -> pd.DataFrame:
    """Kind and size of every cell of a configuration."""
    rows = [(c.architecture, TRAINING, size(c, epochs)) for c in decoder_cells(config)]
    rows += [(c.decoder.architecture, c.method, size(c, 0)) for c in method_cells(config)]
    return pd.DataFrame(rows, columns=[*WHO, "size"])


def main(name: str = "paper", epochs: float = 30, speedup: float = 100) -> None:
    """Print the rates, the error of their prediction, and the hours of a configuration."""
    grids = {grid: measured([*COMMON, *overrides]) for grid, overrides in SIZES.items()}
    known, check = rates(grids["small"], grids["middle"]), grids["check"]
    print(known["rate"].unstack("architecture").mul(1e3).round(2).to_string())
    print("ms per trial and epoch (training), ms per scored trial (methods), on one CPU core")
    guess = predicted(check, known)
    error = guess.sum() / check["seconds"].sum() - 1
    each = np.median(np.abs(guess / check["seconds"] - 1))
    print(f"larger grid: {check['seconds'].sum():.0f} s measured, {guess.sum():.0f} s predicted")
    print(f"error {100 * error:+.0f} % overall, {100 * each:.0f} % of a cell (median)")
    cells = cells_of(load(ROOT / "conf" / f"{name}.yaml"), epochs)
    hours = predicted(cells, known).groupby(cells["method"] == TRAINING).sum() / 3600
    print(f"{name} at {epochs:g} epochs: {hours[True]:.0f} core hours to train, {hours[False]:.0f}")
    for n in N_WORKERS:
        print(f"  {n} workers of {speedup:g} cores' speed: {hours.sum() / speedup / n:.1f} hours")


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(float, sys.argv[2:]))
