"""What is done next, and the share of the work that is done, by the time that it takes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

OnProgress = Callable[[str, float], None]


class Progress:
    """Tells a caller what is done next and which share of the work is done, 0 to 1.

    Methods differ a thousandfold in time, so that their number says nothing. The time of each is
    known from its maps, and what comparing maps takes beside it from the methods that are checked.
    Until the first of them is, the share is 0; then it is the time spent relative to all.

    Parameters
    ----------
    on_progress : callable or None
        Called with a text and a share.
    now : callable
        Seconds of a clock.

    Examples
    --------
    >>> seconds = iter([0.0, 1.0, 4.0, 4.0])
    >>> progress = Progress(lambda what, share: print(what, share), lambda: next(seconds))
    >>> progress.expect({"Saliency": 2.0, "DeepLift": 3.0})
    >>> with progress.checking("Saliency"): pass
    Saliency: checks 0.0
    >>> progress.say("half-way")  # comparing took 1 s: 4 s are expected of DeepLift
    half-way 0.5
    """

    def __init__(
        self, on_progress: OnProgress | None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self.on_progress, self.now = on_progress, now
        self.started = now()
        self.expected: dict[str, float] = {}  # seconds of the methods that are not done
        self.beyond: list[float] = []  # seconds that those that are done took beyond it

    def say(self, what: str) -> None:
        """Tell what is done next."""
        if self.on_progress:
            self.on_progress(what, self.share)

    def end(self) -> None:
        """Tell that all is done."""
        if self.on_progress:
            self.on_progress("done", 1.0)

    @property
    def share(self) -> float:
        """Which share of the work is done, as far as that is known."""
        if not self.beyond:
            return 0.0
        comparing = len(self.expected) * sum(self.beyond) / len(self.beyond)
        left = sum(self.expected.values()) + comparing
        spent = self.now() - self.started
        return spent / (spent + left)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Take the seconds that the checks of each method are expected to take."""
        self.expected = dict(seconds)

    @contextmanager
    def timed(self, what: str, seconds: dict[str, float]) -> Iterator[None]:
        """Tell what is done, and note how long it took."""
        self.say(what)
        started = self.now()
        yield
        seconds[what] = self.now() - started

    @contextmanager
    def checking(self, method: str) -> Iterator[None]:
        """Tell that a method is checked, and learn from how long it took."""
        self.say(f"{method}: checks")
        started = self.now()
        yield
        self.beyond.append(max(0.0, self.now() - started - self.expected.pop(method)))
