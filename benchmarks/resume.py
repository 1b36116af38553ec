"""Time until a sweep knows what is left, on a store that holds all its cells.

    python -m benchmarks.resume [CONFIG] [--missing 100]

Makes a store of small files, one for each decoder and method cell of a configuration (default:
paper, 67,500 cells) and one with maps for each method cell, without some of the method cells. Then
starts a process that does what `eegxai sweep` does before its first cell: imports, configuration,
cells, keys, listings. Prints wall and CPU seconds of that process and of its steps; modules that
this file itself needs are imported before the first step.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.store.names import maps_of, name_of
from tests.paths import ROOT

CONTENT = bytes(200)  # nothing of it is read


def make(folder: Path, config: Path, n_missing: int) -> int:
    """Fill a store but for the last method cells; the number of its files."""
    sweep = load(config, [f"output={folder}"])
    methods = list(method_cells(sweep))
    held = methods[: len(methods) - n_missing]
    names = [*map(name_of, decoder_cells(sweep)), *map(name_of, held), *map(maps_of, held)]
    for part in ("decoders", "methods", "maps"):
        (folder / "store" / part).mkdir(parents=True)
    for name in names:
        (folder / "store" / name).write_bytes(CONTENT)
    return len(names)


def decide(folder: Path, config: Path) -> None:
    """What a sweep does before its first cell, step by step."""
    with timed("other imports"):
        from rich.console import Console

        from sweeps.execution.sweep import Sweep
    with timed("configuration, cells, keys"):
        run = Sweep(load(config, [f"output={folder}"]), Console())
        n_cells = len(run.cells)
    with timed("listings, what is left"):
        left = run.left()
    print(f"{len(left):,} of {n_cells:,} cells are left; CPU in all {time.process_time():.1f} s")


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Print how long the block takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{step}: {wall:.1f} s, CPU {cpu:.1f} s", flush=True)


def main() -> None:
    """Make the store, then measure in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default="paper")
    parser.add_argument("--missing", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="A store made before, to measure alone.")
    arguments = parser.parse_args()
    config = ROOT / "conf" / f"{arguments.config}.yaml"
    if arguments.folder:
        decide(arguments.folder, config)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"{make(Path(folder), config, arguments.missing):,} files", flush=True)
        command = [sys.executable, "-m", "benchmarks.resume", arguments.config]
        started = time.perf_counter()
        subprocess.run([*command, "--folder", folder], cwd=ROOT, check=True)
        print(f"wall, start of the process to its end: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
