"""``eegxai sweep`` and ``eegxai sync``: run a sweep, and fill in MLflow afterwards."""

import shlex
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from sweeps.cli.common import (
    Arguments,
    check_here,
    check_machine,
    check_work,
    configuration,
    print_error,
    terminal,
    usage_error,
)
from sweeps.cli.lazy import refusal
from sweeps.cli.tables import print_headline
from sweeps.design.config import SweepConfig
from sweeps.execution.ray_environment import ClusterError
from sweeps.execution.sweep import PlaceError, Sweep
from sweeps.report.recordings import recordings_told
from sweeps.report.terminal import print_lines, print_sentence
from sweeps.tracking import runs_page, ui_command

# Exit codes beside 0 and that of user mistakes; docs/clusters.md lists them.
CELLS_FAILED = 3  # or the store, on the way
UNPUBLISHED = 4  # the store holds all
INTERRUPTED = 130  # as shells have it


def sweep(
    arguments: Arguments = None,
    local: Annotated[
        bool,
        typer.Option(
            "--local", help="Run one cell after another without Ray; the results are the same."
        ),
    ] = False,
    address: Annotated[
        str,
        typer.Option(help="Ray cluster to join: auto, HOST:PORT or ray://HOST:PORT."),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the plan (cells, output, time and disk space) and stop."
        ),
    ] = False,
) -> None:
    """Run a sweep: simulate, train, explain, score and log, then print the table of verdicts.

    Finished cells are not run again: the same command resumes an interrupted
    sweep. It begins with a plan: the number of cells, where results are written,
    the time and the disk space needed.

    Exit codes: 0 all cells are done, 2 refused before any work, 3 some cells
    failed, 4 MLflow could not be written (run eegxai sync later), 130 interrupted.
    """
    config = configuration(arguments)
    _check_of(local, address, dry_run)(config)
    console = terminal()
    for told in recordings_told(config):
        print_lines(console, [told])
    run = Sweep(config, console)
    try:
        if dry_run:
            print_lines(console, run.plan(local, address).lines)
            return
        run.run(local, address)
    except (ClusterError, PlaceError) as error:
        raise usage_error(str(error)) from None
    except OSError as error:  # of the store, which could be used as the sweep began
        print_error(
            f"{refusal(error)}; finished cells are kept, and the same command resumes the sweep"
        )
        raise typer.Exit(CELLS_FAILED) from None
    except KeyboardInterrupt:
        print_error("interrupted; finished cells are kept, and the same command resumes the sweep")
        raise typer.Exit(INTERRUPTED) from None
    _print_results(console, run, arguments)
    if run.failed or run.unpublished:
        raise typer.Exit(CELLS_FAILED if run.failed else UNPUBLISHED)


def sync(arguments: Arguments = None) -> None:
    """Bring MLflow up to date with the store, for example after its server was unreachable."""
    config = configuration(arguments)
    console = terminal()
    run = Sweep(config, console)
    count = run.sync()
    none = "" if count else ": nothing of this sweep is finished in its store"
    print_sentence(console, f"{count} finished cells are in MLflow{none}")
    _print_tracking(console, run, arguments)
    if run.unpublished:
        raise typer.Exit(UNPUBLISHED)


def _check_of(local: bool, address: str, dry_run: bool) -> Callable[[SweepConfig], None]:
    """What refuses a configuration that its place cannot run; a plan can be made anywhere."""
    if local and address:
        raise usage_error(
            "--local runs without Ray and --address on a Ray cluster: give only one of them"
        )
    if address or dry_run:
        return check_work
    return check_here if local else check_machine


def _print_results(console: Console, run: Sweep, arguments: Arguments) -> None:
    """Print the table, the checks of the permuted labels, where the runs are, what failed."""
    print_headline(console, run.table(), run.config.name, thresholds=run.config.verdict)
    for title, share in run.memorised_accuracy().items():
        # Methods are tested on permuted labels only so far as a decoder has memorised them.
        print_lines(console, [f"{title}: {share:.2f} of its permuted labels memorised"])
    _print_tracking(console, run, arguments)
    for outcome in run.failed:
        reason = outcome.error.strip().splitlines()[-1]
        print_sentence(console, f"failed: {outcome.cell.title}: {reason}", style="red")


def _print_tracking(console: Console, run: Sweep, arguments: Arguments) -> None:
    if run.unpublished:
        later = shlex.join(["eegxai", "sync", *(arguments or [])])
        print_sentence(
            console,
            f"MLflow could not be written ({run.unpublished}); the scores are in {run.store.url}; "
            f"log them later with: {later}",
            style="yellow",
        )
        return
    command, page = ui_command(run.config.output), runs_page(run.connected().experiment_id)
    print_sentence(console, f"compare the runs: {f'{command}, then open ' * bool(command)}{page}")
