"""What a person sees of work whose share that is done is known: a bar, or lines without one."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from sweeps.execution.progress import clock
from sweeps.report.terminal import print_sentence

LINE_EVERY = 10.0  # seconds between lines, where there is no terminal


class ShareProgress:
    """Shows what is done next, how much of the time is over, and how much is left.

    Parameters
    ----------
    console : Console
        Where to write; decides between a live bar and plain lines.
    now : callable
        Seconds of a clock.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self.console, self.now = console, now
        self.started = self.line_at = now()
        self.ends: float | None = None  # when all will be done, as far as it is known
        self.bar = Progress(
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            _TimeLeft(self),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=1.0)

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
        """Take what is done next, and the share of the time that is over; 0 is not known."""
        now = self.now()
        self.ends = now + (now - self.started) * (1 - share) / share if 0 < share < 1 else None
        self.bar.update(self.task, completed=share, description=what)
        if not self.console.is_terminal and now >= self.line_at and share < 1:
            print_sentence(self.console, ", ".join(filter(None, (what, self.left))))
            self.line_at = now + LINE_EVERY

    @property
    def left(self) -> str:
        """Such as ``about 2:05 left``; empty where it is not known."""
        if self.ends is None:
            return ""
        return f"about {clock(max(0.0, self.ends - self.now()))} left"


class _TimeLeft(ProgressColumn):
    """The time left, counted down between two estimates of it."""

    def __init__(self, progress: ShareProgress) -> None:
        super().__init__()
        self.progress = progress

    def render(self, task: Task) -> Text:
        return Text(self.progress.left)
