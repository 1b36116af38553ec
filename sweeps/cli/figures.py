"""``eegxai figures``: the pictures of a sweep as files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from eegxai.atomic import require_writable
from eegxai.figures import FIGURE_FORMATS
from eegxai.registry import unknown_name
from sweeps.cli.common import (
    SOURCE,
    Arguments,
    KeepAtChance,
    configuration,
    errors_in_one_sentence,
    print_written,
    terminal,
    usage_error,
)
from sweeps.report.figures import DroppedPicture, write_figures
from sweeps.report.terminal import print_sentence

DEFAULT_FORMATS = ("png", "pdf")


def figures(
    arguments: Arguments = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write to (default: figures/NAME in the output folder)."),
    ] = None,
    formats: Annotated[
        list[str], typer.Option("--format", help="png, pdf or svg; may be repeated.")
    ] = list(DEFAULT_FORMATS),  # noqa: B006 (typer reads it once)
    keep_at_chance: KeepAtChance = False,
    source: Annotated[str, typer.Option(help=f"{SOURCE} MLflow has no maps.")] = "store",
) -> None:
    """Draw all figures that a sweep's scores and maps allow, for print and screen.

    For example: eegxai figures quickstart --out figures
    """
    _check_formats(formats)
    config = configuration(arguments)
    folder = out or Path(config.output) / "figures" / config.name
    if folder.is_file():
        raise usage_error(f"--out {folder} is a file; it must be a folder")
    console, dropped = terminal(), []
    with errors_in_one_sentence():
        require_writable(folder / config.name)
        for one in write_figures(config, source, folder, formats, keep_at_chance):
            if isinstance(one, DroppedPicture):
                dropped.append(f"{one.name} ({one.reason})")
            else:
                print_written(console, [one])
    if dropped:
        line = f"dropped: {'; '.join(dropped)}"
        print_sentence(console, line)


def _check_formats(formats: Iterable[str]) -> None:
    for form in formats:
        if form not in FIGURE_FORMATS:
            raise usage_error(unknown_name("--format", form, FIGURE_FORMATS))
