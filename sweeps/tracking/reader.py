"""Reads tidy scores back from MLflow alone.

MLflow gives runs with all their metrics or not at all: 7,200 runs take a minute. The run of the
kind ``sweep`` holds the same scores in one file; keys that it lacks are asked for.
"""

import tempfile
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run

from sweeps.design.cells import MethodCell
from sweeps.scores.cache import EMPTY_CACHE, ScoreCache
from sweeps.scores.cache_file import CACHE_FILE
from sweeps.scores.needed import Needed
from sweeps.scores.table import AXES, CASCADE, KEY
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import Record
from sweeps.tracking.location import SQLITE, PublishError, tracking_uri
from sweeps.tracking.publisher import SUMMARY, Publisher, is_whole
from sweeps.tracking.run_schema import (
    ACCURACY,
    AT_CHANCE_TAG,
    AXIS_TAG,
    CLASS_TESTABLE_TAG,
    COMMIT_TAG,
    DRAWS_STD,
    DUPLICATE_TAG,
    FLAGS_TAG,
    HALF_WIDTHS,
    KEY_TAG,
    LEVEL_PREFIXES,
    MACHINE_TAG,
    N_LAYERS,
    N_TRIALS,
    N_VALID,
    N_ZERO_ROWS,
    SCORES,
    SECONDS,
    VALIDITY_TAG,
    VERSION_TAG,
)

MAX_SINGLE_LOOKUPS = 200  # runs that are asked for one by one; more are paged
AXIS_TYPES: dict[str, type] = {"snr_db": float, "seed": int, "fold": int}


def scores_from_mlflow(
    experiment: str, output: str, cells: Iterable[MethodCell], needed: Needed = None
) -> pd.DataFrame:
    """Tidy scores as :func:`tidy_from_runs` has them; none where there is no such experiment.

    Raises
    ------
    PublishError
        When MLflow does not answer.
    """
    publisher = _experiment(experiment, output)
    return tidy_from_runs(publisher, cells, needed) if publisher else EMPTY_CACHE.of([])


def records_from_mlflow(experiment: str, output: str, cells: Iterable[MethodCell]) -> list[Record]:
    """How the results of cells came about, from the tags of their runs."""
    publisher = _experiment(experiment, output)
    found = _finished_runs(publisher, [cell.key for cell in cells]) if publisher else []
    return [_record_of_run(run) for run in found]


def _experiment(experiment: str, output: str) -> Publisher | None:
    """The experiment where there is one: who reads creates neither a database nor an experiment."""
    uri = tracking_uri(output)
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists():
        return None
    client = MlflowClient(tracking_uri=uri)
    if client.get_experiment_by_name(experiment) is None:
        return None
    return Publisher(experiment, output)


def _record_of_run(run: Run) -> Record:
    metrics, tags = run.data.metrics, run.data.tags
    versions = {
        tag.removeprefix(VERSION_TAG): number
        for tag, number in tags.items()
        if tag.startswith(VERSION_TAG)
    }
    return Record(
        accuracy=metrics[ACCURACY],
        at_chance=tags[AT_CHANCE_TAG] == str(True),
        seconds=metrics[SECONDS],
        finished=run.info.end_time / 1000,
        versions=versions,
        machine=tags.get(MACHINE_TAG, ""),
        commit=tags.get(COMMIT_TAG, ""),
    )


def tidy_from_runs(
    publisher: Publisher, cells: Iterable[MethodCell], needed: Needed = None
) -> pd.DataFrame:
    """Tidy scores of the finished runs of these cells, in their order, from MLflow alone.

    Rows that are not needed may be missing. Of runs that the summary lacks, curves over steps
    have their last step alone.
    """
    keys = [cell.key for cell in cells]
    summary = _summary_scores(publisher, set(keys), needed)
    lacking = [key for key in keys if key not in summary.stamps]
    found = _finished_runs(publisher, lacking)
    tables = [table for table in (summary.table, *map(_tidy_run, found)) if len(table)]
    if not tables:
        return EMPTY_CACHE.of([])
    return ScoreCache(pd.concat(tables, ignore_index=True), {}).of(keys)


def _summary_scores(publisher: Publisher, keys: Set[str], needed: Needed) -> ScoreCache:
    """What the runs of all scores hold, as far as it takes to have these keys."""
    held = EMPTY_CACHE
    for run in publisher.runs(SUMMARY):
        if held.stamps.keys() >= keys:
            break
        held = held.with_cells_of(_scores_in(publisher, run, needed))
    return held


def _scores_in(publisher: Publisher, run: Run, needed: Needed) -> ScoreCache:
    """What a run of all scores holds; nothing where it cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = publisher.client.download_artifacts(run.info.run_id, CACHE_FILE, folder)
            with Path(path).open("rb") as source:
                return ScoreCache.read(source, needed)
        except (*PublishError, BrokenArtefactError):
            return EMPTY_CACHE


def _finished_runs(publisher: Publisher, keys: Sequence[str]) -> list[Run]:
    """Finished runs of these keys."""
    if len(keys) > MAX_SINGLE_LOOKUPS:
        wanted = set(keys)
        return [run for run in publisher.runs("method") if run.data.tags[KEY_TAG] in wanted]
    runs = [publisher.find(KEY_TAG, key) for key in keys]
    return [run for run in runs if run and is_whole(run)]


def _tidy_run(run: Run) -> pd.DataFrame:
    metrics, tags = run.data.metrics, run.data.tags
    names = [name.removeprefix(SCORES) for name in metrics if name.startswith(SCORES)]
    rows = [name.split("/") for name in names] or [[None] * 3]
    frame = pd.DataFrame(rows, columns=["check", "domain", "metric"])
    # MLflow's latest value of a stepped metric is the last step: all layers randomized.
    scored = {
        "step": np.where(frame["check"] == CASCADE, metrics.get(N_LAYERS, 0), 0).astype(int),
        "mean": _metric_values(metrics, SCORES, names),
        "half_width": _metric_values(metrics, HALF_WIDTHS, names),
        **{
            level: _metric_values(metrics, prefix, names)
            for level, prefix in LEVEL_PREFIXES.items()
        },
        "draws_std": _metric_values(metrics, DRAWS_STD, names),
        "n_valid": _metric_values(metrics, N_VALID, names),
        "n_trials": metrics.get(N_TRIALS),
        "n_zero_rows": _metric_values(metrics, N_ZERO_ROWS, names, 0.0),
    }
    axes = {axis: _axis_value(axis, tags[AXIS_TAG + axis]) for axis in AXES}
    known = {
        KEY: tags[KEY_TAG],
        "accuracy": metrics[ACCURACY],
        "at_chance": tags[AT_CHANCE_TAG] == str(True),
        "validity": tags[VALIDITY_TAG],
        "duplicate_of": tags.get(DUPLICATE_TAG, ""),
        "flags": tags.get(FLAGS_TAG, ""),
        "class_testable": tags[CLASS_TESTABLE_TAG] == str(True),
    }
    return frame.assign(**axes, **scored, **known)


def _metric_values(
    metrics: dict[str, float], prefix: str, names: Sequence[str], missing: float = float("nan")
) -> list[float] | float:
    return [metrics.get(prefix + name, missing) for name in names] or float("nan")


def _axis_value(axis: str, text: str) -> str | float | int:
    return AXIS_TYPES.get(axis, str)(text)
