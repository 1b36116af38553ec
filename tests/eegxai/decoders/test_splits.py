"""Splits: stratified, disjoint, together everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.decoders import hold_out, split_trials


def parts_of(split):
    return split.train, split.validation, split.test


@settings(max_examples=30, deadline=None)
@given(
    n_trials=st.integers(40, 200),
    n_classes=st.integers(2, 4),
    n_folds=st.integers(2, 5),
    seed=st.integers(0, 10),
)
def test_folds_partition_the_trials_class_by_class(n_trials, n_classes, n_folds, seed):
    y = np.arange(n_trials) % n_classes
    held = []
    for fold in range(n_folds):
        split = split_trials(y, fold, n_folds, seed)
        parts = (split.train, split.validation, split.test)
        assert sorted(np.concatenate(parts)) == list(range(n_trials))
        counts = np.bincount(y[split.validation], minlength=n_classes)
        assert counts.max() - counts.min() <= 1
        held += [*split.validation, *split.test]
    assert sorted(held) == list(range(n_trials))


def test_fold_and_size_errors_name_the_field():
    y = np.arange(40) % 2
    with pytest.raises(ValueError, match=r"fold=5 does not exist; allowed are 0 to 4"):
        split_trials(y, 5, 5, 0)
    with pytest.raises(ValueError, match="n_trials=8"):
        split_trials(y[:8], 0, 5, 0)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(20, 60), min_size=2, max_size=4),
    share=st.floats(0.1, 0.9),
    seed=st.integers(0, 10),
)
def test_a_hold_out_is_the_same_share_of_every_class(counts, share, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    split = hold_out(y, share, seed)
    assert sorted(np.concatenate(parts_of(split))) == list(range(len(y)))
    for label, count in enumerate(counts):
        train, validation, test = ((y[part] == label).sum() for part in parts_of(split))
        assert validation + test == round(share * count)
        assert 0 <= validation - test <= 1
        assert train > 0


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "holdout=0.0"), (1.0, "holdout=1.0"), (0.01, "n_trials=40"), (0.99, "n_trials=40")],
)
def test_a_hold_out_that_leaves_a_part_empty_is_told(share, words):
    with pytest.raises(ValueError, match=words):
        hold_out(np.arange(40) % 2, share, 0)
