"""One run: a sweep that is started in hard weather, then in calm until it ends, and judged."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.attempts import Attempt, Plan, asked, attempt
from tests.chaos.checks import Peace, as_in_peace, ended_honestly, sweep_at
from tests.chaos.places import Places
from tests.chaos.servers import Server
from tests.chaos.weather import WEATHERS

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
            while not self._start(None):
                if self.starts == MOST_RESTARTS:
                    self.faults.append(f"not done after {self.starts} starts")
                    break
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
        attempts = self._attempts(plan)
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
        return not any(one.code for one in attempts)

    def _attempts(self, plan: Plan | None) -> list[Attempt]:
        arguments = ["sweep", "--local", str(self.file), *self.places.overrides]
        return attempt(self.places, arguments, plan)

    def _take_in(self, one: Attempt, plan: Plan | None) -> None:
        self.cpu += one.cpu
        self.log.append(f"=== {plan}: exit code {one.code}\n{one.output}")

    def _looked(self, question: Callable[[], object]) -> str:
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
