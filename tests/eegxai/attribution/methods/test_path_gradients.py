"""Averaged gradients: closed forms, sums that they promise, seeds that belong to the trial."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.attribution import METHODS, attribute
from tests.helpers import N_CHANNELS, N_TIMES, lively_decoder, random_trials

lively = cache(lively_decoder)


@cache
def trials():
    return random_trials(3)


@cache
def references(n=4):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(n, N_CHANNELS, N_TIMES, generator=generator, dtype=torch.float64)


class Cubic(nn.Module):
    """Logits sum(w x^3): gradients and their integrals are known."""

    def __init__(self):
        super().__init__()
        weights = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(6)).double()
        self.weights = nn.Parameter(weights)

    def forward(self, x):
        return torch.einsum("oct,nct->no", self.weights, x**3)


def cubic():
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(4, 3, 7, generator=generator, dtype=torch.float64) + 1
    target = torch.tensor([0, 1, 1, 0])
    decoder = Cubic()
    return decoder, x, target, decoder.weights[target].detach()


# ------------------------------------------------------------------ closed forms


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_integrated_gradients_of_a_cubic(baseline):
    decoder, x, target, weights = cubic()
    start = x.mean(2, keepdim=True) if baseline == "mean" else 0 * x
    expected = weights * (x**3 - start**3)
    # two nodes integrate the squares of a cubic's gradient exactly
    result = attribute("IntegratedGradients", decoder, x, target, steps=2, baseline=baseline)
    torch.testing.assert_close(result, expected)


@pytest.mark.slow
def test_smooth_grad_of_a_cubic():
    """The mean of 3 w (x + noise)^2 is 3 w (x^2 + variance)."""
    decoder, x, target, weights = cubic()
    deviation = 0.2 * (x.amax((1, 2)) - x.amin((1, 2)))[:, None, None]
    expected = 3 * weights * (x**2 + deviation**2)
    result = attribute("SmoothGrad", decoder, x, target, samples=4000, noise=0.2)
    scatter = 3 * weights.abs() * (2 * x.abs() + 3 * deviation) * deviation / 4000**0.5
    assert ((result - expected).abs() < 4.5 * scatter).all()


def test_smooth_grad_without_noise_is_the_gradient():
    decoder, (x, target) = lively("deepnet"), trials()
    result = attribute("SmoothGrad", decoder, x, target, noise=0.0, samples=2)
    torch.testing.assert_close(result, attribute("Gradient", decoder, x, target))


@pytest.mark.slow
def test_gradient_shap_of_a_cubic():
    """Integrated Gradients averaged over the references, all taken equally often."""
    decoder, x, target, weights = cubic()
    some = references()[:, :3, :7]
    expected = (weights * (x**3 - some[:, None] ** 3)).mean(0)
    result = attribute("GradientSHAP", decoder, x, target, references=some, samples=4000)
    torch.testing.assert_close(result, expected, rtol=0, atol=0.05 * float(expected.abs().max()))


@pytest.mark.slow
def test_gradient_shap_of_one_reference_is_integrated_gradients():
    decoder, (x, target) = lively("deepnet"), trials()
    zero = torch.zeros_like(x[:1])
    result = attribute("GradientSHAP", decoder, x, target, references=zero, samples=200)
    expected = attribute("IntegratedGradients", decoder, x, target, steps=200)
    assert (result - expected).norm() < 0.02 * expected.norm()


# ------------------------------------------------------------------ promised sums


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_integrated_gradients_sum_to_the_gain_over_the_baseline(baseline):
    decoder, (x, target) = lively("shallow_fbcsp"), trials()
    total = attribute("IntegratedGradients", decoder, x, target, baseline=baseline).sum((1, 2))
    promise = METHODS["IntegratedGradients"].completeness_target
    start = x.mean(2, keepdim=True).expand_as(x) if baseline == "mean" else 0 * x
    trial = torch.arange(len(x))
    gain = decoder(x)[trial, target] - decoder(start)[trial, target]
    torch.testing.assert_close(promise(decoder, x, target, baseline=baseline), gain)
    torch.testing.assert_close(total, gain, rtol=0.02, atol=0)


@pytest.mark.slow
def test_gradient_shap_sums_to_the_gain_over_the_references_in_expectation():
    decoder, x, target, weights = cubic()
    some = references()[:, :3, :7]
    promised = METHODS["GradientSHAP"].completeness_target(decoder, x, target, references=some)
    expected = (weights * (x**3 - (some**3).mean(0))).sum((1, 2))
    torch.testing.assert_close(promised.detach(), expected)
    few, many = (
        attribute("GradientSHAP", decoder, x, target, references=some, samples=n).sum((1, 2))
        for n in (40, 4000)
    )
    scale = expected.abs().max()
    assert (many - expected).abs().max() < 0.05 * scale
    assert (many - expected).abs().max() < 0.5 * (few - expected).abs().max()


# ------------------------------------------------------------------ draws


DRAWN = [("SmoothGrad", {}), ("GradientSHAP", {"references": references()})]


@pytest.mark.parametrize(("name", "given"), DRAWN)
def test_draws_belong_to_the_trial(name, given):
    decoder, (x, target) = lively("deepnet"), trials()
    state = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    expected = attribute(name, decoder, x, target, samples=3, **given)
    alone = attribute(name, decoder, x[1:2], target[1:2], samples=3, **given)
    torch.testing.assert_close(alone, expected[1:2])
    turned = attribute(name, decoder, x.flip(0), target.flip(0), samples=3, chunk=2, **given)
    torch.testing.assert_close(turned, expected.flip(0))
    assert torch.equal(state[0], torch.get_rng_state())
    assert state[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


def test_trials_draw_differently():
    decoder, x, target, weights = cubic()
    noise = attribute("SmoothGrad", decoder, x, target, samples=1) / (3 * weights)
    signs = (noise > x**2).flatten(1).double()  # of the noise, where the trial is positive
    assert not torch.equal(signs[0], signs[1])


# ------------------------------------------------------------------ unusable options


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("IntegratedGradients", {"steps": 0}, "steps=0 of IntegratedGradients"),
        ("IntegratedGradients", {"baseline": "noise"}, "baseline='noise'"),
        ("SmoothGrad", {"noise": -0.1}, "noise=-0.1 of SmoothGrad"),
        ("SmoothGrad", {"samples": 0}, "samples=0"),
        ("GradientSHAP", {}, "GradientSHAP needs references"),
    ],
)
def test_unusable_option_is_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        attribute(name, lively("deepnet"), *trials(), **options)
