"""Tables of what is known of explanations of one's own decoder."""

from collections.abc import Iterable, Sequence

import pandas as pd

from eegxai.explaining import DecoderExplanation
from eegxai.explaining.trust import (
    CLASS_CHECK,
    DO_NOT_USE,
    DOUBTFUL,
    MODEL_CHECK,
    NO_CHECK_FAILED,
    NO_CLAIM,
    NO_MAP,
)
from eegxai.rounding import digits
from sweeps.analysis.own_decoder import (
    last_step_intervals,
    null_levels,
    replaced_areas,
    whole_maps,
)
from sweeps.analysis.verdicts import MARKS
from sweeps.report.table import (
    MISSING,
    Row,
    Table,
    TableCell,
    ends_text,
    formatted,
    plain_value,
    spread,
    word,
)

# What a method must show, as columns of ``DecoderExplanation.trust``, and over a narrow column.
PROPERTY_HEADINGS = {
    "applicable": "applic.",
    "complete": "compl.",
    "class_specific": "class",
    "model_specific": "model",
}
# Mark and colour of a word of trust; other words say whose maps they are.
TRUST_MARKS = {
    NO_CHECK_FAILED: ("✓", "pass"),
    DOUBTFUL: ("?", "none"),
    DO_NOT_USE: ("✗", "fail"),
    NO_MAP: (MISSING, "none"),
}
SAME = ("=", "none")
# Columns of the table of similarities, by the check that each is read from.
CHECK_HEADINGS = {"another class": CLASS_CHECK, "random weights": MODEL_CHECK}


def confusion_table(confusion: pd.DataFrame) -> Table:
    """True classes by predicted ones."""
    rows = [
        [word(true), *(plain_value(int(count)) for count in counts)]
        for true, counts in zip(confusion.index, confusion.to_numpy(), strict=True)
    ]
    headings = [f"as {name}" for name in confusion.columns]
    return Table("Trials by class", ["true class", *headings], rows)


def trust_mark(trust: str) -> tuple[str, str]:
    """Mark and colour of a word of trust."""
    return TRUST_MARKS.get(trust, SAME)


def property_mark(state: str) -> str:
    """Mark of the state of a property."""
    return MISSING if state == NO_CLAIM else MARKS[state]


def trust_table(found: DecoderExplanation) -> Table:
    """Which method may be trusted, in words."""
    rows = [
        [
            word(row["method"]),
            _trust_cell(row["trust"]),
            *(TableCell(f"{property_mark(row[name])} {row[name]}") for name in PROPERTY_HEADINGS),
            formatted(row["agreement"], ".2f"),
        ]
        for row in found.trust.to_dict("records")
    ]
    named = [name.replace("_", "-") for name in PROPERTY_HEADINGS]
    return Table("Trust", ["method", "trust", *named, "agreement"], rows)


def _trust_cell(trust: str) -> TableCell:
    """Sorted from what may be used to what has no map, duplicates before those."""
    mark, kind = trust_mark(trust)
    order = [*TRUST_MARKS, trust].index(trust)
    return TableCell(f"{mark} {trust}", f"{order} {trust}", kind=kind)


def terminal_trust(found: DecoderExplanation) -> Table:
    """The same in marks, narrow enough for a terminal."""
    rows = [
        [
            word(row["method"]),
            TableCell(trust_mark(row["trust"])[0], kind="text"),
            *(TableCell(property_mark(row[name])) for name in PROPERTY_HEADINGS),
            formatted(row["agreement"], ".2f"),
        ]
        for row in found.trust.to_dict("records")
    ]
    return Table("", ["method", "all", *PROPERTY_HEADINGS.values(), "agreem."], rows)


def validity_table(found: DecoderExplanation) -> Table:
    """Whether each method is applicable, and the evidence."""
    numbers = {"completeness": ".3f", "completeness_worst": ".3f", "batch_dependence": ".1e"}
    rows = [
        [
            word(row["method"]),
            word(row["status"].replace("_", " ")),
            *(formatted(row[name], form) for name, form in numbers.items()),
            word(without_name(row["flags"] or row["reason"], row["method"])),
        ]
        for row in found.validity.astype(dict.fromkeys(numbers, float)).to_dict("records")
    ]
    headings = ["sum", "worst sum", "other trials"]
    return Table("Validity", ["method", "status", *headings, "what was found"], rows)


def without_name(reason: str, method: str) -> str:
    """A reason that stands beside the name of its method.

    Examples
    --------
    >>> without_name("LRP is not applicable to Net", "LRP")
    'not applicable to Net'
    """
    return reason.removeprefix(f"{method} ").removeprefix("is ")


def similarity_table(found: DecoderExplanation) -> Table:
    """How similar each map is to the one that it must differ from, and the null level."""
    columns = {
        name: last_step_intervals(found, check).to_dict("index")
        for name, check in CHECK_HEADINGS.items()
    }
    null = null_levels(found).reindex(list(found.methods))
    rows = [
        [
            word(method),
            *(_interval_cell(column.get(method)) for column in columns.values()),
            formatted(level, ".2f"),
        ]
        for method, level in zip(found.methods, null, strict=True)
    ]
    title = "Correlation of the original map with the one from which it must differ"
    return Table(title, ["method", *columns, "uninformative maps"], rows)


def replaced_table(found: DecoderExplanation) -> Table:
    """Area between each method's curves of deletion and insertion and those of random orders."""
    rows = [
        [
            word(method),
            _interval_cell({**row, "mean": row["area"]}),
            formatted(row["chance"], ".2f"),
            formatted(row["ceiling"], ".2f"),
        ]
        for method, row in replaced_areas(found).to_dict("index").items()
    ]
    title = "Deletion and insertion: area beyond random orders"
    return Table(title, ["method", "area", "chance", "order of measured losses"], rows)


def pattern_summary_table(found: DecoderExplanation) -> Table:
    """Where the activation patterns are largest."""
    rows = [
        [
            word(row["model"]),
            word(row["class"]),
            word(row["peak_channel"]),
            *(formatted(row[name], ".2f") for name in ("peak_s", "reliability", "agreement")),
        ]
        for row in found.patterns.to_dict("records")
    ]
    headings = ["model", "class", "largest at", "s", "reliability", "agreement"]
    return Table("Activation patterns", headings, rows)


def _interval_cell(row: Row | None) -> TableCell:
    if row is None:
        return TableCell(MISSING)
    mean, low, high = row["mean"], row["low"], row["high"]
    return TableCell(
        digits(mean),
        str(mean),
        spread=spread(mean, low, high),
        interval=ends_text(low, high),
    )


def step_table(found: DecoderExplanation, check: str, title: str) -> Table:
    """Correlations after each step of a check: one row per layer, one column per method."""
    rows = whole_maps(found, check)
    wide = rows.set_index(["step", "layer", "method"])["mean"].unstack("method")
    wide = wide.reindex(columns=list(found.methods))
    cells = [
        [word(layer or f"step {step}"), *(formatted(value, ".2f") for value in values)]
        for (step, layer), values in zip(wide.index, wide.to_numpy(float), strict=True)
    ]
    return Table(title, ["layer", *map(str, wide.columns)], cells)


def agreement_table(found: DecoderExplanation) -> Table:
    """Mean correlation of the maps of two methods."""
    return matrix_table(found.agreement, "Mean correlation of two methods' maps", "method")


def matrix_table(values: pd.DataFrame, title: str, corner: str) -> Table:
    """A square of numbers."""
    rows = [
        [word(name), *(formatted(float(value), ".2f") for value in row)]
        for name, row in zip(values.index, values.to_numpy(), strict=True)
    ]
    return Table(title, [corner, *map(str, values.columns)], rows)


def seconds_table(found: DecoderExplanation) -> Table:
    """Where the time went."""
    rows = [
        [word(row["method"] or "all methods"), word(row["part"]), formatted(row["seconds"], ".1f")]
        for row in found.seconds.to_dict("records")
    ]
    return Table("Seconds", ["method", "part", "s"], rows)


def tables_with_rows(tables: Iterable[Table]) -> Sequence[Table]:
    """Those that have rows."""
    return [table for table in tables if table.rows]
