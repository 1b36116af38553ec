"""``eegxai report``: what a sweep found as one page."""

from pathlib import Path
from typing import Annotated

import typer

from eegxai.atomic import require_writable
from sweeps.cli.common import (
    SOURCE,
    Arguments,
    KeepAtChance,
    configuration,
    errors_in_one_sentence,
    terminal,
    usage_error,
)
from sweeps.report.html import write_report
from sweeps.report.terminal import print_sentence

MEGABYTE = 1e6


def report(
    arguments: Arguments = None,
    out: Annotated[
        Path | None,
        typer.Option(help="HTML file (default: reports/NAME.html in the output folder)."),
    ] = None,
    keep_at_chance: KeepAtChance = False,
    source: Annotated[str, typer.Option(help=f"{SOURCE} MLflow has no maps.")] = "store",
) -> None:
    """Write one HTML page: the verdicts first, then figures, tables, origin and limitations.

    The page needs no internet connection. For example: eegxai report quickstart --out report.html
    """
    config = configuration(arguments)
    path = out or Path(config.output) / "reports" / f"{config.name}.html"
    if path.is_dir():
        raise usage_error(f"--out {path} is a folder; it must be a file such as report.html")
    with errors_in_one_sentence():
        require_writable(path)
        write_report(config, path, source, keep_at_chance)
    size = path.stat().st_size / MEGABYTE
    print_sentence(terminal(), f"wrote {path} ({size:.1f} MB)")
