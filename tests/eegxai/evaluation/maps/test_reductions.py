"""The kernels of the CPU against torch's expressions of the same, and at the ends of precision."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.evaluation import STUDY_METRICS
from eegxai.evaluation.maps.reductions import (
    ascending,
    kth_largest,
    moments,
    overlap,
    windowed_ssim,
)
from eegxai.evaluation.maps.stacks import Maps, Version
from eegxai.evaluation.metrics.study import ssim

DISC = torch.from_numpy(np.hypot(*np.meshgrid(np.linspace(-1, 1, 24), np.linspace(-1, 1, 15))) <= 1)
VERSIONS = ("raw", "minmax", "clipped", "top5", "minmax_top5")
SEEDS = st.integers(0, 2**32 - 1)


def maps(seed, mask=None, ties=False):
    values = np.random.default_rng(seed).normal(size=(3, 15, 24)).cumsum(2)
    return Maps(torch.from_numpy(np.round(values) if ties else values), mask)


def in_torch(reduction, *tensors):
    """The torch expression, which a GPU runs."""
    return reduction.__wrapped__(*tensors)


def assert_same(reduction, *tensors):
    expected = in_torch(reduction, *tensors).to(torch.float64)
    torch.testing.assert_close(reduction(*tensors).double(), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)  # the first example compiles kernels
@given(SEEDS, st.sampled_from([None, DISC]), st.booleans())
def test_sums_equal_those_of_torch(seed, mask, ties):
    one, other = maps(seed, mask, ties), maps(seed + 1, mask, ties)
    for name in VERSIONS:
        version, reference = getattr(one, name), other.minmax
        assert_same(moments, one.rows, version.form)
        assert_same(overlap, one.rows, version.form, other.rows, reference.form)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([None, DISC]))
def test_windows_equal_those_of_torch(seed, mask):
    one, other = maps(seed, mask), maps(seed + 1, mask)
    for name in VERSIONS:
        version = getattr(one, name)
        constants = torch.stack([0.01 * version.data_range, 0.03 * version.data_range]).square()
        pair = one.image, version.form, other.image, other.minmax.form
        assert_same(windowed_ssim, *pair, version.mean, constants, one.windows)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 2000), st.sampled_from(["float64", "float32", "ties", "signs"]))
def test_the_order_and_the_kth_largest_are_those_of_torch(seed, n_pixels, kind):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3, n_pixels)) * 10.0 ** rng.integers(-300, 300, (3, n_pixels))
    if kind == "float32":
        rows = rng.normal(size=(3, n_pixels)).astype("f4").astype(float)
    if kind in ("ties", "signs"):
        rows = np.round(rng.normal(size=(3, n_pixels))) + (0.0 if kind == "ties" else -0.0)
    rows, counts = torch.from_numpy(rows), torch.from_numpy(rng.integers(0, n_pixels + 1, 3))
    assert torch.equal(kth_largest(rows, counts), in_torch(kth_largest, rows, counts))
    order = ascending(rows)
    assert torch.equal(rows.gather(1, order), rows.sort(1).values)
    assert torch.equal(order.sort(1).values, torch.arange(n_pixels).expand(3, -1))


def test_single_precision_is_ordered_too():
    rows = maps(0).rows.float()
    assert torch.equal(ascending(rows), rows.argsort(dim=1, stable=True))


def exact_ssim(x, y):
    """Of two maps, in extended precision, two passes a window."""
    x, y = x.astype(np.longdouble), y.astype(np.longdouble)
    c1, c2 = ((k * np.ptp(x)) ** 2 for k in (0.01, 0.03))
    x, y = (np.lib.stride_tricks.sliding_window_view(v, (7, 7)) for v in (x, y))
    means = [v.mean((2, 3), keepdims=True) for v in (x, y)]
    dx, dy = x - means[0], y - means[1]
    covariance, variances = (dx * dy).sum((2, 3)) / 48, (dx**2 + dy**2).sum((2, 3)) / 48
    mx, my = (mean[..., 0, 0] for mean in means)
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return float((luminance * (2 * covariance + c2) / (variances + c2)).mean())


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e9])
def test_an_offset_costs_ssim_no_digits(offset):
    one, other = maps(0), maps(1)
    shifted = Maps(one.values + offset)
    for version in (shifted.raw, shifted.minmax):
        pairs = zip(_image(version), _image(other.minmax), strict=True)
        expected = [exact_ssim(*pair) for pair in pairs]
        np.testing.assert_allclose(ssim(version, other.minmax), expected, rtol=1e-9)


@pytest.mark.parametrize("peak", [1e4, 1e8])
def test_a_window_forgets_the_values_that_have_left_it(peak):
    """Running sums would carry the rounding of a peak through the rest of the map."""
    values = maps(0).values.clone()
    values[:, 2, 3] = peak
    quiet = Maps(values[:, 5:, 8:].clone())
    reference, part = maps(1), Maps(maps(1).values[:, 5:, 8:].clone())
    weights = torch.zeros(9, 18, dtype=torch.float64)
    weights[5:, 8:] = 1 / 40
    constants = torch.tensor([[1e-4] * 3, [9e-4] * 3], dtype=torch.float64)
    shift, form = torch.zeros(3, dtype=torch.float64), quiet.raw.form
    whole = windowed_ssim(
        Maps(values).image, form, reference.image, form, shift, constants, weights
    )
    alone = windowed_ssim(
        quiet.image, form, part.image, form, shift, constants, part.windows.clone()
    )
    np.testing.assert_allclose(whole, alone, rtol=1e-12)


def _image(version: Version):
    return version.pixels.unflatten(1, version.image.shape[1:]).numpy()


@pytest.mark.gpu
def test_a_gpu_gives_the_same_numbers():
    pair, there = (maps(0), maps(1)), (Maps(maps(0).values.cuda()), Maps(maps(1).values.cuda()))
    for name, metric in STUDY_METRICS.items():
        torch.testing.assert_close(
            metric(*there).cpu(), metric(*pair), rtol=1e-5, atol=1e-5, msg=name
        )


@pytest.mark.parametrize("mask", [None, DISC], ids=["all pixels", "disc"])
def test_the_metrics_are_the_same_without_kernels(monkeypatch, mask):
    """What a GPU computes, on the CPU."""
    expected = {
        name: metric(maps(0, mask), maps(1, mask)) for name, metric in STUDY_METRICS.items()
    }
    for module, names in {
        "maps.stacks": ("moments", "overlap", "kth_largest"),
        "metrics.study": ("windowed_ssim",),
    }.items():
        for name in names:
            expression = globals()[name].__wrapped__
            monkeypatch.setattr(f"eegxai.evaluation.{module}.{name}", expression)
    for name, metric in STUDY_METRICS.items():
        found = metric(maps(0, mask), maps(1, mask))
        torch.testing.assert_close(found, expected[name], rtol=1e-10, atol=1e-12)
