"""Edge filters, against scipy's and against neighbours found by hand."""

import mne
import numpy as np
import pytest
import torch
from scipy import ndimage

from eegxai.evaluation.controls.edge_filters import (
    LAPLACE,
    SOBEL,
    filtered_over_time,
    neighbours,
    over_channels,
)

GRID = [(row, column) for row in range(3) for column in range(3)]  # number 4 is in the middle


@pytest.fixture
def x():
    return torch.randn(3, 9, 20, generator=torch.Generator().manual_seed(0)).double()


@pytest.fixture
def info():
    names = [f"E{number}" for number in range(len(GRID))]
    places = {name: (*place, 0.0) for name, place in zip(names, np.array(GRID) / 100, strict=True)}
    info = mne.create_info(names, 100.0, "eeg")
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    return info


def test_sobel_over_time_is_that_of_scipy(x):
    rows = [ndimage.sobel(row, mode="nearest") for row in x.flatten(0, 1).numpy()]
    np.testing.assert_allclose(filtered_over_time(x, SOBEL).flatten(0, 1), rows, atol=1e-12)


def test_laplace_over_time_is_that_of_scipy(x):
    rows = [ndimage.laplace(row, mode="nearest") for row in x.flatten(0, 1).numpy()]
    np.testing.assert_allclose(filtered_over_time(x, LAPLACE).flatten(0, 1), rows, atol=1e-12)


def test_laplace_over_channels_is_that_of_scipy_inside_a_grid(x, info):
    pictures = x.unflatten(1, (3, 3)).numpy()
    expected = ndimage.laplace(pictures, axes=(1, 2))[:, 1, 1] / 4
    np.testing.assert_allclose(over_channels(x, info)[:, 4], expected, atol=1e-12)


def test_neighbours_are_the_nearest_others(info):
    assert set(neighbours(info)[4].tolist()) == {1, 3, 5, 7}
    few = mne.pick_info(info, [0, 1, 2])
    assert [set(row) for row in neighbours(few).tolist()] == [{1, 2}, {0, 2}, {0, 1}]


def test_what_does_not_change_has_no_edges(info):
    flat = torch.full((2, 9, 20), 3.0)
    filtered = (
        filtered_over_time(flat, SOBEL),
        filtered_over_time(flat, LAPLACE),
        over_channels(flat, info),
    )
    assert not any(edges.any() for edges in filtered)
