"""``eegxai figures``: the pictures of a sweep as files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from eegxai.figures import FIGURE_FORMATS, save
from eegxai.registry import unknown_name
from eegxai.simulation.files import staging
from sweeps.cli.common import Arguments, configuration, terminal, usage_error
from sweeps.report.figures import (
    LeftOut,
    NothingDoneError,
    Picture,
    draw_figures,
    load_scores_and_maps,
)
from sweeps.store.artefacts import store_of

DEFAULT_FORMATS = ("png", "pdf")


def figures(
    arguments: Arguments = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to (default: figures/NAME in the output).")
    ] = None,
    formats: Annotated[
        list[str], typer.Option("--format", help="png, pdf or svg; may be given several times.")
    ] = list(DEFAULT_FORMATS),  # noqa: B006 (typer reads it once)
) -> None:
    """Draw all that the scores and maps in the store allow, for print and for the screen.

    For example: eegxai figures quickstart --out figures
    """
    _check_formats(formats)
    config = configuration(arguments)
    folder = out or Path(config.output) / "figures" / config.name
    if folder.is_file():
        raise usage_error(f"--out {folder} is a file, allowed is a folder")
    try:
        shown = load_scores_and_maps(config, store_of(config))
    except NothingDoneError as error:
        raise usage_error(str(error)) from None
    console, left_out = terminal(), []
    for picture in draw_figures(*shown):
        if isinstance(picture, Picture):
            for path in _written(picture, folder, formats):
                console.print(f"wrote {path}", highlight=False, markup=False, soft_wrap=True)
        else:
            left_out.append(picture)
    if left_out:
        console.print(_told(left_out), highlight=False, markup=False, soft_wrap=True)


def _check_formats(formats: Iterable[str]) -> None:
    for form in formats:
        if form not in FIGURE_FORMATS:
            raise usage_error(unknown_name("--format", form, FIGURE_FORMATS))


def _written(picture: Picture, folder: Path, formats: Iterable[str]) -> list[Path]:
    """Write a picture in each format; whole files or none."""
    names = [f"{picture.name}.{form}" for form in formats]
    with staging(folder) as temporary:
        for name, form in zip(names, formats, strict=True):
            save(picture.figure, temporary / name, form)
    return [folder / name for name in names]


def _told(left_out: Iterable[LeftOut]) -> str:
    """One line: which pictures are left out, and why."""
    return "left out: " + "; ".join(f"{picture.name} ({picture.reason})" for picture in left_out)
