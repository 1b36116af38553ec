"""How fast the machine is, by the steps that are timed."""

import pytest
import torch

from sweeps.execution import machine_speed
from sweeps.execution.expected import STEP_SECONDS


@pytest.fixture
def two_threads():
    with machine_speed.threads(2):
        yield


@pytest.mark.usefixtures("two_threads")
def test_steps_are_timed_on_one_thread_and_nothing_is_left_behind(monkeypatch):
    of_step, threads = machine_speed._seconds_of_step, []

    def timed(*tensors):
        threads.append(torch.get_num_threads())
        return of_step(*tensors)

    monkeypatch.setattr(machine_speed, "_seconds_of_step", timed)
    state = torch.random.get_rng_state()
    assert machine_speed.slowness.__wrapped__() > 0
    assert set(threads) == {1}
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_step_that_takes_three_times_as_long_makes_a_machine_three_times_as_slow(monkeypatch):
    times = iter([50 * STEP_SECONDS, *[3 * STEP_SECONDS] * 8, 20 * STEP_SECONDS])
    monkeypatch.setattr(machine_speed, "_seconds_of_step", lambda *_tensors: next(times))
    assert machine_speed.slowness.__wrapped__() == pytest.approx(3)
