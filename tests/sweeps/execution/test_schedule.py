"""Which trial a free worker does next, on trials made up for it."""

from types import SimpleNamespace

import pytest

from sweeps.design.cells import decoder_cells, method_cells
from tests.sweeps.processes import own_process

pytestmark = pytest.mark.cluster


class Trial(SimpleNamespace):
    PENDING, RUNNING, TERMINATED = "PENDING", "RUNNING", "TERMINATED"
    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


def scheduled(n_decoders, per_decoder):
    """A scheduler and its trials, those of one decoder after those of another."""
    from sweeps.execution.ray_tune import SameDecoder

    decoders = [f"decoder {n}" for n in range(n_decoders) for _ in range(per_decoder)]
    scheduler = SameDecoder(decoders)
    trials = [Trial(status=Trial.PENDING, config={"bundle": n}) for n in range(len(decoders))]
    for trial in trials:
        scheduler.on_trial_add(None, trial)
    return scheduler, trials


def chosen(scheduler, trials):
    trial = scheduler.choose_trial_to_run(None)
    return trials.index(trial) if trial else None


def order():
    """Numbers of trials chosen as workers start, end, fail and are free."""
    scheduler, trials = scheduled(3, 2)
    found = [chosen(scheduler, trials)]
    trials[5].status = Trial.RUNNING  # as the scheduler chose
    trials[0].status = Trial.RUNNING  # as Tune starts them by itself
    found.append(chosen(scheduler, trials))
    trials[3].status = Trial.RUNNING
    found.append(chosen(scheduler, trials))  # all decoders are taken
    trials[0].status = Trial.TERMINATED
    scheduler.on_trial_complete(None, trials[0], {})
    found.append(chosen(scheduler, trials))  # its worker stays with its decoder
    trials[1].status = Trial.RUNNING
    trials[3].status = Trial.PENDING  # its worker died
    scheduler.on_trial_error(None, trials[3])
    scheduler.on_trial_add(None, trials[3])
    found.append(chosen(scheduler, trials))
    for trial in trials:
        trial.status = Trial.TERMINATED
        scheduler.on_trial_complete(None, trial, {})
    return [*found, chosen(scheduler, trials), scheduler.unfinished]


def looks(n_decoders):
    """How many trials are looked at to choose one while two workers are at work."""
    scheduler, trials = scheduled(n_decoders, 4)
    seen = []

    class Watched(Trial):
        def __getattribute__(self, name):
            if name == "status":
                seen.append(self)
            return super().__getattribute__(name)

    for trial in (trials[-1], trials[-5]):
        trial.status = Trial.RUNNING
    for trial in trials:
        trial.__class__ = Watched
    scheduler.choose_trial_to_run(None)
    return len(seen)


def names(cells):
    from sweeps.execution.ray_tune import trial_name

    return trial_name(cells)


@pytest.fixture(scope="module")
def elsewhere():
    """A process that may import Ray."""
    with own_process() as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def test_a_worker_stays_with_its_decoder_or_takes_one_that_nobody_is_at(elsewhere):
    assert elsewhere(order) == [5, 3, 4, 1, 3, None, {}]


def test_choosing_takes_no_longer_the_more_trials_wait(elsewhere):
    assert elsewhere(looks, 10) == elsewhere(looks, 1000) < 20


def test_a_trial_is_called_after_its_cells(elsewhere, tiny):
    decoder, (first, *others) = next(decoder_cells(tiny)), list(method_cells(tiny))
    assert elsewhere(names, [decoder]) == decoder.title
    assert elsewhere(names, [first, *others[:3]]) == f"{first.title} and 3 more"
