"""The tables of docs/braindecode.md, from what benchmarks/braindecode_models.py has measured.

python benchmarks/braindecode_table.py docs/braindecode.csv
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

SHOWN = (
    "DeepLift", "LRP", "Gradient", "InputXGradient", "IntegratedGradients", "CompleteFullGrad",
    "FullGrad", "GradCAM", "CentredGradCAM", "GuidedBackprop",
)  # fmt: skip
COMPLETE = (0.95, 1.05)  # as in eegxai.attribution.validity
WORDS = {"not_applicable": "-", "degenerate": "empty", "time_limit": "slow", "not_built": "none"}
COUNTED = ("ok", "duplicate", "not_applicable", "degenerate", "time_limit", "error", "not_built")


def cell(row: pd.Series) -> str:
    """Verdict in a word; the sum of the map over what it should be, where that is off."""
    if row.status == "duplicate":
        return "same"
    if row.status != "ok":
        return WORDS.get(row.status, row.status)
    ratios = row.completeness_float32, row.worst_float32
    off = [ratio for ratio in ratios if ratio < COMPLETE[0] or ratio > COMPLETE[1]]
    return f"{off[0]:.2g}" if off else "ok"


def by_model(table: pd.DataFrame) -> Iterator[str]:
    """A row a model, a column a method."""
    sizes = "channels x samples", "weights", "s", "MB"
    yield markdown(("model", *SHOWN, *sizes))
    yield markdown(["---"] * (1 + len(SHOWN) + len(sizes)))
    for model, rows in table.groupby("model", sort=False):
        found = rows.set_index("method")
        cells = [cell(found.loc[name]) if name in found.index else "" for name in SHOWN]
        yield markdown((model, *cells, *size(found)))


def size(found: pd.DataFrame) -> tuple[str, ...]:
    """Size of a model, and what DeepLift takes for a trial."""
    one = found.reindex(["DeepLift"]).iloc[0]
    if pd.isna(one.weights):
        return ("", "", "", "")
    needs = ("", "") if pd.isna(one.cpu_s_per_trial) else (f"{one.cpu_s_per_trial:.2f}",)
    memory = () if pd.isna(one.cpu_s_per_trial) else (f"{one.mb_per_trial:.0f}",)
    shape = f"{one.channels:.0f} x {one.times:.0f}"
    return (shape, f"{one.weights:,.0f}", *needs, *memory)


def by_method(table: pd.DataFrame) -> Iterator[str]:
    """A row a method: how many models have which verdict, and what a trial costs."""
    there = [status for status in COUNTED if (table.status == status).any()]
    yield markdown(("method", *there, "complete", "CPU s", "MB"))
    yield markdown(["---"] * (len(there) + 4))
    for method, rows in table.groupby("method", sort=False):
        counts = [(rows.status == status).sum() for status in there]
        costs = f"{rows.cpu_s_per_trial.median():.2f}", f"{rows.mb_per_trial.median():.0f}"
        yield markdown((method, *counts, complete(rows), *costs))


def complete(rows: pd.DataFrame) -> str:
    """Models on which all trials' sums are right, of those that have any."""
    sums = rows[rows.worst_float32.notna()]
    right = sums.worst_float32.between(*COMPLETE) & sums.completeness_float32.between(*COMPLETE)
    return f"{right.sum()} of {len(sums)}" if len(sums) else ""


def exact(table: pd.DataFrame) -> str:
    """How near DeepLift's sums come in either precision."""
    rows = table[(table.method == "DeepLift") & table.worst_float32.notna()]
    errors = {kind: (rows[f"worst_{kind}"] - 1).abs() for kind in ("float32", "float64")}
    counts = [
        f"{kind}: {(error.dropna() < limit).sum()} of {error.notna().sum()} within {limit:g}"
        for kind, error in errors.items()
        for limit in (1e-6, 1e-3, 0.05)
    ]
    return "; ".join(counts)


def markdown(values: object) -> str:
    return f"| {' | '.join(map(str, values))} |"  # type: ignore[call-overload]


def main(path: Path) -> None:
    table = pd.read_csv(path)
    print(*by_method(table), "", *by_model(table), "", exact(table), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
