"""``eegxai compare``: what changed between two sweeps, or between two metrics of one."""

from pathlib import Path
from typing import Annotated

import typer

from eegxai.registry import lookup
from sweeps.analysis.compare import TABLE_READERS, Quantity
from sweeps.cli.common import (
    Source,
    configuration_file,
    errors_in_one_sentence,
    print_written,
    terminal,
)
from sweeps.report.comparison import (
    DIFFERENCE_FORMATS,
    ComparedRun,
    compare_runs,
    write_differences,
)
from sweeps.report.inference_tables import differences_table
from sweeps.report.terminal import print_sentence, terminal_parts

RUN = "Configuration (YAML file or name in conf/), or a table of tidy scores (.parquet, .csv)."


def compare(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A", help=RUN)],
    run_b: Annotated[
        str | None,
        typer.Argument(metavar="RUN_B", help="As RUN_A; by default RUN_A with its overrides."),
    ] = None,
    a: Annotated[
        list[str] | None,
        typer.Option("--a", metavar="FIELD=VALUE", help="Override in RUN_A; may be repeated."),
    ] = None,
    b: Annotated[
        list[str] | None,
        typer.Option("--b", metavar="FIELD=VALUE", help="Override in RUN_B; may be repeated."),
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            help="Metric, or the headline metric of each feature type: calibrated or study."
        ),
    ] = "calibrated",
    metric_b: Annotated[
        str | None,
        typer.Option(
            help="Metric of RUN_B if it is another one. Both metrics are then rescaled, so that "
            "chance is 0 and the best value is 1."
        ),
    ] = None,
    check: Annotated[
        str, typer.Option(help="Check that is compared: ground_truth, target_swap, cascade, ...")
    ] = "ground_truth",
    interval: Annotated[
        str, typer.Option(help="Interval of the mean difference: student or bootstrap.")
    ] = "student",
    source: Source = "store",
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv (all columns) or .md.")
    ] = None,
) -> None:
    """Compare two sweeps: paired differences of each method over the decoders that both have.

    For example: eegxai compare quickstart mine.yaml --metric auprc_magnitude

    eegxai compare quickstart --b training.epochs=20

    eegxai compare quickstart --metric study --metric-b calibrated
    """
    of_a, of_b = tuple(a or []), tuple(b or [])
    name_b, overrides_b = (run_b, of_b) if run_b else (run_a, (*of_a, *of_b))
    console = terminal()
    with errors_in_one_sentence():
        _check_out(out)
        runs = (
            _run(run_a, of_a, metric, check),
            _run(name_b, overrides_b, metric_b or metric, check),
        )
        comparison = compare_runs(*runs, interval, source)
    for part in terminal_parts(differences_table(comparison.differences)):
        console.print(part)
    for line in comparison.notes:
        print_sentence(console, line)
    if out:
        with errors_in_one_sentence():
            path = write_differences(comparison.differences, out)
        print_written(console, [path])


def _run(name: str, overrides: tuple[str, ...], metric: str, check: str) -> ComparedRun:
    if "=" in name:
        raise ValueError(f"{name!r} is not a run: give overrides as --a or --b")
    path = Path(name) if Path(name).suffix in TABLE_READERS else configuration_file([name])
    return ComparedRun(name, path, overrides, Quantity(metric, check))


def _check_out(out: Path | None) -> None:
    """Refuse before any work a file that cannot be written."""
    if out:
        lookup(DIFFERENCE_FORMATS, out.suffix, f"--out {out}: the ending")
