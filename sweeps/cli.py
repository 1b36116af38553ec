"""The ``eegxai`` command."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

# What needs torch, Ray or MLflow is imported where it is used: --help answers at once.
if TYPE_CHECKING:
    import pandas as pd

    from sweeps.config import SweepConfig
    from sweeps.run import Sweep

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which explanations of EEG decoders tell the truth? Sweeps over simulated EEG whose "
    "answer is known. Start with: eegxai sweep",
)

DEFAULT = "quickstart"
USER_ERROR = 2
CELLS_FAILED = 3
AXES_TO_SPLIT = ("snr_db", "architecture", "seed", "fold")

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CONFIG] [FIELD=VALUE]...",
        help="YAML file, or the name of one in conf/ (default: quickstart), then overrides such "
        "as grid.snr_db=[-3.5,-12] training.epochs=20",
        show_default=False,
    ),
]


@app.command()
def sweep(
    arguments: Arguments = None,
    local: Annotated[
        bool, typer.Option("--local", help="Without Ray, one cell after another, same numbers.")
    ] = False,
) -> None:
    """Run a sweep: simulate, train, explain, score, log; then print the table.

    Cells that are done are not done again: the same command resumes an interrupted sweep.
    """
    from sweeps.run import Sweep

    config = _config(arguments)
    _check_gpu(config)
    console = _console()
    run = Sweep(config, console)
    run.run(local)
    _print_headline(console, run.table(), config.name)
    _print_tracking(console, run)
    for outcome in run.failed:
        reason = outcome.error.strip().splitlines()[-1]
        console.print(f"failed: {outcome.cell.title}: {reason}", style="red", markup=False)
    if run.failed:
        raise typer.Exit(CELLS_FAILED)


@app.command()
def grid(arguments: Arguments = None) -> None:
    """List the cells of a sweep, their number and how many are done."""
    from collections import Counter

    from sweeps.grid import decoder_cells, method_cells
    from sweeps.store import Store

    config = _config(arguments)
    console = _console()
    store = Store(str(Path(config.output).resolve() / "store"))
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


@app.command()
def tables(
    arguments: Arguments = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Further axis to keep apart: snr_db, architecture, seed, fold."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
) -> None:
    """Print and write the aggregate robustness table from MLflow (CSV, Markdown, LaTeX)."""
    from sweeps import tables as module
    from sweeps.run import Sweep

    groups = ("feature", *_checked_axes(by or []))
    config = _config(arguments)
    console = _console()
    run = Sweep(config, console)
    run.connect()
    table = run.table(groups)
    if table.empty:
        raise _usage(f"no run of the sweep {config.name!r} is finished yet; run: eegxai sweep")
    _print_headline(console, table, config.name, groups)
    for path in module.write(table, out or run.output / "tables", config.name):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


@app.command()
def sync(arguments: Arguments = None) -> None:
    """Bring MLflow to the store's state, for example after its server was away."""
    from sweeps.run import Sweep

    config = _config(arguments)
    console = _console()
    run = Sweep(config, console)
    count = run.sync()
    console.print(f"{count} finished cells are in MLflow")
    _print_tracking(console, run)
    if run.unpublished:
        raise typer.Exit(CELLS_FAILED)


def main() -> None:
    """Entry point of the ``eegxai`` command."""
    app()


def _config(arguments: list[str] | None) -> "SweepConfig":
    """Configuration of the command line; a user mistake ends the program with code 2."""
    from sweeps.config import ConfigError, load

    overrides = [argument for argument in arguments or [] if "=" in argument]
    names = [argument for argument in arguments or [] if "=" not in argument]
    if len(names) > 1:
        raise _usage(f"one configuration at a time, not {len(names)}: {', '.join(names)}")
    try:
        return load(_find(names[0] if names else DEFAULT), overrides)
    except ConfigError as error:
        raise _usage(str(error)) from None


def _find(name: str) -> Path:
    """A path as it is, or the name of a file in conf/ of here or of the source tree."""
    if Path(name).suffix:
        return Path(name)
    folders = (Path("conf"), Path(__file__).parent.parent / "conf")
    found = (folder / f"{name}.yaml" for folder in folders)
    return next((path for path in found if path.exists()), Path(name))


def _usage(message: str) -> typer.Exit:
    Console(stderr=True).print(f"eegxai: {message}", highlight=False, markup=False, soft_wrap=True)
    return typer.Exit(USER_ERROR)


def _console() -> Console:
    """Console of the terminal, or of fixed width where there is none (files, CI)."""
    console = Console()
    return console if console.is_terminal else Console(width=100)


def _check_gpu(config: "SweepConfig") -> None:
    import torch

    for stage, resources in config.resources:
        if resources.gpu and not torch.cuda.is_available():
            raise _usage(
                f"resources.{stage}.gpu={resources.gpu:g} asks for a GPU and this machine has "
                "none; set it to 0"
            )


def _checked_axes(by: list[str]) -> list[str]:
    from eegxai.registry import unknown_name

    for axis in by:
        if axis not in AXES_TO_SPLIT:
            raise _usage(unknown_name("--by", axis, AXES_TO_SPLIT))
    return by


def _print_headline(
    console: Console, table: "pd.DataFrame", title: str, by: Sequence[str] = ("feature",)
) -> None:
    from sweeps import tables

    for shown in tables.terminal_tables(table, title, by):
        console.print()
        console.print(shown)
    console.print(tables.accuracies(table), highlight=False)
    console.print(tables.LEGEND, style="dim", highlight=False)


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
