"""Runs on a real Ray cluster, kept alive between them: workers, nodes and drivers die.

Here moments are cells that are begun and seconds of the clock, so that a seed repeats the weather
and its order, but not to the instant. Nothing is made up: what workers compute is the real thing.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from tests.chaos.attempts import Attempt, Plan
from tests.chaos.places import Places
from tests.chaos.runs import Run
from tests.chaos.weather import Weather
from tests.sweeps.processes import (
    COMMAND,
    TOKEN,
    end,
    environment,
    free_port,
    listens,
    start_ray,
    wait_for,
)

LAST_CELL = 4
Process = subprocess.Popen[str]


class Cluster:
    """A head that does no cells, and one node of one CPU.

    Attributes
    ----------
    address : str
        Where it is joined.
    """

    def __init__(self, log: IO[str]) -> None:
        port, self.log = free_port(), log
        self.address, self.nodes = f"127.0.0.1:{port}", []
        head = ["--head", "--port", port, "--ray-client-server-port", free_port()]
        self._start(*head, "--num-cpus", 0, "--include-dashboard", "false")
        wait_for(lambda: listens(port))
        self.add()

    def add(self) -> None:
        """One more node."""
        self._start("--address", self.address, "--num-cpus", 1)

    def lose(self) -> None:
        """The newest node dies, and another one joins."""
        end(self.nodes.pop(), signal.SIGKILL)
        self.add()

    def _start(self, *arguments: object) -> None:
        self.nodes.append(start_ray(arguments, self.log))


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster, until the block ends."""
    with tempfile.TemporaryFile("w") as log:
        made = Cluster(log)
        try:
            yield made
        finally:
            for node in made.nodes:
                end(node, signal.SIGKILL)


Strike = Callable[[Cluster, Process, int], None]
STRIKES: dict[str, Strike] = {
    "worker killed": lambda _cluster, _driver, worker: os.kill(worker, signal.SIGKILL),
    "node killed": lambda cluster, _driver, _worker: cluster.lose(),
    "driver killed": lambda _cluster, driver, _worker: driver.kill(),
    "driver interrupted": lambda _cluster, driver, _worker: driver.send_signal(signal.SIGINT),
}
DEADLY = (-signal.SIGKILL, 130)


@dataclass
class ClusterRun(Run):
    """One run on a cluster."""

    table: ClassVar = {
        name: Weather(lambda _places, _random: None, codes=DEADLY * name.startswith("driver"))
        for name in STRIKES
    }
    last_moment: ClassVar[int] = LAST_CELL
    on: ClassVar[Cluster]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.places.on_s3 = self.places.on_server = False
        self.made = True

    def _attempts(self, plan: Plan | None) -> list[Attempt]:
        given = ["sweep", str(self.file), *self.places.overrides, "--address", self.on.address]
        driver = subprocess.Popen(
            [*COMMAND, *given],
            env=environment(**TOKEN, TMPDIR=str(self.places.disk / "tmp")),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        if plan and (worker := _worker(self.places, driver, plan.at)):
            self.places.struck.touch()
            STRIKES[plan.kind](self.on, driver, worker)
        output, _ = driver.communicate()
        return [Attempt(driver.returncode, output, 0.0, driver.pid)]


def _worker(places: Places, driver: Process, number: int) -> int:
    """Process that works on the cell which is begun as the so-manieth; 0 if it is never begun."""
    seen: dict[str, int] = {}

    def reached() -> bool:
        for path in (places.output / "store" / "running").glob("[!.]*.json"):
            seen.setdefault(path.name, _pid(path))
        return len([pid for pid in seen.values() if pid]) >= number or driver.poll() is not None

    wait_for(reached, seconds=900)
    return 0 if driver.poll() is not None else list(seen.values())[-1]


def _pid(heartbeat: Path) -> int:
    try:
        return int(json.loads(heartbeat.read_text())["pid"])
    except (OSError, ValueError):
        return 0
