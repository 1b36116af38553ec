"""Earth mover's distances against scipy's own, and closed forms."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance, wasserstein_distance_nd

from eegxai.evaluation.metrics.earth_movers import band_distance, scalp_distance, time_distance


def test_distance_over_time_is_scipys():
    one, other = np.random.default_rng(0).random((2, 4, 30))
    times = np.arange(30) * 4.0
    expected = [wasserstein_distance(times, times, *pair) for pair in zip(one, other, strict=True)]
    np.testing.assert_allclose(time_distance(one, other, 250.0), expected)


def test_distance_over_the_scalp_is_scipys():
    rng = np.random.default_rng(0)
    places, one, other = rng.random((8, 3)) * 100, rng.random((3, 8)), rng.random((3, 8))
    pairs = zip(one, other, strict=True)
    expected = [wasserstein_distance_nd(places, places, *pair) for pair in pairs]
    np.testing.assert_allclose(scalp_distance(one, other, places), expected, rtol=1e-5)
    assert scalp_distance(one, 3 * one, places) == pytest.approx(0)


def test_distance_from_a_band():
    frequencies, relevance = np.array([0.0, 10, 20]), np.array([[1.0, 2, -1], [0, 5, 0]])
    low, high = np.array([8.0, 8]), np.array([13.0, 13])
    np.testing.assert_allclose(band_distance(relevance, frequencies, low, high), [15 / 4, 0])


def test_nothing_has_no_distance():
    assert np.isnan(time_distance(np.zeros((1, 3)), np.ones((1, 3)), 1.0)).all()
    assert np.isnan(scalp_distance(np.zeros((1, 2)), np.ones((1, 2)), np.eye(2, 3))).all()
