"""The time left that is shown, against made-up stages whose time is known."""

import heapq
import math

import pytest

from sweeps.design.cells import decoder_cells, decoder_of, method_cells
from sweeps.design.config_file import configuration_path, load
from sweeps.execution.pace import COSTS, OPENING, Pace, workers_here

QUICKSTART = load(configuration_path("quickstart"))
METHODS = list(method_cells(QUICKSTART))


def played(cells, workers, unit, opening=OPENING, cost=COSTS):
    """Time left as it is told after each cell, and as it is, of workers that take the next cell."""
    pace, opened = Pace(cells, workers), set()
    free, ends = [(0.0, pid) for pid in range(workers)], []
    for cell in cells:
        start, pid = heapq.heappop(free)
        first = (decoder_of(cell).key, pid) not in opened
        opened.add((decoder_of(cell).key, pid))
        seconds = unit * (cost.get(getattr(cell, "method", ""), 1.0) + first * opening)
        heapq.heappush(free, (start + seconds, pid))
        ends.append((start + seconds, cell, seconds, pid))
    last = max(end for end, *_ in ends)
    told = []
    for end, cell, seconds, pid in sorted(ends, key=lambda one: one[0]):
        pace.take_in(cell, seconds, pid)
        told.append((pace.seconds_left(), last - end))
    return told


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("unit", [0.5, 6.0])
def test_the_first_time_left_is_within_a_factor_of_two(workers, unit):
    told = played(METHODS, workers, unit)
    first, true = told[0]
    assert 0.5 < first / true < 2
    assert told[-1] == (0.0, 0.0)


def test_methods_that_cost_otherwise_than_expected_count_by_their_own_cells():
    cost = dict.fromkeys({cell.method for cell in METHODS}, 1.0) | {"Saliency": 20.0}
    told = played(METHODS, 1, 1.0, cost=cost)
    shown, true = told[len(told) // 2]
    assert 0.7 < shown / true < 1.5


def test_trainings_are_alike():
    trainings = list(decoder_cells(QUICKSTART))
    assert played(trainings, 1, 10.0, opening=0.0)[0] == (20.0, 20.0)


def test_nothing_is_told_before_a_cell_has_ended():
    assert math.isnan(Pace(METHODS).seconds_left())


def test_a_machine_has_as_many_workers_as_its_cpus_and_the_limits_allow(monkeypatch):
    monkeypatch.setattr("sweeps.execution.pace.usable_cpus", lambda: 8)
    explain = QUICKSTART.resources.explain
    cases = {(1, None): 8, (3, None): 2, (16, None): 1, (1, 3): 3}
    for (cpu, most), workers in cases.items():
        resources = explain.model_copy(update={"cpu": cpu, "max_concurrent": most})
        assert workers_here(resources) == workers
