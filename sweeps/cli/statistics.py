"""``eegxai statistics``: whether methods differ over the decoders of a sweep, and how surely."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from eegxai.atomic import write_whole
from sweeps.analysis.quantity import Quantity, quantity_named
from sweeps.analysis.significance import (
    FeatureTests,
    axis_lines,
    caveats,
    compare_methods,
    equality_line,
    summary_lines,
    tables_by_name,
)
from sweeps.cli.common import (
    Arguments,
    Json,
    KeepAtChance,
    MetricOption,
    SourceOption,
    Where,
    configuration,
    errors_in_one_sentence,
    print_chance_note,
    print_json,
    print_written,
    terminal,
)
from sweeps.report.export import csv_bytes
from sweeps.report.inference_tables import TESTS_LEGEND, method_tests_table
from sweeps.report.source import load_scores_of
from sweeps.report.terminal import print_lines, terminal_parts
from sweeps.scores.selection import HeldCells


def statistics(
    arguments: Arguments = None,
    metric: MetricOption = "calibrated",
    check: Annotated[
        str,
        typer.Option(help="Check whose scores are tested: ground_truth, target_swap, cascade, ..."),
    ] = "ground_truth",
    where: Where = "",
    keep_at_chance: KeepAtChance = False,
    source: SourceOption = "store",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as CSV, including all pairs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Test which methods differ over the trained decoders, and the effects of SNR and architecture.

    Friedman's test, signed-rank tests of all pairs, and effects of the axes. docs/statistics.md
    describes how they are computed and when they mislead.
    """
    config, console = configuration(arguments), terminal(quiet=as_json)
    with errors_in_one_sentence():
        quantity = quantity_named(metric, check)
        quantity.require_known()
        tidy = load_scores_of(config, quantity, source, where, keep_at_chance)
        found = list(compare_methods(tidy, quantity, config.verdict.equality))
    tested = [one for one in found if isinstance(one, FeatureTests)]
    for one in found:
        _print_tests(console, one, quantity)
    print_chance_note(console, tidy)
    if tested:
        console.print(TESTS_LEGEND, style="dim")
    held = HeldCells.of(tidy, config.name, where)
    with errors_in_one_sentence():
        paths = _written(tested, held, out) if out else []
    print_written(console, paths)
    if as_json:
        print_json(
            {"command": "statistics", **asdict(quantity), "cells": held,
             "features": [_tests_document(one, quantity) for one in tested],
             "notes": [one for one in found if isinstance(one, str)], "files": paths}
        )  # fmt: skip


def _written(tested: list[FeatureTests], held: HeldCells, folder: Path) -> list[Path]:
    """Write the tables of the tests as CSV, none where nothing is tested; their paths."""
    tables = tables_by_name(tested) if tested else {}
    return [
        write_whole(folder / f"{held.stem(name)}.csv", csv_bytes(table.assign(**held.columns)))
        for name, table in tables.items()
    ]


def _tests_document(one: FeatureTests, quantity: Quantity) -> dict[str, Any]:
    """The tests of a feature type for scripts."""
    return {
        "feature": one.feature,
        "reading": quantity.reading(one.feature),
        "n_seeds": one.compared.n_blocks,
        "p_all_equal": one.compared.p,
        "methods": one.methods,
        "pairs": one.compared.pairs,
        "axes": one.axes,
        "caveats": caveats(one),
    }


def _print_tests(console: Console, one: FeatureTests | str, quantity: Quantity) -> None:
    if isinstance(one, str):
        print_lines(console, [one])
        return
    console.print()
    print_lines(console, [*summary_lines(one), quantity.reading(one.feature)])
    for part in terminal_parts(method_tests_table(one)):
        console.print(part)
    print_lines(console, [equality_line(one), *axis_lines(one)])
