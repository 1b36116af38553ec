"""A cell of the evaluation mode ``study`` in every table, in the report and in MLflow."""

import io

import pandas as pd
import pytest
from rich.console import Console

from eegxai.evaluation import STUDY_METRICS
from eegxai.rounding import digits
from sweeps.analysis.conditions import NO_SCORE
from sweeps.analysis.summary import headline
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.analysis.verdicts import judged
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.report.figures import load_maps
from sweeps.report.html import page
from sweeps.report.origin import Origin
from sweeps.report.result_tables import tables_by_group
from sweeps.report.terminal import print_tables
from sweeps.report.verdict_tables import terminal_verdicts
from sweeps.report.verdict_texts import verdict_notes
from sweeps.scores.cache import tidy_from_store
from sweeps.store.artefacts import store_of
from sweeps.store.status import Status
from sweeps.tasks.explain import explain_cell
from sweeps.tracking import Publisher, no_pictures, publish_all, tidy_from_runs

pytestmark = pytest.mark.slow  # whole sweeps

OVERRIDES = ["evaluation.mode=study", "grid.seed=[0]", "grid.method=[InputXGradient,GradCAM++]"]


@pytest.mark.usefixtures("with_database", "done_tiny")  # in this order: both make the folder
def test_tables_pictures_the_report_and_mlflow_show_what_there_is(tiny_file):
    config = load(tiny_file, OVERRIDES)
    store, cells = store_of(config), list(method_cells(config))
    for cell in cells:
        explain_cell(cell, store)
    tidy = tidy_from_store(cells, store)
    check_tables(tidy)
    status = Status(dict.fromkeys([*decoder_cells(config), *cells], "done"), reasons={})
    records = [store.read_scores(cell) for cell in cells]
    text = page(config, tidy, load_maps(config, "store", store), Origin(status, records))
    assert "in the mode study" in text
    publisher = Publisher("study", config.output, draw=no_pictures)
    publish_all(publisher, [*decoder_cells(config), *cells], store)
    found = tidy_from_runs(publisher, cells)
    assert found["n_zero_rows"].sum() == tidy["n_zero_rows"].sum()
    pd.testing.assert_frame_equal(headline(found), headline(tidy))


def check_tables(tidy):
    """All tables show both methods, with what the study computed and nothing else."""
    assert set(STUDY_METRICS) < set(tidy.loc[tidy["check"] == "cascade", "metric"])
    assert tidy["n_zero_rows"].notna().all()
    table = judged(headline(tidy))
    assert table[["score", "class_r", "model_r", "null_r"]].notna().all(axis=None)
    assert (table["verdict"] == NO_SCORE).all()  # its rules are the corrected mode's
    assert (table["study_verdict"] != NO_SCORE).all()
    assert not any(
        "the recording itself" in note for note in verdict_notes(table)
    )  # |x| has no scores
    assert not any("counts a trial as 0" in note for note in verdict_notes(table))
    check_zero_rows(tidy)
    console = Console(file=io.StringIO(), width=80)
    shown = terminal_verdicts(table, "temporal")
    assert list(shown.columns) == ["method", "all", "class", "model", "study's score", "study"]
    for row, score in zip(shown.rows, table["score"], strict=True):
        assert digits(score).replace("0.", ".", 1) in row[-2].text
    print_tables(console, [shown], "study")
    for kind in TABLE_KINDS.values():
        frame = kind.table(tidy, ("feature",))
        print_tables(console, tables_by_group(frame, kind, ("feature",)), "study")
    assert console.file.getvalue().count("GradCAM++") > len(TABLE_KINDS)


def check_zero_rows(tidy):
    """Where a map is constant after the swap, zeros make up the mean, and nothing is shown."""
    swapped = (tidy["check"] == "target_swap") & (tidy["method"] == "GradCAM++")
    n_zero = tidy["n_zero_rows"].mask(swapped, tidy["n_trials"])
    zeros = tidy.assign(n_zero_rows=n_zero, mean=tidy["mean"].mask(swapped, 0.0))
    found = judged(headline(zeros)).set_index("method")
    assert found["class_r_zero_rows"].to_dict() == {"InputXGradient": 0, "GradCAM++": 1}
    assert found.loc["GradCAM++", "class_specific"] == NO_SCORE
    (note,) = [each for each in verdict_notes(found.reset_index()) if "counts a trial as 0" in each]
    assert note.endswith("share of such trials: GradCAM++ (class 100%)")
