"""Progress by share: the time left is that of the pace, counts down, and is not said too early."""

import io

from rich.console import Console

from sweeps.cli.share_progress import LINE_EVERY, ShareProgress


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def test_the_time_left_is_that_of_the_share_and_counts_down():
    clock = Clock()
    progress = ShareProgress(Console(file=io.StringIO()), clock)
    assert progress.left == ""
    clock.seconds = 30.0
    progress("DeepLift: checks", 0.2)
    assert progress.left == "about 2:00 left"
    clock.seconds = 60.0
    assert progress.left == "about 1:30 left"
    clock.seconds = 600.0
    assert progress.left == "about 0:00 left"
    progress("done", 1.0)
    assert progress.left == ""


def test_without_a_terminal_there_are_few_lines():
    clock, written = Clock(), io.StringIO()
    with ShareProgress(Console(file=written), clock) as progress:
        for step in range(11):
            clock.seconds = step * LINE_EVERY / 4
            progress(f"step {step}", step / 100)
    lines = written.getvalue().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["step 0", "step 4", "step 8"]
    assert lines[1].endswith("about 4:00 left")
