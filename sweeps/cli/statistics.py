"""``eegxai statistics``: whether methods differ over the decoders of a sweep, and how surely."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sweeps.analysis.compare import Quantity
from sweeps.analysis.significance import (
    FeatureTests,
    axis_lines,
    compare_methods,
    equality_line,
    summary_lines,
    tables_by_name,
)
from sweeps.cli.common import (
    Arguments,
    KeepAtChance,
    Source,
    Where,
    configuration,
    errors_in_one_sentence,
    print_chance_note,
    print_written,
    terminal,
)
from sweeps.report.export import csv_bytes, write_whole
from sweeps.report.inference_tables import TESTS_LEGEND, method_tests_table
from sweeps.report.source import load_scores
from sweeps.report.terminal import print_sentence, terminal_parts


def statistics(
    arguments: Arguments = None,
    metric: Annotated[
        str,
        typer.Option(
            help="Metric, or the headline metric of each feature type: calibrated or study."
        ),
    ] = "calibrated",
    check: Annotated[
        str, typer.Option(help="Check that is tested: ground_truth, target_swap, cascade, ...")
    ] = "ground_truth",
    where: Where = "",
    keep_at_chance: KeepAtChance = False,
    source: Source = "store",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as CSV, all pairs included.")
    ] = None,
) -> None:
    """Test over the trained decoders which methods differ, and what SNR and architecture change.

    Friedman's test, signed-rank tests of all pairs, effects of the axes: docs/statistics.md
    states how they are computed and when they mislead.
    """
    config, console = configuration(arguments), terminal()
    with errors_in_one_sentence():
        tidy = load_scores(config, source, where=where, keep_at_chance=keep_at_chance)
        found = list(compare_methods(tidy, Quantity(metric, check), config.verdict.equality))
    tested = [one for one in found if isinstance(one, FeatureTests)]
    for one in found:
        _print(console, one)
    print_chance_note(console, tidy)
    if tested:
        console.print(TESTS_LEGEND, style="dim")
    if not (out and tested):
        return
    for name, table in tables_by_name(tested).items():
        with errors_in_one_sentence():
            path = write_whole(out / f"{config.name}-{name}.csv", csv_bytes(table))
        print_written(console, [path])


def _print(console: Console, one: FeatureTests | str) -> None:
    if isinstance(one, str):
        print_sentence(console, one)
        return
    console.print()
    for line in summary_lines(one):
        print_sentence(console, line)
    for part in terminal_parts(method_tests_table(one)):
        console.print(part)
    for line in (equality_line(one), *axis_lines(one)):
        print_sentence(console, line)
