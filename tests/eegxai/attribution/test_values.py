"""What gradient and relevance methods return: closed forms, and sums that their papers promise."""

from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import nn

from eegxai.attribution import CONTROLS, attribute
from tests.helpers import N_CHANNELS, N_CLASSES, N_TIMES, lively_decoder, random_trials

N_TRIALS = 4


class Dense(nn.Module):
    """Dense layers of given sizes with a ReLU module between each two, in double precision."""

    def __init__(self, *sizes):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        for layer in layers:
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator)
            layer.bias.data = torch.randn(layer.bias.shape, generator=generator)
        stages = [stage for layer in layers for stage in (layer, nn.ReLU())][:-1]
        self.layers = nn.Sequential(*stages).double()

    def forward(self, x):
        return self.layers(x.flatten(1))


def dense_trials():
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(7, 3, 5, generator=generator, dtype=torch.float64)
    return x, torch.arange(7) % N_CLASSES


lively = cache(lively_decoder)


@cache
def trials():
    return random_trials(N_TRIALS)


def logits(decoder, x, target):
    with torch.no_grad():
        return decoder(x)[torch.arange(len(x)), target]


def sums(name, decoder, x, target):
    return attribute(name, decoder, x, target).sum((1, 2))


# ------------------------------------------------------------------ closed forms


def test_gradient_of_a_linear_decoder_is_its_weights():
    decoder, (x, target) = Dense(15, N_CLASSES), dense_trials()
    weights = decoder.layers[0].weight[target].reshape(x.shape)
    torch.testing.assert_close(attribute("Gradient", decoder, x, target), weights.detach())
    torch.testing.assert_close(attribute("Saliency", decoder, x, target), weights.detach().abs())


@pytest.mark.parametrize("name", ["InputXGradient", "DeepLift", "IntegratedGradients", "LRP"])
def test_contributions_in_a_linear_decoder_are_weights_times_trial(name):
    decoder, (x, target) = Dense(15, N_CLASSES), dense_trials()
    weights = decoder.layers[0].weight[target].reshape(x.shape)
    result = attribute(name, decoder, x, target)
    torch.testing.assert_close(result, (weights * x).detach(), rtol=1e-6, atol=1e-7)


def test_full_gradient_of_a_linear_decoder_spreads_the_bias_evenly():
    decoder, (x, target) = Dense(15, N_CLASSES), dense_trials()
    weights = decoder.layers[0].weight[target].reshape(x.shape)
    bias = decoder.layers[0].bias[target][:, None, None] / 15
    torch.testing.assert_close(
        attribute("CompleteFullGrad", decoder, x, target), (weights * x + bias).detach()
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("Gradient", lambda gradient, active: gradient * active),
        ("Deconvolution", lambda gradient, active: gradient.clamp(min=0)),
        ("GuidedBackprop", lambda gradient, active: gradient.clamp(min=0) * active),
    ],
)
def test_backward_rule_of_a_relu(name, rule):
    decoder, (x, target) = Dense(15, 9, 8, N_CLASSES), dense_trials()
    first, second, output = (decoder.layers[i] for i in (0, 2, 4))
    with torch.no_grad():
        z1 = first(x.flatten(1))
        z2 = second(z1.clamp(min=0))
        at_second = rule(output.weight[target], (z2 > 0).double())
        at_first = rule(at_second @ second.weight, (z1 > 0).double())
        expected = (at_first @ first.weight).reshape(x.shape)
    torch.testing.assert_close(attribute(name, decoder, x, target), expected)


def test_deeplift_rescale_rule_of_one_relu():
    decoder, (x, target) = Dense(15, 9, N_CLASSES), dense_trials()
    first, output = decoder.layers[0], decoder.layers[2]
    with torch.no_grad():
        z, z0 = first(x.flatten(1)), first.bias
        slope = (z.clamp(min=0) - z0.clamp(min=0)) / (z - z0)
        expected = ((output.weight[target] * slope) @ first.weight).reshape(x.shape) * x
    torch.testing.assert_close(attribute("DeepLift", decoder, x, target), expected)


def test_epsilon_relevance_layer_by_layer():
    decoder, (x, target) = Dense(15, 9, 8, N_CLASSES), dense_trials()
    with torch.no_grad():
        inputs = [x.flatten(1)]
        for stage in decoder.layers:
            inputs.append(stage(inputs[-1]))
        relevance = inputs[-1] * nn.functional.one_hot(target, N_CLASSES)
        for i in (4, 2, 0):
            weight, z = decoder.layers[i].weight, inputs[i + 1]
            shares = torch.einsum("ti,oi,to->tio", inputs[i], weight, 1 / z)
            relevance = (shares * relevance[:, None, :]).sum(2)
    result = attribute("LRP", decoder, x, target)
    torch.testing.assert_close(result, relevance.reshape(x.shape), rtol=1e-6, atol=1e-7)


# ------------------------------------------------------------------ on decoders


def test_lrp_equals_input_x_gradient_on_a_relu_and_max_pool_network():
    maps = [attribute(n, lively("deepnet"), *trials()) for n in ("LRP", "InputXGradient")]
    correlations = [
        torch.corrcoef(torch.stack(pair))[0, 1]
        for pair in zip(*(m.flatten(1) for m in maps), strict=True)
    ]
    assert min(correlations) > 1 - 1e-6


def test_input_x_gradient_and_integrated_gradients_differ_on_a_nonlinear_decoder():
    maps = [
        attribute(n, lively("deepnet"), *trials()).flatten()
        for n in ("IntegratedGradients", "InputXGradient")
    ]
    assert torch.corrcoef(torch.stack(maps))[0, 1] < 0.95


@pytest.mark.parametrize("decoder", ["deepnet", "eegnet", "eegnet_relu", "deep4"])
def test_deeplift_sums_to_the_difference_from_a_zero_trial(decoder):
    x, target = trials()
    module = lively(decoder)
    difference = logits(module, x, target) - logits(module, 0 * x, target)
    torch.testing.assert_close(sums("DeepLift", module, x, target), difference)


@pytest.mark.parametrize("decoder", ["deepnet", "eegnet", "shallow_fbcsp"])
def test_integrated_gradients_sum_to_the_difference_from_a_zero_trial(decoder):
    x, target = trials()
    module = lively(decoder)
    difference = logits(module, x, target) - logits(module, 0 * x, target)
    total = sums("IntegratedGradients", module, x, target)
    torch.testing.assert_close(total, difference, rtol=0, atol=0.02 * float(difference.abs().max()))


@pytest.mark.parametrize("decoder", ["deepnet", "eegnet", "eegnet_relu", "shallow_fbcsp", "deep4"])
def test_full_gradient_sums_to_the_logit(decoder):
    """Proposition 1 of Srinivas & Fleuret, with implicit biases of BatchNorm and activations."""
    x, target = trials()
    total = sums("CompleteFullGrad", lively(decoder), x, target)
    torch.testing.assert_close(total, logits(lively(decoder), x, target))


def test_full_gradient_contains_more_than_the_input_gradient():
    x, target = trials()
    maps = [
        attribute(n, lively("deepnet"), x, target) for n in ("CompleteFullGrad", "InputXGradient")
    ]
    layers = maps[0] - maps[1]
    assert (layers.amax(2) - layers.amin(2)).min() > 1e-3 * maps[0].abs().max()  # varies in time


# ------------------------------------------------------------------ baselines


def test_baselines_know_neither_the_decoder_nor_the_class():
    x, target = trials()
    for name in CONTROLS:
        expected = attribute(name, lively("deepnet"), x, target)
        assert torch.equal(expected, attribute(name, lively("eegnet"), x, (target + 1) % 3))


def test_random_map_is_independent_noise_for_each_trial():
    x, target = trials()
    noise = attribute("RandomMap", lively("deepnet"), x, target)
    assert noise.flatten(1).mean(1).abs().max() < 4 / (N_CHANNELS * N_TIMES) ** 0.5
    assert (noise.flatten(1).std(1) - 1).abs().max() < 0.1
    off_diagonal = torch.corrcoef(noise.flatten(1)) - torch.eye(N_TRIALS)
    assert off_diagonal.abs().max() < 0.15
    assert torch.equal(attribute("RandomMap", lively("deepnet"), x.flip(0), target), noise.flip(0))


def test_input_magnitude_is_the_trials_absolute_value():
    x, target = trials()
    assert torch.equal(attribute("InputMagnitude", lively("deepnet"), x, target), x.abs())
