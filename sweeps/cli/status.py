"""``eegxai status``: how far a sweep is, from its store alone."""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from eegxai.rounding import counted
from sweeps.cli.common import (
    Arguments,
    Json,
    configuration,
    print_json,
    terminal,
    usage_error,
)
from sweeps.design.config import SweepConfig
from sweeps.report.status_table import status_table
from sweeps.report.terminal import duration, print_lines, print_sentence, terminal_parts
from sweeps.store.artefacts import store_of
from sweeps.store.status import CELL_STATES, Status, status_of

WATCH_SECONDS = 10.0
MAX_SHOWN = 12  # running cells, and reasons of failures


def status(
    arguments: Arguments = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every 10 s until every cell is done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what is done, running or failed (and why) and the time left, from the store alone.

    Works while a sweep runs, after a crash, and on any machine that reaches the store.
    """
    if watch and as_json:
        raise usage_error(
            "--json prints one document and cannot be combined with --watch: call "
            "the command repeatedly"
        )
    config = configuration(arguments)
    console = terminal(quiet=as_json)
    if watch:
        _watch(config, console)
        return
    seen = _look(config)
    if as_json:
        print_json({"command": "status", "config": config.name, **_status_document(seen)})
    for part in terminal_parts(status_table(seen, _hours)):
        console.print(part)
    for sentence in _sentences(seen):
        print_sentence(console, sentence)
    print_lines(console, [summary(seen)])


def _status_document(seen: Status) -> dict[str, Any]:
    """The state of the sweep for scripts; the hours left are null while nothing is known."""
    states = list(seen.states.values())
    return {
        "is_done": seen.is_done,
        "cells": {name: states.count(name) for name in CELL_STATES},
        "stages": seen.counts,
        "hours_of_one_worker_left": seen.work_left,
        "hours_left": seen.time_left,
        "running": [{"cell": c.title, **asdict(beat)} for c, beat in seen.heartbeats.items()],
        "failed": [{"cell": c.title, "reason": why} for c, why in seen.reasons.items()],
        "broken": seen.broken,
    }


def _look(config: SweepConfig) -> Status:
    return status_of(config, store_of(config))


def _watch(config: SweepConfig, console: Console) -> None:
    """Keep one picture fresh in a terminal; elsewhere write a line when something changed."""
    with Live(console=console, auto_refresh=False) as live:
        before = ""
        for seen in _looks(config):
            line = summary(seen)
            if console.is_terminal:
                live.update(_live_view(seen), refresh=True)
            elif line != before:
                print_sentence(console, line)
            before = line


def _looks(config: SweepConfig) -> Iterator[Status]:
    while True:
        seen = _look(config)
        yield seen
        if seen.is_done:
            return
        time.sleep(WATCH_SECONDS)


def summary(seen: Status) -> str:
    """One sentence: cells by state and the time left."""
    states = list(seen.states.values())
    counts = [f"{states.count(name)} {name}" for name in CELL_STATES if name in states]
    return f"{len(states)} cells: {', '.join(counts)}; {_time_left(seen)}"


def _time_left(seen: Status) -> str:
    if seen.is_done:
        return "nothing left"
    if math.isnan(seen.work_left):
        return "time left unknown, since a stage has no finished cell yet"
    if not seen.heartbeats:
        return f"{_hours(seen.work_left)} of one worker's time left, and no worker is running"
    workers = f"with {counted(len(seen.heartbeats), 'cell')} at a time"
    return f"about {_hours(seen.time_left)} left {workers}"


def _live_view(seen: Status) -> Group:
    table = terminal_parts(status_table(seen, _hours))
    return Group(*table, *_sentences(seen), Text(summary(seen)))


def _sentences(seen: Status) -> Iterator[Text]:
    """What runs, what failed and why, and what is broken."""
    yield from _running(seen)
    yield from _failures(seen)
    yield from _broken_lines(seen)


def _running(seen: Status) -> Iterator[Text]:
    for cell, heartbeat in list(seen.heartbeats.items())[:MAX_SHOWN]:
        since = _hours((seen.now - heartbeat.started) / 3600)
        yield Text(
            f"running: {cell.title} on {heartbeat.host}, process {heartbeat.pid}, for {since}"
        )
    yield from _more_line(len(seen.heartbeats), "running cells")


def _failures(seen: Status) -> Iterator[Text]:
    """One line a reason, with its number of cells and the first of them."""
    titles: dict[str, list[str]] = {}
    for cell, trace in seen.reasons.items():
        lines = trace.strip().splitlines() or ["no reason was recorded"]
        titles.setdefault(lines[-1], []).append(cell.title)
    for reason, cells in list(titles.items())[:MAX_SHOWN]:
        others = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        yield Text(f"failed: {cells[0]}{others}: {reason}", style="red")
    yield from _more_line(len(titles), "reasons of failures")


def _broken_lines(seen: Status) -> Iterator[Text]:
    for sentence in seen.broken[:MAX_SHOWN]:
        yield Text(sentence, style="red")
    yield from _more_line(len(seen.broken), "broken files")


def _more_line(count: int, what: str) -> Iterator[Text]:
    if count > MAX_SHOWN:
        yield Text(f"... and {count - MAX_SHOWN} more {what}")


def _hours(hours: float) -> str:
    return duration(3600 * hours)
