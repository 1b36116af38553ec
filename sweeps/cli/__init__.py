"""The ``eegxai`` command: a command is a function of one of these modules and an entry below."""

import sys
import warnings
from typing import Annotated, Any

import typer
from rich.console import Console

from eegxai import __version__
from eegxai.renamed import RenamedWarning
from sweeps.cli.lazy import HELP_NAMES, LazyCommand, lazy_group
from sweeps.cli.plain_signs import replace_what_is_lacking

__all__ = ["app", "main"]

# In the order of --help.
COMMANDS = {
    "sweep": LazyCommand(
        "sweeps.cli.sweep:sweep",
        "Run a sweep: simulate, train, explain, score and log, then print the table of verdicts.",
    ),
    "submit": LazyCommand(
        "sweeps.cli.submit:submit",
        "Submit a sweep as a job to a Ray cluster, with this working tree and its constraints.",
    ),
    "status": LazyCommand(
        "sweeps.cli.status:status",
        "Show what is done, running or failed (and why) and the time left, from the store alone.",
    ),
    "grid": LazyCommand(
        "sweeps.cli.grid:grid",
        "Count the cells of a sweep and those that are done; --cells lists the decoders.",
    ),
    "tables": LazyCommand(
        "sweeps.cli.tables:tables",
        "Print the tables of a sweep and write them as CSV, Parquet, Markdown, LaTeX and Excel.",
    ),
    "compare": LazyCommand(
        "sweeps.cli.compare:compare",
        "Compare two methods of a sweep, or two sweeps, on the decoders that they share.",
    ),
    "statistics": LazyCommand(
        "sweeps.cli.statistics:statistics",
        "Test which methods differ over the trained decoders, and the effects of SNR and "
        "architecture.",
    ),
    "claims": LazyCommand(
        "sweeps.cli.claims:claims",
        "Decide whether each claim of the study holds on a sweep, or state what is missing to "
        "decide.",
    ),
    "figures": LazyCommand(
        "sweeps.cli.figures:figures",
        "Draw all figures that a sweep's scores and maps allow, for print and screen.",
    ),
    "report": LazyCommand(
        "sweeps.cli.report:report",
        "Write one HTML page: the verdicts first, then figures, tables, origin and limitations.",
    ),
    "sync": LazyCommand(
        "sweeps.cli.sweep:sync",
        "Bring MLflow up to date with the store, for example after its server was unreachable.",
    ),
    "train": LazyCommand(
        "sweeps.cli.train:train",
        "Train one decoder exactly as a sweep would, and keep it in the same store.",
    ),
    "simulate": LazyCommand(
        "sweeps.cli.simulate:simulate",
        "Simulate EEG with known ground truth, and write it to a file, draw it, or both.",
    ),
    "implant": LazyCommand(
        "sweeps.cli.implant:implant",
        "Plant class signals with known ground truth in your own recordings, and write or draw "
        "them.",
    ),
    "explain": LazyCommand(
        "sweeps.cli.explain:explain",
        "Explain your own decoder on your own recordings, and check which methods can be trusted.",
    ),
    "methods": LazyCommand(
        "sweeps.cli.methods:methods",
        "List the attribution methods with their groups, options and defaults, and what they "
        "compute.",
    ),
    "validity": LazyCommand(
        "sweeps.cli.validity:validity",
        "Print which methods are applicable to which architectures, tested on trained decoders.",
    ),
}

app = typer.Typer(
    cls=lazy_group(COMMANDS),
    no_args_is_help=True,
    context_settings=HELP_NAMES,
    pretty_exceptions_enable=False,
    help="Which explanations of EEG decoders can be trusted? Sweeps over simulated EEG with known "
    "ground truth. Start with: eegxai sweep",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"eegxai {__version__}")
        raise typer.Exit


@app.callback()
def _options_before_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Entry point of the ``eegxai`` command."""
    replace_what_is_lacking(sys.stdout, sys.stderr)
    _show_renamed_names()
    app(prog_name="eegxai")


def _show_renamed_names() -> None:
    """Print the use of an old name in one plain line: Python hides such warnings by default."""
    warnings.simplefilter("default", RenamedWarning)
    show = warnings.showwarning

    def show_plainly(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, RenamedWarning):
            return show(message, category, *place, **more)
        console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
        return console.print(f"eegxai: {message}")

    warnings.showwarning = show_plainly
