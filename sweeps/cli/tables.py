"""The command that prints and writes the tables of a sweep."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from sweeps.analysis.tables import TABLE_KINDS
from sweeps.analysis.verdicts import STANDARD_THRESHOLDS
from sweeps.cli.common import (
    Arguments,
    Json,
    KeepAtChance,
    SourceOption,
    TableFolder,
    TableFormats,
    Where,
    check_names,
    configuration,
    errors_in_one_sentence,
    print_chance_note,
    print_json,
    print_written,
    terminal,
)
from sweeps.design.thresholds import Thresholds
from sweeps.report.export import TABLE_FORMATS, Export, write_table
from sweeps.report.legends import BOLD, accuracies, signs_legend
from sweeps.report.result_tables import tables_by_group
from sweeps.report.source import load_scores
from sweeps.report.table import Table
from sweeps.report.terminal import PLAIN_TABLE_SIGNS, print_lines, print_sentence, print_tables
from sweeps.report.verdict_tables import group_title, terminal_verdicts
from sweeps.report.verdict_texts import terminal_legend, terminal_notes, verdict_answer
from sweeps.scores.selection import HeldCells

AXES_TO_SPLIT = ("snr_db", "architecture", "seed", "fold")
ALL_TABLES = "all"


def tables(
    arguments: Arguments = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            help=f"{', '.join(TABLE_KINDS)} or all; headline by default; may be repeated."
        ),
    ] = None,
    where: Where = "",
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Split the tables by snr_db, architecture, seed or fold instead of averaging over "
            "it; may be repeated."
        ),
    ] = None,
    keep_at_chance: KeepAtChance = False,
    source: SourceOption = "store",
    format: TableFormats = None,
    out: TableFolder = None,
    as_json: Json = False,
) -> None:
    """Print the tables of a sweep and write them as CSV, Parquet, Markdown, LaTeX and Excel."""
    names = check_names("--table", table or ["headline"], (*TABLE_KINDS, ALL_TABLES))
    formats = check_names("--format", format or list(TABLE_FORMATS), tuple(TABLE_FORMATS))
    groups = ("feature", *check_names("--by", by or [], AXES_TO_SPLIT))
    config, console = configuration(arguments), terminal(quiet=as_json)
    kinds = list(TABLE_KINDS) if ALL_TABLES in names else names
    rows = [row for name in kinds for row in TABLE_KINDS[name].rows]
    with errors_in_one_sentence():
        tidy = load_scores(config, source, rows, where, keep_at_chance=keep_at_chance)
    held, folder = HeldCells.of(tidy, config.name, where), out or Path(config.output) / "tables"
    made, files, levels = {}, [], config.verdict
    for name in kinds:
        kind = TABLE_KINDS[name]
        export = Export(kind.table(tidy, groups, levels), kind, groups, held, levels)
        made[name] = export.frame
        _print_table(console, name, export, levels)
        stem = held.stem("" if name == "headline" else name)
        stem += levels.changed_stem if kind.judged else ""
        with errors_in_one_sentence():
            paths = write_table(export, folder, stem, formats)
        print_written(console, paths)
        files += paths
    print_chance_note(console, tidy)
    if as_json:
        print_json({"command": "tables", "cells": held, "tables": made, "files": files})


def _print_table(console: Console, name: str, export: Export, thresholds: Thresholds) -> None:
    if name == "headline":
        print_headline(console, export.frame, export.title, export.by, thresholds)
        return
    shown = list(tables_by_group(export.frame, export.kind, export.by))
    print_tables(console, shown, f"{export.title}, {export.kind.about}")
    print_lines(console, [*export.kind.legend, *_signs(console, shown)], style="dim")


def _signs(console: Console, tables: Sequence[Table]) -> list[str]:
    """What the signs in tables mean; a file or pipe shows nothing in bold."""
    lines = [line.translate(PLAIN_TABLE_SIGNS) for line in signs_legend(tables)]
    return lines if console.is_terminal else [line for line in lines if line != BOLD]


def print_headline(
    console: Console,
    table: pd.DataFrame,
    title: str,
    by: Sequence[str] = ("feature",),
    thresholds: Thresholds = STANDARD_THRESHOLDS,
) -> None:
    """Print the verdict on each method, and what it means."""
    if table.empty:
        print_sentence(console, "no cell is scored yet")
        return
    print_lines(console, verdict_answer(table, by))
    for values, rows in table.groupby(list(by), sort=False):
        place = group_title(rows, by, values)
        print_tables(console, [terminal_verdicts(rows, place)], title)
        print_lines(console, terminal_notes(rows), style="dim")
    print_lines(console, ["", accuracies(table)])
    print_lines(console, terminal_legend(thresholds), style="dim")
