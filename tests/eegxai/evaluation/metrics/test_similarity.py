"""How alike two maps are: ranks, magnitudes, and what random maps as smooth share."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from skimage.metrics import structural_similarity

from eegxai.evaluation.controls.null_maps import phase_randomized
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.similarity import SIMILARITIES

METRICS = {name: metric for group in SIMILARITIES.values() for name, metric in group.items()}
HEAD = torch.ones(12, 15, dtype=torch.bool)
HEAD[:2, :4] = False


def maps(seed, n_trials=4, shape=(12, 15), levels=None):
    """Random maps; of few levels, many of their values tie."""
    values = np.random.default_rng(seed).standard_normal((n_trials, *shape))
    return torch.from_numpy(values if levels is None else np.round(values * levels))


def minmax(values):
    return (values - values.min()) / (values.max() - values.min())


def plain_ssim(one, other):
    return structural_similarity(minmax(one), minmax(other), data_range=1.0)


PLAIN = {
    "pearson_raw": lambda a, b: pearsonr(a.ravel(), b.ravel())[0],
    "ssim_minmax": plain_ssim,
    "pearson_magnitude": lambda a, b: pearsonr(abs(a).ravel(), abs(b).ravel())[0],
    "spearman_raw": lambda a, b: spearmanr(a.ravel(), b.ravel())[0],
    "spearman_magnitude": lambda a, b: spearmanr(abs(a).ravel(), abs(b).ravel())[0],
    "ssim_magnitude": lambda a, b: plain_ssim(abs(a), abs(b)),
}


@pytest.mark.slow
@settings(deadline=None)  # the first example compiles kernels
@given(seed=st.integers(0, 10**6), levels=st.sampled_from([None, 1, 3]))
def test_every_similarity_equals_scipy_and_scikit_image(seed, levels):
    one, other = maps(seed, levels=levels), maps(seed + 1, levels=levels)
    assert set(METRICS) == set(PLAIN)
    for name, metric in METRICS.items():
        pairs = zip(one.numpy(), other.numpy(), strict=True)
        expected = [PLAIN[name](*pair) for pair in pairs]
        np.testing.assert_allclose(metric(Maps(one), Maps(other)), expected, atol=1e-10)


@pytest.mark.parametrize("name", ["pearson_magnitude", "spearman_raw", "spearman_magnitude"])
def test_pixels_outside_the_head_count_nowhere(name):
    one, other = maps(0), maps(1)
    inside = (values[:, HEAD][:, :, None] for values in (one, other))
    expected = [PLAIN[name](*pair) for pair in zip(*(v.numpy() for v in inside), strict=True)]
    found = METRICS[name](Maps(one, HEAD), Maps(other, HEAD))
    np.testing.assert_allclose(found, expected, atol=1e-10)


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
def test_a_scaled_map_is_the_same_and_a_flipped_one_has_its_magnitudes(seed, scale):
    one = maps(seed)
    for name, metric in METRICS.items():
        np.testing.assert_allclose(metric(Maps(scale * one), Maps(one)), 1.0, atol=1e-9)
        flipped = metric(Maps(-one), Maps(one))
        if name.endswith("magnitude"):
            np.testing.assert_allclose(flipped, 1.0, atol=1e-9)
        elif not name.startswith("ssim"):
            np.testing.assert_allclose(flipped, -1.0, atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_constant_maps_are_like_nothing():
    for metric in METRICS.values():
        assert metric(Maps(torch.ones(4, 12, 15).double()), Maps(maps(0))).isnan().all()


@pytest.mark.parametrize("shape", [(12, 15), (11, 16)])
def test_the_random_copy_keeps_the_spectrum_and_the_mean(shape):
    original = maps(0, shape=shape).cumsum(2)
    copy = phase_randomized(Maps(original)).values
    spectra = [np.abs(np.fft.fft2(values.numpy())) for values in (original, copy)]
    np.testing.assert_allclose(*spectra, atol=1e-8)
    np.testing.assert_allclose(copy.mean((1, 2)), original.mean((1, 2)), atol=1e-10)
    assert not torch.allclose(copy, original)


def test_a_random_copy_depends_on_its_trial_alone_and_is_zero_outside_the_head():
    original = maps(0)
    copy = phase_randomized(Maps(original, HEAD)).values
    torch.testing.assert_close(phase_randomized(Maps(original[2:], HEAD)).values, copy[2:])
    assert (copy[:, ~HEAD] == 0).all()


def test_smooth_random_maps_share_more_by_chance_than_rough_ones():
    rough = maps(0, n_trials=200)
    smooth = rough.cumsum(1).cumsum(2)
    spread = [
        float(METRICS["pearson_raw"](phase_randomized(Maps(m)), Maps(m)).std())
        for m in (rough, smooth)
    ]
    # The correlation is sum(p cos(phase)) / sum(p) over n / 2 frequencies; the powers p of white
    # noise are exponential, E p^2 = 2 (E p)^2, so its standard deviation is sqrt(2 / n).
    assert spread[0] == pytest.approx(np.sqrt(2 / (12 * 15)), rel=0.15)
    assert spread[1] > 3 * spread[0]
