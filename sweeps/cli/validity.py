"""``eegxai validity``: which methods are applicable to which architectures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.progress import track

from sweeps.analysis import validity_matrix
from sweeps.cli.common import (
    Arguments,
    Json,
    check_here,
    configuration,
    errors_in_one_sentence,
    print_json,
    print_written,
    terminal,
)
from sweeps.design.cells import DecoderCell, MethodCell
from sweeps.report.terminal import print_sentence, terminal_parts
from sweeps.report.validity import validity_matrix_table, write_matrix
from sweeps.store.artefacts import Store, store_of
from sweeps.tasks.data import is_done
from sweeps.tasks.train import train_decoder


def validity(
    arguments: Arguments = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the matrix and the measurements on which it rests."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print which methods are applicable to which architectures, tested on trained decoders.

    Tests the sweep's methods on the first decoder of each architecture, which is trained if the
    store does not contain it. The results of finished cells are read from the store.

    For example: eegxai validity quickstart grid.architecture=eegnet grid.method=all
    """
    config = configuration(arguments)
    check_here(config)
    console = terminal(quiet=as_json)
    store = store_of(config)
    cells = list(validity_matrix.cells_to_judge(config))
    device = "cuda" if config.resources.explain.gpu else "cpu"
    for decoder in dict.fromkeys(cell.decoder for cell in cells):
        _train_if_needed(decoder, store, device, console)
    table = validity_matrix.validity_evidence(_watched(cells, console), store, device)
    _print_matrix(table, console)
    with errors_in_one_sentence():
        written = write_matrix(table, out) if out else []
    print_written(console, written)
    if as_json:
        notes = validity_matrix.matrix_notes(table)
        print_json(
            {"command": "validity", "config": config.name, "validity": table, "notes": notes,
             "files": written}
        )  # fmt: skip


def _train_if_needed(decoder: DecoderCell, store: Store, device: str, console: Console) -> None:
    if not is_done(decoder, store):
        print_sentence(console, f"training {decoder.title}")
        train_decoder(decoder, store, device)


def _watched(cells: list[MethodCell], console: Console) -> Iterator[MethodCell]:
    quiet = not console.is_terminal
    yield from track(cells, "testing", console=console, transient=True, disable=quiet)


def _print_matrix(table: pd.DataFrame, console: Console) -> None:
    for part in terminal_parts(validity_matrix_table(table)):
        console.print(part)
    console.print(validity_matrix.MATRIX_LEGEND, style="dim")
    for note in validity_matrix.matrix_notes(table):
        print_sentence(console, f"- {note}")
