"""How many finished cells per second the publisher writes to MLflow, with and without pictures.

    python -m benchmarks.publishing [cells]

Eight workers repeatedly finish at the same time: made-up method cells are passed on eight at a
time, as fast as they are taken. They are written to MLFLOW_TRACKING_URI if it is set, otherwise to
SQLite.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.made_up import fill, real_results
from eegxai.attribution import STUDY_METHODS
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from sweeps.tracking import Publisher, no_pictures, publish_all, run_pictures
from sweeps.tracking.background import publishing

ROOT = Path(__file__).parents[1]
N_CELLS, N_WORKERS = 96, 8


def config_of(folder: str, n_cells: int) -> SweepConfig:
    """A sweep of so many method cells, all of them in its store already."""
    seeds = list(range(n_cells // len(STUDY_METHODS)))
    given = [f"output={folder}", f"grid.seed={seeds}", "grid.feature=temporal"]
    given += ["grid.method=study", "data.head.montage=null", "name=publishing"]
    config = load(ROOT / "conf" / "quickstart.yaml", given)
    store, cells, real = store_of(config), list(method_cells(config)), real_results()
    fill(store, [*decoder_cells(config), *cells], real)
    for cell in cells:
        store.write_maps(cell, real.maps)
    return config


def seconds(n_cells: int, figures: bool) -> float:
    """From the first cell handed over until MLflow holds all of them."""
    with tempfile.TemporaryDirectory() as folder:
        config = config_of(folder, n_cells)
        store, cells = store_of(config), list(method_cells(config))
        publisher = Publisher(config.name, folder, draw=run_pictures if figures else no_pictures)
        publish_all(publisher, list(decoder_cells(config)), store)
        started = time.perf_counter()
        with publishing(lambda: publisher, store) as publish:
            for first in range(0, len(cells), N_WORKERS):
                for cell in cells[first : first + N_WORKERS]:
                    publish(cell)
                while not {cell.key for cell in cells[:first]} <= publisher.published.keys():
                    time.sleep(0.01)
        publish_all(publisher, cells, store)
        assert len(publisher.runs("method")) == len(cells)
        return time.perf_counter() - started


def main(n_cells: int = N_CELLS) -> None:
    """Print cells a second."""
    for figures in (True, False):
        print(f"figures={figures}: {n_cells / seconds(n_cells, figures):.1f} cells/s", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
