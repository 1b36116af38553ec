"""Errors in ms and mm and spectral precision, against planted signals and closed forms."""

import numpy as np
import pytest

from eegxai.evaluation.metrics.physical import (
    dipole_error,
    latency_error,
    physical_scores,
    source_grid,
    source_truth,
)
from eegxai.head import HeadSpec, brain_points, open_head, scanning_head
from eegxai.simulation import simulate

SFREQ = 250.0
TIMES = np.arange(250) / SFREQ
HEAD = open_head(HeadSpec())


@pytest.fixture(scope="module")
def grid():
    return source_grid(HEAD)


@pytest.fixture(scope="module")
def other_grid():
    return source_grid(scanning_head(HEAD))


def dipole_map(place, moment, course):
    lead_field = HEAD.lead_field(np.atleast_2d(place))
    return np.outer(lead_field.gain[:, 0] @ moment, course)[None]


def test_the_latency_error_is_the_shift():
    peaks = np.exp(-((TIMES - 0.3) ** 2) / 2e-3) * np.ones((2, 62, 1))
    shifted = -np.exp(-((TIMES - 0.348) ** 2) / 2e-3) * np.ones((2, 62, 1))
    np.testing.assert_allclose(latency_error(shifted, peaks, SFREQ), 48.0)
    np.testing.assert_allclose(latency_error(3 * peaks, peaks, SFREQ), 0.0)
    flat = np.stack([np.zeros((62, 250)), np.full((62, 250), np.nan)])
    assert np.isnan(latency_error(flat, peaks, SFREQ)).all()


def test_a_dipole_of_the_grid_is_found_where_it_is(grid):
    for index in (0, 700, 2500):
        place = grid.places_mni_mm[index]
        trial = dipole_map(place, np.array([0.3, -0.8, 0.5]), np.sin(60 * TIMES))
        assert dipole_error(trial, place[None], grid) == pytest.approx(0)
        assert dipole_error(trial, place[None] + [3, 4, 0], grid) == pytest.approx(5)
        assert dipole_error(-0.1 * trial + 7.0, place[None], grid) == pytest.approx(0)


def test_another_head_finds_a_dipole_within_some_mm(other_grid):
    places = brain_points(100, np.random.default_rng(0))
    moments = np.random.default_rng(1).standard_normal((100, 3))
    maps = np.einsum("csi,si->sc", HEAD.lead_field(places).gain, moments)[:, :, None]
    errors = dipole_error(maps, places, other_grid)
    nearest = np.linalg.norm(places[:, None] - other_grid.places_mni_mm, axis=2).min(1)
    assert (errors >= nearest - 1e-9).all()
    assert 5 < np.median(errors) < 15
    assert errors.max() < 40


@pytest.mark.parametrize("n_channels", [2, 3, 4, 5, 6])
def test_a_dipole_error_needs_five_electrodes(n_channels):
    """With fewer, three moments at any place explain every average-referenced map."""
    head = open_head(HeadSpec(channels=("Fz", "C3", "C4", "Pz", "T7", "Oz")[:n_channels]))
    maps = np.random.default_rng(0).standard_normal((6, n_channels, 4))
    errors = dipole_error(maps, np.zeros((6, 3)), source_grid(head))
    assert (np.isfinite(errors) == (n_channels >= 5)).all()


def test_the_best_source_is_that_of_least_squares(grid):
    trial = np.random.default_rng(0).normal(size=(1, 62, 40))
    referenced = trial[0] - trial[0].mean(0)
    gains = HEAD.lead_field(grid.places_mni_mm).gain.transpose(1, 0, 2)
    fitted = [gain @ np.linalg.lstsq(gain, referenced)[0] for gain in gains]
    residuals = [np.square(referenced - fit).sum() for fit in fitted]
    best = grid.places_mni_mm[np.argmin(residuals)]
    assert dipole_error(trial, best[None], grid) == pytest.approx(0)


def test_a_dipole_error_needs_a_pattern_over_channels(other_grid):
    nothing = np.stack([np.zeros((62, 10)), np.full((62, 10), 4.0), np.full((62, 10), np.nan)])
    assert np.isnan(dipole_error(nothing, np.zeros((3, 3)), other_grid)).all()


def test_the_default_is_not_to_scan_with_the_head_that_made_the_data():
    eeg = simulate("temporal", -3.5, 0, 4)
    by_default = source_truth(eeg, np.arange(4)).grid
    assert by_default is source_grid(scanning_head(HEAD)) is not source_grid(HEAD)
    gains = HEAD.lead_field(by_default.places_mni_mm).gain.transpose(1, 0, 2)
    missed = np.linalg.norm(gains - by_default.projectors @ gains, axis=(1, 2))
    relative = missed / np.linalg.norm(gains, axis=(1, 2))
    assert np.median(relative) > 0.03
    assert relative.min() > 1e-3  # next to the centre, where shells do not matter


def test_the_head_that_made_the_data_can_be_scanned_with():
    eeg = simulate("temporal", -3.5, 0, 4)
    grid = source_truth(eeg, np.arange(4), scan_with=HEAD).grid
    assert grid is source_grid(HEAD)
    gains = HEAD.lead_field(grid.places_mni_mm).gain.transpose(1, 0, 2)
    np.testing.assert_allclose(grid.projectors @ gains, gains, atol=1e-12)


def test_the_head_to_scan_with_has_the_channels_of_the_data():
    eeg = simulate("temporal", -3.5, 0, 4)
    few = open_head(HeadSpec(channels=("Cz", "Pz", "Oz")))
    with pytest.raises(ValueError, match="scan_with has the channels Cz, Pz, Oz; those of"):
        source_truth(eeg, np.arange(4), scan_with=few)


@pytest.mark.parametrize("feature", ["temporal", "spectral"])
def test_the_signal_itself_has_hardly_an_error(feature):
    eeg = simulate(feature, -3.5, 0, 12)
    chosen = np.array([7, 2, 5])
    scores = physical_scores(eeg.ground_truth[chosen], source_truth(eeg, chosen))
    assert (scores["latency_error_ms"] == 0).all()
    assert (scores["dipole_error_mm"] < 20).all()  # the spacing, and that of another head
