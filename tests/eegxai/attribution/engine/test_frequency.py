"""Relevance over frequency: it keeps the map's sum, and is the derivative that it is said to be."""

from functools import cache, partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eegxai.attribution import METHODS, NotApplicable, attribute, find, frequency_relevance
from eegxai.attribution.engine.frequency import (
    amplitude_gradient,
    contributions,
    listening,
    relevance_of_product,
)
from eegxai.decoders import DECODERS
from eegxai.evaluation.maps.explanation import explanation
from tests.helpers import lively_decoder, random_trials

lively = cache(lively_decoder)
OF_KIND = {
    kind: [name for name, method in METHODS.items() if method.frequency == kind]
    for kind in ("multiplier", "gradient", "effect")
}
FEW = {
    "IntegratedGradients": {"steps": 2},
    "GradientSHAP": {"samples": 3},
    "SmoothGrad": {"samples": 2},
    "BandOcclusion": {"width": 40},
}


def draws(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def smooth_net(n_times):
    torch.manual_seed(3)
    layers = nn.Flatten(), nn.Linear(2 * n_times, 5), nn.Tanh(), nn.Linear(5, 3)
    return nn.Sequential(*layers).double()


@settings(max_examples=30, deadline=None)
@given(n_times=st.integers(1, 40), seed=st.integers(0, 1000))
def test_the_sum_over_frequencies_is_that_over_time(n_times, seed):
    x, m = draws(seed, 2, 3, n_times), draws(seed + 1, 2, 3, n_times)
    relevance = relevance_of_product(x, m)
    assert relevance.shape == (2, 3, n_times // 2 + 1)
    torch.testing.assert_close(relevance.sum(2), (x * m).sum(2), rtol=0, atol=1e-10)


@pytest.mark.parametrize("n_times", [10, 11])
def test_relevance_is_each_frequencys_part_of_the_trial_times_the_multiplier(n_times):
    x, m = draws(1, 2, 3, n_times), draws(2, 2, 3, n_times)
    for k in range(n_times // 2 + 1):
        only = torch.arange(n_times // 2 + 1) == k
        part = torch.fft.irfft(torch.fft.rfft(x) * only, n_times)
        torch.testing.assert_close(relevance_of_product(x, m)[..., k], (part * m).sum(2))


@pytest.mark.parametrize("n_times", [10, 11])
def test_the_amplitude_gradient_is_that_of_finite_differences(n_times):
    decoder, x, target = smooth_net(n_times), draws(1, 1, 2, n_times), torch.tensor([1])
    found = frequency_relevance("Gradient", decoder, x, target)
    spectrum, step = torch.fft.rfft(x), 1e-5
    for channel, k in [(c, k) for c in range(2) for k in range(n_times // 2 + 1)]:
        change = torch.zeros_like(spectrum)
        change[0, channel, k] = step * spectrum[0, channel, k].sgn()
        up, down = (torch.fft.irfft(spectrum + sign * change, n_times) for sign in (1, -1))
        slope = (decoder(up) - decoder(down))[0, 1] / (2 * step)
        torch.testing.assert_close(found[0, channel, k], slope.detach(), rtol=1e-6, atol=1e-9)


def test_an_amplitude_of_zero_has_no_derivative():
    x = torch.zeros(1, 1, 8, dtype=torch.float64)
    assert not amplitude_gradient(x, draws(1, 1, 1, 8)).any()


@pytest.mark.parametrize("name", OF_KIND["multiplier"])
@pytest.mark.parametrize("architecture", DECODERS)
def test_declared_products_keep_the_sum_of_every_channel(architecture, name):
    x, target = random_trials(3)
    given = {**FEW.get(name, {}), "chunk": 2}
    with listening() as parts:
        try:
            maps = attribute(
                name, lively(architecture), x, target, references=x.flip(0)[:2], **given
            )
        except NotApplicable:
            pytest.skip("not applicable")
    relevance = torch.cat([part.relevance for part in parts])
    scale = maps.abs().sum(2).max().item()
    torch.testing.assert_close(relevance.sum(2), maps.sum(2), rtol=0, atol=1e-10 * max(scale, 1))


@pytest.mark.parametrize("name", ["IntegratedGradients", "DeepLift"])
def test_a_baseline_is_taken_from_the_trial_first(name):
    x, target = random_trials(2)
    options = {"baseline": "mean", **FEW.get(name, {})}
    found = frequency_relevance(name, lively("eegnet"), x, target, **options)
    maps = attribute(name, lively("eegnet"), x, target, **options)
    torch.testing.assert_close(found.sum(2), maps.sum(2), rtol=0, atol=1e-10)
    assert found[..., 0].abs().max() < 1e-12 * found.abs().max()


@pytest.mark.parametrize("name", OF_KIND["gradient"])
def test_declared_gradients_are_spoken_of_by_their_amplitudes(name):
    x, target = random_trials(2)
    decoder, given = lively("deepnet"), FEW.get(name, {})
    expected = amplitude_gradient(x, attribute(name, decoder, x, target, **given))
    assert torch.equal(frequency_relevance(name, decoder, x, target, **given), expected)


def test_of_the_rest_none_speaks_and_the_error_says_so():
    silent = [name for name, method in METHODS.items() if method.frequency is None]
    assert {"Saliency", "GradCAM", "CompleteFullGrad", "TimeOcclusion"} <= set(silent)
    x, target = random_trials(2)
    for name in (*silent, "RandomMap", "captum.Saliency"):
        assert find(name).frequency is None
    with pytest.raises(NotApplicable, match="GradCAM does not declare"):
        frequency_relevance("GradCAM", lively("deepnet"), x, target)


def test_the_control_of_the_input_tells_the_power_of_the_trial():
    x, target = random_trials(2)
    power = torch.fft.rfft(x.double()).abs().square()
    found = frequency_relevance("InputMagnitude", lively("deepnet"), x, target)
    ratio = found / power
    torch.testing.assert_close(ratio[..., 1:-1], torch.full_like(ratio[..., 1:-1], 2 / x.shape[2]))


def test_nobody_hears_what_is_said_outside():
    x, target = random_trials(2)
    with listening() as parts:
        pass
    attribute("InputXGradient", lively("deepnet"), x, target)
    contributions(x, x)
    with listening():
        contributions(x, x)  # no method says it
    assert parts == []


@pytest.mark.parametrize("n_times", [20, 21])
@pytest.mark.parametrize("width", [1, 3, 50])
def test_band_occlusion_loses_the_evidence_of_each_band_of_a_linear_decoder(n_times, width):
    weights, x = draws(1, 3, 2, n_times), draws(2, 4, 2, n_times)
    decoder, target = nn.Sequential(nn.Flatten(), nn.Linear(2 * n_times, 3)), torch.arange(4) % 3
    decoder[1].weight.data, decoder[1].bias.data = weights.flatten(1), draws(3, 3)
    evidence = relevance_of_product(x, weights[target]).sum(1)
    found = frequency_relevance("BandOcclusion", decoder, x, target, width=width)
    for start in range(0, n_times // 2 + 1, width):
        band = slice(start, start + width)
        torch.testing.assert_close(found[..., band].sum((1, 2)), evidence[:, band].sum(1))
    maps = attribute("BandOcclusion", decoder, x, target, width=width)
    torch.testing.assert_close(maps.sum((1, 2)), (x * weights[target]).sum((1, 2)))


def test_what_is_said_of_two_maps_a_trial_is_not_taken_for_one():
    decoder, (x, target) = lively_decoder("deepnet"), random_trials(3)

    def mean(decoder, x, target):
        return (
            attribute("InputXGradient", decoder, x, target) + attribute("LRP", decoder, x, target)
        ) / 2

    assert explanation(mean, decoder, x, target).frequency is None
    one = explanation(partial(attribute, "LRP"), decoder, x, target)
    assert one.frequency.shape == (3, x.shape[1], x.shape[2] // 2 + 1)


def test_band_occlusion_of_a_trial_of_nothing_is_nothing():
    x, target = torch.zeros(2, 2, 16).double(), torch.tensor([0, 1])
    assert not attribute("BandOcclusion", smooth_net(16), x, target).any()
