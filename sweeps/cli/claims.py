"""``eegxai claims``: whether the claims of a study hold on the decoders of a sweep."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from eegxai.attribution import find
from eegxai.decoders import DECODERS
from eegxai.registry import lookup
from sweeps.analysis.claims.claimed import claimed_rows
from sweeps.analysis.claims.study import Study
from sweeps.analysis.claims.supply import overrides_that_decide
from sweeps.analysis.claims.verdicts import decide, load_study
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
from sweeps.design.cells import method_cells
from sweeps.design.claims_file import DEFAULT_CLAIMS
from sweeps.design.config import SweepConfig
from sweeps.report.claims import LEGEND, claim_lines, summary_table, write_claims
from sweeps.report.export import TABLE_FORMATS
from sweeps.report.source import load_scores
from sweeps.report.terminal import print_lines, print_sentence, print_tables
from sweeps.scores.selection import HeldCells


def claims(
    arguments: Arguments = None,
    study: Annotated[
        str,
        typer.Option(
            "--claims", help="Claims to decide: a YAML file, or the name of an installed one."
        ),
    ] = DEFAULT_CLAIMS,
    architecture: Annotated[
        str | None,
        typer.Option(help="Decide the claims on this architecture (default: that of the study)."),
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(help="Decide only the claim with this number; may be repeated."),
    ] = None,
    where: Where = "",
    keep_at_chance: KeepAtChance = False,
    source: SourceOption = "store",
    format: TableFormats = None,
    out: TableFolder = None,
    as_json: Json = False,
) -> None:
    """Decide whether each claim of the study holds on a sweep, or state what is missing to decide.

    For example: eegxai claims quickstart

    eegxai claims paper --claim 1 --claim 4

    eegxai claims paper --architecture eegnet_relu --claims mine.yaml
    """
    formats = check_names("--format", format or list(TABLE_FORMATS), tuple(TABLE_FORMATS))
    config, console = configuration(arguments), terminal(quiet=as_json)
    with errors_in_one_sentence():
        asked = load_study(study).only(claim or [])
        if architecture:
            lookup(DECODERS, architecture, "--architecture")
            asked = replace(asked, architecture=architecture)
        _check_claimed_names(study, asked, config)
        rows = claimed_rows(asked)
        tidy = load_scores(config, source, rows, where, keep_at_chance=keep_at_chance)
    verdicts = decide(asked, tidy)
    held, n_cells = HeldCells.of(tidy, config.name, where), len(list(method_cells(config)))
    finished = bool(where) or held.cells == n_cells
    needed = overrides_that_decide(config, asked, verdicts.claims, finished)
    commands = [sweep_command(arguments, fields) for fields in needed]
    verdicts = verdicts._replace(claims=verdicts.claims.assign(decided_by=commands))
    print_sentence(console, asked.title)
    print_sentence(console, f"decided on {held.cells} of the sweep's {n_cells} method cells")
    print_chance_note(console, tidy)
    print_lines(console, claim_lines(verdicts.claims))
    print_tables(console, [summary_table(verdicts.claims)], "verdicts")
    console.print(LEGEND, style="dim")
    folder = out or Path(config.output) / "tables"
    of_study = "" if study == DEFAULT_CLAIMS else Path(study).stem
    parts = ("claims", of_study, architecture, *(one.id for one in asked.claims if claim))
    name = held.stem("-".join(filter(None, parts)))
    with errors_in_one_sentence():
        paths = write_claims(verdicts, asked.title, held, folder, name, formats)
    print_written(console, paths)
    if as_json:
        print_json(
            {"command": "claims", "study": asked.title, "cells": held, "claims": verdicts.claims,
             "numbers": verdicts.numbers, "files": paths}
        )  # fmt: skip


def _check_claimed_names(name: str, asked: Study, config: SweepConfig) -> None:
    """Refuse claims on methods, feature types or an architecture that there are not."""
    try:
        for method in asked.methods:
            find(method)
        lookup(DECODERS, asked.architecture, "architecture")
        for feature in asked.features:
            lookup(config.data.known_features, feature, "feature")
    except ValueError as error:
        raise ValueError(f"claims {name!r}: {error}") from error


def sweep_command(arguments: list[str] | None, fields: Mapping[str, str] | None) -> str:
    """The sweep of the same arguments with other settings; nothing where none are asked for.

    Examples
    --------
    >>> sweep_command(["tiny", "grid.seed=0"], {"grid.seed": "[0,1]"})
    "eegxai sweep tiny 'grid.seed=[0,1]'"
    """
    if fields is None:
        return ""
    kept = [one for one in arguments or [] if one.partition("=")[0] not in fields]
    return shlex.join(["eegxai", "sweep", *kept, *map("=".join, fields.items())])
