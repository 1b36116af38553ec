"""The headline table on scores with known answers."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

from eegxai.evaluation import CALIBRATED_HEADLINE, HEADLINE
from eegxai.evaluation.bounds import SHARE
from eegxai.statistics import student_interval
from sweeps.analysis.conditions import REFUTED, SHOWN, UNDECIDED
from sweeps.analysis.summary import headline
from sweeps.analysis.tables import Column
from sweeps.analysis.verdicts import (
    DUPLICATE,
    FAILS,
    MARKS,
    PASSES,
    PROPERTIES,
    STUDY_VERDICT,
    judged,
)
from sweeps.cli.plain_signs import replace_what_is_lacking
from sweeps.cli.tables import print_headline
from sweeps.report.legends import accuracies
from sweeps.report.result_tables import result_cell
from sweeps.report.terminal import print_lines, print_sentence
from sweeps.report.verdict_tables import group_title, narrow_cell, property_cell, verdict_cell
from sweeps.report.verdict_texts import verdict_answer
from sweeps.scores.selection import chance_note, without_chance_decoders
from sweeps.scores.table import AREA, half_width
from tests.tidy_tables import as_tidy

SCORE = ("channel_time", "mass_clipped")
CALIBRATED = ("channel_time", "auprc_magnitude")
CHANCE = 0.05
HALF_WIDTH = 0.01
METHODS_SHOWN = ["GuidedBackprop", "DeepLift", "GradCAM++"]


def rows(
    method,
    score,
    class_r,
    model_r,
    seed=0,
    feature="temporal",
    at_chance=False,
    flags="",
    x_only=CHANCE,
    chance=CHANCE,
    area=None,
    testable=True,
):
    """Tidy scores of a method; its calibrated score is the study's minus 0.1."""
    known = {
        "feature": feature,
        "snr_db": -3.5,
        "seed": seed,
        "fold": 0,
        "architecture": "deepnet",
        "method": method,
        "accuracy": 0.9,
        "at_chance": at_chance,
        "validity": "ok",
        "flags": flags,
        "duplicate_of": "",
        "class_testable": testable,
    }
    checks = [
        ("ground_truth", *SCORE, 0, score),
        ("ground_truth", "topography", "cosine_clipped", 0, -1.0),
        ("ground_truth", *CALIBRATED, 0, score - 0.1),
        ("same_spectrum", *SCORE, 0, CHANCE),
        ("same_spectrum", *CALIBRATED, 0, chance),
        ("untrained", *CALIBRATED, 0, 0.03),
        ("ideal_observer", *CALIBRATED, 0, 1.0),
        ("ground_truth", "channel", "used_pearson", 0, 0.95),
        ("input_magnitude", *SCORE, 0, 0.95),
        ("input_magnitude", *CALIBRATED, 0, x_only),
        ("surrogate", "channel_time", "pearson_raw", 0, 0.02),
        ("target_swap", "channel_time", "pearson_raw", 0, class_r),
        ("cascade", "channel_time", "pearson_raw", 1, 0.99),
        ("cascade", "channel_time", "pearson_raw", 8, model_r),
        ("cascade", "channel_time", AREA, 8, model_r if area is None else area),
    ]
    names = ["check", "domain", "metric", "step", "mean"]
    return pd.DataFrame(checks, columns=names).assign(half_width=HALF_WIDTH, **known)


def headline_of(*parts):
    return judged(headline(as_tidy(parts))).set_index("method")


def test_score_and_similarities_are_read_from_the_right_rows():
    row = headline_of(rows("DeepLift", 0.8, 0.1, 0.2)).loc["DeepLift"]
    assert (row["score"], row["class_r"], row["model_r"]) == (0.8, 0.1, 0.2)


def test_decoders_are_averaged_and_counted():
    table = headline_of(rows("LRP", 0.8, 0.0, 0.0, seed=0), rows("LRP", 0.6, 0.4, 0.0, seed=1))
    assert table.loc["LRP", "score"] == pytest.approx(0.7)
    assert table.loc["LRP", "class_r"] == pytest.approx(0.2)
    assert table.loc["LRP", "n_decoders"] == 2


def test_intervals_are_over_trials_of_one_decoder_and_over_several_decoders():
    one = headline_of(rows("LRP", 0.8, 0.1, 0.0)).loc["LRP"]
    assert (one["score_low"], one["score_high"]) == pytest.approx((0.79, 0.81), abs=1e-3)
    scores = [0.8, 0.6, 0.7]
    parts = [rows("LRP", score, 0.1, 0.0, seed=seed) for seed, score in enumerate(scores)]
    several = headline_of(*parts).loc["LRP"]
    expected = student_interval(scores, SHARE)[1:3]
    assert (several["score_low"], several["score_high"]) == pytest.approx(expected)


def test_the_interval_of_trials_is_students_and_missing_for_one_trial():
    values = [0.2, 0.5, 0.9, 0.4]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    table = pd.DataFrame({"std": [np.std(values, ddof=1), np.nan], "n_valid": [4, 1]})
    found = half_width(table)
    np.testing.assert_allclose(found, [(high - low) / 2, np.nan])


def test_scores_are_read_against_chance_and_similarities_against_the_null():
    row = headline_of(rows("LRP", 0.24, 0.1, 0.0)).loc["LRP"]
    assert (row["chance"], row["null_r"]) == (0.05, 0.02)
    assert row["above_chance"] == pytest.approx(0.2)


def with_nulls(tidy, **means):
    """The rows and those of further nulls, by check."""
    null = tidy[tidy["check"] == "surrogate"]
    return pd.concat([tidy, *(null.assign(check=name, mean=m) for name, m in means.items())])


def test_the_null_is_the_highest_of_the_maps_that_know_nothing():
    parts = [
        with_nulls(rows("LRP", 0.8, 0.1, 0.0, seed=seed), noise=noise, noise_magnitude=0.3)
        for seed, noise in enumerate([0.9, -0.9])
    ]
    row = headline_of(*parts).loc["LRP"]
    assert row[["null_r", "noise_magnitude_r", "surrogate_r"]].tolist() == [0.3, 0.3, 0.02]
    assert row["noise_r"] == pytest.approx(0.0)
    assert headline_of(rows("LRP", 0.8, 0.1, 0.0)).loc["LRP", "null_r_high"] == pytest.approx(
        0.02 + HALF_WIDTH, abs=1e-4
    )


@pytest.mark.parametrize(
    ("class_r", "null", "state"),
    [
        (0.8, 0.89, SHOWN),
        (0.8, 0.6, REFUTED),
        (0.8, 0.02, REFUTED),
        (0.4, 0.2, SHOWN),
        (0.885, 0.89, UNDECIDED),
    ],
)
def test_a_map_that_is_no_more_alike_than_noise_has_changed(class_r, null, state):
    tidy = with_nulls(rows("LRP", 0.8, class_r, 0.1), noise_magnitude=null)
    assert headline_of(tidy).loc["LRP", "class_specific"] == state


def test_a_method_flagged_on_one_decoder_is_not_ok():
    parts = [rows("LRP", 0.8, 0, 0, seed=seed, flags=flags) for seed, flags in ((0, ""), (1, "x"))]
    row = headline_of(*parts).loc["LRP"]
    assert (row["flagged"], row["verdict"], row["verdict_on"]) == (1, FAILS, "applicable")


def test_a_duplicate_on_a_decoder_at_chance_hides_no_flag_of_another():
    same = rows("LRP", 0.8, 0, 0, seed=1, at_chance=True, flags="x").assign(duplicate_of="DeepLift")
    tidy = as_tidy([rows("LRP", 0.8, 0, 0, flags="depends on the batch"), same])
    row = judged(headline(without_chance_decoders(tidy))).iloc[0]
    assert (row["verdict"], row["verdict_on"]) == (FAILS, "applicable")
    assert "✗ LRP: a validity check failed on 1 of 2 decoders" in printed(
        judged(headline(without_chance_decoders(tidy)))
    )


def test_the_calibrated_score_is_read_on_the_headlines_domain():
    row = headline_of(rows("LRP", 0.8, 0.1, 0.0, x_only=0.4)).loc["LRP"]
    assert row["calibrated"] == pytest.approx(0.7)
    assert (row["calibrated_low"], row["calibrated_high"]) == pytest.approx((0.69, 0.71), abs=1e-3)
    assert (row["calibrated_chance"], row["calibrated_input"]) == (0.05, 0.4)
    assert row["over_chance"] == pytest.approx(0.65)
    assert row["over_input_low"] == pytest.approx(
        0.3 - math.hypot(HALF_WIDTH, HALF_WIDTH), abs=1e-3
    )
    assert set(CALIBRATED_HEADLINE) == set(HEADLINE)
    assert CALIBRATED_HEADLINE["spatial"] == ("topography", "auprc_magnitude")


def test_margins_are_paired_over_decoders():
    """Decoders of very different difficulty: the margin is steady where the scores are not."""
    levels = [0.1, 0.4, 0.8]
    margins = [0.1, 0.12, 0.11]
    parts = [
        rows("LRP", level + margin + 0.1, 0, 0, seed=seed, x_only=level)
        for seed, (level, margin) in enumerate(zip(levels, margins, strict=True))
    ]
    row = headline_of(*parts).loc["LRP"]
    expected = student_interval(margins, SHARE.of_differences)[1:3]
    assert (row["over_input_low"], row["over_input_high"]) == pytest.approx(expected)
    assert row["calibrated_low"] < row["calibrated_input"] < row["calibrated"]
    assert row["n_scored"] == 3


def test_decoders_without_a_score_are_counted():
    parts = [rows("LRP", score, 0, 0, seed=seed) for seed, score in enumerate([0.5, np.nan, 0.6])]
    row = headline_of(*parts).loc["LRP"]
    assert (row["n_decoders"], row["n_scored"]) == (3, 2)


def test_what_was_not_measured_is_not_shown():
    tidy = rows("DeepLift", 0.9, 0.1, 0.1)
    row = headline_of(tidy[tidy["check"] != "untrained"]).loc["DeepLift"]
    assert (row["finds_signal"], row["verdict"]) != (SHOWN, PASSES)


def test_decoders_at_chance_are_flagged_and_still_scored():
    tidy = as_tidy(
        [
            rows(method, 0.5, 0.1, 0.1, seed=seed, feature=feature, at_chance=at_chance)
            for method in ("LRP", "DeepLift")
            for seed, feature, at_chance in [
                (0, "temporal", True),
                (1, "temporal", False),
                (0, "spatial", False),
            ]
        ]
    )
    table = headline(tidy)
    assert table["at_chance"].tolist() == [1, 0, 1, 0]
    assert (table[table["feature"] == "temporal"]["score"] == 0.5).all()
    sentence = "temporal 0.90 (1 of 2 decoders at chance), spatial 0.90"
    assert accuracies(table) == f"test accuracy: {sentence}"
    shown = printed(judged(table))
    assert "temporal!, 2 decoders of 2 seeds" in shown
    assert "spatial, 1 decoder of 1 seed" in shown


def printed(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    print_headline(console, table, "title")
    return console.file.getvalue()


@pytest.fixture(scope="module")
def closing():
    """The closing table of three methods: one passes, one fails, one repeats another."""
    parts = [
        rows("DeepLift", 0.8, 0.1, 0.2),
        rows("CentredGuidedGradCAM", 0.2, -0.12, 0.51),
        rows("LRP", 0.8, 0.1, 0.2, flags="equals DeepLift").assign(duplicate_of="DeepLift"),
    ]
    return judged(headline(as_tidy(parts)))


def test_the_closing_table_fits_a_terminal_and_has_the_numbers(closing):
    lines = printed(closing).splitlines()
    assert max(map(len, lines)) <= 80
    start = lines.index("title: temporal, 1 decoder of 1 seed")
    names, *body = (line.split() for line in lines[start + 1 : start + 5])
    assert names == ["method", "all", *(one.heading for one in PROPERTIES), "study"]
    assert body[0] == ["DeepLift", "✓", "✓.65±.01", "✓.68±.01", "✓.95±.01", "✓.10±.01",
                       "✓.20±.01", "✓"]  # fmt: skip
    assert (body[1][0], body[1][1]) == ("CentredGuidedGradCAM", "✗")
    assert body[2][:2] == ["LRP", "="]
    assert "LRP = DeepLift" in lines


def test_a_title_with_every_axis_fits_a_terminal():
    by = ["feature", "snr_db", "architecture", "seed", "fold"]
    tidy = as_tidy([rows("DeepLift", 0.8, 0.1, 0.2).assign(architecture="an_own_architecture")])
    console = Console(file=io.StringIO(), width=120)
    print_headline(console, judged(headline(tidy, by)), "title", by)
    assert max(map(len, console.file.getvalue().splitlines())) <= 80


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_the_closing_table_is_printed_where_its_signs_are_lacking(closing, encoding):
    """A mark that is replaced must not become another one: ``?`` is undecided."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    replace_what_is_lacking(stream)
    print_headline(Console(file=stream, width=80), closing, "title")
    stream.flush()
    lines = stream.buffer.getvalue().decode(encoding).splitlines()
    start = lines.index("title: temporal, 1 decoder of 1 seed") + 2
    table = lines[start : start + 3]
    rows = {line.split()[0]: line.split()[1] for line in table}
    assert rows == {"DeepLift": "+", "CentredGuidedGradCAM": "x", "LRP": "="}
    assert any(line.startswith("+ shown, x refuted, ? undecided") for line in lines)
    assert max(map(len, lines)) <= 80


def test_what_stands_on_top_can_be_repeated(closing):
    assert verdict_answer(closing) == [
        "temporal: DeepLift (= LRP) passes; CentredGuidedGradCAM fails.",
        "One seed: intervals are over trials and do not generalise to other networks trained in "
        "the same way.",
    ]


def test_verdicts_are_words_that_mean_the_same_everywhere(closing):
    texts = [verdict_cell(row).text for row in closing.to_dict("records")]
    assert texts == ["✓ passes", "✗ fails: efficient", "= DeepLift"]
    assert MARKS[FAILS] == MARKS[REFUTED] == "✗"
    assert MARKS[PASSES] == MARKS[SHOWN] == "✓"
    assert MARKS[DUPLICATE] == "="
    row = closing.to_dict("records")[1]
    model = PROPERTIES[-1]
    assert property_cell(row, model).text == "? 0.51"
    assert narrow_cell(row, model).text == "?.51±.01"
    assert verdict_cell(row).sort > verdict_cell(closing.to_dict("records")[0]).sort


def test_a_number_without_a_state_is_a_dash():
    row = headline_of(rows("DeepLift", np.nan, 0.1, 0.1)).loc["DeepLift"]
    assert narrow_cell(row, PROPERTIES[0]).text == "–"
    assert property_cell(row, PROPERTIES[0]).text == "– no score"
    assert property_cell(row, STUDY_VERDICT).text == "– no score"


def test_lines_fit_a_terminal_and_what_is_copied_stays_whole():
    path = "/scratch/a-group/" + "a-folder-of-somebody/" * 4
    console = Console(file=io.StringIO(), width=120)
    print_lines(console, [chance_note(at_chance_of(3)), f"tracking: sqlite:///{path}"])
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines[:-1])) <= 80
    assert lines[0].startswith("3 of 3 decoders decode no better than chance")
    assert lines[1].startswith("  ")
    assert lines[-1].endswith(f"sqlite:///{path}")


def at_chance_of(n_decoders):
    """Rows of decoders at chance, left out of means."""
    parts = [rows("DeepLift", 0.8, 0.1, 0.2).assign(seed=seed) for seed in range(n_decoders)]
    return as_tidy(parts).assign(at_chance=True, mean=np.nan)


def test_a_sentence_stays_on_one_line():
    """A reason of a failure is found whole by who searches a log for it."""
    sentence = "failed: [a cell]: " + "no space left on device " * 10
    console = Console(file=io.StringIO(), width=80)
    print_sentence(console, sentence)
    assert console.file.getvalue() == sentence + "\n"


@pytest.mark.parametrize(("area", "state"), [(0.4, SHOWN), (0.6, REFUTED)])
def test_a_map_that_changes_only_at_the_end_of_the_cascade_is_not_model_specific(area, state):
    row = headline_of(rows("DeepLift", 0.9, 0.1, 0.1, area=area)).loc["DeepLift"]
    assert row["model_specific"] == state


def test_the_level_of_the_area_is_that_of_decoders_of_several_depths():
    """Each curve falls to the level with the first layer, of one and of eight: 0.75 and 0.53125."""
    deep = rows("DeepLift", 0.9, 0.1, 0.1, area=0.53)
    shallow = rows("DeepLift", 0.9, 0.1, 0.1, area=0.74).assign(architecture="shallow")
    shallow = shallow[shallow["step"] != 1].replace({"step": {8: 1}})
    row = headline_of(deep, shallow).loc["DeepLift"]
    assert row["model_specific_level"] == pytest.approx((0.75 + 0.53125) / 2)
    assert row["model_specific"] != REFUTED


def test_two_classes_are_a_state_and_no_failure():
    mirrored = rows("DeepLift", 0.9, -1.0, 0.1, x_only=0.3, testable=False)
    row = headline_of(mirrored).loc["DeepLift"]
    assert (row["verdict"], row["study_verdict"]) == (PASSES, SHOWN)
    assert not row["class_testable"]
    assert math.isnan(row["class_r"])
    assert row["class_specific_decided_by"] == "more than two classes"
    assert result_cell(row, Column("class_specific", "class")).text == "– not testable"
    assert result_cell(row, Column("class_r", "class r")).text == "not testable"


def test_a_group_of_decoders_at_chance_says_that_they_are_left_out():
    rows = pd.DataFrame({"n_decoders": [1, 1], "n_seeds": [0, 0], "at_chance": [1, 1]})
    title = group_title(rows, ["feature", "snr_db"], ["spatial", -12.0])
    assert title == "spatial, snr_db -12.0!, 1 decoder no better than chance, left out"
