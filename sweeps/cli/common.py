"""What the commands share: the configuration argument, errors in one sentence, the terminal."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import torch
import typer
from rich.console import Console

from eegxai.atomic import require_writable
from eegxai.decoders import initialised
from eegxai.errors import sentence
from eegxai.registry import unknown_name
from eegxai.simulation.memory import require_memory
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import configuration_path, load
from sweeps.report.json_document import to_json
from sweeps.report.terminal import print_lines, print_sentence
from sweeps.scores.selection import chance_note, check_expression

SOURCE = "Where scores are read from: store, or mlflow if you have only the tracking URI."
DEFAULT = "quickstart"
USER_ERROR = 2
PIPE_WIDTH = 100  # columns where there is no terminal: files, CI


def _checked_where(expression: str) -> str:
    """The expression of ``--where``; a mistake ends the program before anything is read."""
    if expression:
        with errors_in_one_sentence():
            check_expression(expression)
    return expression


Where = Annotated[
    str,
    typer.Option(
        help="Use only the runs for which this is true, for example "
        "\"snr_db >= -12 and architecture == 'eegnet'\".",
        callback=_checked_where,
    ),
]
KeepAtChance = Annotated[
    bool,
    typer.Option(
        "--keep-at-chance",
        help="Include decoders that decode no better than chance in means, intervals, tests and "
        "rankings; by default they are left out and counted.",
    ),
]
MetricOption = Annotated[
    str,
    typer.Option(
        help="Name of a metric, also a common one (RMA, RRA, AUC, cosine, ...), or calibrated or "
        "study for the headline metric of each feature type."
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document and nothing else, for scripts."),
]
SourceOption = Annotated[str, typer.Option(help=SOURCE)]
TableFormats = Annotated[
    list[str] | None,
    typer.Option(help="Format of the files: csv, parquet, markdown, latex, excel (default: all)."),
]
TableFolder = Annotated[
    Path | None, typer.Option(help="Folder to write to (default: tables in the output folder).")
]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CONFIG] [FIELD=VALUE]...",
        help="YAML file, or the name of one in conf/ or installed with the package (default: "
        "quickstart), then overrides such as grid.snr_db=[-3.5,-12] training.epochs=20",
        show_default=False,
    ),
]


def configuration(arguments: list[str] | None) -> SweepConfig:
    """Configuration of the command line; a user mistake ends the program with code 2."""
    with errors_in_one_sentence():
        return load(configuration_file(arguments), overrides_of(arguments))


def configuration_file(arguments: list[str] | None) -> Path:
    """File of the configuration that the command line names."""
    names = [argument for argument in arguments or [] if "=" not in argument]
    if len(names) > 1:
        raise usage_error(f"one configuration at a time, not {len(names)}: {', '.join(names)}")
    with errors_in_one_sentence():
        return configuration_path(names[0] if names else DEFAULT)


def overrides_of(arguments: list[str] | None) -> list[str]:
    """Overrides on the command line."""
    return [argument for argument in arguments or [] if "=" in argument]


def usage_error(message: str) -> typer.Exit:
    """Print a mistake of the user; raise what this returns to end with exit code 2."""
    print_error(message)
    return typer.Exit(USER_ERROR)


def check_names(option: str, names: list[str], allowed: Sequence[str]) -> list[str]:
    """The values of an option, repeated or with commas between; what is not allowed is refused."""
    listed = [word.strip() for name in names for word in name.split(",")]
    for name in listed:
        if name not in allowed:
            raise usage_error(unknown_name(option, name, allowed))
    return listed


def check_machine(config: SweepConfig) -> None:
    """Refuse a configuration that asks for what this machine does not have."""
    check_here(config)
    cpus = os.cpu_count() or 1
    for stage, resources in config.resources:
        if resources.custom:
            raise usage_error(
                f"resources.{stage}.custom={resources.custom} needs a cluster that declares it; "
                "join one with --address"
            )
        if resources.cpu > cpus:
            raise usage_error(
                f"resources.{stage}.cpu={resources.cpu:g} is more than this machine's {cpus} CPUs; "
                "lower it"
            )


def check_here(config: SweepConfig) -> None:
    """Refuse what cannot be done in this process; networks are built once their data would fit."""
    check_output(config)
    check_gpu(config)
    check_memory(config)
    check_decoders(config)


def check_work(config: SweepConfig) -> None:
    """Refuse what cannot be done anywhere."""
    check_output(config)
    check_decoders(config)


def check_memory(config: SweepConfig) -> None:
    """Refuse data sets that do not fit into this machine's memory, one at a time."""
    if told := too_large(config):
        raise usage_error(told)


def too_large(config: SweepConfig) -> str:
    """Which data set does not fit into this machine's memory, in one sentence; empty if all do."""
    for feature in config.features:
        try:
            require_memory(config.first_data_of(feature))
        except ValueError as error:
            return f"data for {feature}: {sentence(error)}"
    return ""


def check_decoders(config: SweepConfig) -> None:
    """Refuse architectures that cannot be built for the trials of a feature type."""
    for feature, architecture in product(config.features, config.grid.architecture):
        data = config.first_data_of(feature)
        try:
            shape = data.n_channels, data.epoch.n_times, len(data.feature_type.classes)
            with warnings.catch_warnings(action="ignore"):  # they come again with the work
                initialised(architecture, *shape, data.sfreq, data.seed)
        except ValueError as error:
            raise usage_error(f"data for {feature}: {error}") from None


def check_output(config: SweepConfig) -> None:
    """Refuse folders for results that cannot be written; a bucket is not asked."""
    for name, folder in (("output", config.output), ("store", config.store)):
        if folder and "://" not in folder:
            try:
                require_writable(Path(folder) / config.name)
            except ValueError as error:
                raise usage_error(f"{name}={folder!r}: {error}") from None


def check_gpu(config: SweepConfig) -> None:
    """Refuse a configuration that asks for a GPU where there is none."""
    for stage, resources in config.resources:
        if resources.gpu and not torch.cuda.is_available():
            raise usage_error(
                f"resources.{stage}.gpu={resources.gpu:g} requires a GPU and this machine has "
                "none; set it to 0"
            )


@contextmanager
def errors_in_one_sentence() -> Iterator[None]:
    """End the program with code 2 and one sentence when the block finds a value wrong."""
    try:
        yield
    except ValueError as error:
        raise usage_error(sentence(error)) from None


def terminal(quiet: bool = False) -> Console:
    """Console of the terminal, or of fixed width where there is none (files, CI).

    Numbers are not coloured. What may hold a bracket is printed with ``markup=False``. A quiet
    one prints nothing: with ``--json``, standard output is the document's alone.
    """
    console = Console(highlight=False, quiet=quiet)
    told = os.environ.get("COLUMNS", "").isdigit()  # rich reads it too
    if console.is_terminal or told:
        return console
    return Console(highlight=False, width=PIPE_WIDTH, quiet=quiet)


def print_json(document: Mapping[str, Any]) -> None:
    """Print what a command found as JSON."""
    typer.echo(to_json(document))


def print_error(message: str) -> None:
    """Print a line to standard error, as this program's."""
    console = Console(stderr=True, highlight=False)
    print_sentence(console, f"eegxai: {message}")


def print_chance_note(console: Console, tidy: pd.DataFrame) -> None:
    """Say how many decoders decode no better than chance, and whether they count."""
    if note := chance_note(tidy):
        print_lines(console, [note])


def print_written(console: Console, paths: Iterable[Path]) -> None:
    """Print a line for each file that was written, unbroken for copying."""
    for path in paths:
        print_sentence(console, f"wrote {path}")
