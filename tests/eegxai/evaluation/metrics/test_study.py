"""The sixteen metrics against a plain implementation, trial by trial, with other libraries."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.evaluation import STUDY_METRICS
from eegxai.evaluation.maps.reductions import kth_largest
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.study import metric
from tests.plain_metrics import NAMES, minmax, plain, top5

SHAPE = (12, 40)
DISC = np.hypot(*np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 12))) <= 1


def maps(values, mask=None):
    mask = None if mask is None else torch.as_tensor(mask)
    return Maps(torch.as_tensor(values, dtype=torch.float64), mask)


def compute(attribution, reference, mask=None):
    pair = maps(attribution, mask), maps(reference, mask)
    return {name: function(*pair).numpy() for name, function in STUDY_METRICS.items()}


def noise(seed, n_trials=4):
    return np.random.default_rng(seed).normal(size=(n_trials, *SHAPE))


def sparse(seed, share=0.2, n_trials=4):
    """Magnitudes that are zero at all but a share of the pixels, like a ground truth."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 2, (n_trials, *SHAPE)) * (rng.random((n_trials, *SHAPE)) < share)


def smooth(seed):
    return np.cumsum(noise(seed), axis=2)


def defined(scores):
    return {name for name, values in scores.items() if not np.isnan(values).any()}


def test_the_sixteen_metrics_of_the_study_are_registered():
    assert set(STUDY_METRICS) == NAMES


def test_a_metric_registers_by_its_decorator(monkeypatch):
    monkeypatch.setattr("eegxai.evaluation.metrics.study.STUDY_METRICS", registry := {})
    metric("one")(one := lambda attribution, reference: torch.ones(len(attribution.values)))
    assert registry == {"one": one}


@pytest.mark.parametrize("mask", [None, DISC], ids=["all pixels", "disc"])
@pytest.mark.parametrize(
    ("attribution", "reference"),
    [
        (noise(0), sparse(1)),
        (noise(2) + 1, noise(3)),
        (smooth(4) / 100, smooth(5)),
        (np.maximum(noise(6), 0), sparse(7, share=0.02)),
        (noise(8) - 2, sparse(9)),
        (1e4 * noise(10) + 3e5, np.abs(smooth(11))),
        (np.round(noise(12)), np.round(sparse(13))),
    ],
    ids=["sparse", "dense", "smooth", "clipped", "negative", "offset", "ties"],
)
def test_metrics_equal_the_plain_implementation(attribution, reference, mask):
    scores = compute(attribution, reference, mask)
    pixels = np.ones(SHAPE, bool) if mask is None else mask
    for trial, pair in enumerate(zip(attribution, reference, strict=True)):
        expected = plain(*pair, pixels)
        found = {name: scores[name][trial] for name in NAMES}
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 400), st.integers(0, 2**32 - 1), st.booleans())
def test_top5_keeps_what_numpy_does_not_put_below_the_percentile(n_pixels, seed, ties):
    values = np.random.default_rng(seed).normal(size=n_pixels) + 1
    values = np.round(values) if ties else values
    values[0] = 5.0
    found = maps(values[None, None]).top5.pixels[0].numpy()
    np.testing.assert_array_equal(found, top5(values))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 3000), st.data())
def test_the_kth_largest_is_exact_where_a_sample_misleads(seed, n_pixels, data):
    """A row that rises every 17 pixels shows the sample only its smallest values, or largest."""
    counts = data.draw(st.lists(st.integers(0, n_pixels), min_size=4, max_size=4))
    rising, random = np.arange(n_pixels) % 17, np.random.default_rng(seed).normal(size=n_pixels)
    rows = np.stack([rising, -rising, random, random.round()]).astype(float)
    found = kth_largest(torch.from_numpy(rows), torch.tensor(counts))
    expected = [np.sort(row)[-k] if k else np.inf for row, k in zip(rows, counts, strict=True)]
    assert found.tolist() == expected


def test_ssim_of_tiny_maps_is_exact_where_running_sums_are_not():
    """At 1e-6 scikit-image's running sums leave residues of the size of SSIM's constants."""
    attribution, reference = smooth(4) * 1e-6, smooth(5)
    found = compute(attribution, reference)["ssim_top5"]
    for trial, (e, r) in enumerate(zip(attribution, reference, strict=True)):
        x, y = top5(minmax(r)).astype(np.longdouble), top5(e).astype(np.longdouble)
        x, y = (np.lib.stride_tricks.sliding_window_view(v, (7, 7)) for v in (x, y))
        c1, c2 = ((k * np.ptp(top5(e))) ** 2 for k in (0.01, 0.03))
        mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
        dx, dy = x - mean_x[..., None, None], y - mean_y[..., None, None]
        covariance, variances = (dx * dy).sum((2, 3)) / 48, (dx**2 + dy**2).sum((2, 3)) / 48
        luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
        exact = (luminance * (2 * covariance + c2) / (variances + c2)).mean()
        assert found[trial] == pytest.approx(float(exact), rel=1e-10)


CLIPPED = {"ssim_clipped", "cosine_clipped", "mass_clipped", "pearson_clipped"}
RANKED = {"rank", "pearson_topk"}
TOP5 = {"ssim_top5", "cosine_top5", "mass_top5"}
MASS = {"mass_top5", "mass_clipped", "mass_minmax"}


@pytest.mark.parametrize(
    ("attribution", "reference", "expected"),
    [
        (np.zeros((4, *SHAPE)), sparse(0), set()),
        (np.full((4, *SHAPE), 0.3), sparse(0), {"cosine_top5", "cosine_raw", "mass_top5"}),
        (-np.abs(noise(0)), sparse(0), NAMES - CLIPPED - RANKED - TOP5),
        (noise(0), np.zeros((4, *SHAPE)), set()),
        (noise(0), np.full((4, *SHAPE), 0.3), MASS | {"rank"}),
        (noise(0), -np.abs(noise(1)), NAMES - RANKED),
        (np.full((4, *SHAPE), np.nan), sparse(0), set()),
        (noise(0), np.full((4, *SHAPE), np.nan), set()),
    ],
    ids=[
        "zero map",
        "constant map",
        "negative map",
        "zero reference",
        "constant reference",
        "negative reference",
        "NaN map",
        "NaN reference",
    ],
)
@pytest.mark.parametrize("mask", [None, DISC], ids=["all pixels", "disc"])
def test_degenerate_maps_are_nan_where_undefined(attribution, reference, expected, mask):
    assert defined(compute(attribution, reference, mask)) == expected


def test_a_degenerate_trial_leaves_the_others_alone():
    attribution, reference = noise(0), sparse(1)
    whole = compute(attribution, reference)
    attribution[2] = 0
    spoilt = compute(attribution, reference)
    for name in NAMES:
        assert np.isnan(spoilt[name][2])
        np.testing.assert_array_equal(spoilt[name][[0, 1, 3]], whole[name][[0, 1, 3]])


def test_maps_smaller_than_the_window_have_no_ssim():
    scores = compute(noise(0)[:, :3], sparse(1)[:, :3])
    assert defined(scores) == {name for name in NAMES if not name.startswith("ssim")}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-4, 1e4))
def test_positive_scale_changes_nothing_but_ssim_of_unscaled_maps(seed, scale):
    attribution, reference = noise(seed, 2), sparse(seed + 1, n_trials=2)
    before, by_reference = compute(attribution, reference), compute(attribution, scale * reference)
    by_map = compute(scale * attribution, reference)
    for name in NAMES:
        np.testing.assert_allclose(by_reference[name], before[name], rtol=1e-9)
        if name not in {"ssim_raw", "ssim_top5"}:
            np.testing.assert_allclose(by_map[name], before[name], rtol=1e-9)


@pytest.mark.parametrize("mask", [None, DISC], ids=["all pixels", "disc"])
def test_the_true_map_reaches_the_maximum_of_every_metric(mask):
    truth = sparse(0, share=0.03)
    truth /= truth.max((1, 2), keepdims=True)
    truth[:, 6, 20] = 1.0  # inside the disc too, so that the peak is 1 there
    for name, values in compute(truth, truth, mask).items():
        np.testing.assert_allclose(values, 1.0, rtol=1e-12, err_msg=name)


def test_a_flipped_sign_flips_the_correlation_of_signed_maps():
    attribution, reference = noise(0), sparse(1)
    there, back = compute(attribution, reference), compute(-attribution, reference)
    np.testing.assert_allclose(there["pearson_raw"], -back["pearson_raw"], rtol=1e-12)
    np.testing.assert_allclose(there["cosine_raw"], -back["cosine_raw"], rtol=1e-12)


def test_random_maps_put_the_density_of_the_support_on_it():
    rng = np.random.default_rng(0)
    attribution = rng.normal(size=(200, *SHAPE))
    reference = (rng.random((200, *SHAPE)) < 0.3).astype(float)
    scores = compute(attribution, reference)
    for name in ("mass_clipped", "mass_minmax", "mass_top5", "rank"):
        assert scores[name].mean() == pytest.approx(reference.mean(), abs=0.02)


def test_scores_fall_as_noise_is_mixed_in():
    truth = sparse(0, n_trials=60)
    levels = [compute(truth + level * noise(1, 60), truth) for level in (0, 0.3, 1, 3)]
    for name in NAMES:
        means = [scores[name].mean() for scores in levels]
        assert means == sorted(means, reverse=True), name
        assert means[0] > means[-1] + 0.1, name


def test_ties_with_the_kth_value_stay_in_the_rank():
    attribution, reference = np.zeros((1, *SHAPE)), np.zeros((1, *SHAPE))
    attribution[0, 0, :5] = [3, 2, 2, 2, 1]
    reference[0, 0, [0, 4]] = 1.0  # K = 2: the three tied values stay, four in all
    assert compute(attribution, reference)["rank"] == 1 / 4


def test_pixels_outside_the_mask_count_nowhere():
    attribution, reference = noise(0), sparse(1)
    before = compute(attribution, reference, DISC)
    attribution[:, ~DISC], reference[:, ~DISC] = 1e6, -1e6
    after = compute(attribution, reference, DISC)
    for name in NAMES:
        np.testing.assert_array_equal(after[name], before[name])


def test_trials_are_scored_independently():
    order = [2, 0, 3, 1]
    attribution, reference = noise(0), sparse(1)
    scores, permuted = (
        compute(attribution, reference),
        compute(attribution[order], reference[order]),
    )
    for name in NAMES:
        np.testing.assert_allclose(permuted[name], scores[name][order], rtol=1e-12)
