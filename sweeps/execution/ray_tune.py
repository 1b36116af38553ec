"""Running cells on Ray Tune, across workers.

It imports Ray, and is therefore imported late, by :mod:`sweeps.execution.ray_session`.
"""

import gc
import os
import pickle
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, Self

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from sweeps.design.cells import Cell, decoder_of
from sweeps.execution.ray_environment import ray_folder
from sweeps.execution.runner import CellOutcome, OnDone, Stage, run_cell

MAX_FAILURES = 2
PREFIX = "eegxai-tune-"  # of the folder of Tune's own files
# Nothing travels through the object store but Tune's own small messages.
OBJECT_STORE_BYTES = 100 * 2**20


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
    kills its worker time and again ends its trial; the rest of that trial is scheduled again.
    """
    left = {cell.key: cell for cell in stage.cells}

    def report_once(outcome: CellOutcome) -> None:
        if left.pop(outcome.cell.key, None):
            on_done(outcome)

    while left:
        before = len(left)
        _run_trials(replace(stage, cells=list(left.values())), store_url, left, report_once)
        if len(left) == before:
            raise RuntimeError(f"Ray Tune ended with {before} cells of {stage.name} left")


@contextmanager
def started(num_cpus: int | None) -> Iterator[None]:
    """A Ray on this machine, until the block ends."""
    ray.init(
        address="local",
        num_cpus=num_cpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        _temp_dir=ray_folder(),
    )
    try:
        yield
    finally:
        shut_down()


def shut_down() -> None:
    """End this process's Ray, or leave the cluster, with no garbage of Ray's collected meanwhile.

    Tune leaves references to Ray's objects in circles. If another thread collects one while Ray
    is ending, Ray ends the whole process.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.collect()
    try:
        ray.shutdown()
    finally:
        if was_enabled:
            gc.enable()


class BundleTrial(tune.Trainable):
    """One cell a step; the actor and its caches serve the next bundle too."""

    def setup(self, config: dict[str, Any], bundles: list[bytes], place: dict[str, Any]) -> None:
        """Take what is the same for every bundle: the cells of all, and how to run one."""
        self.bundles, self.place = bundles, place
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin a bundle; always possible."""
        self.cells = unpacked_cells(self.bundles[new_config["bundle"]])
        return True

    def step(self) -> dict[str, Any]:
        """Run the next cell of the bundle."""
        cell = self.cells.pop(0)
        started = time.monotonic()
        error = run_cell(cell=cell, **self.place)
        seconds = time.monotonic() - started
        return {
            "done": not self.cells,
            "key": cell.key,
            "error": error,
            "worker": os.getpid(),
            "seconds": seconds,
        }


def packed_cells(cells: Sequence[Cell]) -> bytes:
    """Cells of one decoder in few bytes: driver and workers hold those of the whole grid."""
    return zlib.compress(pickle.dumps(cells))


def unpacked_cells(content: bytes) -> list[Cell]:
    """What ``packed_cells`` was given."""
    cells: list[Cell] = pickle.loads(zlib.decompress(content))
    return cells


class Numbers(Searcher):
    """Gives each trial the number of its bundle, when there is room for it.

    Tune copies a grid as a whole for each of its trials: of thousands, before the first begins.
    """

    def __init__(self, n_bundles: int) -> None:
        super().__init__()
        self.left = iter(range(n_bundles))

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        """Parameters of the next trial."""
        number = next(self.left, None)
        return Searcher.FINISHED if number is None else {"bundle": number}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        """Nothing: what is next does not depend on what was."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the store is the record of what is done."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, as it is never done."""


class TrialNames:
    """What the trial of each bundle is called.

    Tune copies it for each trial and writes it into the state of each: together with the names of
    all others that took three gigabytes of 4,500 trials.
    """

    def __init__(self, bundles: Sequence[Sequence[Cell]]) -> None:
        self.names = list(map(trial_name, bundles))

    def __call__(self, trial: Any) -> str:
        """Name of a trial."""
        return self.names[trial.config["bundle"]]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same object for every trial."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles it to restore a run, which is not done here."""
        return {}


class SameDecoder(FIFOScheduler):
    """A free worker stays with its decoder, or else takes one that nobody works at.

    A decoder's first cell on a worker simulates its data and makes its randomized copies.

    Of several trials it takes the last: workers may be starting for the first ones. Given such
    a trial, a free worker does it and Tune kills the one that is starting: where a trial takes
    less than a start, one worker of many would do the whole grid.

    Parameters
    ----------
    decoders : sequence of str
        Key of each bundle's decoder.
    """

    def __init__(self, decoders: Sequence[str]) -> None:
        super().__init__()
        self.decoders = decoders
        self.at_hand = ""  # decoder of the worker that is free
        self.unfinished: dict[str, dict[Any, None]] = {}  # trials by decoder, in order

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """Take in a trial, also one that is begun again."""
        super().on_trial_add(tune_controller, trial)
        self.unfinished.setdefault(self._decoder(trial), {})[trial] = None

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Drop a trial that failed."""
        super().on_trial_error(tune_controller, trial)
        self._drop(trial)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: Any) -> None:
        """Drop a trial that is done, and remember the decoder that the worker has at hand."""
        super().on_trial_complete(tune_controller, trial, result)
        self.at_hand = self._decoder(trial)
        self._drop(trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """The trial that a free worker does next; none when all are begun.

        Decoders that workers are at are passed over, so that it looks at a few trials, however
        many wait.
        """
        decoders = reversed(self.unfinished)
        free = (decoder for decoder in decoders if not self._is_taken(decoder))
        in_order = chain([self.at_hand], free, reversed(self.unfinished))
        return next(chain.from_iterable(map(self._waiting, in_order)), None)

    def _waiting(self, decoder: str) -> Iterator[Any]:
        """Trials of a decoder that wait, those that were added last before others."""
        trials = reversed(self.unfinished.get(decoder, {}))
        return (trial for trial in trials if trial.status == trial.PENDING)

    def _is_taken(self, decoder: str) -> bool:
        return any(trial.status == trial.RUNNING for trial in self.unfinished[decoder])

    def _drop(self, trial: Any) -> None:
        decoder = self._decoder(trial)
        trials = self.unfinished.get(decoder, {})
        trials.pop(trial, None)
        if not trials:
            self.unfinished.pop(decoder, None)

    def _decoder(self, trial: Any) -> str:
        return self.decoders[trial.config["bundle"]]


class Reporter(tune.Callback):
    """Reports every cell that ended, well or not, to this process.

    Parameters
    ----------
    bundles : sequence
        Each bundle's cells, in the order in which they are run.
    left : mapping
        The cells that have not ended, by key.
    on_done : callable
        Called as each cell ends.
    """

    def __init__(
        self, bundles: Sequence[Sequence[Cell]], left: Mapping[str, Cell], on_done: OnDone
    ) -> None:
        self.bundles, self.left, self.on_done = bundles, left, on_done

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles its callbacks to restore a run, which is not done here."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: Any, **info: Any
    ) -> None:
        """Report the cell of one step, unless it was before, where a trial was begun again."""
        cell = self.left.get(result["key"])
        if cell:
            told = result["error"], result["worker"], result["seconds"]
            self.on_done(CellOutcome(cell, *told))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Report the cell at which a worker died time and again."""
        bundle = self.bundles[trial.config["bundle"]]
        at_work = next(cell for cell in bundle if cell.key in self.left)
        self.on_done(CellOutcome(at_work, f"its worker died {MAX_FAILURES + 1} times"))


def _run_trials(stage: Stage, store_url: str, left: Mapping[str, Cell], on_done: OnDone) -> None:
    # Tune copies a trial's parameters time and again: they are a number, and what the numbers
    # mean goes to each worker once.
    bundles = list(stage.bundles)
    trainable = tune.with_parameters(
        BundleTrial, bundles=list(map(packed_cells, bundles)), place=stage.place(store_url)
    )
    reserved = tune.PlacementGroupFactory([stage.resources.bundle])
    # Interrupted, Tune may still write while the folder goes: that must not hide the interruption.
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        tune.Tuner(
            tune.with_resources(trainable, reserved),
            tune_config=_tune_config(stage, bundles),
            run_config=_run_config(stage.name, folder, Reporter(bundles, left, on_done)),
        ).fit()


def _tune_config(stage: Stage, bundles: Sequence[Sequence[Cell]]) -> tune.TuneConfig:
    return tune.TuneConfig(
        reuse_actors=True,
        search_alg=Numbers(len(bundles)),
        num_samples=len(bundles),
        scheduler=SameDecoder([decoder_of(cells[0]).key for cells in bundles]),
        max_concurrent_trials=stage.resources.max_concurrent,
        trial_name_creator=TrialNames(bundles),
        trial_dirname_creator=_folder,
    )


def _run_config(name: str, folder: str, reporter: Reporter) -> tune.RunConfig:
    return tune.RunConfig(
        name=name,
        storage_path=folder,
        failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        callbacks=[reporter],
        verbose=0,
    )


def trial_name(cells: Sequence[Cell]) -> str:
    """What Ray's dashboard and logs call the trial that does these cells of one decoder."""
    more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
    return f"{cells[0].title}{more}"


def _folder(trial: Any) -> str:
    return f"bundle-{trial.config['bundle']}"
