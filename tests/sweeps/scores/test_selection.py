"""Which runs count: those whose decoder decodes, and those that an expression chooses."""

import contextlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.analysis.compare import Quantity
from sweeps.analysis.conditions import NO_SCORE
from sweeps.analysis.significance import compare_methods
from sweeps.analysis.summary import headline
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.analysis.verdicts import judged
from sweeps.scores.selection import (
    SELECTABLE_COLUMNS,
    FilterError,
    chance_note,
    select_runs,
    without_chance_decoders,
)
from tests.tidy_tables import tidy_table

TIDY = pd.DataFrame(
    [
        (feature, snr, seed, 0, architecture, "DeepLift", 0.5 + seed / 10, seed == 0, "ok")
        for feature in ("temporal", "spatial")
        for snr in (-3.5, -12.0, -23.0)
        for seed in range(3)
        for architecture in ("deepnet", "eegnet")
    ],
    columns=list(SELECTABLE_COLUMNS),
)


@pytest.mark.parametrize(
    "expression",
    [
        "snr_db >= -12 and architecture == 'eegnet'",
        "snr_db in (-3.5, -12) or not feature == 'spatial'",
        "-12 <= snr_db < 0",
        "seed != 1 and (seed > 0 or architecture in ['deepnet'])",
        "feature not in ['temporal']",
        "at_chance == True",
        "'deepnet' == architecture",
        "accuracy > 0.55 and validity == 'ok'",
        "not (seed == 0 or seed == 1)",
        "seed == fold",
        "seed < 99999999999999999999999 and seed > 1",
        "architecture != '`' and architecture != '@x' and seed > 0",
    ],
)
def test_it_chooses_as_pandas_does(expression):
    expected = TIDY.query(expression)
    assert 0 < len(expected) < len(TIDY)
    pd.testing.assert_frame_equal(select_runs(TIDY, expression), expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("snr >= -12", "snr_db"),
        ("snr_db >=", "not an expression"),
        ("", "not an expression"),
        ("snr_db", "not allowed"),
        ("1 == 1", "not allowed"),
        ("snr_db == (1, 2)", "not allowed"),
        ("snr_db in 3", "not allowed"),
        ("snr_db + 1 == 2", "not allowed"),
        ("-snr_db > 2", "not allowed"),
        ("architecture > 3", "text with a number"),
        ("snr_db in ('a', 'b')", "text with a number"),
        ("snr_db in (1, 'b')", "text with a number"),
        ("seed is 0", "not allowed"),
        ("__import__('os').system('true') == 0", "not allowed"),
        ("feature.map(print) == 1", "not allowed"),
        ("(lambda: 1)() == seed", "not allowed"),
        ("[x for x in (1,)] == seed", "not allowed"),
        ("seed == None", "not allowed"),
        ("snr_db == {'a': 1}", "not allowed"),
        ("seed if seed else fold", "not allowed"),
        ("seed == @pd", "not an expression"),
        ("seed == `fold`", "not an expression"),
        ("seed == 0 & fold == 0", "not allowed"),
        ("seed == seed.size", "not allowed"),
        ("not seed", "not allowed"),
        ("seed in ((1, 2), 3)", "not allowed"),
        ("seed == 0\nfold == 0", "not an expression"),
        ("at_chance < 99999999999999999999", "too large"),
        ("architecture == 'eegnt'", "matches no finished run; architecture is deepnet or eegnet"),
        ("seed > 2 and feature == 'spatial'", "seed is 0 or 1 or 2; feature is spatial or"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(expression, message):
    with pytest.raises(FilterError, match=message) as refusal:
        select_runs(TIDY, expression)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith("--where")


WORDS = [
    "seed", "snr_db", "architecture", "at_chance", "==", "!=", "<", "in", "not", "and", "or",
    "(", ")", "[", "]", ",", "0", "-3.5", "'eegnet'", "'a`b'", "True", "None", "@", ".", "()",
    ":", "+", "~", "&", "lambda", "is", "1e999", "1j", "99999999999999999999", "b'x'", "if",
    "else", "{}", "*", "nan",
]  # fmt: skip
WORD_LISTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9)


@pytest.mark.slow
@given(st.text(max_size=30) | WORD_LISTS.map(" ".join))
def test_no_text_does_anything_but_choose_or_be_refused(text):
    with contextlib.suppress(FilterError):
        assert len(select_runs(TIDY, text)) <= len(TIDY)


@pytest.mark.parametrize(
    "expression",
    ["not " * 3000 + "seed == 1", "seed == " + "-" * 5000 + "1", "seed " + "< 9 " * 2000],
    ids=["not", "minus", "chain"],
)
def test_what_is_nested_too_deeply_is_refused_in_a_sentence(expression):
    with pytest.raises(FilterError, match=r"nested too deeply|is not allowed|is not an expression"):
        select_runs(TIDY, expression)


def test_decoders_at_chance_have_no_numbers_and_are_counted():
    tidy = tidy_table(["LRP", "RandomMap"])
    tidy = tidy.assign(at_chance=(tidy["seed"] == 1) & (tidy["feature"] == "temporal"), flags="x")
    left = without_chance_decoders(tidy)
    decoding = tidy[~tidy["at_chance"]]
    pd.testing.assert_frame_equal(left[~left["at_chance"]], decoding)
    assert left.loc[left["at_chance"], ["mean", "half_width"]].isna().all(axis=None)
    assert set(left.loc[left["at_chance"], "flags"]) == {""}
    table, of_others = headline(left), headline(decoding)
    numbers = ["score", "score_low", "over_chance", "class_r", "cascade_below", "never_below"]
    pd.testing.assert_frame_equal(table[numbers], of_others[numbers])
    first = table.iloc[0]
    assert first[["n_decoders", "at_chance", "n_seeds", "flagged"]].tolist() == [12, 4, 2, 8]
    assert chance_note(left) == (
        "4 of 24 decoders decode no better than chance and are left out of means, intervals, "
        "tests and rankings (--keep-at-chance keeps them)"
    )
    assert "4 of 24 decoders" in chance_note(tidy)
    assert "are kept in means" in chance_note(tidy)


@pytest.mark.slow
def test_a_group_of_decoders_at_chance_stays_with_its_count():
    tidy = tidy_table(["LRP", "RandomMap"], seeds=(0, 1), architectures=["deepnet"])
    left = without_chance_decoders(tidy.assign(at_chance=tidy["feature"] == "spatial"))
    for kind in TABLE_KINDS.values():
        table = kind.table(left, ("feature",))
        assert list(table["feature"].unique()) == ["temporal", "spatial"]
        rows = table[table["feature"] == "spatial"]
        assert (rows["at_chance"] == rows["n_decoders"]).all()
    spatial = judged(headline(left)).set_index(["feature", "method"]).loc[("spatial", "LRP")]
    assert spatial[["score", "score_low", "class_r", "calibrated"]].isna().all()
    assert spatial["verdict"] == NO_SCORE
    with_words = list(compare_methods(left, Quantity()))
    assert with_words[1] == (
        "spatial: nothing can be tested with scores of 0 seeds: one pair of methods needs at "
        "least 6"
    )


def test_where_every_decoder_decodes_nothing_changes():
    tidy = tidy_table(["LRP"])
    assert without_chance_decoders(tidy) is tidy
    assert chance_note(tidy) == ""
    unknown = tidy.drop(columns="at_chance")
    assert without_chance_decoders(unknown) is unknown
