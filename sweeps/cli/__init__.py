"""The ``eegxai`` command: a command is a function of one of these modules and a name below."""

import typer

from sweeps.cli.compare import compare
from sweeps.cli.figures import figures
from sweeps.cli.methods import methods, validity
from sweeps.cli.report import report
from sweeps.cli.simulate import simulate
from sweeps.cli.statistics import statistics
from sweeps.cli.status import status
from sweeps.cli.submit import submit
from sweeps.cli.sweep import grid, sweep, sync
from sweeps.cli.tables import tables
from sweeps.cli.train import train

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
