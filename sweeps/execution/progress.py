"""What a person sees while cells run: a bar in a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sweeps.report.terminal import print_sentence


def clock(seconds: float) -> str:
    """Duration as minutes and seconds, such as ``2:05``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


class StageProgress:
    """Counts the cells of one stage and estimates the time left.

    Parameters
    ----------
    console : Console
        Where to write; decides between a live bar and plain lines.
    name : str
        Name of the stage.
    total, done : int
        Cells of the stage, and how many of them were done before.
    """

    def __init__(self, console: Console, name: str, total: int, done: int) -> None:
        self.console, self.name, self.total = console, name, total
        self.before = self.done = done
        self.started = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(name, total=total, completed=done, note="starting")

    def __enter__(self) -> Self:
        self.bar.start()
        if not self.console.is_terminal:
            print_sentence(self.console, f"{self.name}: {self.done}/{self.total} cells done")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def advance(self, title: str) -> None:
        """Count one more cell as ended."""
        self.done += 1
        note = f"{clock(self._left())} left"
        self.bar.update(self.task, completed=self.done, note=note)
        if not self.console.is_terminal:
            print_sentence(self.console, f"{self.name}: {self.done}/{self.total} {title}, {note}")

    def _left(self) -> float:
        pace = (time.monotonic() - self.started) / (self.done - self.before)
        return pace * (self.total - self.done)
