"""The share of the work that is done: of the time, from what methods have taken so far."""

import pytest

from eegxai.explaining.progress import Progress


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def told():
    """A clock, a progress on it, and what it has told."""
    clock, said = Clock(), []
    return clock, Progress(lambda what, share: said.append((what, share)), clock), said


def test_nothing_is_known_before_methods_are_timed(told):
    clock, progress, said = told
    clock.seconds = 50.0
    progress.say("DeepLift: maps")
    assert said == [("DeepLift: maps", 0.0)]


def test_a_slow_method_that_comes_last_counts_with_its_time(told):
    clock, progress, said = told
    clock.seconds = 10.0
    progress.expect({"Saliency": 1.0, "KernelSHAP": 89.0})
    with progress.checking("Saliency"):
        clock.seconds = 11.0
    with progress.checking("KernelSHAP"):
        clock.seconds = 100.0
    progress.end()
    assert said == [
        ("Saliency: checks", 0.0),
        ("KernelSHAP: checks", pytest.approx(0.11)),
        ("done", 1.0),
    ]


def test_what_methods_take_beyond_it_is_expected_of_the_others(told):
    clock, progress, said = told
    progress.expect({"a": 1.0, "b": 1.0, "c": 1.0})
    with progress.checking("a"):
        clock.seconds = 5.0  # 4 s more than expected
    progress.say("b")
    assert said[-1] == ("b", pytest.approx(5 / (5 + 2 * (1 + 4))))


def test_the_time_of_a_part_is_noted(told):
    clock, progress, said = told
    seconds = {}
    with progress.timed("decode", seconds):
        clock.seconds = 3.0
    assert seconds == {"decode": 3.0}
    assert said == [("decode", 0.0)]
