"""The time left that is shown, against made-up stages whose time is known."""

import heapq

import pytest

from sweeps.design.cells import decoder_cells, decoder_of, method_cells
from sweeps.design.config_file import configuration_path, load
from sweeps.execution.expected import WARM_UP_SECONDS, cell_seconds, opening_seconds
from sweeps.execution.pace import Pace, workers_here

QUICKSTART = load(configuration_path("quickstart"))
METHODS = list(method_cells(QUICKSTART))


@pytest.fixture(autouse=True)
def as_fast_as_the_table(monkeypatch):
    monkeypatch.setattr("sweeps.execution.pace.slowness", lambda: 1.0)


def played(cells, workers, slowness, own=None, finished=None):
    """Time left as it is told from the start, and as it is, of workers that take the next cell."""
    pace, opened = Pace(cells, workers, finished), set()
    free, ends = [(0.0, pid) for pid in range(workers)], []
    for cell in cells:
        start, pid = heapq.heappop(free)
        new = {pid: WARM_UP_SECONDS, (decoder_of(cell).key, pid): opening_seconds(cell)}
        seconds = slowness * sum(taken for what, taken in new.items() if what not in opened)
        seconds += (own or {}).get(cell, slowness * cell_seconds(cell))
        opened |= new.keys()
        heapq.heappush(free, (start + seconds, pid))
        ends.append((start + seconds, cell, seconds, pid))
    last = max(end for end, *_ in ends)
    told = [(pace.seconds_left(), last)]
    for end, cell, seconds, pid in sorted(ends, key=lambda one: one[0]):
        pace.take_in(cell, seconds, pid)
        told.append((pace.seconds_left(), last - end))
    return told


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("slowness", [0.5, 1.0, 6.0])
def test_the_first_cell_shows_the_time_left_within_a_factor_of_two(workers, slowness):
    told = played(METHODS, workers, slowness)
    shown, true = told[1]
    assert 0.5 < shown / true < 2
    assert told[-1] == (0.0, 0.0)


def test_the_time_is_told_before_the_first_cell_from_the_table():
    shown, true = played(METHODS, 2, 1.0)[0]
    assert 0.75 < shown / true < 1.25


@pytest.mark.parametrize("slowness", [0.5, 3.0])
def test_the_time_before_the_first_cell_is_that_of_this_machine(slowness, monkeypatch):
    monkeypatch.setattr("sweeps.execution.pace.slowness", lambda: slowness)
    shown, true = played(METHODS, 2, slowness)[0]
    assert 0.75 < shown / true < 1.25


def test_cells_that_are_done_tell_the_speed_of_this_machine():
    done, todo = METHODS[:21], METHODS[21:]
    shown, true = played(todo, 2, 5.0, finished={cell: 5 * cell_seconds(cell) for cell in done})[0]
    assert 0.75 < shown / true < 1.25


def test_methods_that_cost_otherwise_than_expected_count_by_their_own_cells():
    own = {cell: 20.0 if cell.method == "Saliency" else 1.0 for cell in METHODS}
    told = played(METHODS, 1, 0.1, own=own)
    shown, true = told[len(told) // 2]
    assert 0.7 < shown / true < 1.5


def test_trainings_are_alike():
    trainings = list(decoder_cells(QUICKSTART))
    one = cell_seconds(trainings[0])
    assert played(trainings, 1, 10.0)[1] == pytest.approx((20 * one, 20 * one))


def test_a_decoder_is_opened_sooner_where_nothing_asks_for_its_use():
    study = load(configuration_path("quickstart"), ["evaluation.mode=study"])
    assert opening_seconds(next(method_cells(study))) < opening_seconds(METHODS[0]) / 2


def test_a_machine_has_as_many_workers_as_its_cpus_and_the_limits_allow(monkeypatch):
    monkeypatch.setattr("sweeps.execution.pace.usable_cpus", lambda: 8)
    explain = QUICKSTART.resources.explain
    cases = {(1, None): 8, (3, None): 2, (16, None): 1, (1, 3): 3}
    for (cpu, most), workers in cases.items():
        resources = explain.model_copy(update={"cpu": cpu, "max_concurrent": most})
        assert workers_here(resources) == workers
