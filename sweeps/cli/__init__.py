"""The ``eegxai`` command: a command is a function of one of these modules and a name below."""

import typer

from sweeps.cli.attribution import methods, validity
from sweeps.cli.cluster import submit
from sweeps.cli.comparison import compare
from sweeps.cli.experiment import grid, sweep, sync
from sweeps.cli.figures import figures
from sweeps.cli.inference import statistics
from sweeps.cli.report import report
from sweeps.cli.simulation import simulate
from sweeps.cli.status import status
from sweeps.cli.tables import tables
from sweeps.cli.training import train

__all__ = ["app", "main"]

# In the order of --help.
COMMANDS = (
    sweep,
    submit,
    status,
    grid,
    tables,
    compare,
    statistics,
    figures,
    report,
    sync,
    train,
    simulate,
    methods,
    validity,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which explanations of EEG decoders tell the truth? Sweeps over simulated EEG whose "
    "answer is known. Start with: eegxai sweep",
)
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point of the ``eegxai`` command."""
    app()
