"""Expressions over the axes: what they choose, and what they refuse."""

import contextlib

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.scores.selection import SELECTABLE_COLUMNS, FilterError, chosen

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
    ],
)
def test_it_chooses_as_pandas_does(expression):
    expected = TIDY.query(expression)
    assert 0 < len(expected) < len(TIDY)
    pd.testing.assert_frame_equal(chosen(TIDY, expression), expected)


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
    ],
)
def test_anything_else_is_refused_in_a_sentence(expression, message):
    with pytest.raises(FilterError, match=message) as refusal:
        chosen(TIDY, expression)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith("--where")


@given(st.text(max_size=30))
def test_no_text_does_anything_but_choose_or_be_refused(text):
    with contextlib.suppress(FilterError):
        assert len(chosen(TIDY, text)) <= len(TIDY)
