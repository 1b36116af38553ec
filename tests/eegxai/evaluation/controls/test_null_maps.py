"""Random maps of the same spectrum, the other baselines, and the normalised score."""

from functools import partial

import mne
import numpy as np
import pytest
import torch
from torch import nn

from eegxai.attribution import attribute
from eegxai.attribution.engine.frequency import amplitude_gradient, relevance_of_product
from eegxai.evaluation.controls.null_maps import (
    CHANCE,
    NULL_MAPS,
    chance_corrected,
    class_mean,
    method_controls,
    null_maps,
    same_spectrum,
)
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials
from eegxai.evaluation.maps.explanation import explanation
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.calibrated import CALIBRATED_METRICS
from tests.helpers import lively_decoder, random_trials


def rhythms(n_trials=6, n_times=50):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n_trials, 8, n_times, generator=generator).double().cumsum(2)


def spectra(maps):
    """Amplitude spectra of each trial's channels, in an order that does not tell the channel."""
    amplitude = np.abs(np.fft.rfft(maps.numpy()))
    return np.stack([trial[np.lexsort(trial.T)] for trial in amplitude.round(9)])


@pytest.mark.parametrize("n_times", [50, 51])
def test_the_spectra_and_correlations_stay_and_the_map_does_not(n_times):
    maps = rhythms(n_times=n_times)
    drawn = same_spectrum(maps)
    np.testing.assert_allclose(spectra(drawn), spectra(maps), atol=1e-8)
    for before, after in zip(maps, drawn, strict=True):
        values = [np.linalg.eigvalsh(np.cov(trial.numpy())) for trial in (before, after)]
        np.testing.assert_allclose(values[1], values[0], atol=1e-8)
        assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 0.9


def test_a_draw_depends_on_the_trial_and_the_number_alone():
    maps = rhythms()
    drawn = same_spectrum(maps)
    torch.testing.assert_close(same_spectrum(maps[2:4]), drawn[2:4])
    assert not torch.allclose(same_spectrum(maps, draw=1), drawn)
    assert same_spectrum(maps.float()).dtype == torch.float32


def test_surrogates_of_a_perfect_map_score_chance():
    peaks, times = torch.arange(300) % 30 + 10, torch.arange(50, dtype=torch.float64)
    reference = torch.zeros(300, 8, 50, dtype=torch.float64)
    reference[torch.arange(300), peaks % 8] = (-((times - peaks[:, None]) ** 2) / 20).exp()
    scores = {
        name: float(
            CALIBRATED_METRICS[name](Maps(same_spectrum(reference)), Maps(reference)).nanmean()
        )
        for name in ("density", "mass_magnitude", "rank_magnitude", "auroc_signed")
    }
    assert scores["auroc_signed"] == pytest.approx(0.5, abs=0.05)
    for name in ("mass_magnitude", "rank_magnitude"):
        assert scores[name] == pytest.approx(scores["density"], abs=0.02)


def test_normalised_puts_chance_at_zero_and_the_best_at_one():
    score, chance = [0.2, 1.0, 0.6, 1.0], [0.2, 0.2, 0.2, 1.0]
    np.testing.assert_allclose(chance_corrected(score, chance), [0.0, 1.0, 0.5, np.nan])
    error = chance_corrected([0.0, 80.0, 120.0], 80.0, best=0.0)
    np.testing.assert_allclose(error, [1.0, 0.0, -0.5])


def test_the_baselines_know_nothing_or_only_the_input():
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Flatten(), nn.Linear(8 * 50, 2)).double()
    before = decoder[1].weight.detach().clone()
    x, target = rhythms(), torch.zeros(6, dtype=torch.long)

    def weights(decoder, x, target):
        return decoder[1].weight.detach()[target].view_as(x)

    original = weights(decoder, x, target)
    explained = ExplainedTrials(decoder, x, target, n_classes=2, seed=0)
    info = mne.create_info(["Fz", "Cz", "Pz", "Oz", "C3", "C4", "P3", "P4"], 100.0, "eeg")
    info.set_montage("colin27_1020")
    maps = null_maps(weights, original, explained, info)
    assert list(maps) == list(NULL_MAPS)
    assert all(made.shape == x.shape for made in maps.values())
    torch.testing.assert_close(maps["input_magnitude"], x.abs())
    torch.testing.assert_close(maps["same_spectrum"], same_spectrum(original))
    assert abs(np.corrcoef(maps["untrained"][0].ravel(), before[0])[0, 1]) < 0.2
    assert torch.equal(decoder[1].weight, before)


def test_the_mean_map_of_a_class_leaves_the_trial_out():
    maps = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(4, 1, 1)
    means = class_mean(maps, torch.tensor([0, 0, 0, 1]))
    torch.testing.assert_close(means.flatten(), torch.tensor([3.0, 2.5, 1.5, 8.0]))


@pytest.mark.parametrize(
    ("method", "relevance"),
    [("Gradient", amplitude_gradient), ("InputXGradient", relevance_of_product)],
)
def test_chance_over_frequency_is_of_the_methods_kind(method, relevance):
    """A gradient lacks the trial's spectrum, which a product of the trial has."""
    decoder, (x, target) = lively_decoder("deepnet"), random_trials(3)
    own = explanation(partial(attribute, method), decoder, x, target)
    explained = ExplainedTrials(decoder, x, target, n_classes=3, seed=0)
    chance = method_controls(own, own, explained, [CHANCE])[CHANCE]
    torch.testing.assert_close(chance.frequency, relevance(x, same_spectrum(x)))
    assert chance.kind == own.kind
