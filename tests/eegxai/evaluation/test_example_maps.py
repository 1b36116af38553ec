"""The maps that pictures show: chosen by score, and the same trial of every method."""

import mne
import numpy as np
import pytest
import torch

from eegxai.evaluation import (
    HEADLINE,
    KINDS,
    Explanation,
    choose_examples,
    ground_truth_reference,
    score,
)
from eegxai.head import montage_info
from eegxai.simulation import DataSpec

N_TRIALS, N_TIMES = 9, 30
THRESHOLD = 0.05


@pytest.fixture(scope="module")
def info():
    return montage_info(250.0)


@pytest.fixture(scope="module")
def truth():
    stream = torch.Generator().manual_seed(0)
    burst = torch.zeros(N_TRIALS, 62, N_TIMES)
    burst[:, 3:9, 5:15] = torch.randn(N_TRIALS, 6, 10, generator=stream)
    return burst


@pytest.fixture(scope="module")
def maps(truth):
    """Worse from trial to trial, the last one undefined."""
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    maps = 5 * truth + torch.linspace(0.1, 3, N_TRIALS)[:, None, None] * noise
    maps[-1] = 0
    return maps


TARGET = torch.arange(N_TRIALS) % 3  # of the four temporal classes, the last has no trial
TRIALS = np.arange(100, 100 + N_TRIALS)


def shown(maps, truth, info, feature="temporal"):
    data = DataSpec(feature=feature, snr_db=0, n_trials=100, seed=0, tmin=-0.1)
    return choose_examples(Explanation(maps), truth, TARGET, TRIALS, info, data, THRESHOLD)


@pytest.mark.parametrize("feature", ["temporal", "spatial"])
def test_trials_are_the_best_median_and_worst_of_the_defined_scores(maps, truth, info, feature):
    domain, metric = HEADLINE[feature]
    if domain == "channel_time":
        table = score(maps, ground_truth_reference(truth, THRESHOLD), domain, "paper", info)
        order = table[metric].dropna().sort_values(ascending=False).index
        expected = [order[0], order[len(order) // 2], order[-1]]
        assert list(shown(maps, truth, info).trials[:3] - 100) == expected
        assert N_TRIALS - 1 not in expected
    found = shown(maps, truth, info, feature)
    best, median, worst, _ = found.scores
    assert best >= median >= worst
    assert len(found.trials) == len(KINDS)


def test_the_shared_trial_does_not_depend_on_the_map(maps, truth, info):
    place = KINDS.index("shared")
    assert shown(maps, truth, info).trials[place] == shown(-maps.flip(0), truth, info).trials[place]


def test_maps_are_shares_of_their_peak_and_the_truth_is_in_microvolts(maps, truth, info):
    found = shown(maps, truth, info)
    places = found.trials - 100
    peak = np.abs(maps.numpy()[places]).max((1, 2), keepdims=True)
    np.testing.assert_allclose(found.attribution, maps.numpy()[places] / peak, rtol=1e-6)
    np.testing.assert_array_equal(found.ground_truth, truth.numpy()[places])
    assert found.classes.tolist() == [TARGET[place] for place in places]


def test_classes_are_mean_magnitudes_and_missing_without_trials(maps, truth, info):
    found = shown(maps, truth, info)
    for label in range(3):
        expected = np.abs(truth.numpy()[label == TARGET]).mean((0, 2))
        np.testing.assert_allclose(found.class_ground_truth[label], expected, rtol=1e-5)
        assert found.class_attribution[label].max() == pytest.approx(1)
        course = np.abs(truth.numpy()[label == TARGET]).mean((0, 1))
        np.testing.assert_allclose(found.class_ground_truth_courses[label], course, rtol=1e-5)
        course = np.abs(maps.numpy()[label == TARGET]).mean((0, 1))
        np.testing.assert_allclose(found.class_courses[label], course / course.max(), rtol=1e-5)
    assert np.isnan(found.class_attribution[3]).all()
    assert np.isnan(found.class_courses[3]).all()


def test_a_method_without_a_defined_score_still_has_examples(truth, info):
    found = shown(torch.zeros_like(truth), truth, info)
    assert np.isnan(found.scores).all()
    assert not found.attribution.any()


def test_the_channels_come_back_where_they_were(maps, truth, info):
    found = shown(maps, truth, info).info
    assert found.ch_names == info.ch_names
    assert found["sfreq"] == 250
    for ours, given in zip(found["chs"], info["chs"], strict=True):
        np.testing.assert_allclose(ours["loc"][:3], given["loc"][:3], atol=1e-9)
    assert isinstance(found, mne.Info)


def spectral(frequency, maps, truth, info, feature="spectral"):
    data = DataSpec(feature=feature, snr_db=0, n_trials=100, seed=0)
    said = Explanation(maps, frequency)
    return choose_examples(said, truth, TARGET, TRIALS, info, data, THRESHOLD)


def test_classes_have_the_mean_of_profiles_of_equal_weight(maps, truth, info):
    stream = torch.Generator().manual_seed(2)
    frequency = torch.randn(N_TRIALS, 62, N_TIMES // 2 + 1, generator=stream).double()
    scales = torch.logspace(-8, 8, N_TRIALS).double()[:, None, None]
    found = spectral(frequency * scales, maps, truth, info)
    for label in range(3):
        trials = frequency.numpy()[label == TARGET.numpy()]
        scaled = [trial / np.abs(trial.sum(0)).sum() for trial in trials]
        np.testing.assert_allclose(found.class_frequency[label], np.mean(scaled, 0), rtol=1e-5)
    assert np.isnan(found.class_frequency[3]).all()
    bands = [[3, 8], [8, 13], [14, 30], [30, 58]]
    np.testing.assert_array_equal(found.class_bands_hz, bands)
    np.testing.assert_allclose(found.frequencies_hz, np.arange(16) * 250 / 30)


def test_trials_that_cancel_or_say_nothing_stay_finite(maps, truth, info):
    frequency = torch.ones(N_TRIALS, 62, 16).double()
    frequency[:, ::2] = -1  # channels cancel
    frequency[TARGET == 1] = 0
    found = spectral(frequency, maps, truth, info).class_frequency
    assert np.abs(found[0]).sum() == pytest.approx(1000)
    assert not found[1].any()


@pytest.mark.parametrize("feature", ["temporal", "spatial"])
def test_without_a_band_or_frequencies_there_is_nothing_over_frequency(maps, truth, info, feature):
    frequency = torch.ones(N_TRIALS, 62, 16)
    assert spectral(frequency, maps, truth, info, feature).class_frequency is None
    silent = spectral(None, maps, truth, info)
    assert silent.class_frequency is None
    assert silent.class_bands_hz is None
