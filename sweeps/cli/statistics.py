"""``eegxai statistics``: whether methods differ over the decoders of a sweep, and how surely."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from eegxai.statistics import ALPHA, fewest_decoders
from sweeps.analysis.compare import Quantity, write_differences
from sweeps.analysis.significance import FeatureTests, compare_methods, files
from sweeps.cli.common import (
    WHERE,
    Arguments,
    asked_for,
    configuration,
    terminal,
    told_in_a_sentence,
)
from sweeps.design.cells import method_cells
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of

TESTS_LEGEND = "\n".join(
    [
        "all alike: Friedman's test that no method is better than another",
        "rank: mean over decoders, 1 is best",
        "tied: methods that share a letter are not told apart",
        "to the best: difference of means, p of the signed-rank test (Holm, all pairs),",
        "and the decoders with which a difference of that size is found 4 times in 5",
        "differences by an axis: share of their variance, permutation test, F test",
    ]
)


def statistics(
    arguments: Arguments = None,
    metric: Annotated[
        str, typer.Option(help="Metric, or each feature type's headline: calibrated, study.")
    ] = "calibrated",
    check: Annotated[
        str, typer.Option(help="Where the metric is read: ground_truth, target_swap, cascade, ...")
    ] = "ground_truth",
    where: Annotated[str, typer.Option(help=WHERE)] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables, with all pairs, as CSV.")
    ] = None,
) -> None:
    """Test whether methods differ over trained decoders, which, and what SNR and architecture do.

    Friedman's test, signed-rank pairs, effects of the axes: docs/statistics.md tells how they are
    computed and when they mislead.
    """
    config, console = configuration(arguments), terminal()
    tidy = asked_for(tidy_from_store(method_cells(config), store_of(config)), where)
    with told_in_a_sentence():
        found = list(compare_methods(tidy, Quantity(metric, check)))
    tested = [one for one in found if not isinstance(one, str)]
    for one in found:
        _print(console, one)
    if tested:
        console.print(TESTS_LEGEND, style="dim", highlight=False)
    if not (out and tested):
        return
    for name, table in files(tested).items():
        path = out / f"{config.name}-{name}.csv"
        with told_in_a_sentence():
            write_differences(table, path)
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _print(console: Console, one: FeatureTests | str) -> None:
    if isinstance(one, str):
        console.print(one, highlight=False, markup=False)
        return
    compared = one.compared
    console.print(
        f"\n{one.feature}: {len(one.methods)} methods on {compared.n_decoders} decoders; "
        f"all alike: p = {compared.p:.2g}",
        highlight=False,
    )
    for caveat in _caveats(one):
        console.print(caveat, highlight=False, markup=False)
    console.print(_methods(one.methods))
    for row in one.axes.to_dict("records"):
        console.print(
            f"differences between methods: {100 * row['share']:.0f} % by {row['axis']}, "
            f"p = {row['p']:.2g} (permuted), {row['p_F']:.2g} (F)",
            highlight=False,
        )


def _caveats(one: "FeatureTests") -> list[str]:
    """What was left out, and whether a pair could have been told apart at all."""
    n_decoders, n_pairs = one.compared.n_decoders, max(len(one.compared.pairs), 1)
    fewest = fewest_decoders(ALPHA / n_pairs)
    methods, decoders = one.compared.methods_left_out, one.compared.decoders_left_out
    lines = []
    if methods:
        lines.append(f"left out, defined on too few decoders: {', '.join(methods)}")
    if decoders:
        lines.append(f"left out: {len(decoders)} decoders on which a method is undefined")
    if n_decoders < fewest:
        lines.append(f"{n_pairs} pairs are tested: none can be told apart below {fewest} decoders")
    return lines


def _methods(methods: pd.DataFrame) -> Table:
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("method", no_wrap=True)
    for name in ("mean", "rank", "tied", "to the best", "p Holm", "decoders needed"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in methods.to_dict("records"):
        against = [
            _number(row[name], form)
            for name, form in (("difference", "+.3f"), ("p_holm", ".3f"), ("n_needed", ".0f"))
        ]
        shown.add_row(
            row["method"], f"{row['mean']:.3f}", f"{row['rank']:.1f}", row["tied"], *against
        )
    return shown


def _number(value: float, form: str) -> str:
    return format(value, form) if value == value else ""
