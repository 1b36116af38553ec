"""What a sweep of the paper's size takes: time and peak memory of each command and of scheduling.

    python -m benchmarks.paper_size [PART ...] [--folder F] [--set FIELD=VALUE ...]

Fills a store with the results of one real cell under the keys of `conf/paper.yaml` with 14 methods
(4,500 decoders, 63,000 method cells), the last 100 of which are missing. Then measures each part
in a process of its own: wall and CPU seconds (with those of its children, such as Ray's workers),
and the peak memory of its largest process. Parts are selected by name, all by default. A folder
that is given is kept, and used again as it is. `--set grid.seed=0` makes a tenth of it.

What is printed are the rows of a table: part, wall time, CPU time, memory. `sync` and `publishing`
write a part of the runs and say how many.
"""

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.made_up import fill, real_results
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from tests.paths import ROOT

CONFIG = str(ROOT / "conf" / "paper.yaml")
PAPER = (
    "grid.method=[study,controls]",
    "resources.train={cpu: 1, gpu: 0}",
    "resources.explain={cpu: 1, gpu: 0}",
)
MISSING = 100
# Cells that are written to MLflow, with a database of their own: 6 decoders, 84 methods.
SOME = ("grid.seed=0", "grid.fold=0", "grid.snr_db=-12", "grid.feature=spectral")
CACHE = "tidy.parquet"


class Bench:
    """A store, and processes that are measured on it."""

    def __init__(self, folder: Path, given: Sequence[str]) -> None:
        self.folder = folder
        self.given = [*PAPER, f"store={folder / 'store'}", f"output={folder}", *given]

    def make(self) -> None:
        """Fill the store."""
        config = load(CONFIG, self.given)
        methods = list(method_cells(config))
        cells = [*decoder_cells(config), *methods[: len(methods) - MISSING]]
        started = time.perf_counter()
        fill(store_of(config), cells, real_results())
        print(f"{len(cells)} cells written in {time.perf_counter() - started:.0f} s", flush=True)

    def command(self, name: str, command: str, *options: str) -> None:
        """Measure a command of `eegxai`."""
        self.measure(name, ["-m", "sweeps.cli", command, CONFIG, *self.given, *options])

    def measure(self, name: str, arguments: Sequence[str]) -> None:
        """Print what a Python process takes; what it prints goes to a file of the name."""
        told = self.folder / f"{name}.txt"
        with told.open("w") as output:
            started = time.perf_counter()
            files = [(os.POSIX_SPAWN_DUP2, output.fileno(), number) for number in (1, 2)]
            command = [sys.executable, *arguments]
            pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=files)
            _, status, usage = os.wait4(pid, 0)
            wall = time.perf_counter() - started
        cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6
        print(f"| {name} | {wall:.1f} s | {cpu:.1f} s | {memory:.2f} GB |", flush=True)
        if code := os.waitstatus_to_exitcode(status):
            print(f"  FAILED with {code}: {told.read_text().strip()[-300:]}", flush=True)


def resume(bench: Bench) -> None:
    """What is left, as a sweep decides it before its first cell."""
    bench.command("resume", "sweep", "--dry-run")


def status(bench: Bench) -> None:
    """How far the sweep is."""
    bench.command("status", "status")


def tables(bench: Bench) -> None:
    """The headline with every file read, and from the cache that this leaves."""
    (bench.folder / "store" / CACHE).unlink(missing_ok=True)
    for name in ("tables, every file read", "tables"):
        bench.command(name, "tables", "--format", "csv")


def statistics(bench: Bench) -> None:
    """Tests over all decoders."""
    bench.command("statistics", "statistics")


def report(bench: Bench) -> None:
    """The page."""
    bench.command("report", "report", "--out", str(bench.folder / "report.html"))


def figures(bench: Bench) -> None:
    """All pictures of scores, in one format."""
    bench.command("figures", "figures", "--format", "png", "--out", str(bench.folder / "figures"))


def compare(bench: Bench) -> None:
    """Two methods, and two metrics of all methods."""
    overrides = [part for field in bench.given for part in ("--a", field)]
    for name, options in {
        "compare, two methods": ["--methods", "LRP", "DeepLift"],
        "compare, two metrics": ["--metric", "study", "--metric-b", "calibrated"],
    }.items():
        bench.measure(name, ["-m", "sweeps.cli", "compare", CONFIG, *overrides, *options])


def claims(bench: Bench) -> None:
    """The study's claims."""
    bench.command("claims", "claims", "--format", "csv")


def schedule(bench: Bench) -> None:
    """Ray Tune with trivial cells."""
    bench.measure("schedule", ["-m", "benchmarks.schedule", CONFIG, *bench.given])
    print((bench.folder / "schedule.txt").read_text())


def sync(bench: Bench) -> None:
    """Write some runs to MLflow, and once more where all are there."""
    output = bench.folder / "mlflow"
    shutil.rmtree(output, ignore_errors=True)
    some = [*SOME, f"output={output}", "tracking.figures=false"]
    for name in ("sync, 90 runs without pictures", "sync, the same again"):
        bench.command(name, "sync", *some)
    print("\n".join(database_sizes(output / "mlflow.db")), flush=True)


def publishing(bench: Bench) -> None:
    """Cells a second, with and without pictures."""
    bench.measure("publishing", ["-m", "benchmarks.publishing"])
    print((bench.folder / "publishing.txt").read_text())


def database_sizes(database: Path) -> Iterator[str]:
    """Bytes of a run in MLflow's database, in all and of each table and index."""
    with sqlite3.connect(database) as connection:
        (n_runs,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        yield f"database: {database.stat().st_size / n_runs / 1e3:.0f} kB a run, {n_runs} runs"
        sizes = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 8"
        for name, size in connection.execute(sizes):
            yield f"  {name}: {size / n_runs / 1e3:.1f} kB a run"


PARTS: dict[str, Callable[[Bench], None]] = {
    part.__name__: part
    for part in (
        resume, status, tables, statistics, compare, claims, figures, report, schedule, sync,
        publishing,
    )
}  # fmt: skip


def main() -> None:
    """Make the store, then measure the parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - PARTS.keys():
        parser.error(f"unknown parts {', '.join(unknown)}: there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench((arguments.folder or Path(temporary)).resolve(), arguments.set)
        bench.folder.mkdir(parents=True, exist_ok=True)
        if not (bench.folder / "store").exists():
            bench.make()
        for part in arguments.parts or PARTS:
            PARTS[part](bench)


if __name__ == "__main__":
    main()
