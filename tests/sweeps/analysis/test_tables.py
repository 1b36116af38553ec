"""Tables over decoders against their definitions, and how people read them."""

import io

import numpy as np
import openpyxl
import pandas as pd
import pytest
from rich.console import Console

from eegxai.attribution import Validity
from eegxai.evaluation.bounds import CORRELATION
from eegxai.statistics import student_interval
from sweeps.analysis.check_tables import coverage, robustness, validity_counts
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.cli.tables import print_headline
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.report.export import TABLE_FORMATS, Export, write_table
from sweeps.report.result_tables import tables_by_group
from sweeps.report.terminal import print_tables
from sweeps.scores.selection import HeldCells
from sweeps.scores.table import AREA, tidy_scores
from tests.finished_cells import N_STEPS, N_TRIALS, method_scores

GRID = [
    "grid.snr_db=[-3.5,-12,-16,-19,-23]",
    "grid.architecture=[deepnet,eegnet]",
    "grid.method=[Saliency,DeepLift,RandomMap]",
]
STATES = {
    "Saliency": Validity("ok"),
    "DeepLift": Validity("duplicate", "equals InputXGradient", "InputXGradient"),
    "RandomMap": Validity("ok"),
}


@pytest.fixture
def tidy(tiny_file):
    cells = list(method_cells(load(tiny_file, GRID)))
    return tidy_scores(
        (cell, method_scores(seed, STATES[cell.method])) for seed, cell in enumerate(cells)
    )


def means_of_seeds(tidy, method, check, metric, step):
    chosen = (tidy["check"] == check) & (tidy["metric"] == metric) & (tidy["step"] == step)
    rows = tidy[chosen & (tidy["method"] == method) & (tidy["domain"] == "channel_time")]
    return rows.groupby("seed")["mean"].mean().to_numpy(dtype=float)


@pytest.mark.parametrize(
    ("name", "check", "metric", "step"),
    [
        ("target_swap", "target_swap", "pearson_raw", 1),
        ("cascade_end", "cascade", "pearson_raw", N_STEPS),
        ("cascade_area", "cascade", AREA, N_STEPS),
    ],
)
def test_robustness_is_means_and_students_intervals_over_seeds(tidy, name, check, metric, step):
    row = robustness(tidy).set_index("method").loc["DeepLift"]
    values = means_of_seeds(tidy, "DeepLift", check, metric, step)
    assert row["n_decoders"] == 20
    assert row[name] == pytest.approx(values.mean())
    expected = student_interval(values, CORRELATION)[1:3]
    assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(expected)
    assert np.isnan(row["label_retrain"])


@pytest.mark.slow
@pytest.mark.parametrize("axis", ["snr_db", "architecture"])
def test_a_table_along_an_axis_is_the_headline_of_each_part(tidy, axis):
    kind = {"snr_db": "snr"}.get(axis, axis)
    table = TABLE_KINDS[kind].table(tidy, ("feature",))
    for value, rows in table.groupby(axis):
        part = TABLE_KINDS["headline"].table(tidy[tidy[axis] == value], ("feature",))
        columns = ["method", "score", "class_r", "model_r"]
        pd.testing.assert_frame_equal(rows[columns].reset_index(drop=True), part[columns])


def test_validity_counts_decoders(tidy):
    table = validity_counts(tidy).set_index("method")
    assert table.loc["DeepLift", ["ok", "duplicate", "flagged"]].tolist() == [0, 20, 20]
    assert table.loc["Saliency", ["ok", "duplicate", "flagged"]].tolist() == [20, 0, 0]
    assert (table["at_chance"] == 0).all()


def test_coverage_counts_trials_and_is_zero_without_scores(tiny):
    cells = list(method_cells(tiny))
    gone = cells[0].method
    tidy = tidy_scores((cell, method_scores(empty=cell.method == gone)) for cell in cells)
    table = coverage(tidy).set_index("method")
    assert table.loc[gone, ["n_decoders", "n_trials", "score", "model"]].tolist() == [2, 0, 0, 0]
    other = table.loc[cells[1].method]
    assert other[["n_trials", "score", "class"]].tolist() == [2 * N_TRIALS] + 2 * [
        2 * (N_TRIALS - 1)
    ]


@pytest.mark.parametrize("kind", TABLE_KINDS.values(), ids=TABLE_KINDS)
def test_terminal_tables_fit_80_columns(tidy, kind):
    console = Console(file=io.StringIO(), width=80)
    frame = kind.table(tidy, ("feature",))
    if kind.judged and not kind.across:
        print_headline(console, frame, "tiny")
    else:
        print_tables(console, tables_by_group(frame, kind, ("feature",)), "tiny")
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert max(map(len, lines)) <= 80
    assert "…" not in console.file.getvalue()
    assert sum(line.startswith("DeepLift") for line in lines) >= 1


HELD = HeldCells("tiny_sweep", "seed >= 1 and method != 'LRP'", 8, 2, 1)


def test_files_say_which_cells_they_hold(tidy, tmp_path):
    kind = TABLE_KINDS["headline"]
    export = Export(kind.table(tidy, ("feature",)), kind, ("feature",), HELD)
    csv, parquet, markdown, latex, excel = write_table(export, tmp_path, "table", TABLE_FORMATS)
    held = {
        "config": "tiny_sweep",
        "where": "seed >= 1 and method != 'LRP'",
        "cells": 8,
        "decoders": 2,
        "seeds": 1,
    }
    assert pd.read_csv(csv)[list(held)].drop_duplicates().to_dict("records") == [held]
    assert pd.read_parquet(parquet).attrs == held
    assert dict(list(openpyxl.load_workbook(excel)["cells"].values)[1:]) == held
    sentence = f"Sweep tiny_sweep, cells where {held['where']}: 8 cells of 2 decoders and 1 seed."
    assert sentence in markdown.read_text()
    plain = latex.read_text().replace(r"\textgreater{}", ">").replace(r"\_", "_")
    assert sentence in plain


@pytest.mark.slow
@pytest.mark.parametrize("kind", TABLE_KINDS.values(), ids=TABLE_KINDS)
def test_files_hold_the_table(tidy, kind, tmp_path):
    table = kind.table(tidy, ("feature",))
    export = Export(table, kind, ("feature",), HELD)
    csv, parquet, markdown, latex, excel = write_table(export, tmp_path, "table", TABLE_FORMATS)
    words = list(table.select_dtypes(["object", "str"]))
    read = pd.read_csv(csv, dtype=dict.fromkeys(words, str))
    read = read.drop(columns=list(HELD.columns))
    read[words] = read[words].fillna("")  # CSV knows no empty word
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_parquet(parquet), table)
    sheet = openpyxl.load_workbook(excel).active
    assert [cell.value for cell in sheet[1]] == list(table.columns)
    assert sheet.max_row == len(table) + 1
    rows = [line for line in markdown.read_text().splitlines() if line.startswith("| DeepLift")]
    assert len(rows) == len(table) / 3
    assert all(line.count("|") == len(kind.columns) + 2 for line in rows)
    text = latex.read_text()
    assert r"\toprule" in text
    assert r"tiny\_sweep" in text
    assert text.count(r"DeepLift &") == len(table) / 3
    assert not list(tmp_path.glob("*.partial"))


BESIDE_TWO_OTHERS = {
    "feature": "temporal",
    "method": ["Saliency", "DeepLift", "RandomMap"],
    "score": [0.2, 0.6, 0.9],
    "score_low": [0.1, 0.5, 0.8],
    "score_high": [0.3, 0.7, 1.0],
    "calibrated": [0.1, 0.5, 0.0],
    "calibrated_low": [0.0, 0.4, 0.0],
    "calibrated_high": [0.2, 0.6, 0.0],
    "over_chance_low": [-0.1, 0.1, np.nan],
    "class_r": [0.9, -0.04, 1.0],
    "class_r_low": [0.8, -0.28, 1.0],
    "class_r_high": [1.0, 0.2, 1.0],
    "model_r": [0.4, 0.1, np.nan],
    "model_r_low": [0.2, -0.1, np.nan],
    "model_r_high": [0.6, 0.3, np.nan],
    "null_r": [0.01, 0.02, np.nan],
}


@pytest.fixture
def ranked(tmp_path):
    """Lines of a format of a table in which DeepLift is best."""
    export = Export(pd.DataFrame(BESIDE_TWO_OTHERS), TABLE_KINDS["scores"], ("feature",), HELD)

    def lines(form):
        (path,) = write_table(export, tmp_path, "x", [form])
        return {line.strip("| ").split(" ")[0]: line for line in path.read_text().splitlines()}

    return lines


def test_latex_has_the_best_in_bold_and_stars_where_the_interval_shows_it(ranked):
    rows, half = ranked("latex"), r" {\scriptsize$\pm$%s}"
    cells = [
        r"\textbf{0.60}" + half % "0.10",
        r"\textbf{0.50}" + half % "0.10" + "*",
        r"\textbf{$-$0.04}" + half % "0.24" + "*",
        r"\textbf{0.10}" + half % "0.20" + "*",
        "0.02",
    ]
    assert rows["DeepLift"] == " & ".join(["DeepLift", *cells]) + r" \\"
    assert "*" not in rows["Saliency"]
    assert "textbf" not in rows["RandomMap"]
    assert rows["RandomMap"].endswith(r"& -- \\")


def test_markdown_marks_the_same(ranked):
    rows = ranked("markdown")
    cells = [cell.strip() for cell in rows["DeepLift"].strip("|").split("|")]
    assert cells == [
        "DeepLift", "**0.60** ±0.10", r"**0.50** ±0.10\*", r"**−0.04** ±0.24\*",
        r"**0.10** ±0.20\*", "0.02",
    ]  # fmt: skip
    assert r"\*" not in rows["Saliency"]
    assert "**" not in rows["RandomMap"]


def test_names_are_text_in_every_format(tmp_path):
    """What a plug-in calls its method is no markup."""
    hostile = BESIDE_TWO_OTHERS | {"method": ["a_b^{$}&%~#", "x|y", "[bold]z"]}
    export = Export(pd.DataFrame(hostile), TABLE_KINDS["scores"], ("feature",), HELD)
    latex, markdown = write_table(export, tmp_path, "x", ["latex", "markdown"])
    escaped = r"a\_b\textasciicircum{}\{\$\}\&\%\textasciitilde{}\# &"
    assert escaped in latex.read_text()
    assert r"| x\|y " in markdown.read_text()
    console = Console(file=io.StringIO(), width=80)
    print_tables(console, export.tables, "[red]x")
    assert "[bold]z" in console.file.getvalue()
    assert "[red]x" in console.file.getvalue()
