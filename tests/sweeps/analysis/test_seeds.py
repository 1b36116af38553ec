"""The seed is the unit: coverage of intervals, and tests that count seeds and not their folds."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from eegxai.evaluation.bounds import SHARE
from eegxai.statistics import compare_ranks, independent, paired_differences
from sweeps.analysis.estimates import estimate
from sweeps.scores.table import DIFFERENCE
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


def near_a_bound(n_seeds, n_within, seed_effect, level):
    """Shares whose seeds and decoders differ on the logit scale, and their true mean."""
    random = np.random.default_rng(1)
    shape = (N_REPEATS, n_seeds, n_within)
    logits = level + seed_effect * random.standard_normal((*shape[:2], 1))
    scores = expit(logits + 0.3 * random.standard_normal(shape))
    index = pd.MultiIndex.from_product(map(range, shape), names=["sweep", "seed", "decoder"])
    return pd.DataFrame({"mean": scores.ravel(), "half_width": 0.01}, index).reset_index()


def expected_share(seed_effect, level):
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return weights @ expit(level + np.hypot(seed_effect, 0.3) * nodes) / weights.sum()


@pytest.mark.parametrize("seed_effect", [0.0, 0.1, 0.3, 0.5])
@pytest.mark.parametrize(("n_seeds", "level"), [(3, 0.0), (5, 2.0), (5, -4.0), (10, 4.0)])
def test_intervals_of_shares_cover_the_true_mean_and_stay_within_bounds(
    n_seeds, level, seed_effect
):
    rows = near_a_bound(n_seeds, 5, seed_effect, level).assign(metric="auprc_magnitude")
    found = pd.DataFrame(estimate("x", rows, ["sweep"]))
    truth = expected_share(seed_effect, level)
    covered = found["x_low"].lt(truth) & found["x_high"].gt(truth)
    assert 0.93 < covered.mean() < 0.97
    assert found["x_low"].min() >= 0
    assert found["x_high"].max() <= 1


@pytest.mark.parametrize("seed_effect", [0.0, 0.3, 1.0, 3.0])
def test_intervals_of_paired_differences_cover_the_true_difference(seed_effect):
    """What a seed adds to both methods goes, what it adds to their difference stays."""
    random = np.random.default_rng(2)
    shape = (N_REPEATS, 5, 4)
    easy = 3 * random.standard_normal((*shape[:2], 1))
    of_seeds = seed_effect * random.standard_normal((*shape[:2], 1))
    a, b = (easy + random.standard_normal(shape) for _ in range(2))
    differences = 0.1 * (b - a + of_seeds) + 0.2
    index = pd.MultiIndex.from_product(map(range, shape), names=["sweep", "seed", "decoder"])
    rows = pd.DataFrame({"mean": differences.ravel(), "half_width": 0.01}, index).reset_index()
    found = pd.DataFrame(estimate("x", rows.assign(metric=DIFFERENCE), ["sweep"]))
    covered = found["x_low"].lt(0.2) & found["x_high"].gt(0.2)
    assert 0.93 < covered.mean() < 0.97
    one = rows[rows["sweep"] == 0].set_index(["seed", "decoder"])["mean"]
    (paired,) = paired_differences(
        pd.DataFrame({"x": 0 * one}), pd.DataFrame({"x": one}), bounds=SHARE.of_differences
    ).to_dict("records")
    np.testing.assert_allclose(
        [paired["low"], paired["high"]], found.iloc[0][["x_low", "x_high"]], atol=1e-5
    )


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
