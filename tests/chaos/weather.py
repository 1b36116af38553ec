"""Kinds of hard weather: what strikes a sweep at some moment, and what comes after.

A kind is one entry of ``WEATHERS``.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from tests.chaos.places import Places
from tests.chaos.servers import MOODS

Strike = Callable[[Places, Random], None]
KILL = 9  # the number of SIGKILL, which Windows has no name for
DEATHS = {"killed": KILL, "interrupted": signal.SIGINT, "terminated": signal.SIGTERM}
SMALL = 200_000  # bytes of room, or of files, that a full disk may leave
JUMPS = (60.0, 7200.0, 400 * 86400.0)  # seconds


def _nothing(_places: Places) -> None:
    """Nothing is to be put right."""


def _anywhere(_places: Places) -> bool:
    return True


@dataclass(frozen=True)
class Weather:
    """One kind.

    Attributes
    ----------
    strike : callable
        What happens, in the sweep's process.
    relief : callable
        What puts it right, some moments later in the same process.
    possible : callable
        Whether it can happen to a sweep with these places.
    codes : sequence of int
        Exit codes beside 0, 2, 3 and 4 that a sweep may end with.
    spoils : bool
        Whether files are spoilt, so that some are kept aside and cells are computed again.
    at_once : int
        How many of the same sweep are started at a time.
    """

    strike: Strike
    relief: Callable[[Places], None] = _nothing
    possible: Callable[[Places], bool] = _anywhere
    codes: Sequence[int] = ()
    spoils: bool = False
    at_once: int = 1


def _signalled(number: int, _places: Places, _random: Random) -> None:
    os.kill(os.getpid(), number)


def _disk_full(places: Places, random: Random) -> None:
    places.fill(random.choice((0, 0, random.randrange(SMALL))))


def _files_small(_places: Places, random: Random) -> None:
    """In place of a full disk, where none can be mounted: writes fail beyond so many bytes."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (random.randrange(SMALL), hard))


def _files_large(_places: Places) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _moody(server: str, mood: str, places: Places, random: Random) -> None:
    lasts = random.choice((1, 2, 5, 10_000))
    more = {"after": random.randrange(3), "lasts": lasts, "seconds": random.uniform(0.05, 0.5)}
    places.servers[server].be({"mood": mood, **more})


def _clock_jumps(_places: Places, random: Random) -> None:
    jump, real = random.choice(JUMPS) * random.choice((-1, 1)), time.time
    time.time = lambda: real() + jump


def _torn(folder: str, places: Places, random: Random) -> None:
    """A file is cut off, as by a power cut."""
    files = sorted(path for path in Path(places.output).glob(folder) if path.is_file())
    if files:
        path = random.choice(files)
        os.truncate(path, random.randrange(path.stat().st_size + 1))


def _is_mounted(places: Places) -> bool:
    return places.mounted


def _is_not_mounted(places: Places) -> bool:
    return not places.mounted


def _on_server(places: Places) -> bool:
    return places.on_server


def _on_s3(places: Places) -> bool:
    return places.on_s3


def _own_database(places: Places) -> bool:
    return not places.on_server


def _own_store(places: Places) -> bool:
    return not places.on_s3


def _moods(server: str, possible: Callable[[Places], bool]) -> dict[str, Weather]:
    return {
        f"{server} {mood}": Weather(partial(_moody, server, mood), Places.heal, possible)
        for mood in MOODS
    }


WEATHERS: dict[str, Weather] = {
    **{
        name: Weather(partial(_signalled, number), codes=(-number, 128 + number))
        for name, number in DEATHS.items()
    },
    "disk full": Weather(_disk_full, Places.heal, _is_mounted),
    "files small": Weather(_files_small, _files_large, _is_not_mounted),
    **_moods("MLflow", _on_server),
    **_moods("S3", _on_s3),
    "clock jumps": Weather(_clock_jumps),
    "file torn": Weather(partial(_torn, "store/*/*"), possible=_own_store, spoils=True),
    "database torn": Weather(partial(_torn, "mlflow.db"), possible=_own_database, spoils=True),
    "two at once, one killed": Weather(partial(_signalled, KILL), codes=(-KILL,), at_once=2),
}
