"""Commands of the sweep: run it, list its cells, fill in MLflow."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sweeps.cli.common import (
    Arguments,
    check_gpu,
    check_machine,
    configuration,
    terminal,
    usage_error,
)
from sweeps.cli.tables import print_headline

# What needs torch, Ray or MLflow is imported where it is used: --help answers at once.
if TYPE_CHECKING:
    from sweeps.design.config import SweepConfig
    from sweeps.execution.sweep import Sweep

CELLS_FAILED = 3
INTERRUPTED = 130  # as shells tell it


def sweep(
    arguments: Arguments = None,
    local: Annotated[
        bool, typer.Option("--local", help="Without Ray, one cell after another, same numbers.")
    ] = False,
    address: Annotated[
        str,
        typer.Option(help="Ray cluster to join: auto, HOST:PORT or ray://HOST:PORT."),
    ] = "",
) -> None:
    """Run a sweep: simulate, train, explain, score, log; then print the table.

    Cells that are done are not done again: the same command resumes an interrupted sweep.
    """
    from sweeps.execution.ray_cluster import ClusterError
    from sweeps.execution.sweep import Sweep

    config = configuration(arguments)
    _check_place(config, local, address)
    console = terminal()
    run = Sweep(config, console)
    try:
        run.run(local, address)
    except ClusterError as error:
        raise usage_error(str(error)) from None
    except KeyboardInterrupt:
        typer.echo("eegxai: interrupted; what is done is kept, the same command goes on", err=True)
        raise typer.Exit(INTERRUPTED) from None
    print_headline(console, run.table(), config.name)
    _print_learnt_by_heart(console, run)
    _print_tracking(console, run)
    for outcome in run.failed:
        reason = outcome.error.strip().splitlines()[-1]
        console.print(f"failed: {outcome.cell.title}: {reason}", style="red", markup=False)
    if run.failed:
        raise typer.Exit(CELLS_FAILED)


def _check_place(config: "SweepConfig", local: bool, address: str) -> None:
    """Refuse a place that cannot run the configuration."""
    if local and address:
        raise usage_error("--local runs without Ray and --address on a cluster: give one of them")
    if local:
        check_gpu(config)
    elif not address:
        check_machine(config)


def grid(arguments: Arguments = None) -> None:
    """List the cells of a sweep, their number and how many are done."""
    from collections import Counter

    from sweeps.design.cells import decoder_cells, method_cells
    from sweeps.store.artefacts import store_of

    config = configuration(arguments)
    console = terminal()
    store = store_of(config)
    trained = {cell: store.has(cell) for cell in decoder_cells(config)}
    explained = Counter(cell.decoder for cell in method_cells(config) if store.has(cell))
    n_methods = len(config.grid.method)
    for cell, done in trained.items():
        state = "done" if done else "open"
        console.print(
            f"{state}  {cell.title}, {explained[cell]}/{n_methods} methods", highlight=False
        )
    for axis, values in config.grid:
        console.print(f"{axis}: {', '.join(map(str, values))}", highlight=False)
    counts = {
        "decoders": (len(trained), sum(trained.values())),
        "methods": (len(trained) * n_methods, explained.total()),
    }
    for kind, (total, n_done) in counts.items():
        console.print(f"{kind}: {total} cells, {n_done} done", highlight=False)


def sync(arguments: Arguments = None) -> None:
    """Bring MLflow to the store's state, for example after its server was away."""
    from sweeps.execution.sweep import Sweep

    config = configuration(arguments)
    console = terminal()
    run = Sweep(config, console)
    count = run.sync()
    console.print(f"{count} finished cells are in MLflow")
    _print_tracking(console, run)
    if run.unpublished:
        raise typer.Exit(CELLS_FAILED)


def _print_learnt_by_heart(console: Console, run: "Sweep") -> None:
    """The check by permuted labels tells something only where they were learnt."""
    for title, share in run.memorised_accuracy().items():
        console.print(f"{title}: {share:.2f} of them learnt by heart", highlight=False)


def _print_tracking(console: Console, run: "Sweep") -> None:
    from sweeps.tracking import ui_command

    if run.unpublished:
        console.print(
            f"MLflow could not be written ({run.unpublished}); the scores are safe in "
            f"{run.store.url}, later run: eegxai sync",
            style="yellow",
        )
        return
    console.print(f"compare the runs: {ui_command(run.config.output)}", highlight=False)
