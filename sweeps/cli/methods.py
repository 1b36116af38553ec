"""``eegxai methods`` and ``eegxai validity``: what there is, and where it means something."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track
from rich.table import Table

from sweeps.cli.common import Arguments, check_gpu, configuration, terminal

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from sweeps.design.cells import DecoderCell, MethodCell
    from sweeps.store.artefacts import Store


def methods() -> None:
    """List the attribution methods: groups, options with their defaults, what they compute.

    A method of yours appears here once its package is installed (docs/methods.md).
    """
    from eegxai.attribution import CONTROLS, METHODS, options_of

    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("method", no_wrap=True)
    shown.add_column("group")
    shown.add_column("what it computes")
    shown.add_column("options", no_wrap=True)
    for name, method in (METHODS | CONTROLS).items():
        given = options_of(name).items()
        options = [f"{option}={value}" for option, value in given if option != "chunk"]
        what = (method.function.__doc__ or "").strip().partition("\n")[0]
        shown.add_row(name, method.group, what, "\n".join(options))
    console = terminal()
    console.print(shown, highlight=False)
    console.print("every method: chunk=8, the trials at a time", style="dim", highlight=False)


def validity(
    arguments: Arguments = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the evidence and matrix.")] = None,
) -> None:
    """Print which methods mean something on which architectures, as measured on trained decoders.

    Takes the sweep's methods and the first decoder of each of its architectures, trained when it
    is not yet: eegxai validity quickstart grid.architecture=eegnet grid.method=all
    """
    from sweeps.analysis import validity_matrix as certificates
    from sweeps.report.validity import write_matrix
    from sweeps.store.artefacts import store_of

    config = configuration(arguments)
    check_gpu(config)
    console = terminal()
    store = store_of(config)
    cells = list(certificates.cells_to_judge(config))
    device = "cuda" if config.resources.explain.gpu else "cpu"
    for decoder in dict.fromkeys(cell.decoder for cell in cells):
        _train_if_needed(decoder, store, device, console)
    table = certificates.evidence(_watched(cells, console), store, device)
    _print(table, console)
    for path in write_matrix(table, out) if out else []:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _train_if_needed(
    decoder: "DecoderCell", store: "Store", device: str, console: "Console"
) -> None:
    from sweeps.tasks.data import is_done
    from sweeps.tasks.train import train_decoder

    if not is_done(decoder, store):
        console.print(f"training {decoder.title}", highlight=False)
        train_decoder(decoder, store, device)


def _watched(cells: "list[MethodCell]", console: "Console") -> "Iterator[MethodCell]":
    quiet = not console.is_terminal
    yield from track(cells, "judging", console=console, transient=True, disable=quiet)


def _print(table: "pd.DataFrame", console: "Console") -> None:
    from sweeps.analysis import validity_matrix as certificates
    from sweeps.report.terminal import terminal_parts
    from sweeps.report.validity import matrix_table

    for part in terminal_parts(matrix_table(table)):
        console.print(part)
    console.print(certificates.MATRIX_LEGEND, style="dim", highlight=False)
    for note in certificates.matrix_notes(table):
        console.print(f"- {note}", highlight=False, markup=False)
