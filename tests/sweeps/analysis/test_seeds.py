"""The seed is the unit: coverage of intervals, and tests that count seeds and not their folds."""

import numpy as np
import pandas as pd
import pytest

from eegxai.statistics import compare_ranks, independent, paired_differences
from sweeps.analysis.summary import estimate
from tests.tidy_tables import tidy_table

N_REPEATS = 4000
TRUE_MEAN = 0.6


def decoders(n_seeds, n_within, seed_effect):
    """Scores of made-up sweeps, each a group of its own: a seed's effect and a decoder's noise."""
    random = np.random.default_rng(0)
    shape = (N_REPEATS, n_seeds, n_within)
    effects = seed_effect * random.standard_normal(shape[:2])
    scores = TRUE_MEAN + effects[..., None] + random.standard_normal(shape)
    index = pd.MultiIndex.from_product(map(range, shape), names=["sweep", "seed", "decoder"])
    return pd.DataFrame({"mean": scores.ravel(), "half_width": 0.01}, index).reset_index()


@pytest.mark.parametrize("seed_effect", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize(("n_seeds", "n_within"), [(5, 5), (10, 25)])
def test_nominal_intervals_cover_the_true_mean(n_seeds, n_within, seed_effect):
    found = pd.DataFrame(estimate("x", decoders(n_seeds, n_within, seed_effect), ["sweep"]))
    covered = found["x_low"].lt(TRUE_MEAN) & found["x_high"].gt(TRUE_MEAN)
    assert 0.93 < covered.mean() < 0.97


def test_of_one_seed_the_interval_is_over_trials():
    found = pd.DataFrame(estimate("x", decoders(1, 5, 1.0), ["sweep"]))
    np.testing.assert_allclose(found["x_high"] - found["x"], 0.01)


def scores(n_seeds, n_folds, n_methods=3):
    index = pd.MultiIndex.from_product([range(n_seeds), range(n_folds)], names=["seed", "fold"])
    values = np.random.default_rng(0).random((len(index), n_methods))
    return pd.DataFrame(values, index, list("ABC")[:n_methods])


def test_tests_see_the_means_of_seeds():
    whole = scores(6, 5)
    by_seed = whole.groupby(level="seed").mean()
    pd.testing.assert_frame_equal(independent(whole), by_seed)
    ranks, expected = compare_ranks(whole), compare_ranks(by_seed)
    assert (ranks.n_blocks, ranks.p) == (6, expected.p)
    pd.testing.assert_frame_equal(ranks.pairs, expected.pairs, atol=2e-6)
    other = whole + 0.1 * scores(6, 5).iloc[::-1].to_numpy()
    found = paired_differences(whole, other)
    of_means = paired_differences(by_seed, independent(other))
    pd.testing.assert_frame_equal(
        found.drop(columns=["unpaired_a", "unpaired_b"]),
        of_means.drop(columns=["unpaired_a", "unpaired_b"]),
    )
    assert (found["n_pairs"] == 6).all()


def test_tables_without_seeds_have_a_block_a_row():
    plain = scores(6, 5).reset_index(drop=True)
    assert compare_ranks(plain).n_blocks == 30


def test_folds_narrow_no_interval_of_one_seed():
    tidy = tidy_table(["LRP"], ["temporal"], [-3.5], [0], ["deepnet"])
    folds = pd.concat([tidy.assign(fold=fold) for fold in range(5)])
    one, five = (estimate("x", rows, ["method"]) for rows in (tidy, folds))
    np.testing.assert_allclose(one["x_high"], five["x_high"])
