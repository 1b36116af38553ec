"""What must hold once a sweep has ended, whatever weather it came through."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock, Timeout
from rich.console import Console

from sweeps.cli.common import USER_ERROR
from sweeps.cli.sweep import CELLS_FAILED, UNPUBLISHED
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import load
from sweeps.execution.sweep import Sweep
from sweeps.execution.turns import LOCK
from sweeps.scores.cache import tidy_from_store
from sweeps.store.names import DECODERS_FOLDER, METHODS_FOLDER
from sweeps.tracking import scores_from_mlflow
from sweeps.tracking.run_rows import FINISHED
from tests.chaos.attempts import Attempt
from tests.chaos.places import Places

NO_MLFLOW = "MLflow could not be written"
# What an output folder may contain in the end.
WHOLE = re.compile(
    r"\.sweep\.lock|mlflow\.db|artifacts/.*|"
    r"store/(decoders|methods|maps|uses)/[^.].*|store/(checked|tidy)\.parquet"
)
KEPT_ASIDE = re.compile(r"store/broken/.*|mlflow\.db(-journal|-wal|-shm)?\.broken-.*")


@dataclass(frozen=True)
class Peace:
    """What an undisturbed sweep has: tidy scores, and the weights of each decoder by its stem."""

    tidy: pd.DataFrame
    weights: dict[str, dict[str, torch.Tensor]]


def sweep_at(file: Path, places: Places) -> Sweep:
    """The run's sweep, to be looked at."""
    config: SweepConfig = load(file, places.overrides)
    return Sweep(config, Console(quiet=True))


def peace(run: Sweep) -> Peace:
    """What a sweep has."""
    decoders = [*run.decoders, *run.permuted_label_decoders]
    weights = {cell.stem: run.store.read_decoder(cell).weights for cell in decoders}
    return Peace(tidy_from_store(run.methods, run.store), weights)


def ended_honestly(attempt: Attempt, codes: Sequence[int], left: int) -> Iterator[str]:
    """Faults of how a process ended.

    Parameters
    ----------
    attempt : Attempt
        How it ended.
    codes : sequence of int
        Exit codes that the weather explains.
    left : int
        Cells that the store lacks afterwards.
    """
    if attempt.hung:
        yield "it hangs"
    if "Traceback (most recent call last)" in attempt.output:
        yield "a traceback is printed"
    yield from _code_is_true(attempt.code, attempt.output, codes, left)
    yield from (f"process {pid} is left" for pid in _session(attempt.pid))


def _code_is_true(code: int, output: str, codes: Sequence[int], left: int) -> Iterator[str]:
    if code not in (0, USER_ERROR, CELLS_FAILED, UNPUBLISHED, *codes):
        yield f"exit code {code}"
    if code in (0, UNPUBLISHED) and left:
        yield f"exit code {code} with {left} cells left"
    if code == CELLS_FAILED and not (left or "failed:" in output or "eegxai:" in output):
        yield "exit code 3 without a reason"
    if code == USER_ERROR and "eegxai:" not in output:
        yield "exit code 2 without a reason"
    if code in (0, UNPUBLISHED) and (code == UNPUBLISHED) != (NO_MLFLOW in output):
        yield f"exit code {code} is not what is said of MLflow"


def _session(leader: int) -> Iterator[int]:
    """Processes of a session."""
    for entry in os.listdir("/proc"):
        try:
            state = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.isdigit() and int(state[3]) == leader and state[0] != "Z":
            yield int(entry)


def as_in_peace(run: Sweep, places: Places, before: Peace, spoilt: bool, died: bool) -> list[str]:
    """Faults of what is there when a sweep has ended."""
    faults = [*_store(run, before), *_lock(places), *_left_behind(places, spoilt, died)]
    return [*faults, *_once(places, spoilt), *_mlflow(run, before)]


def _store(run: Sweep, before: Peace) -> Iterator[str]:
    found = peace(run)
    if not found.tidy.equals(before.tidy):
        yield "the table is another one"
    if not _same_weights(found, before):
        yield "the decoders have other weights"
    if run.store.broken:
        yield f"files are broken: {', '.join(run.store.broken)}"
    if run.store.stems("methods") != {cell.stem for cell in run.methods}:
        yield "the store holds other methods"
    if run.store.stems("decoders") != set(before.weights):
        yield "the store holds other decoders"
    for folder in ("running", "failures", "checkpoints"):
        if left := run.store.stems(folder):
            yield f"{folder} in the store: {', '.join(left)}"


def _same_weights(found: Peace, before: Peace) -> bool:
    return all(
        torch.equal(found.weights[stem][name], value)
        for stem, weights in before.weights.items()
        for name, value in weights.items()
    )


def _lock(places: Places) -> Iterator[str]:
    try:
        FileLock(places.output / LOCK).acquire(timeout=0).lock.release()
    except Timeout:
        yield "the lock is held"


def _left_behind(places: Places, spoilt: bool, died: bool) -> Iterator[str]:
    """Files that nobody needs; the system's temporary folder keeps what killed processes had."""
    for path in sorted(places.output.rglob("*")):
        name = str(path.relative_to(places.output))
        aside = spoilt and KEPT_ASIDE.fullmatch(name)
        if path.is_file() and not (WHOLE.fullmatch(name) or aside):
            yield f"left behind: {name}"
    others = {"runs", *(["tmp"] if died else [])}
    for path in sorted(places.disk.rglob("*")):
        if path.relative_to(places.disk).parts[0] not in others and path.name != "tmp":
            yield f"left behind: {path.relative_to(places.disk)}"


def _once(places: Places, spoilt: bool) -> Iterator[str]:
    """Cells that were computed more often than needed; maps come before the scores they go with."""
    lines = places.written.read_text().splitlines() if places.written.exists() else []
    counts = Counter(line.removeprefix("write ") for line in lines if line.startswith("write "))
    for name, count in counts.items():
        if count > 1 and name.startswith((DECODERS_FOLDER, METHODS_FOLDER)) and not spoilt:
            yield f"{name} was written {count} times"


def _mlflow(run: Sweep, before: Peace) -> Iterator[str]:
    publisher = run.connected()
    found = publisher.client.search_runs([publisher.experiment_id], max_results=1000)
    if unfinished := [other for other in found if other.info.status != FINISHED]:
        yield f"{len(unfinished)} runs in MLflow are not finished"
    keys = Counter(other.data.tags.get("eegxai.key", "summary") for other in found)
    if keys != Counter([*(cell.key for cell in run.cells), "summary"]):
        yield f"MLflow has {len(found)} runs of {len(keys)} keys for {len(run.cells)} cells"
    tidy = scores_from_mlflow(run.config.name, run.config.output, run.methods)
    if not tidy.equals(before.tidy):
        yield "MLflow's table is another one"
    for other in found:
        if not publisher.client.list_artifacts(other.info.run_id):
            yield f"run {other.info.run_name} in MLflow has no files"
