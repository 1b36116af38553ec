"""Runs of a small sweep in hard weather, and whether each ends as if it had been left in peace.

    python -m tests.chaos [--runs N] [--seed S] [--keep FOLDER]

A run is told by its seed: its places (own store or S3, own MLflow or a server), the weather of its
first starts and the moments at which that comes. Afterwards it is started again, as a user would,
until it ends, and everything is compared with a sweep that was left in peace. Moments are counted
by what the process does, not by the clock, so that the seed of a run that failed repeats it.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sweeps.cli.sweep import sweep as _imported  # noqa: F401  before forks, for all of them
from sweeps.tracking.database import prepare_database
from tests.chaos.attempts import asked
from tests.chaos.checks import peace, sweep_at
from tests.chaos.made_up import make_up
from tests.chaos.places import BUCKET, CREDENTIALS, Places
from tests.chaos.runs import Run
from tests.chaos.servers import servers

CONFIG = """
name: chaos
grid:
  feature: [temporal]
  snr_db: [-3.5]
  seed: [0]
  method: [Saliency, InputXGradient, RandomMap]
data:
  n_trials: 48
  noise: {n_dipoles: 4}
  head: {model: sphere, channels: [Fz, C3, Cz, C4, Pz, Oz]}
training: {learning_rate: 1e-3, batch_size: 64, epochs: 2}
evaluation: {n_trials: 4, checks: [target_swap, label_retrain]}
tracking: {figures: false}
"""


def _prepared(folder: Path) -> tuple[Path, Path]:
    """Configuration and empty database, once a sweep was left in peace, in this process.

    That warms whatever is forked of it.
    """
    file, database = folder / "chaos.yaml", folder / "empty" / "mlflow.db"
    file.write_text(CONFIG)
    database.parent.mkdir()
    prepare_database(str(database.parent))
    places = Places("chaos", folder / "peace", {})
    places.output.mkdir(parents=True)
    shutil.copy(database, places.output)
    run = sweep_at(file, places)
    run.run(local=True)
    assert not run.failed, run.failed
    assert not run.unpublished, run.unpublished
    return file, database


def _make_bucket(url: str) -> None:
    from pyarrow.fs import S3FileSystem

    os.environ.update(CREDENTIALS)
    S3FileSystem(endpoint_override=url, allow_bucket_creation=True).create_dir(BUCKET)


def runs(seeds: Iterable[int], folder: Path, file: Path, database: Path) -> Iterator[Run]:
    """Runs of these seeds, one after another, with servers of their own."""
    before = peace(sweep_at(file, Places("chaos", folder / "peace", {})))
    with servers(folder / f"servers-{os.getpid()}", database) as running:
        asked(lambda: _make_bucket(running["S3"].url))
        for seed in seeds:
            run = Run(seed, folder, running, file, database, before)
            run.go()
            yield run
            shutil.rmtree(run.places.folder, ignore_errors=True)


def _judged(found: Iterable[Run], keep: Path | None) -> int:
    """Print a line a run, and keep the output of those that failed; their number."""
    lost = 0
    for run in found:
        print(run.line, flush=True)
        lost += bool(run.faults)
        if run.faults and keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{run.seed}.txt").write_text("\n".join([run.line, *run.log]))
    return lost


@contextmanager
def _scratch() -> Iterator[Path]:
    """A temporary folder; one of ``tempfile``'s would be removed by the first fork that ends."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _forked(work: Callable[[], int]) -> int:
    """Process that exits with what a function gives."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main() -> int:
    """Print a line a run and a summary; the number of runs that did not end as in peace."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, default=0, help="of the first run (0)")
    parser.add_argument("--at-once", type=int, default=1, help="how many runs at a time")
    parser.add_argument("--keep", type=Path, help="folder for the output of runs that failed")
    given = parser.parse_args()
    started = time.monotonic()
    seeds = range(given.seed, given.seed + given.runs)
    with pytest.MonkeyPatch.context() as patch, _scratch() as folder:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_up(patch)
        files = _prepared(folder)
        shares = [seeds[k :: given.at_once] for k in range(given.at_once)]
        pids = [
            _forked(lambda share=share: _judged(runs(share, folder, *files), given.keep))
            for share in shares
        ]
        lost = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)
    print(f"{given.runs} runs, {lost} not as in peace, {time.monotonic() - started:.0f} s")
    return lost


if __name__ == "__main__":
    sys.exit(min(main(), 1))
