"""``report.html``: what a sweep found, in one file that needs no network."""

import base64
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from eegxai.atomic import write_whole
from eegxai.figures import save
from sweeps.analysis.summary import headline
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.design.cells import Cell, MethodCell, method_cells
from sweeps.design.config import SweepConfig
from sweeps.report.figures import LeftOut, Picture, ShownMaps, draw_figures, load_scores_and_maps
from sweeps.report.html_tables import (
    Table,
    aggregate_table,
    answer,
    headline_table,
    invalid_table,
    legend,
    missing_table,
    verdict_table,
)
from sweeps.store import provenance
from sweeps.store.artefacts import Store
from sweeps.store.packing import BrokenArtefactError
from sweeps.store.records import Record
from sweeps.store.status import Status, status_of, work_of

TEMPLATES = Path(__file__).parent / "templates"
PAGE_DPI = 150  # of pictures on the page: sharp at their printed size, and small files
CSS_DPI = 96
N_COLOURS, REFINEMENTS = 256, 5
N_RECORDS = 100  # results whose origin is read: all of a small sweep, a sample of a large one
FURTHER = ("snr_db", "architecture", "seed", "fold")  # axes with a table of their own
FEW_SEEDS = 5  # below it, the report warns
LIMITS = (
    "Signals are simulated: a known answer is bought with waveforms, sources and noise that are "
    "simpler than those of recordings. A method that fails here has failed; one that passes may "
    "still fail on recordings.",
    "The verdict asks whether a map marks what was planted. A decoder may use less than that, or "
    "something that comes with it; a true map of such a decoder scores low.",
    "Thresholds are conventions: 0.5 is the study's.",
    "Scores are of trials that the decoder classifies correctly; nothing is said of its errors.",
    "Many methods are compared: of twelve that differ in nothing, some are the best.",
)


@dataclass(frozen=True)
class PageFigure:
    """A picture on the page."""

    name: str
    source: str
    width: int
    alt: str
    caption: str


def write_report(config: SweepConfig, store: Store, path: Path) -> None:
    """Write the report of a sweep from its store.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    store : Store
        Where its results lie.
    path : Path
        The HTML file; it appears whole, in place of one that exists.

    Raises
    ------
    NothingDoneError
        When no method of the sweep is done.
    UnwritableError
        When the file cannot be written.
    """
    write_whole(path, render(config, store))


def render(config: SweepConfig, store: Store) -> str:
    """The page; parameters and raises are those of :func:`write_report`."""
    tidy, maps = load_scores_and_maps(config, store)
    records = _records(method_cells(config), store)
    return page(config, tidy, maps, status_of(config, store), records)


def page(
    config: SweepConfig,
    tidy: pd.DataFrame,
    maps: ShownMaps,
    status: Status,
    records: Sequence[Record],
) -> str:
    """The page of what a sweep found.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    tidy : DataFrame
        Its tidy scores (columns ``TIDY``).
    maps : mapping
        Decoders whose maps are shown, and of each the example maps by method.
    status : Status
        State of its cells.
    records : sequence of Record
        How results, at least one, came about.
    """
    drawn = list(draw_figures(tidy, maps))
    contents = {
        "name": config.name,
        "design": _design(config),
        **_verdict(tidy),
        "pictures": [_shown(picture) for picture in drawn if isinstance(picture, Picture)],
        "left_out": [picture for picture in drawn if isinstance(picture, LeftOut)],
        "tables": _tables(tidy),
        "facts": _facts(status, records),
        "configuration": config.model_dump_json(indent=2),
        "missing": _missing(status),
        "invalid": [
            missing_table(status),
            invalid_table(tidy),
            aggregate_table(TABLE_KINDS["coverage"], tidy),
        ],
        "limits": [*_limits(config, tidy), *LIMITS],
    }
    return _environment().get_template("report.html").render(contents)


def _environment() -> Environment:
    """Whatever names a plug-in brings, they are text and not markup."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _design(config: SweepConfig) -> str:
    grid = config.grid
    levels = ", ".join(f"{level:g}" for level in grid.snr_db)
    return (
        f"Here: {len(grid.method)} methods on {', '.join(grid.architecture)}, trained on "
        f"{', '.join(config.features)} signals at {levels} dB ({_counted(grid.seed, 'seed')}, "
        f"{_counted(grid.fold, 'fold')}); up to {config.evaluation.n_trials} test trials of each "
        "decoder are explained and scored."
    )


def _counted(values: Sequence[object], name: str) -> str:
    return f"{len(values)} {name}{'s' * (len(values) > 1)}"


def _verdict(tidy: pd.DataFrame) -> dict[str, Any]:
    table = headline(tidy)
    return {"answer": answer(table), "verdict": verdict_table(table), "legend": legend()}


def _tables(tidy: pd.DataFrame) -> list[Table]:
    """The headline of all decoders, the checks, and the headline along axes of several values."""
    axes = [[axis] for axis in FURTHER if tidy[axis].nunique() > 1]
    whole, *apart = (
        headline_table(headline(tidy, ("feature", *kept)), kept) for kept in ([], *axes)
    )
    return [whole, aggregate_table(TABLE_KINDS["robustness"], tidy), *apart]


def _shown(picture: Picture) -> PageFigure:
    drawn = io.BytesIO()
    save(picture.figure, drawn, "png", PAGE_DPI)
    source = base64.b64encode(packed(drawn.getvalue())).decode()
    return PageFigure(
        name=picture.name,
        source=f"data:image/png;base64,{source}",
        width=round(CSS_DPI * picture.figure.get_figwidth()),
        alt=picture.alt,
        caption=picture.caption,
    )


def packed(drawn: bytes) -> bytes:
    """A PNG of few colours: a quarter of the bytes, and colours that an eye takes for the same."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(drawn)) as image:
        coverage = Image.Quantize.MAXCOVERAGE  # the median cut turns rare reds into greys
        few = image.convert("RGB").quantize(N_COLOURS, method=coverage, kmeans=REFINEMENTS)
        few.save(small, "png", optimize=True)
    return small.getvalue()


def _records(cells: Iterable[MethodCell], store: Store) -> list[Record]:
    """How some of the results came about."""
    done = [cell for cell in cells if store.has(cell)]
    sample = done[:: max(1, len(done) // N_RECORDS)]
    records: list[Record] = []
    for cell in sample:
        try:
            records.append(store.read_scores(cell))
        except BrokenArtefactError as error:
            store.note_broken(error)
    return records


def _facts(status: Status, records: Sequence[Record]) -> dict[str, str]:
    done = [cell for cell, state in status.states.items() if state == "done"]
    finished = [record.finished for record in records]
    return {
        "Cells": f"{len(done)} of {len(status.states)} done",
        "Computing time": f"about {_work(done, status) / 3600:.1f} h of one worker",
        "Results looked at": f"{len(records)}, for what follows",
        "Finished": f"{_day(min(finished))} to {_day(max(finished))}",
        "Hardware": _different(record.machine for record in records),
        "Commit": _different(record.commit for record in records),
        "Versions": "; ".join(_versions([record.versions for record in records])),
        "This page": f"{_day(time.time())}, commit {provenance.commit() or 'unknown'}",
    }


def _work(done: Iterable[Cell], status: Status) -> float:
    """Seconds of work in the cells that are done, from the mean durations of their kinds."""
    return sum(status.seconds.get(work_of(cell), 0.0) for cell in done)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _different(values: Iterable[str]) -> str:
    """Each value once, in the order of its appearance."""
    return "; ".join(value or "not recorded" for value in dict.fromkeys(values))


def _versions(several: Sequence[Mapping[str, str]]) -> list[str]:
    """Package and version; all of them where results were made by several."""
    packages = dict.fromkeys(package for versions in several for package in versions)
    return [
        f"{package} {', '.join(dict.fromkeys(v[package] for v in several if package in v))}"
        for package in packages
    ]


def _missing(status: Status) -> list[str]:
    """Sentences on the cells that are not done."""
    if status.is_done:
        return ["Every cell of the sweep is done."]
    reasons = {trace.strip().splitlines()[-1] for trace in status.reasons.values() if trace.strip()}
    return [
        "Cells are missing: intervals are of those that are done.",
        *status.broken,
        *(f"Failed: {reason}" for reason in sorted(reasons)),
    ]


def _limits(config: SweepConfig, tidy: pd.DataFrame) -> list[str]:
    """What this sweep in particular cannot say."""
    decoders = tidy.drop_duplicates(["feature", "snr_db", "seed", "fold", "architecture"])
    at_chance = int(decoders["at_chance"].astype(bool).sum())
    limits = [
        f"One head model ({config.data.head.model}) makes sources into EEG; another would change "
        "topographies."
    ]
    if at_chance:
        limits.append(
            f"{at_chance} of {len(decoders)} decoders decode no better than chance: what their "
            "maps should show is open. They count in every mean."
        )
    if len(config.grid.seed) < FEW_SEEDS:
        limits.append(
            f"{_counted(config.grid.seed, 'trained seed')}: intervals over so few decoders are "
            "wide, and those over the trials of one decoder say nothing about the next."
        )
    return limits
