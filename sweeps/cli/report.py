"""``eegxai report``: what a sweep found as one page."""

from pathlib import Path
from typing import Annotated

import typer

from sweeps.cli.common import Arguments, configuration, terminal, usage_error
from sweeps.report import html as module
from sweeps.report.figures import NothingDoneError
from sweeps.store.artefacts import store_of

MEGABYTE = 1e6


def report(
    arguments: Arguments = None,
    out: Annotated[
        Path | None, typer.Option(help="HTML file (default: reports/NAME.html in the output).")
    ] = None,
) -> None:
    """Write one HTML file: the verdicts first, then figures, tables, origin and limits.

    It needs no network and no MLflow. For example: eegxai report quickstart --out report.html
    """
    config = configuration(arguments)
    path = out or Path(config.output) / "reports" / f"{config.name}.html"
    if path.is_dir():
        raise usage_error(f"--out {path} is a folder, allowed is a file such as report.html")
    try:
        module.write_report(config, store_of(config), path)
    except NothingDoneError as error:
        raise usage_error(str(error)) from None
    size = path.stat().st_size / MEGABYTE
    terminal().print(f"wrote {path} ({size:.1f} MB)", highlight=False, markup=False, soft_wrap=True)
