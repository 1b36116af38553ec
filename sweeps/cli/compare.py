"""``eegxai compare``: two methods of a sweep, two sweeps, or two metrics of one."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console

from eegxai.registry import lookup
from sweeps.analysis.compare import TABLE_READERS
from sweeps.analysis.quantity import quantity_named
from sweeps.cli.common import (
    Json,
    KeepAtChance,
    MetricOption,
    SourceOption,
    Where,
    configuration_file,
    errors_in_one_sentence,
    print_json,
    print_written,
    terminal,
)
from sweeps.report.comparison import (
    DIFFERENCE_FORMATS,
    ComparedRun,
    compare_methods_of,
    compare_runs,
    write_differences,
    write_pairs,
)
from sweeps.report.inference_tables import differences_table
from sweeps.report.method_pair import pair_frame, pair_lines, pair_table
from sweeps.report.terminal import print_sentence, terminal_parts

RUNS = (
    "Each is a configuration (YAML file or name in conf/) or a table of tidy scores (.parquet, "
    ".csv), such as tidy.parquet in the store. RUN_B defaults to RUN_A with its overrides."
)


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN_A [RUN_B]", help=RUNS)],
    methods: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Compare two methods of RUN_A instead (A minus B)."),
    ] = None,
    a: Annotated[
        list[str] | None,
        typer.Option(
            "--a", metavar="FIELD=VALUE", help="Override a field of RUN_A; may be repeated."
        ),
    ] = None,
    b: Annotated[
        list[str] | None,
        typer.Option(
            "--b", metavar="FIELD=VALUE", help="Override a field of RUN_B; may be repeated."
        ),
    ] = None,
    where: Where = "",
    metric: MetricOption = "calibrated",
    metric_b: Annotated[
        str | None,
        typer.Option(
            help="Metric of RUN_B if it differs. Both metrics are then rescaled so that chance is "
            "0 and the best value is 1."
        ),
    ] = None,
    check: Annotated[
        str,
        typer.Option(
            help="Check whose scores are compared: ground_truth, target_swap, cascade, ..."
        ),
    ] = "ground_truth",
    interval: Annotated[
        str, typer.Option(help="Confidence interval of the mean difference: student or bootstrap.")
    ] = "student",
    keep_at_chance: KeepAtChance = False,
    source: SourceOption = "store",
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv (all columns) or .md.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two methods of a sweep, or two sweeps, on the decoders that they share.

    For example: eegxai compare quickstart --methods DeepLift GradCAM --metric rma

    eegxai compare quickstart mine.yaml --metric auprc_magnitude

    eegxai compare quickstart --b training.epochs=20

    eegxai compare quickstart --metric study --metric-b calibrated
    """
    console, options = (
        terminal(quiet=as_json),
        _Options(interval, source, where, keep_at_chance, out),
    )
    of_a, of_b = tuple(a or []), tuple(b or [])
    with errors_in_one_sentence():
        _check_out(out)
        run_a, run_b = _one_or_two(runs)
        one = _compared_run(run_a, of_a, metric, check)
        if methods:
            _check_two(methods)
            _check_alone({"RUN_B": run_b, "--b": b, "--metric-b": metric_b})
            document = _compare_methods(console, one, methods, options)
        else:
            name, overrides = (run_b, of_b) if run_b else (run_a, (*of_a, *of_b))
            other = _compared_run(name, overrides, metric_b or metric, check)
            document = _compare_runs(console, one, other, options)
    if as_json:
        print_json({"command": "compare", "where": where, **document})


class _Options(NamedTuple):
    """Of both kinds of comparison."""

    interval: str
    source: str
    where: str
    keep_at_chance: bool
    out: Path | None


def _compare_methods(
    console: Console, run: ComparedRun, methods: tuple[str, str], options: _Options
) -> dict[str, Any]:
    """Compare two methods, print and write what is found; all of it."""
    found = compare_methods_of(run, methods, *options[:4])
    for pair in found.pairs:
        for part in terminal_parts(pair_table(pair)):
            console.print(part)
        for line in pair_lines(pair, run.quantity):
            print_sentence(console, line)
        console.print()
    for line in (*found.notes, found.held.sentence):
        print_sentence(console, line)
    paths = [write_pairs(found, run.quantity, options.out)] if options.out else []
    print_written(console, paths)
    frame = pair_frame(found.pairs, run.quantity)
    held = {"run": run.command, "cells": found.held, "methods": methods}
    return {**held, "comparisons": frame, "notes": found.notes, "files": paths}


def _compare_runs(
    console: Console, a: ComparedRun, b: ComparedRun, options: _Options
) -> dict[str, Any]:
    """Compare two runs, print and write what is found; all of it."""
    found = compare_runs(a, b, *options[:4])
    for part in terminal_parts(differences_table(found.differences)):
        console.print(part)
    for line in found.notes:
        print_sentence(console, line)
    paths = [write_differences(found.differences, options.out)] if options.out else []
    print_written(console, paths)
    runs = {side: {"run": r.command, **asdict(r.quantity)} for side, r in (("a", a), ("b", b))}
    return {**runs, "comparisons": found.differences, "notes": found.notes, "files": paths}


def _one_or_two(runs: list[str]) -> tuple[str, str | None]:
    """RUN_A and RUN_B; an override has another place, and a third run none."""
    for name in runs:
        if "=" in name:
            raise ValueError(
                f"{name!r} is not a run: --a {name} is for RUN_A, --b {name} for RUN_B"
            )
    if len(runs) > 2:
        raise ValueError(f"two runs are compared, RUN_A and RUN_B, but there are {len(runs)}")
    return runs[0], runs[1] if len(runs) > 1 else None


def _check_two(methods: tuple[str, str]) -> None:
    if option := next((name for name in methods if name.startswith("-")), ""):
        raise ValueError(f"--methods takes two methods, but only one stands before {option}")


def _check_alone(given: Mapping[str, object]) -> None:
    """Refuse a second run beside two methods of one."""
    for name, value in given.items():
        if value:
            raise ValueError(f"--methods compares two methods of RUN_A, and {name} is for two runs")


def _compared_run(name: str, overrides: tuple[str, ...], metric: str, check: str) -> ComparedRun:
    path = Path(name) if Path(name).suffix in TABLE_READERS else configuration_file([name])
    return ComparedRun(name, path, overrides, quantity_named(metric, check))


def _check_out(out: Path | None) -> None:
    """Refuse before any work a file that cannot be written."""
    if out:
        lookup(DIFFERENCE_FORMATS, out.suffix, f"--out {out}: the ending")
