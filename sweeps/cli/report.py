"""``eegxai report``: what a sweep found as one page."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.common import Arguments, configuration, terminal, told_in_a_sentence

MEGABYTE = 1e6


def report(
    arguments: Arguments = None,
    out: Annotated[
        Path | None, typer.Option(help="HTML file (default: report.html in the output).")
    ] = None,
) -> None:
    """Write one HTML file: the verdicts first, then figures, tables, origin and limits.

    It needs no network and no MLflow. For example: eegxai report quickstart --out report.html
    """
    config = configuration(arguments)
    from sweeps import report as module
    from sweeps.store import store_of

    path = out or Path(config.output) / "reports" / f"{config.name}.html"
    with told_in_a_sentence():
        module.write(config, store_of(config), path)
    size = path.stat().st_size / MEGABYTE
    terminal().print(f"wrote {path} ({size:.1f} MB)", highlight=False, markup=False, soft_wrap=True)
