"""What a person sees of work whose share that is done is known: a bar, or lines without one."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sweeps.execution.progress import clock
from sweeps.report.terminal import print_sentence

LINE_EVERY = 0.1  # of the work, where there is no terminal
ENOUGH = 0.05  # share of the work from which its pace says something


class ShareProgress:
    """Shows what is done next, how much is done, and how long the rest takes at this pace.

    Parameters
    ----------
    console : Console
        Where to write; decides between a live bar and plain lines.
    now : callable
        Seconds of a clock.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self.console, self.now = console, now
        self.started, self.line_at = now(), 0.0
        self.bar = Progress(
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("starting", total=1.0)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def __call__(self, what: str, share: float) -> None:
        """Take what is done next, and the share of the work that is done."""
        note = f"{what}{self._left(share)}"
        self.bar.update(self.task, completed=share, description=note)
        if not self.console.is_terminal and share >= self.line_at:
            print_sentence(self.console, f"{share:4.0%}  {note}")
            self.line_at = share + LINE_EVERY

    def _left(self, share: float) -> str:
        """At the pace so far; nothing before that is known."""
        if not ENOUGH <= share < 1:
            return ""
        elapsed = self.now() - self.started
        return f", about {clock(elapsed / share * (1 - share))} left"
