"""Running cells on Ray Tune, across workers."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

from sweeps.design.cells import Cell, decoder_of, from_json
from sweeps.design.config import TrialResources
from sweeps.execution.runner import CellOutcome, OnDone, Stage, run_cell

MAX_FAILURES = 2
# Nothing travels through the object store but Tune's own small messages.
OBJECT_STORE_BYTES = 100 * 2**20
# Read when ray is imported: no call home, no files and no tables of Tune's own, an interrupt ends
# the sweep, not only the stage, and a submitted job may name these variables once more.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",
}


def run_ray(stage: Stage, store_url: str, on_done: OnDone) -> None:
    """Run the cells by Ray Tune, bundle by bundle; actors are reused from trial to trial.

    Parameters
    ----------
    stage : Stage
        Cells and resources.
    store_url : str
        Store that every worker reaches.
    on_done : callable
        Called in this process as each cell ends.

    Notes
    -----
    The store is the record of what is done, so Tune's own files are thrown away. A cell that
    kills its worker time and again ends its trial; the rest of that trial is scheduled anew.
    """
    left = {cell.key: cell for cell in stage.cells}

    def tell_once(outcome: CellOutcome) -> None:
        if left.pop(outcome.cell.key, None):
            on_done(outcome)

    while left:
        before = len(left)
        _run_trials(replace(stage, cells=list(left.values())), store_url, left, tell_once)
        if len(left) == before:
            raise RuntimeError(f"Ray Tune ended with {before} cells of {stage.name} left")


def _run_trials(stage: Stage, store_url: str, left: Mapping[str, Cell], on_done: OnDone) -> None:
    from ray import tune

    # Tune copies a trial's parameters time and again: they are a number, and what the numbers
    # mean goes to each worker once.
    grouped = list(stage.bundles)
    bundles = [{cell.key: cell.as_json() for cell in cells} for cells in grouped]
    with tempfile.TemporaryDirectory(prefix="eegxai-tune-") as folder:
        tune.Tuner(
            tune.with_resources(
                tune.with_parameters(_trainable(), bundles=bundles, place=_place(stage, store_url)),
                _bundle(stage.resources),
            ),
            param_space={"bundle": tune.grid_search(list(range(len(bundles))))},
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                scheduler=_scheduler([decoder_of(cells[0]).key for cells in grouped]),
                max_concurrent_trials=stage.resources.max_concurrent,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name=stage.name,
                storage_path=folder,
                failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                callbacks=[_reporter(bundles, left, on_done)],
                verbose=0,
            ),
        ).fit()


@contextmanager
def private_ray(num_cpus: int | None = None) -> Iterator[None]:
    """A Ray of this process alone, with all CPUs unless told.

    Some of its ports are open to the network whatever address it is given, so that it obeys only
    who knows a token, drawn anew for each process.
    """
    os.environ.update(RAY_ENVIRONMENT)
    if "ray" not in sys.modules:  # which reads this once
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray

    ray.init(
        address="local",
        num_cpus=num_cpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
    )
    try:
        yield
    finally:
        ray.shutdown()


def _bundle(resources: TrialResources) -> Any:
    from ray import tune

    return tune.PlacementGroupFactory([resources.bundle])


def _place(stage: Stage, store_url: str) -> dict[str, Any]:
    """How a worker calls ``run_cell`` on every cell of the stage."""
    return {
        "kind": stage.kind,
        "store_url": store_url,
        "device": stage.device,
        "threads": stage.threads,
    }


def _name(trial: Any) -> str:
    return f"bundle-{trial.config['bundle']}"


def _trainable() -> type:
    """Trainable class of a bundle; made here so that importing this module needs no Ray."""
    from ray import tune

    class BundleTrial(tune.Trainable):
        """One cell a step; the actor and its caches serve the next bundle too."""

        def setup(
            self, config: dict[str, Any], bundles: list[dict[str, Any]], place: dict[str, Any]
        ) -> None:
            self.bundles, self.place = bundles, place
            self.reset_config(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self.cells = dict(self.bundles[new_config["bundle"]])
            return True

        def step(self) -> dict[str, Any]:
            key = next(iter(self.cells))
            cell = from_json(self.place["kind"], self.cells.pop(key))
            error = run_cell(cell=cell, **self.place)
            return {"done": not self.cells, "key": key, "error": error, "worker": os.getpid()}

    return BundleTrial


def _scheduler(decoders: Sequence[str]) -> Any:
    """Order of the trials, of which the decoders' keys are given."""
    from ray.tune.schedulers import FIFOScheduler

    class SameDecoder(FIFOScheduler):
        """A free worker stays with its decoder, or else takes one that nobody works at.

        A decoder's first cell on a worker simulates its data and makes its randomized copies.

        Of several trials it takes the last: workers may be starting for the first ones. Given such
        a trial, a free worker does it and Tune kills the one that is starting: where a trial takes
        less than a start, one worker of many would do the whole grid.
        """

        def __init__(self) -> None:
            super().__init__()
            self.at_hand = ""  # decoder of the worker that is free

        def on_trial_complete(self, tune_controller: Any, trial: Any, result: Any) -> None:
            self.at_hand = _decoder(trial)

        def choose_trial_to_run(self, tune_controller: Any) -> Any:
            trials = tune_controller.get_trials()
            pending = [trial for trial in reversed(trials) if trial.status == trial.PENDING]
            taken = {_decoder(trial) for trial in trials if trial.status == trial.RUNNING}
            its_own = (trial for trial in pending if _decoder(trial) == self.at_hand)
            free = (trial for trial in pending if _decoder(trial) not in taken)
            return next(chain(its_own, free, pending), None)

    def _decoder(trial: Any) -> str:
        return decoders[trial.config["bundle"]]

    return SameDecoder()


def _reporter(bundles: Sequence[Iterable[str]], left: Mapping[str, Cell], on_done: OnDone) -> Any:
    from ray import tune

    class Reporter(tune.Callback):
        """Tells this process of every cell that ended, well or not."""

        def __init__(
            self, bundles: Sequence[Iterable[str]], left: Mapping[str, Cell], on_done: OnDone
        ) -> None:
            self.bundles, self.left, self.on_done = bundles, left, on_done

        def __getstate__(self) -> dict[str, Any]:
            """Nothing: Tune pickles its callbacks to restore a run, which is not done here."""
            return {}

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: Any, **info: Any
        ) -> None:
            cell = self.left.get(result["key"])  # told before where a trial was begun anew
            if cell:
                self.on_done(CellOutcome(cell, result["error"], result["worker"]))

        def on_trial_error(
            self, iteration: int, trials: list[Any], trial: Any, **info: Any
        ) -> None:
            bundle = self.bundles[trial.config["bundle"]]
            at_work = next(key for key in bundle if key in self.left)
            died = f"its worker died {MAX_FAILURES + 1} times"
            self.on_done(CellOutcome(self.left[at_work], died))

    return Reporter(bundles, left, on_done)
