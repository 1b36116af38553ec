"""What a person sees while cells run: a bar in a terminal, plain lines elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sweeps.execution.pace import Pace
from sweeps.execution.runner import CellOutcome
from sweeps.report.terminal import print_sentence


def clock(seconds: float) -> str:
    """Duration as minutes and seconds, such as ``2:05``, with hours if there are any.

    Examples
    --------
    >>> clock(125), clock(7325)
    ('2:05', '2:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class StageProgress:
    """Counts the cells of one stage and estimates the time left of the sweep.

    Parameters
    ----------
    console : Console
        Where to write; decides between a live bar and plain lines.
    name : str
        Name of the stage.
    total : int
        Cells of the stage, those that were done before among them.
    pace : Pace
        What estimates the time left of those to be done.
    seconds_later : float
        What the stages after this one are expected to take.
    """

    def __init__(
        self, console: Console, name: str, total: int, pace: Pace, seconds_later: float
    ) -> None:
        self.console, self.name, self.total = console, name, total
        self.done, self.pace = total - pace.left.total(), pace
        self.seconds_later = seconds_later
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(name, total=total, completed=self.done, note="starting")

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

    def advance(self, outcome: CellOutcome) -> None:
        """Count one more cell as ended."""
        self.done += 1
        self.pace.take_in(outcome.cell, outcome.seconds, outcome.pid)
        note = f"{clock(self.pace.seconds_left() + self.seconds_later)} left"
        self.bar.update(self.task, completed=self.done, note=note)
        if not self.console.is_terminal:
            print_sentence(
                self.console, f"{self.name}: {self.done}/{self.total} {outcome.cell.title}, {note}"
            )
