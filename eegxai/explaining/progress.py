"""What is done next, and the share of the work that is done, by the time that it takes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

OnProgress = Callable[[str, float], None]


class Progress:
    """Tells a caller what is done next and which share of the work is done, 0 to 1.

    Methods differ a thousandfold in time, so that their number says nothing. The share is 0 until
    the time of each is known from its maps, and then the time spent, relative to it and what is
    expected: to explain again, and for each method what comparing took on those before.

    Parameters
    ----------
    on_progress : callable or None
        Called with a text and a share.
    now : callable
        Seconds of a clock.

    Examples
    --------
    >>> seconds = iter([0.0, 1.0, 1.0, 5.0, 5.0])
    >>> progress = Progress(lambda what, share: print(what, share), lambda: next(seconds))
    >>> progress.expect({"Saliency": 2.0, "DeepLift": 2.0})
    >>> with progress.checking("Saliency"): pass
    Saliency: checks 0.2
    >>> progress.say("half-way")  # comparing took 2 s
    half-way 0.5555555555555556
    """

    def __init__(
        self, on_progress: OnProgress | None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self.on_progress, self.now = on_progress, now
        self.started = now()
        self.expected: dict[str, float] = {}  # seconds of the methods that are not done
        self.beyond: list[float] = []  # seconds that those that are took beyond it

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
        if not self.expected:
            return 0.0
        beyond = sum(self.beyond) / len(self.beyond) if self.beyond else 0.0
        left = sum(self.expected.values()) + beyond * len(self.expected)
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
