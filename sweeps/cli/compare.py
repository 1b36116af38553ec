"""``eegxai compare``: what changed between two sweeps, or between two metrics of one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from eegxai.registry import lookup
from eegxai.statistics import ALPHA, INTERVALS
from sweeps.analysis import compare as comparison
from sweeps.analysis.compare import TABLE_READERS, TABLE_WRITERS, Quantity, read_tidy
from sweeps.cli.common import configuration_file, terminal, told_in_a_sentence
from sweeps.design.cells import method_cells
from sweeps.design.config import SweepConfig
from sweeps.design.config_file import load
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of

RUN = "Configuration (YAML file or name in conf/), or a tidy table (.parquet, .csv)."


def compare(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A", help=RUN)],
    run_b: Annotated[
        str | None,
        typer.Argument(metavar="RUN_B", help="As RUN_A; by default RUN_A with its overrides."),
    ] = None,
    a: Annotated[
        list[str] | None,
        typer.Option("--a", metavar="FIELD=VALUE", help="Override in RUN_A, may be repeated."),
    ] = None,
    b: Annotated[
        list[str] | None,
        typer.Option("--b", metavar="FIELD=VALUE", help="Override in RUN_B, may be repeated."),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Metric, or each feature type's headline: calibrated, study.")
    ] = "calibrated",
    metric_b: Annotated[
        str | None,
        typer.Option(help="Another metric for RUN_B; both are then read from chance (0) to 1."),
    ] = None,
    check: Annotated[
        str, typer.Option(help="Where the metric is read: ground_truth, target_swap, cascade, ...")
    ] = "ground_truth",
    interval: Annotated[str, typer.Option(help="student or bootstrap.")] = "student",
    out: Annotated[Path | None, typer.Option(help="Table to write, .csv or .md.")] = None,
) -> None:
    """Compare two sweeps: paired differences of each method over the decoders that both have.

    For example: eegxai compare quickstart mine.yaml --metric auprc_magnitude

    eegxai compare quickstart --b training.epochs=20

    eegxai compare quickstart --metric study --metric-b calibrated
    """
    of_a, of_b = tuple(a or []), tuple(b or [])
    run, overrides = (run_b, of_b) if run_b else (run_a, (*of_a, *of_b))
    sides = (
        Side(run_a, of_a, metric, check),
        Side(run, overrides, metric_b or metric, check),
    )
    with told_in_a_sentence():
        _check(sides, interval, out)
        one, other = comparison.readable(*[(_tidy(side), side.quantity) for side in sides])
        table = comparison.differences(one, other, interval)
    console = terminal()
    console.print(_shown(table))
    for name, side in zip("ab", sides, strict=True):
        console.print(f"{name}: {side.title}", highlight=False, markup=False, soft_wrap=True)
    for line in (*comparison.comparison_notes(table, interval), *comparison.unpaired(one, other)):
        console.print(line, highlight=False, markup=False)
    if out:
        with told_in_a_sentence():
            comparison.write_differences(table, out)
        console.print(f"wrote {out}", highlight=False, markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Side:
    """One of the two things compared, as the command line gives it."""

    run: str
    overrides: tuple[str, ...]
    metric: str
    check: str

    @property
    def quantity(self) -> Quantity:
        """What is read of it."""
        return Quantity(self.metric, self.check)

    @property
    def command(self) -> str:
        """Its configuration, as ``eegxai sweep`` takes it."""
        return " ".join([self.run, *self.overrides])

    @property
    def title(self) -> str:
        """What stands under the table."""
        return f"{self.command}: {self.metric}, {self.check}"

    @property
    def is_table(self) -> bool:
        """Whether it is a file of tidy scores."""
        return Path(self.run).suffix in TABLE_READERS


def _check(sides: tuple[Side, Side], interval: str, out: Path | None) -> None:
    """Refuse before any work what cannot be compared or written."""
    if sides[0] == sides[1]:
        raise ValueError(f"{sides[0].run} is compared with itself: give RUN_B, --b or --metric-b")
    for side in sides:
        if "=" in side.run:
            raise ValueError(f"{side.run!r} is no run: give overrides as --a or --b")
        if side.is_table and side.overrides:
            raise ValueError(f"{side.run} is a table: {side.overrides[0]} is for a configuration")
        if not side.is_table:
            _config(side)
    lookup(INTERVALS, interval, "--interval")
    if out:
        lookup(TABLE_WRITERS, out.suffix, f"--out {out}: the ending")


def _config(side: Side) -> SweepConfig:
    return load(configuration_file([side.run]), side.overrides)


def _tidy(side: Side) -> pd.DataFrame:
    """Tidy scores of a file, or of a configuration's store."""
    if side.is_table:
        return read_tidy(Path(side.run))
    config = _config(side)
    tidy = tidy_from_store(method_cells(config), store_of(config))
    if tidy.empty:
        raise ValueError(f"no cell of it is scored yet; run: eegxai sweep {side.command}")
    return tidy


def _shown(table: pd.DataFrame) -> Table:
    """The differences, narrow enough for a terminal of 80 columns; bold where they are certain."""
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("feature", "method"):
        shown.add_column(name, no_wrap=True)
    for name in ("a", "b", "b - a", "95 % interval", "p Holm", "pairs"):
        shown.add_column(name, justify="right", no_wrap=True)
    starts = ~table["feature"].duplicated()
    for row, starts_feature in zip(table.to_dict("records"), starts, strict=True):
        style = "bold" if row["p_holm"] < ALPHA else ""
        shown.add_row(row["feature"] if starts_feature else "", *_cells(row), style=style)
    return shown


def _cells(row: dict[Any, Any]) -> list[str]:
    low, high = (_number(row[name], "+.3f") for name in ("low", "high"))
    numbers = [_number(row[name], ".3f") for name in ("mean_a", "mean_b")]
    difference, p = _number(row["difference"], "+.3f"), _number(row["p_holm"], ".3f")
    return [row["method"], *numbers, difference, f"{low} .. {high}", p, str(row["n_pairs"])]


def _number(value: float, form: str) -> str:
    return format(value, form) if value == value else "NaN"
