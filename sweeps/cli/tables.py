"""The command that prints and writes the tables of a sweep."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from eegxai.registry import unknown_name
from sweeps.analysis.tables import TABLE_KINDS, TABLE_METRICS, TableKind
from sweeps.cli.common import (
    WHERE,
    Arguments,
    asked_for,
    configuration,
    terminal,
    usage_error,
)
from sweeps.execution.sweep import Sweep
from sweeps.report import cells as shown
from sweeps.report import terminal as module
from sweeps.report.export import TABLE_FORMATS, Export, write_table

AXES_TO_SPLIT = ("snr_db", "architecture", "seed", "fold")
ALL = "all"
SOURCES = ("mlflow", "store")


def tables(
    arguments: Arguments = None,
    table: Annotated[
        list[str] | None,
        typer.Option(
            help="headline (default), robustness, snr, architecture, validity, coverage, or all."
        ),
    ] = None,
    where: Annotated[str, typer.Option(help=WHERE)] = "",
    by: Annotated[
        list[str] | None,
        typer.Option(help="Further axis to keep apart: snr_db, architecture, seed, fold."),
    ] = None,
    source: Annotated[
        str, typer.Option(help="mlflow (then the store, where MLflow is away) or store.")
    ] = "mlflow",
    format: Annotated[
        list[str] | None,
        typer.Option(help="File to write: csv, parquet, markdown, latex, excel (default: all)."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
) -> None:
    """Print the tables of a sweep and write them as CSV, Parquet, Markdown, LaTeX and Excel."""
    kinds = _checked("--table", table or ["headline"], (*TABLE_KINDS, ALL))
    formats = _checked("--format", format or list(TABLE_FORMATS), tuple(TABLE_FORMATS))
    groups = ("feature", *_checked("--by", by or [], AXES_TO_SPLIT))
    _checked("--source", [source], SOURCES)
    config, console = configuration(arguments), terminal()
    run = Sweep(config, console)
    tidy = _tidy(run, source, where)
    for kind in TABLE_KINDS if ALL in kinds else kinds:
        aggregate = TABLE_KINDS[kind]
        made = aggregate.make(tidy, groups)
        _print(console, kind, made, aggregate, config.name, groups)
        name = config.name if kind == "headline" else f"{config.name}-{kind}"
        export = Export(made, aggregate, groups, config.name)
        for path in write_table(export, out or run.output / "tables", name, formats):
            console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _checked(option: str, names: list[str], allowed: Sequence[str]) -> list[str]:
    for name in names:
        if name not in allowed:
            raise usage_error(unknown_name(option, name, allowed))
    return names


def _tidy(run: Sweep, source: str, where: str) -> pd.DataFrame:
    """Tidy scores of the runs that are asked for; none is a mistake to tell."""
    if source == "mlflow":
        run.connect()
    return asked_for(run.tidy(TABLE_METRICS), where)


def _print(
    console: Console,
    kind: str,
    table: pd.DataFrame,
    aggregate: TableKind,
    title: str,
    by: Sequence[str],
) -> None:
    if kind == "headline":
        print_headline(console, table, title, by)
        return
    for heading, part in shown.terminal_tables(table, aggregate, title, by):
        console.print()
        console.print(heading, highlight=False)
        console.print(part)


def print_headline(
    console: Console, table: pd.DataFrame, title: str, by: Sequence[str] = ("feature",)
) -> None:
    """Print the headline table with its legend."""
    if table.empty:
        console.print("no cell is scored yet")
        return
    for part in module.terminal_tables(table, title, by):
        console.print()
        console.print(part)
    console.print(module.accuracies(table), highlight=False)
    console.print(module.HEADLINE_LEGEND, style="dim", highlight=False)
