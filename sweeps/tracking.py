"""MLflow: what the store holds, as runs to compare; the only module that imports it.

Each cell's run is found by the cell's key, so publishing twice changes nothing. Every value
carries the time at which the cell finished: MLflow keeps one copy of equal metric rows, and a
run that was half written is completed without doubling a step.
"""

import logging
import os
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

# Before the import: a dead server must not hold the sweep up for minutes (245 s by default).
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException

from eegxai.attribution import Validity
from sweeps.grid import Cell, DecoderCell, MethodCell
from sweeps.headline import HEADLINE_METRICS
from sweeps.store import MethodScores, Store
from sweeps.tidy import AXES, as_tidy, half_width

KEY_TAG = "eegxai.key"
KIND_TAG = "eegxai.kind"
VALIDITY_TAG = "eegxai.validity"
FLAGS_TAG = "eegxai.flags"
FINISHED = "FINISHED"
HALF_WIDTH = "/half_width"
MAX_BATCH = 1000

logging.getLogger("alembic").setLevel(logging.ERROR)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)


def tracking_uri(output: str) -> str:
    """``MLFLOW_TRACKING_URI`` where it is set, else SQLite in the output folder."""
    local = f"sqlite:///{Path(output).resolve() / 'mlflow.db'}"
    return os.environ.get("MLFLOW_TRACKING_URI") or local


def ui_command(output: str) -> str:
    """Command that opens the MLflow UI on what was logged."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri.startswith("http"):
        return f"open {uri}"
    shown = uri or f"sqlite:///{Path(output) / 'mlflow.db'}"
    return f"mlflow ui --backend-store-uri {shown}"


class Publisher:
    """Writes cells of one sweep to one MLflow experiment.

    Parameters
    ----------
    experiment : str
        Name of the experiment, the sweep's name.
    output : str
        Folder of the default tracking store.
    """

    def __init__(self, experiment: str, output: str) -> None:
        uri = tracking_uri(output)
        Path(output).mkdir(parents=True, exist_ok=True)
        self.client = MlflowClient(tracking_uri=uri)
        self.experiment_id = self._experiment(experiment, uri, Path(output))
        self.published: set[str] = set()  # keys of cells that this process published

    def publish(self, cell: Cell, store: Store) -> None:
        """Log a finished cell, unless its run is finished already."""
        run = self._find(cell)
        if run is None or run.info.status != FINISHED:
            self._publish(cell, run, store)
        self.published.add(cell.key)

    def runs(self, kind: str) -> list[Run]:
        """All finished runs of a kind, ``decoder`` or ``method``."""
        found: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id],
                f"tags.`{KIND_TAG}` = '{kind}' and attributes.status = '{FINISHED}'",
                max_results=1000,
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found

    def _experiment(self, name: str, uri: str, output: Path) -> str:
        found = self.client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        local = uri.startswith("sqlite")
        location = (output / "artifacts" / name).resolve().as_uri() if local else None
        return str(self.client.create_experiment(name, artifact_location=location))

    def _find(self, cell: Cell) -> Run | None:
        condition = f"tags.`{KEY_TAG}` = '{cell.key}'"
        found = self.client.search_runs([self.experiment_id], condition, max_results=1)
        return found[0] if found else None

    def _publish(self, cell: Cell, run: Run | None, store: Store) -> None:
        if isinstance(cell, DecoderCell):
            self._publish_decoder(cell, run, store)
        else:
            self._publish_method(cell, run, store)

    def _publish_decoder(self, cell: DecoderCell, run: Run | None, store: Store) -> None:
        trained = store.read_decoder(cell)
        at = _milliseconds(trained.finished)
        metrics = [
            Metric(name, value, at, int(epoch["epoch"]))
            for epoch in trained.history
            for name, value in epoch.items()
            if name != "epoch"
        ]
        metrics += [
            Metric("test_accuracy", trained.accuracy, at, 0),
            Metric("at_chance", float(trained.at_chance), at, 0),
            Metric("n_test", trained.n_test, at, 0),
            Metric("seconds", trained.seconds, at, 0),
        ]
        run_id = self._open(cell, run, "decoder", at - _milliseconds(trained.seconds), {})
        self._fill(run_id, cell, store, metrics, trained.versions, at)

    def _publish_method(self, cell: MethodCell, run: Run | None, store: Store) -> None:
        scores = store.read_scores(cell)
        at = _milliseconds(scores.finished)
        parent = self._find(cell.decoder)
        verdict = scores.validity
        tags = {
            VALIDITY_TAG: verdict.status,
            FLAGS_TAG: "; ".join(verdict.flags),
            "eegxai.reason": verdict.reason,
        }
        if parent:
            tags["mlflow.parentRunId"] = parent.info.run_id
        run_id = self._open(cell, run, "method", at - _milliseconds(scores.seconds), tags)
        metrics = [
            *_score_metrics(scores.table, at),
            *_accuracy_metrics(scores, at),
            *_validity_metrics(verdict, at),
        ]
        self._fill(run_id, cell, store, metrics, scores.versions, at)

    def _open(
        self, cell: Cell, run: Run | None, kind: str, start_ms: int, tags: dict[str, str]
    ) -> str:
        if run:
            return str(run.info.run_id)
        tags = {KEY_TAG: cell.key, KIND_TAG: kind, **_git_tags(), **tags}
        created = self.client.create_run(
            self.experiment_id, start_time=start_ms, tags=tags, run_name=cell.title
        )
        return str(created.info.run_id)

    def _fill(
        self,
        run_id: str,
        cell: Cell,
        store: Store,
        metrics: list[Metric],
        versions: dict[str, str],
        at: int,
    ) -> None:
        params = [Param(name, str(value)) for name, value in _flat_params(cell).items()]
        tags = [RunTag(f"version.{package}", number) for package, number in versions.items()]
        self.client.log_batch(run_id, params=params, tags=tags)
        for start in range(0, len(metrics), MAX_BATCH):
            self.client.log_batch(run_id, metrics=metrics[start : start + MAX_BATCH])
        with tempfile.TemporaryDirectory() as folder:
            artefact = Path(folder) / Path(store.path(cell)).name
            artefact.write_bytes(store.read_bytes(cell))
            self.client.log_artifact(run_id, str(artefact))
        self.client.set_terminated(run_id, FINISHED, end_time=at)


def publish_all(publisher: Publisher, cells: Iterable[Cell], store: Store) -> int:
    """Bring MLflow to the store's state; the number of cells that the store holds."""
    held = [cell for cell in cells if store.has(cell)]
    for cell in held:
        if cell.key not in publisher.published:
            publisher.publish(cell, store)
    return len(held)


def tidy_from_runs(publisher: Publisher, cells: Iterable[Cell]) -> pd.DataFrame:
    """Tidy scores of the finished runs of these cells, in their order, from MLflow alone."""
    runs = {run.data.tags[KEY_TAG]: run for run in publisher.runs("method")}
    return as_tidy([_tidy_run(runs[cell.key]) for cell in cells if cell.key in runs])


def _tidy_run(run: Run) -> pd.DataFrame:
    params, metrics = run.data.params, run.data.metrics
    scores = {name: value for name, value in metrics.items() if name.count("/") == 2}
    names = pd.Series(list(scores), dtype=str).str.split("/", expand=True)
    half_widths = [metrics.get(name + HALF_WIDTH) for name in scores]
    frame = (
        names.set_axis(["check", "domain", "metric"], axis=1)
        if scores
        else pd.DataFrame({"check": [None]})
    )
    known = {axis: _value(axis, params[axis]) for axis in AXES}
    known |= {"accuracy": metrics["accuracy"], "at_chance": bool(metrics["at_chance"])}
    known |= {"validity": run.data.tags[VALIDITY_TAG], "flags": run.data.tags[FLAGS_TAG]}
    # MLflow's latest value of a stepped metric is the last step: all layers randomized.
    values = {"mean": list(scores.values()) or None, "half_width": half_widths or None}
    return frame.assign(**values, step=0, **known)


def _value(axis: str, text: str) -> str | float | int:
    return AXIS_TYPES.get(axis, str)(text)


PublishError = (MlflowException, OSError)
AXIS_TYPES: dict[str, type] = {"snr_db": float, "seed": int, "fold": int}


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _score_metrics(table: pd.DataFrame, at: int) -> list[Metric]:
    """Means as ``check/domain/metric``, of a headline with half of its 95 % interval too."""
    names = table["check"] + "/" + table["domain"] + "/" + table["metric"]
    means = pd.DataFrame({"name": names, "value": table["mean"], "step": table["step"]})
    intervals = means.assign(name=names + HALF_WIDTH, value=half_width(table))
    rows = pd.concat([means, intervals[table["metric"].isin(HEADLINE_METRICS)]])
    return [Metric(name, float(value), at, int(step)) for name, value, step in rows.to_numpy()]


def _accuracy_metrics(scores: MethodScores, at: int) -> list[Metric]:
    values = {
        "accuracy": scores.accuracy,
        "at_chance": float(scores.at_chance),
        "seconds": scores.seconds,
    }
    return [Metric(name, value, at, 0) for name, value in values.items()]


def _validity_metrics(verdict: Validity, at: int) -> list[Metric]:
    names = ("similarity", "completeness", "completeness_worst", "batch_dependence")
    values = {name: getattr(verdict, name) for name in names}
    return [Metric(f"validity/{n}", v, at, 0) for n, v in values.items() if v is not None]


def _flat_params(cell: Cell) -> dict[str, Any]:
    """Axes under their own names, everything else under its path."""
    return {**dict(_leaves(cell.as_json())), **cell.axes}


def _leaves(content: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@cache
def _git_tags() -> dict[str, str]:
    """Commit of the working tree this package was installed from, where there is one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": done.stdout.strip()}
