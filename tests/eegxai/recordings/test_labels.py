"""Labels: names, positions and codes, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eegxai.recordings.labels import class_notes, event_labels, given_labels

names = st.lists(st.text("aZé 1", min_size=1, max_size=3), min_size=1, max_size=20)


@given(names)
def test_names_come_back_in_alphabetical_order_or_in_the_one_given(labels):
    found = given_labels(labels, None, len(labels))
    assert [found.class_names[label] for label in found.y] == labels
    assert found.class_names == tuple(sorted(set(labels)))
    order = [*reversed(found.class_names), "another one"]
    turned = given_labels(labels, order, len(labels))
    assert [turned.class_names[label] for label in turned.y] == labels
    assert turned.class_names == tuple(order)


@given(st.lists(st.integers(-5, 2000), min_size=1, max_size=20))
def test_integers_are_positions_beside_a_zero_and_codes_otherwise(codes):
    found = given_labels(codes, None, len(codes))
    if min(codes) == 0 and max(codes) < 1000:
        assert found.y.tolist() == codes
        assert found.class_names == tuple(str(label) for label in range(max(codes) + 1))
    else:
        assert [int(found.class_names[label]) for label in found.y] == codes
        assert list(found.class_names) == [str(code) for code in sorted(set(codes))]


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 0, 1], dtype=np.int32),
        np.array([True, False, True]),
        np.array([1.0, 0.0, 1.0]),
        np.array([1, 0, 1], dtype=object),
        torch.tensor([1, 0, 1], dtype=torch.int32),
        pd.Series([1, 0, 1], index=[5, 6, 7]),
        (1, 0, 1),
    ],
    ids=lambda labels: type(labels).__name__ + str(getattr(labels, "dtype", "")),
)
def test_integers_of_any_kind(labels):
    found = given_labels(labels, ["a", "b"], 3)
    assert (found.y.tolist(), found.y.dtype, found.class_names) == ([1, 0, 1], np.int64, ("a", "b"))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["b", "a", "b"], dtype=object),
        np.array(["b", "a", "b"]),
        pd.Series(["b", "a", "b"]),
        pd.Series(["b", "a", "b"], dtype="category"),
    ],
)
def test_names_of_any_kind(labels):
    assert given_labels(labels, None, 3).y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("codes", "class_names", "expected"),
    [
        ([1, 2], ["l", "r", "q"], [1, 2]),  # positions, one class without a trial
        ([1, 2], ["l", "r"], [0, 1]),
        ([770, 769], ["l", "r"], [1, 0]),
    ],
)
def test_integers_with_names_are_positions_if_they_can_be(codes, class_names, expected):
    found = given_labels(codes, class_names, 2)
    assert (found.y.tolist(), found.class_names) == (expected, tuple(class_names))


@pytest.mark.parametrize(
    ("labels", "class_names", "told"),
    [
        ([0, 1], None, r"y has the shape \(2,\); allowed is one label for each trial: \(3,\)"),
        (np.eye(3), None, r"y has the shape \(3, 3\)"),
        (1, None, r"y has the shape \(\)"),
        ([0.5, 1, 0], None, r"y holds 0\.5; allowed are integers and names of classes"),
        ([0, np.nan, 1], None, "y holds nan; allowed are integers"),
        ([0, None, 1], None, "y holds None; allowed are integers and names of classes, not both"),
        (np.array(["a", 0, "a"], dtype=object), None, "y holds 0; allowed are"),
        (["a", "b", "c"], ["a", "b"], "class_names lacks 'c', which is a class of the trials; it"),
        ([7, 8, 7], ["a", "b", "c"], "y holds 7, 8, which are neither positions in class_names, 0"),
        ([0, 1, 0], ["a", "a"], r"class_names=\['a', 'a'\] is not allowed: a list of distinct"),
        ([0, 1, 0], "ab", "class_names='ab' is not allowed"),
        ([1j, 0, 1], None, "y holds values of the type complex128; allowed are integers"),
        (np.array(["2020"] * 3, "datetime64[Y]"), None, "y holds values of the type datetime64"),
        (np.ma.array([0, 1, 0], mask=[1, 0, 0]), None, "y has masked values"),
        ([0.5, 1, 0], None, "a regression is explained without y"),
        ([0, 1, 0], 3, "class_names=3 is not allowed"),
        ([0, 1, 0], [], r"class_names=\[\] is not allowed"),
    ],
)
def test_labels_that_are_refused(labels, class_names, told):
    with pytest.raises(ValueError, match=told):
        given_labels(labels, class_names, 3)


def test_events_are_classes_in_the_order_of_their_codes():
    codes, event_id = np.array([5, 2, 5]), {"left": 5, "right": 2, "rest": 9}
    found = event_labels(codes, event_id, None)
    assert found.class_names == ("right", "left", "rest")
    assert found.y.tolist() == [1, 0, 1]
    assert event_labels(codes, event_id, ["left", "right", "rest"]).y.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("names", "expected"), [(None, [1, 0]), (["l", "r"], [1, 0]), ([*"abcdef"], [5, 2])]
)
def test_events_that_are_named_by_numbers_take_the_names_given(names, expected):
    found = event_labels(np.array([5, 2]), {"5": 5, "2": 2}, names)
    assert found.y.tolist() == expected
    assert found.class_names == tuple(names or ("2", "5"))


@pytest.mark.parametrize(
    ("event_id", "names", "told"),
    [
        ({"left": 1, "right": 1}, None, "event_id gives one code two names"),
        ({"left": 1}, None, r"event codes 2 have no name in event_id"),
        ({"left": 1, "right": 2}, ["left", "rihgt"], "class_names lacks 'right'"),
    ],
)
def test_events_that_are_refused(event_id, names, told):
    with pytest.raises(ValueError, match=told):
        event_labels(np.array([1, 2]), event_id, names)


@pytest.mark.parametrize(
    ("labels", "class_names", "told"),
    [
        ([0, 0, 2, 2], None, ["0 (2), 1 (0), 2 (2)", "no trial is of class 1"]),
        ([0, 0, 0, 1], ["a", "b"], ["a (3), b (1)", "only one trial is of class b"]),
        ([0, 0, 0, 0], ["a"], ["a (4)", "all trials are of class 'a'"]),
        (None, None, ["there are no labels"]),
    ],
)
def test_numbers_of_trials_are_noted(labels, class_names, told):
    notes = class_notes(given_labels(labels, class_names, 4))
    assert len(notes) == len(told)
    assert all(words in note for words, note in zip(told, notes, strict=True))
