"""Topographies against the picture that MNE draws."""

import matplotlib
import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from eegxai.evaluation.maps.domains import DOMAINS, topography, topography_operator
from eegxai.head import montage_info


@pytest.fixture(scope="module")
def info():
    return montage_info(250.0)


@pytest.fixture
def maps():
    return torch.randn(3, 62, 20, generator=torch.Generator().manual_seed(0)) * 5


def mne_image(values, info):
    axes = Figure().subplots()
    image, _ = mne.viz.plot_topomap(values, info, axes=axes, show=False, res=64)
    return image, axes


def test_the_interpolation_is_that_of_mne(info, maps):
    _, head = topography_operator(info)
    found = topography(maps, info)
    for values, picture in zip(maps.double().mean(2).numpy(), found.numpy(), strict=True):
        expected = np.ma.getdata(mne_image(values, info)[0].get_array())
        np.testing.assert_allclose(picture[head], expected[head], rtol=0, atol=1e-6)


def test_the_head_is_the_disc_to_which_mne_clips(info):
    image, axes = mne_image(np.arange(62.0), info)
    west, east, south, north = image.get_extent()
    grid = np.meshgrid(np.linspace(west, east, 64), np.linspace(south, north, 64))
    path, affine = image.get_clip_path().get_transformed_path_and_affine()
    pixels = axes.transData.transform(np.stack(grid, axis=-1).reshape(-1, 2))
    inside = affine.transform_path(path).contains_points(pixels).reshape(64, 64)
    _, head = topography_operator(info)
    np.testing.assert_array_equal(head, inside)


def test_outside_the_head_the_operator_is_zero_and_inside_finite(info):
    matrix, head = topography_operator(info)
    assert matrix.shape == (64 * 64, 62)
    assert matrix.dtype == torch.float64
    assert matrix[~head.flatten()].count_nonzero() == 0
    torch.testing.assert_close(matrix[head.flatten()].sum(1), torch.ones(int(head.sum())).double())


def test_left_and_front_are_where_they_belong(info):
    maps = torch.zeros(2, 62, 1)
    maps[0, info.ch_names.index("C5")] = maps[1, info.ch_names.index("Fz")] = 1.0
    (left_row, left_column), (front_row, front_column) = (
        divmod(int(picture.argmax()), 64) for picture in topography(maps, info)
    )
    assert left_column < 20 < 26 < left_row < 38
    assert front_row > 44 > 38 > front_column > 26


def test_the_operator_is_computed_once_and_leaves_no_figure(info):
    backend, figures = matplotlib.get_backend(), plt.get_fignums()
    assert topography_operator(info.copy())[0] is topography_operator(info)[0]
    shifted = info.copy()
    shifted["chs"][0]["loc"][:3] *= 0.99
    assert topography_operator(shifted)[0] is not topography_operator(info)[0]
    assert (matplotlib.get_backend(), plt.get_fignums()) == (backend, figures)


def test_domains_prepare_maps(info, maps):
    whole = DOMAINS["channel_time"](maps, None)
    assert whole.mask is None
    assert whole.values.dtype == torch.float64
    torch.testing.assert_close(whole.values, maps.double())
    head = DOMAINS["topography"](maps, info)
    assert head.rows.shape == (3, int(head.mask.sum()))


def test_a_topography_needs_positions_that_match(info, maps):
    with pytest.raises(ValueError, match="info is missing"):
        DOMAINS["topography"](maps, None)
    with pytest.raises(ValueError, match="maps have 60 channels, info has 62"):
        topography(maps[:, :60], info)
    with pytest.raises(ValueError, match="no position for A, B"):
        topography(maps[:, :2], mne.create_info(["A", "B"], 250.0, "eeg"))
