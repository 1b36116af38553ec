"""One table in every format: the same cells, and never wider than a terminal."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from eegxai.rounding import digits
from eegxai.statistics import within_bounds
from sweeps.report.latex import to_latex
from sweeps.report.markdown import to_markdown
from sweeps.report.table import ColumnGroup, Table, TableCell, formatted, plain_value, spread, word
from sweeps.report.terminal import TABLE_WIDTH, print_tables


def printed(table):
    console = Console(file=io.StringIO(), width=TABLE_WIDTH)
    print_tables(console, [table], "title")
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def wide(n_groups, span, method="IntegratedGradients"):
    cells = [TableCell("0.50")] * (n_groups * span)
    groups = [ColumnGroup(f"feature{n}", span) for n in range(n_groups)]
    return Table("part", ["method", *["score"] * len(cells)], [[word(method), *cells]], groups)


def test_a_wide_table_has_parts_that_keep_groups_whole_and_name_their_rows():
    lines = printed(wide(n_groups=5, span=4))
    assert max(map(len, lines)) <= TABLE_WIDTH
    over = [line.split() for line in lines if "feature" in line]
    assert over == [["feature0", "feature1"], ["feature2", "feature3"], ["feature4"]]
    rows = [line.split() for line in lines if line.startswith("IntegratedGradients")]
    assert [len(row) for row in rows] == [1 + 2 * 4, 1 + 2 * 4, 1 + 4]


@given(st.integers(1, 30), st.integers(1, 30))
def test_nothing_is_cut_off(n_columns, n_letters):
    values = [f"{column}".rjust(n_letters, "x") for column in range(n_columns)]
    table = Table("", ["method", *values], [[word("LRP"), *map(TableCell, values)]])
    lines = printed(table)
    assert max(map(len, lines)) <= TABLE_WIDTH
    rows = [line.split()[1:] for line in lines if line.startswith("LRP")]
    assert [text for row in rows for text in row] == values


@given(st.floats(0, 1), st.floats(0, 5))
def test_what_is_printed_beside_a_share_suggests_nothing_beyond_its_bounds(mean, half):
    low, high = within_bounds(mean, half, 0, 1)
    shown = spread(mean, float(low), float(high))
    if shown.startswith("±"):
        ends = [round(float(digits(mean)) + sign * float(shown[1:]), 2) for sign in (-1, 1)]
    else:
        ends = [float(end) for end in shown.strip("[]").split(", ")]
    assert min(ends) >= 0
    assert max(ends) <= 1


def test_a_group_stands_over_its_first_column():
    _, _, over, headings, _ = printed(wide(n_groups=2, span=2))
    starts = [match.start() for match in re.finditer("score", headings)]
    assert [over.index(f"feature{n}") for n in range(2)] == starts[::2]


@pytest.mark.parametrize(
    ("cell", "terminal", "latex", "markdown"),
    [
        (TableCell("−0.50", spread="±0.10"), "-0.50 ±0.10", r"$-$0.50 {\scriptsize$\pm$0.10}",
         "−0.50 ±0.10"),
        (TableCell("−0.97", spread="[−0.99, −0.90]"), "-0.97 [-0.99, -0.90]",
         r"$-$0.97 {\scriptsize[$-$0.99, $-$0.90]}", "−0.97 [−0.99, −0.90]"),
        (TableCell("0.50", bold=True, starred=True), "0.50", r"\textbf{0.50}*", r"**0.50**\*"),
        (formatted(float("nan"), ".3f"), "--", "--", "–"),
        (formatted(-0.25, "+.3f"), "-0.250", "$-$0.250", "−0.250"),
        (plain_value(-12.0), "-12", "$-$12", "−12"),
        (plain_value(1234567), "1234567", "1234567", "1234567"),
    ],
)  # fmt: skip
def test_each_format_writes_a_cell_with_its_own_signs(cell, terminal, latex, markdown):
    table = Table("part", ["method", "score"], [[word("LRP"), cell]])
    assert printed(table)[-1].removeprefix("LRP").strip() == terminal
    assert f"LRP & {latex} \\\\" in to_latex([table], "caption").splitlines()
    last = to_markdown([table]).splitlines()[-1]
    assert [text.strip() for text in last.strip("|").split("|")] == ["LRP", markdown]


def test_long_names_of_columns_take_several_lines():
    table = Table("", ["method", "shallow_fbcsp"], [[word("LRP"), TableCell("ok")]])
    assert [line.split() for line in printed(table)[-3:]] == [
        ["shallow"], ["method", "fbcsp"], ["LRP", "ok"],
    ]  # fmt: skip
