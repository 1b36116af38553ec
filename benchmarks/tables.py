"""Time from finished runs to the headline table: from the store, and from a tracking URI alone.

    python benchmarks/tables.py [--seeds 10] [--paged]

Makes a sweep of 720 runs per seed with made-up scores of 200 metrics each (10 seeds: 7,200 runs)
in a temporary folder: the store with its own writer, MLflow's SQLite rows in bulk (one run at a
time, as a sweep writes them, would take minutes). Prints the seconds and CPU seconds of each way,
its peak memory, each in a process of its own, and that of the imports alone. --paged also reads
the runs themselves, as if there were no summary run.
"""

import argparse
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from eegxai.attribution import STUDY_METHODS, Validity
from eegxai.evaluation import SIMILARITIES, STUDY_METRICS
from eegxai.evaluation.score_rows import SCORE_COLUMNS
from sweeps.analysis.one_decoder import decoder_headline
from sweeps.analysis.summary import HEADLINE_ROWS, headline
from sweeps.analysis.verdicts import STANDARD_THRESHOLDS
from sweeps.design.cells import MethodCell, method_cells
from sweeps.design.config import SweepConfig
from sweeps.scores.cache import load_cache, tidy_from_store
from sweeps.scores.table import tidy_scores
from sweeps.store.artefacts import store_of
from sweeps.store.records import MethodScores
from sweeps.tracking import Publisher, tidy_from_runs
from sweeps.tracking.parameters import parameters_of
from sweeps.tracking.run_schema import (
    headlines_of,
    method_metrics,
    method_tags,
    run_name,
    verdict_tags,
)

N_ROWS = 200
SIMILAR = [name for group in SIMILARITIES.values() for name in group]
AGAINST_TRUTH = [*STUDY_METRICS, "auprc_magnitude"]
DOMAINS = ("channel_time", "topography")


def configuration(folder: Path, n_seeds: int) -> SweepConfig:
    """The grid of the paper, smaller in seeds."""
    grid = {
        "feature": ["temporal", "spectral", "spatial"],
        "snr_db": [-3.5, -12, -16, -19, -23],
        "seed": list(range(n_seeds)),
        "architecture": ["deepnet", "eegnet", "shallow_fbcsp", "deep4"],
        "method": list(STUDY_METHODS),
    }
    return SweepConfig.model_validate(
        {"name": "synthetic", "grid": grid, "data": {"n_trials": 400}, "output": str(folder)}
    )


def template() -> pd.DataFrame:
    """Rows of one method, without values: the study's checks on both domains."""
    places = [(check, 0, AGAINST_TRUTH) for check in ("ground_truth", "same_spectrum")]
    places += [("surrogate", 0, SIMILAR), ("target_swap", 1, SIMILAR)]
    places += [("cascade", step, SIMILAR) for step in range(1, 10)]
    rows = [
        {"check": check, "step": step, "domain": domain, "metric": metric}
        for check, step, metrics in places
        for domain in DOMAINS
        for metric in metrics
    ]
    table = pd.DataFrame(rows).reindex(columns=SCORE_COLUMNS).head(N_ROWS)
    return table.assign(layer="", mode="paper", layers_randomized=0, n_trials=256, n_valid=256)


def scores_of(table: pd.DataFrame, random: np.random.Generator) -> MethodScores:
    """Made-up scores."""
    values = random.random((2, len(table)))
    return MethodScores(
        table=table.assign(mean=values[0], std=values[1], above_chance=values[0]),
        validity=Validity("ok"),
        accuracy=0.9,
        at_chance=False,
        seconds=10.0,
        finished=1.7e9,
        versions={"torch": "2"},
    )


def make(folder: Path, n_seeds: int) -> None:
    """Fill the store and MLflow with made-up scores."""
    config, random = configuration(folder, n_seeds), np.random.default_rng(0)
    store, cells, rows = store_of(config), list(method_cells(config)), template()
    for cell in cells:
        store.write_scores(cell, scores_of(rows, random))
    publisher = Publisher(config.name, config.output)
    connection = sqlite3.connect(folder / "mlflow.db")
    insert_runs(connection, publisher.experiment_id, cells, scores_of(rows, random))
    combined = load_cache(cells, store)
    publisher.publish_summary(combined, combined.write)


def insert_runs(
    connection: sqlite3.Connection, experiment: str, cells: list[MethodCell], scores: MethodScores
) -> None:
    """Rows of finished method runs as the publisher logs them, all with the same scores."""
    tidy = tidy_scores([(cells[0], scores)])
    metrics = method_metrics(scores, tidy, headlines_of(decoder_headline(tidy)), 0)
    verdict = verdict_tags(decoder_headline(tidy), STANDARD_THRESHOLDS)
    latest = {metric.key: metric for metric in metrics}
    with connection:
        for cell in cells:
            run_id = cell.key[:32]
            connection.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, "
                "user_id, status, start_time, end_time, source_version, lifecycle_stage, "
                "artifact_uri, experiment_id) VALUES (?,?,'UNKNOWN','','','x','FINISHED',0,1,'',"
                "'active','',?)",
                (run_id, run_name(cell), int(experiment)),
            )
            connection.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
                "VALUES (?,?,0,?,0,?)",
                [(m.key, m.value, m.step, run_id) for m in latest.values()],
            )
            tags = method_tags(cell, scores, {}, verdict)
            connection.executemany(
                "INSERT INTO params VALUES (?,?,?)",
                [(*param, run_id) for param in parameters_of(cell).items()],
            )
            connection.executemany(
                "INSERT INTO tags VALUES (?,?,?)", [(*item, run_id) for item in tags.items()]
            )


def from_store(config: SweepConfig) -> pd.DataFrame:
    """The way without MLflow, its cache written."""
    return tidy_from_store(method_cells(config), store_of(config), HEADLINE_ROWS)


def from_files(config: SweepConfig) -> pd.DataFrame:
    """The same without the cache: every file is read."""
    store = store_of(config)
    Path(store.url, "tidy.parquet").unlink()
    return from_store(config)


def from_uri(config: SweepConfig) -> pd.DataFrame:
    """The way without the store."""
    publisher = Publisher(config.name, config.output)
    return tidy_from_runs(publisher, method_cells(config), HEADLINE_ROWS)


def from_pages(config: SweepConfig) -> pd.DataFrame:
    """The same without the summary run."""
    publisher = Publisher(config.name, config.output)
    publisher.find = lambda *_: None  # type: ignore[method-assign]
    return tidy_from_runs(publisher, method_cells(config))


WAYS: dict[str, Callable[[SweepConfig], pd.DataFrame]] = {
    "store": from_store,
    "store, no cache": from_files,
    "tracking URI": from_uri,
    "tracking URI, no summary": from_pages,
}


def measure(way: str, folder: Path, n_seeds: int) -> None:
    """Print how long a way takes, from the configuration to the table, and its memory."""
    imported, started, cpu = memory_gb(), time.perf_counter(), time.process_time()
    tidy = WAYS[way](configuration(folder, n_seeds))
    read = time.process_time() - cpu
    headline(tidy)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(
        f"{way}: {seconds:.1f} s, {cpu:.1f} s of CPU ({read:.1f} s to read), {memory_gb():.2f} GB "
        f"({imported:.2f} GB of imports); {len(tidy):,} rows",
        flush=True,
    )


def memory_gb() -> float:
    """Peak memory of this process; ``getrusage`` would tell that of its parent too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1e6  # type: ignore[index]


def main() -> None:
    """Make the runs, then measure each way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--paged", action="store_true")
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.way:
        measure(arguments.way, arguments.folder, arguments.seeds)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), arguments.seeds)
        for way in list(WAYS)[: 4 if arguments.paged else 3]:
            command = [sys.executable, __file__, "--way", way, "--folder", folder]
            subprocess.run([*command, "--seeds", str(arguments.seeds)], check=True)


if __name__ == "__main__":
    main()
