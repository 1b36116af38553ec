"""The calibrated metrics against scikit-learn and closed forms, and their properties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS, truth_mask

SHAPE = (8, 30)
SEEDS = st.integers(0, 2**32 - 1)
SIGNED = {"mass_signed", "rank_signed", "auprc_signed", "auroc_signed"}
MAGNITUDE = {"mass_magnitude", "rank_magnitude", "auprc_magnitude", "auroc_magnitude"}
POINTING = {"pointing_time", "pointing_channel"}
SCORES = SIGNED | MAGNITUDE | POINTING


def compute(attribution, reference, mask=None):
    pair = [
        Maps(torch.as_tensor(values, dtype=torch.float64), mask)
        for values in (attribution, reference)
    ]
    return {name: function(*pair).numpy() for name, function in CALIBRATED_METRICS.items()}


def noise(seed, n_trials=5, ties=False):
    values = np.random.default_rng(seed).normal(size=(n_trials, *SHAPE))
    return np.round(2 * values) / 2 if ties else values


def burst(seed, n_trials=5):
    """A signed reference: a Gaussian bump in time and channel, some of it below half its peak."""
    rng = np.random.default_rng(seed)
    channel, time = np.arange(SHAPE[0])[:, None], np.arange(SHAPE[1])
    centres = rng.uniform((2, 8), (5, 20), (n_trials, 2))
    bumps = [np.exp(-((channel - c) ** 2) / 4 - (time - t) ** 2 / 18) for c, t in centres]
    return np.stack(bumps) * rng.choice([-1, 1], n_trials)[:, None, None]


def expected_rank(relevance, true):
    """Mean share of hits over the ways to fill up the last places from the tie."""
    kth = np.sort(relevance)[-true.sum()]
    above, tied = relevance > kth, relevance == kth
    left = true.sum() - above.sum()
    return (true[above].sum() + left * true[tied].mean()) / true.sum()


def plain(attribution, reference):
    true = (np.abs(reference) >= np.abs(reference).max() / 2).ravel()
    scores = {"density": true.mean()}
    for reading, e in {"signed": attribution, "magnitude": np.abs(attribution)}.items():
        relevance = e.ravel()
        scores[f"mass_{reading}"] = (
            relevance[true & (relevance > 0)].sum() / relevance[relevance > 0].sum()
        )
        scores[f"rank_{reading}"] = expected_rank(relevance, true)
        scores[f"auprc_{reading}"] = average_precision_score(true, relevance)
        scores[f"auroc_{reading}"] = roc_auc_score(true, relevance)
    for axis, name in enumerate(("channel", "time")):
        profile = np.abs(attribution).sum(1 - axis)
        best = profile == profile.max()
        scores[f"pointing_{name}"] = true.reshape(SHAPE).any(1 - axis)[best].mean()
    return scores


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans())
def test_every_metric_equals_scikit_learn_and_its_definition(seed, ties):
    attribution, reference = noise(seed, ties=ties) + burst(seed), burst(seed)
    found = compute(attribution, reference)
    assert set(found) == {"density", *SCORES}
    for trial, pair in enumerate(zip(attribution, reference, strict=True)):
        expected = plain(*pair)
        assert {name: values[trial] for name, values in found.items()} == pytest.approx(expected)


def test_the_truth_is_the_half_maximum_of_the_magnitude():
    reference = torch.tensor([[[-4.0, 2.0, 1.9, 0.0]], [[0.0, 0.0, 0.0, 0.0]]])
    assert truth_mask(Maps(reference)).tolist() == [[True, True, False, False], [False] * 4]


def test_a_dense_topography_has_a_truth_of_its_own_density():
    mask = torch.zeros(*SHAPE, dtype=torch.bool)
    mask[2:6, 5:25] = True
    reference = torch.from_numpy(np.abs(burst(0)) + 0.1)
    scores = compute(noise(0), reference, mask)
    within = reference[:, mask]
    expected = (within >= within.amax(1, keepdim=True) / 2).double().mean(1)
    np.testing.assert_allclose(scores["density"], expected)
    assert np.isnan(scores["pointing_time"]).all()
    assert np.isnan(scores["pointing_channel"]).all()
    assert not np.isnan(scores["auroc_signed"]).any()


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(1e-6, 1e6))
def test_scale_changes_nothing(seed, scale):
    attribution, reference = noise(seed), burst(seed)
    before, after = compute(attribution, reference), compute(scale * attribution, reference)
    rescaled = compute(attribution, scale * reference)
    for name in CALIBRATED_METRICS:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9)
        np.testing.assert_allclose(rescaled[name], before[name], rtol=1e-9)


def test_the_map_of_the_truth_scores_one():
    reference = burst(0)
    true = np.abs(reference) >= np.abs(reference).max((1, 2), keepdims=True) / 2
    scores = compute(true, reference)
    for name in SCORES:
        np.testing.assert_allclose(scores[name], 1, err_msg=name)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_flipped_sign_moves_signed_versions_alone(seed):
    there, back = (compute(sign * noise(seed), burst(seed)) for sign in (1, -1))
    np.testing.assert_allclose(back["auroc_signed"], 1 - there["auroc_signed"])
    for name in MAGNITUDE | POINTING | {"density"}:
        np.testing.assert_allclose(back[name], there[name])


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.permutations(range(5)))
def test_trials_are_scored_independently(seed, order):
    attribution, reference = noise(seed), burst(seed)
    scores, permuted = (
        compute(attribution, reference),
        compute(attribution[order], reference[order]),
    )
    for name in CALIBRATED_METRICS:
        np.testing.assert_allclose(permuted[name], scores[name][order], rtol=1e-12)


def test_random_maps_score_chance():
    scores = compute(noise(0, 400), burst(1, 400))
    density = scores["density"].mean()
    for name in ("mass_signed", "mass_magnitude", "rank_signed", "rank_magnitude"):
        assert scores[name].mean() == pytest.approx(density, abs=0.01)
    for name in ("auroc_signed", "auroc_magnitude"):
        assert scores[name].mean() == pytest.approx(0.5, abs=0.01)
    for name in ("auprc_signed", "auprc_magnitude"):
        assert density < scores[name].mean() < density + 0.03


def test_scores_fall_as_noise_is_mixed_in():
    reference = np.abs(burst(2, 100))
    levels = [
        compute(reference + level * noise(3, 100), reference) for level in (0, 0.2, 0.5, 1, 3)
    ]
    for name in SCORES:
        means = [scores[name].mean() for scores in levels]
        assert means == sorted(means, reverse=True), name
        assert means[0] > means[-1] + 0.2, name


@pytest.mark.parametrize(
    ("attribution", "reference"),
    [
        (np.zeros((2, *SHAPE)), burst(0, 2)),
        (np.ones((2, *SHAPE)), burst(0, 2)),
        (np.full((2, *SHAPE), np.nan), burst(0, 2)),
        (noise(0, 2), np.zeros((2, *SHAPE))),
        (noise(0, 2), np.ones((2, *SHAPE))),
        (noise(0, 2), np.full((2, *SHAPE), np.nan)),
    ],
    ids=["zero", "constant", "NaN", "no truth", "truth everywhere", "NaN reference"],
)
def test_maps_that_say_nothing_are_nan(attribution, reference):
    assert all(np.isnan(values).all() for values in compute(attribution, reference).values())


def test_a_map_without_positive_relevance_has_no_signed_mass():
    scores = compute(-np.abs(noise(0)), burst(0))
    assert np.isnan(scores["mass_signed"]).all()
    assert not np.isnan(scores["rank_signed"]).any()


def test_ranks_are_shares_in_double_precision():
    """Of three tied pixels, one true, two are taken: 2 / 3 of a hit among two."""
    relevance = np.array([[[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]]])
    true = np.array([[[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]]])
    found = compute(relevance, true)["rank_signed"]
    assert found[0] == pytest.approx(1 / 3, abs=1e-15)
