"""One start of the command in a process of its own, forked so that nothing is imported again."""

import atexit
import faulthandler
import os
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sweeps.cli import app
from sweeps.store.files import StoreFiles
from tests.chaos.places import Places
from tests.chaos.weather import WEATHERS

# What a process says to Python's audit hooks as it does it; STORED is said below.
STORED = "chaos.stored"
MOMENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}
MOMENTS |= {"sqlite3.connect", "socket.connect", STORED}
ANYWHERE = {"socket.connect", STORED}  # the others count if they are on the run's disk
STORE_CHANGES = ("write", "remove", "move")
LONGEST = 900.0  # seconds that an attempt may take


@dataclass(frozen=True)
class Plan:
    """When one kind of weather comes, by numbers of moments from the start of the process.

    Attributes
    ----------
    kind : str
        A name of ``WEATHERS``.
    at : int
        The moment; a moment is what the process does with a file or the network.
    delay : float
        Seconds from then on.
    relief : int
        So many moments later it is put right, if that is ever reached.
    dice : int
        Seed of all else.
    """

    kind: str
    at: int
    delay: float
    relief: int
    dice: int


@dataclass(frozen=True)
class Attempt:
    """How one process ended: its exit code, output, seconds of CPU, and moments."""

    code: int
    output: str
    cpu: float
    pid: int
    hung: bool = False


class Moments:
    """Counts the moments of this process, strikes at one of them, and relieves at a later one."""

    def __init__(self, places: Places, plan: Plan) -> None:
        self.places, self.plan, self.weather = places, plan, WEATHERS[plan.kind]
        self.count, self.striking = 0, set[int]()  # threads that do so

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Hear of an event."""
        if event not in MOMENTS or threading.get_ident() in self.striking:
            return
        if event in ANYWHERE or str(arguments[0]).startswith(str(self.places.disk)):
            self.count += 1
            self._come(self.count)

    def _come(self, moment: int) -> None:
        if moment == self.plan.at:
            self._do(self._strike)
        if moment == self.plan.at + self.plan.relief:
            self._do(lambda: self.weather.relief(self.places))

    def _strike(self) -> None:
        self.places.struck.touch()
        self.weather.strike(self.places, Random(self.plan.dice))

    def _do(self, change: Callable[[], None]) -> None:
        def quietly() -> None:
            self.striking.add(threading.get_ident())
            try:
                change()
            finally:
                self.striking.discard(threading.get_ident())

        if self.plan.delay:
            threading.Timer(self.plan.delay, quietly).start()
        else:
            quietly()


def attempt(places: Places, arguments: Sequence[str], plan: Plan | None = None) -> list[Attempt]:
    """Start the command, and as many more of it as the weather has, and wait until all end."""
    number = WEATHERS[plan.kind].at_once if plan else 1
    plans = [plan, *[None] * (number - 1)]
    started = [_forked(lambda p=p: _command(places, arguments, p)) for p in plans]
    return [_ended(*process) for process in started]


def asked(question: Callable[[], Any]) -> Any:
    """What a function gives in a forked process, as text; its traceback where it raises."""
    return _ended(*_forked(lambda: print(question(), flush=True)))


def _forked(work: Callable[[], Any]) -> tuple[int, int]:
    """Process that does some work and exits, and the end of a pipe with what it prints."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code = 1
    try:
        os.setsid()
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        faulthandler.register(signal.SIGUSR1)
        code = _code(work)
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _code(work: Callable[[], Any]) -> int:
    try:
        work()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else bool(error.code)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _command(places: Places, arguments: Sequence[str], plan: Plan | None) -> None:
    os.environ.update(places.environment)
    for name in [name for name, value in places.environment.items() if not value]:
        del os.environ[name]
    tempfile.tempdir = None
    os.chdir(places.folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _say_what_is_stored(places.written)
    moments = Moments(places, plan) if plan else None
    if plan:
        sys.addaudithook(moments)
    atexit.register(lambda: print(f"moments: {moments.count}") if plan else None)
    app(list(arguments), prog_name="eegxai")


def _say_what_is_stored(written: Path) -> None:
    """Every change of the store is a moment before and after; what was written is noted."""
    log = os.open(written, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def spoken(name: str) -> Callable[..., Any]:
        real = getattr(StoreFiles, name)

        def change(files: StoreFiles, file: str, *more: Any) -> Any:
            sys.audit(STORED, file)
            given = real(files, file, *more)
            os.write(log, f"{name} {file}\n".encode())
            sys.audit(STORED, file)
            return given

        return change

    for name in STORE_CHANGES:
        setattr(StoreFiles, name, spoken(name))


def _ended(pid: int, reading: int) -> Attempt:
    output, hung = _read(pid, reading)
    os.close(reading)
    _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return Attempt(code, output, used.ru_utime + used.ru_stime, pid, hung)


def _read(pid: int, reading: int) -> tuple[str, bool]:
    """All that a process prints; one that takes too long says where it is, and is killed."""
    ends, parts = time.monotonic() + LONGEST, []
    while select.select([reading], [], [], max(0.0, ends - time.monotonic()))[0]:
        if not (part := os.read(reading, 2**16)):
            return b"".join(parts).decode(errors="replace"), False
        parts.append(part)
    os.kill(pid, signal.SIGUSR1)
    time.sleep(1)
    parts.append(os.read(reading, 2**16))
    os.kill(pid, signal.SIGKILL)
    return b"".join(parts).decode(errors="replace"), True


def cpu_seconds() -> float:
    """Of this process so far."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
