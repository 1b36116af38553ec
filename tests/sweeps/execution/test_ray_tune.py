"""Stages on a Ray of two CPUs, which all tests here share: what they give, and who does what.

The scheduler's choices are tested there too, on trials made up for it: it may import Ray.
"""

import gc
import weakref
from itertools import groupby
from types import SimpleNamespace

import pandas as pd
import pytest

from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config import Resources
from sweeps.design.config_file import load
from sweeps.execution.runner import Stage
from sweeps.store.artefacts import Store, store_of
from tests.sweeps.conftest import TINY
from tests.sweeps.processes import outcomes_on_ray, ray_process, unmet_on_ray

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

REVERSED = ["grid.method=[InputMagnitude,RandomMap,InputXGradient,Saliency]", "grid.seed=[1,0]"]


@pytest.fixture(scope="module")
def on_ray():
    """What calls a function in the process that has the Ray."""
    with ray_process() as call:
        yield call


@pytest.fixture(scope="module")
def explained(on_ray, tmp_path_factory):
    """The tiny sweep, its axes in reverse order, and the outcomes of its explanations."""
    folder = tmp_path_factory.mktemp("on_ray")
    (folder / "tiny.yaml").write_text(TINY)
    config = load(folder / "tiny.yaml", [f"output={folder}", *REVERSED])
    train = Stage("train", "decoder", list(decoder_cells(config)), config.resources.train)
    explain = Stage("explain", "method", list(method_cells(config)), config.resources.explain)
    trained = on_ray(outcomes_on_ray, train, store_of(config).url)
    assert not any(outcome.error for outcome in trained)
    return config, on_ray(outcomes_on_ray, explain, store_of(config).url)


def test_ray_gives_the_same_numbers_in_any_order(explained, tiny_store):
    """Two workers, axes in reverse order: the same keys, the same bits."""
    config, _ = explained
    cells = list(method_cells(config))
    store, expected = store_of(config), Store(str(tiny_store))
    assert {cell.stem for cell in cells} == store.stems("methods") == expected.stems("methods")
    for cell in cells:
        found, table = (s.read_scores(cell).table for s in (store, expected))
        pd.testing.assert_frame_equal(found, table)


def test_actors_are_reused_and_stay_with_their_decoder(explained):
    """Eight cells, two CPUs: two processes, each of which serves several cells."""
    config, outcomes = explained
    assert {outcome.cell.key for outcome in outcomes} == {c.key for c in method_cells(config)}
    assert not any(outcome.error for outcome in outcomes)
    workers = {outcome.pid for outcome in outcomes}
    assert len(workers) == 2
    for worker in workers:  # a decoder that is left for another is not come back to
        decoders = [outcome.cell.decoder for outcome in outcomes if outcome.pid == worker]
        assert len(list(groupby(decoders))) == len(set(decoders))


def test_at_most_so_many_at_a_time(on_ray, tiny_file, tmp_path):
    """Two CPUs and one cell at a time: one process does them all."""
    overrides = ["resources.explain.max_concurrent=1", "grid.seed=0"]
    config = load(tiny_file, overrides)
    cells = list(method_cells(config))
    stage = Stage("explain", "method", cells, config.resources.explain)
    outcomes = on_ray(outcomes_on_ray, stage, str(tmp_path / "store"))
    assert len(outcomes) == len(cells) == 4
    assert len({outcome.pid for outcome in outcomes}) == 1


def test_what_no_node_of_the_cluster_offers(on_ray, tiny):
    licence = Resources.model_validate({"train": {"custom": {"licence": 1}}})
    (lacks,) = on_ray(unmet_on_ray, licence)
    assert "licence" in lacks
    assert on_ray(unmet_on_ray, tiny.resources) == []


class Circle:
    """What refers to itself stays until the collector finds it."""

    def __init__(self):
        self.itself = self


def seen_by_shutdown():
    """While Ray ends: whether garbage is left, and whether the collector may run."""
    import ray

    from sweeps.execution.ray_tune import shut_down

    garbage, seen, real = weakref.ref(Circle()), [], ray.shutdown
    ray.shutdown = lambda: seen.append((garbage() is not None, gc.isenabled()))
    try:
        shut_down()
    finally:
        ray.shutdown = real
    return seen, gc.isenabled()


def test_nothing_is_collected_while_ray_ends(on_ray):
    """A reference to an object of Ray's that another thread drops then ends the process."""
    assert on_ray(seen_by_shutdown) == ([(False, False)], True)


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


def test_a_worker_stays_with_its_decoder_or_takes_one_that_nobody_is_at(on_ray):
    assert on_ray(order) == [5, 3, 4, 1, 3, None, {}]


def test_choosing_takes_no_longer_the_more_trials_wait(on_ray):
    assert on_ray(looks, 10) == on_ray(looks, 1000) < 20


def test_a_trial_is_called_after_its_cells(on_ray, tiny):
    decoder, (first, *others) = next(decoder_cells(tiny)), list(method_cells(tiny))
    assert on_ray(names, [decoder]) == decoder.title
    assert on_ray(names, [first, *others[:3]]) == f"{first.title} and 3 more"
