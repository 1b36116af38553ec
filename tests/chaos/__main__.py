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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from sweeps.cli.sweep import sweep as _imported  # noqa: F401  before forks, for all of them
from sweeps.tracking.database import prepare_database
from tests.chaos.attempts import Attempt, Plan, asked, attempt
from tests.chaos.checks import UNPUBLISHED, Peace, as_in_peace, ended_honestly, peace, sweep_at
from tests.chaos.made_up import make_up
from tests.chaos.places import BUCKET, CREDENTIALS, Places
from tests.chaos.servers import Server, servers
from tests.chaos.weather import WEATHERS

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
MOST_RESTARTS = 8
LAST_MOMENT = 150  # about as many as a sweep has that begins with nothing
OWN_DATABASE = ("made", "made", "there", "there", "there", "there", "there", "there")


@dataclass
class Run:
    """One run: its seed, and what became of it."""

    seed: int
    folder: Path
    servers: Mapping[str, Server]
    file: Path
    database: Path
    before: Peace
    weather: list[str] = field(default_factory=list)
    starts: int = 0
    cpu: float = 0.0
    faults: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        name = f"chaos-{self.seed}"
        on_s3, on_server = random.random() < 0.3, random.random() < 0.4
        self.places = Places(name, self.folder / name, self.servers, on_s3, on_server)
        self.made = on_server or random.choice(OWN_DATABASE) == "there"
        self.random = random
        self.plans: list[Plan] = []

    def go(self) -> None:
        """Start the sweep in hard weather, then in calm until it ends; then look."""
        with self.places:
            self.plans = self._planned()
            self.places.output.mkdir()
            if self.made and not self.places.on_server:
                shutil.copy(self.database, self.places.output / "mlflow.db")
            for plan in self.plans:
                self._start(plan)
            while not self._start(None) and self.starts < MOST_RESTARTS:
                pass
            self._judge()

    def _planned(self) -> list[Plan]:
        possible = [name for name, weather in WEATHERS.items() if weather.possible(self.places)]
        number = self.random.choice((1, 1, 2))
        return [self._plan(self.random.choice(possible)) for _ in range(number)]

    def _plan(self, kind: str) -> Plan:
        random = self.random
        delay = random.choice((0.0, 0.0, random.expovariate(50)))
        relief = random.choice((random.randrange(1, 40), 100_000))
        return Plan(kind, random.randrange(1, LAST_MOMENT), delay, relief, random.getrandbits(32))

    def _start(self, plan: Plan | None) -> bool:
        """Start it once; whether all is done."""
        self.places.grow_old()
        self.places.struck.unlink(missing_ok=True)
        arguments = ["sweep", "--local", str(self.file), *self.places.overrides]
        attempts = attempt(self.places, arguments, plan)
        self.places.heal()
        if plan:
            came = "" if self.places.struck.exists() else " (too late)"
            self.weather.append(f"{plan.kind} at {plan.at}{came}")
        left = int(self._looked(lambda: len(sweep_at(self.file, self.places).left())) or 0)
        codes = WEATHERS[plan.kind].codes if plan else ()
        for one in attempts:
            self._take_in(one, plan)
            self.faults += ended_honestly(one, codes, left)
        self.starts += 1
        return not any(one.code or UNPUBLISHED in one.output for one in attempts)

    def _take_in(self, one: Attempt, plan: Plan | None) -> None:
        self.cpu += one.cpu
        self.log.append(f"=== {plan}: exit code {one.code}\n{one.output}")

    def _looked(self, question) -> str:
        """What is printed by a function that looks at the run's places in another process."""

        def look() -> object:
            os.environ.update(self.places.environment)
            if not self.places.on_server:
                del os.environ["MLFLOW_TRACKING_URI"]
            return question()

        one = asked(look)
        self.cpu += one.cpu
        if one.code:
            self.faults.append("it cannot be looked at")
            self.log.append(f"=== a look\n{one.output}")
            return ""
        return one.output.strip().splitlines()[-1] if one.output.strip() else ""

    def _judge(self) -> None:
        weathers = [WEATHERS[plan.kind] for plan in self.plans]
        spoilt, died = any(w.spoils for w in weathers), any(w.codes for w in weathers)

        def judged() -> str:
            run = sweep_at(self.file, self.places)
            return " | ".join(as_in_peace(run, self.places, self.before, spoilt, died))

        if told := self._looked(judged):
            self.faults += told.split(" | ")

    @property
    def line(self) -> str:
        """The run in one line."""
        store = "S3" if self.places.on_s3 else "folder"
        tracking = "there" if self.made else "to be made"
        places = f"{store}, {'server' if self.places.on_server else f'database {tracking}'}"
        weather = "; ".join(self.weather)
        verdict = "; ".join(dict.fromkeys(self.faults)) or "as in peace"
        spent = f"{self.starts} starts, {self.cpu:.1f} s"
        return f"{self.seed}: {places}: {weather}: {spent}: {verdict}"


def _undisturbed(folder: Path, file: Path) -> Peace:
    """A sweep in this process, which warms what is forked of it."""
    places = Places("chaos", folder, {})
    (places.output).mkdir(parents=True)
    run = sweep_at(file, places)
    run.run(local=True)
    run.table()
    assert not run.failed, run.failed
    assert not run.unpublished, run.unpublished
    return peace(run)


def _make_bucket(url: str) -> None:
    from pyarrow.fs import S3FileSystem

    os.environ.update(CREDENTIALS)
    S3FileSystem(endpoint_override=url, allow_bucket_creation=True).create_dir(BUCKET)


def runs(seeds: range, folder: Path) -> Iterator[Run]:
    """Runs of these seeds, one after another."""
    file, database = folder / "chaos.yaml", folder / "empty"
    file.write_text(CONFIG)
    database.mkdir()
    prepare_database(str(database))
    before = _undisturbed(folder / "peace", file)
    with servers(folder, database / "mlflow.db") as running:
        asked(lambda: _make_bucket(running["S3"].url))
        for seed in seeds:
            run = Run(seed, folder, running, file, database / "mlflow.db", before)
            run.go()
            yield run
            shutil.rmtree(run.places.folder, ignore_errors=True)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A temporary folder; one of ``tempfile``'s would be removed by the first fork that ends."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Print a line a run and a summary; the number of runs that did not end as in peace."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the first run")
    parser.add_argument("--keep", type=Path, help="folder for the output of runs that failed")
    given = parser.parse_args()
    started, lost = time.monotonic(), 0
    seeds = range(given.seed, given.seed + given.runs)
    with pytest.MonkeyPatch.context() as patch, _scratch() as folder:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_up(patch)
        for run in runs(seeds, folder):
            print(run.line, flush=True)
            lost += bool(run.faults)
            if run.faults and given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{run.seed}.txt").write_text("\n".join([run.line, *run.log]))
    print(f"{given.runs} runs, {lost} not as in peace, {time.monotonic() - started:.0f} s")
    return lost


if __name__ == "__main__":
    sys.exit(min(main(), 1))
