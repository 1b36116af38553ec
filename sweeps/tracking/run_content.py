"""What the run of a cell contains, from its results in the store."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlflow.entities import DatasetInput, Metric

from sweeps.analysis.one_decoder import decoder_headline
from sweeps.design.cells import Cell, DecoderCell, MethodCell
from sweeps.design.thresholds import Thresholds
from sweeps.scores.selection import without_chance_decoders
from sweeps.scores.table import tidy_scores
from sweeps.store.artefacts import Store
from sweeps.tracking.datasets import dataset_input
from sweeps.tracking.run_schema import (
    decoder_metrics,
    decoder_tags,
    headlines_of,
    method_metrics,
    method_tags,
    run_name,
    verdict_tags,
)

CELL_FILE = "cell.json"  # among the artefacts of each run of a cell
PICTURE_FOLDER = "figures"  # folder of a run's artefacts

Files = Mapping[str, bytes | Path]
Draw = Callable[[MethodCell, Store], dict[str, bytes]]


@dataclass
class RunContent:
    """What a run contains.

    Attributes
    ----------
    name : str
        Its name in the UI.
    tags, metrics
        As MLflow expects them.
    params : mapping of str to str
        What differs between the runs of the sweep.
    datasets : list of DatasetInput
        The data that it used.
    files : mapping of str to bytes or Path
        Artefacts by their path in the run; large ones are local files.
    started, finished : int
        Milliseconds since 1970.
    """

    name: str
    tags: Mapping[str, str]
    started: int
    finished: int
    params: Mapping[str, str] = field(default_factory=dict)
    datasets: list[DatasetInput] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    files: Files = field(default_factory=dict)


def decoder_content(cell: DecoderCell, store: Store) -> RunContent:
    """What a decoder's run contains."""
    trained = store.read_decoder(cell)
    at = milliseconds(trained.finished)
    return RunContent(
        run_name(cell),
        decoder_tags(cell, trained),
        started=at - milliseconds(trained.seconds),
        finished=at,
        datasets=[dataset_input(cell)],
        metrics=decoder_metrics(trained, at),
        files=_files(cell, store),
    )


def method_content(
    cell: MethodCell, store: Store, draw: Draw, thresholds: Thresholds
) -> RunContent:
    """What a method's run contains: its verdict is the one on this decoder."""
    scores = store.read_scores(cell)
    at = milliseconds(scores.finished)
    known = tidy_scores([(cell, scores)])
    rows = known.dropna(subset="check")
    headline = decoder_headline(known)
    headlines = headlines_of(headline)
    # As in the tables: what the maps of a decoder at chance should show is unknown.
    judged = decoder_headline(without_chance_decoders(known)) if scores.at_chance else headline
    drawn = {f"{PICTURE_FOLDER}/{name}": png for name, png in draw(cell, store).items()}
    return RunContent(
        run_name(cell),
        method_tags(cell, scores, headlines, verdict_tags(judged, thresholds)),
        started=at - milliseconds(scores.seconds),
        finished=at,
        datasets=[dataset_input(cell)],
        metrics=method_metrics(scores, rows, headlines, at),
        files={**_files(cell, store), **drawn},
    )


def _files(cell: Cell, store: Store) -> dict[str, bytes]:
    """All fields of a cell for people to read, and its file in the store."""
    fields = json.dumps(cell.as_json(), indent=2, ensure_ascii=False)
    return {CELL_FILE: fields.encode(), Path(store.path(cell)).name: store.read_bytes(cell)}


def milliseconds(seconds: float) -> int:
    """Times as MLflow has them."""
    return int(seconds * 1000)
