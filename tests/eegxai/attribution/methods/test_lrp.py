"""Relevance: closed forms of the rules, folded BatchNorms, and what is conserved."""

from functools import cache, partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eegxai.attribution import METHODS, attribute
from eegxai.attribution.methods.lrp import _gamma_rule, _relevance_rules
from eegxai.decoders import DECODERS
from tests.helpers import lively_decoder, random_trials

FAMILY = ["LRP", "LRP-EpsilonPlus", "LRP-Gamma", "LRP-Alpha1Beta0"]
lively = cache(lively_decoder)


class Stack(nn.Module):
    """Layers one after the other, with random weights, for trials (trials, 2, 6)."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers).double().eval()
        generator = torch.Generator().manual_seed(7)
        for parameter in self.layers.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator).double()

    def forward(self, x):
        return self.layers(x)


def small_trials():
    generator = torch.Generator().manual_seed(8)
    x = torch.randn(3, 2, 6, generator=generator, dtype=torch.float64)
    return x, torch.tensor([0, 2, 1])


def logits(decoder, x, target):
    with torch.no_grad():
        return decoder(x).gather(1, target[:, None])[:, 0]


# ------------------------------------------------------------------ closed forms


def shares(name, contributions, bias):
    """Fraction of a layer's relevance that each input gets, (outputs, inputs), as in the papers."""
    if name == "LRP-Alpha1Beta0":
        contributions, bias = contributions.clamp(min=0), bias.clamp(min=0)
    if name == "LRP-Gamma":
        z = contributions.sum(1) + bias
        sign = torch.where(z > 0, 1.0, -1.0).double()
        raised = (contributions * sign[:, None]).clamp(min=0) * sign[:, None]
        contributions = contributions + 0.25 * raised
        bias = bias + 0.25 * (bias * sign).clamp(min=0) * sign
    return contributions / (contributions.sum(1) + bias)[:, None]


@pytest.mark.parametrize(
    ("name", "convolution"),
    [
        ("LRP", "LRP"),
        ("LRP-EpsilonPlus", "LRP-Alpha1Beta0"),
        ("LRP-Gamma", "LRP-Gamma"),
        ("LRP-Alpha1Beta0", "LRP-Alpha1Beta0"),
    ],
)
def test_relevance_layer_by_layer(name, convolution):
    decoder = Stack(nn.Conv1d(2, 5, 6), nn.Tanh(), nn.Flatten(), nn.Linear(5, 3))
    dense = "LRP-Alpha1Beta0" if name == "LRP-Alpha1Beta0" else "LRP"
    x, target = small_trials()
    first, last = decoder.layers[0], decoder.layers[3]
    expected = []
    for trial, label in zip(x, target, strict=True):
        z = first.weight.flatten(1) @ trial.flatten() + first.bias
        out = last(z.tanh())[label]
        relevance = out * shares(dense, last.weight * z.tanh(), last.bias)[label]
        expected.append(relevance @ shares(convolution, first.weight.flatten(1) * trial.flatten(),
                                           first.bias))  # fmt: skip
    result = attribute(name, decoder, x, target)
    torch.testing.assert_close(
        result, torch.stack(expected).view(x.shape).detach(), rtol=1e-6, atol=1e-9
    )


def test_epsilon_absorbs_relevance():
    decoder, (x, target) = Stack(nn.Flatten(), nn.Linear(12, 3, bias=False)), small_trials()
    z = logits(decoder, x, target)
    total = attribute("LRP", decoder, x, target, epsilon=0.5).sum((1, 2))
    torch.testing.assert_close(total, z * z / (z + 0.5 * z.sign()))


def test_gamma_zero_is_the_epsilon_rule():
    decoder, (x, target) = lively("eegnet"), random_trials(2)
    expected = attribute("LRP", decoder, x, target)
    torch.testing.assert_close(attribute("LRP-Gamma", decoder, x, target, gamma=0.0), expected)


class Gated(nn.Module):
    """A signal and a gate that depend on different halves of the trial."""

    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def forward(self, x):
        signal, gate = x[:, 0], x[:, 1]
        return self.gate(signal, gate)[:, :3]


@pytest.mark.parametrize(
    "gate",
    [
        lambda signal, gate: F.glu(torch.cat([signal, gate], 1)),
        lambda signal, gate: signal / (gate.exp() + 1),
        lambda signal, gate: gate.softmax(1) * signal,
        lambda signal, gate: F.scaled_dot_product_attention(gate[:, :, None], gate[:, :, None],
                                                            signal[:, :, None])[:, :, 0],
    ],
    ids=["glu", "divisor", "softmax", "attention"],
)  # fmt: skip
def test_gate_gets_no_relevance(gate):
    decoder, (x, target) = Gated(gate), small_trials()
    result = attribute("LRP", decoder, x, target)
    assert not result[:, 1].any()
    torch.testing.assert_close(result[:, 0].sum(1), logits(decoder, x, target))


def test_two_factors_get_half_each():
    decoder, (x, target) = Gated(lambda a, b: a * b), small_trials()
    result = attribute("LRP", decoder, x, target).sum(2)
    half = logits(decoder, x, target) / 2
    torch.testing.assert_close(result, torch.stack([half, half], 1))


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_scale_of_rms_normalisation_is_constant(by_hand):
    """The inverse root where torch normalises, the divisor where the decoder divides."""

    def normalised(signal, _gate):
        if by_hand:
            return signal / (signal.square().mean(1, keepdim=True) + 1e-5).sqrt()
        return F.rms_norm(signal, (6,), torch.arange(6.0).double(), 1e-5)

    decoder, (x, target) = Gated(normalised), small_trials()
    result = attribute("LRP", decoder, x, target)
    expected = torch.zeros_like(x)
    expected[torch.arange(3), 0, target] = logits(decoder, x, target)
    torch.testing.assert_close(result, expected)


# ------------------------------------------------------------------ BatchNorm


def ruled_output(decoder, x, rule):
    mode = _relevance_rules(rule, rule, 1e-9)
    with mode:
        return decoder(x.clone().requires_grad_()).detach(), mode.applied


@pytest.mark.parametrize("name", DECODERS)
def test_folding_changes_no_logit(name):
    decoder, (x, _) = lively(name).requires_grad_(False), random_trials(3)
    output, applied = ruled_output(decoder, x, partial(_gamma_rule, epsilon=1e-9, gamma=0.25))
    assert ("batch_norm" in applied) == (name != "deepnet")
    expected = decoder(x)
    assert (output - expected).norm() < 1e-10 * expected.norm()


def folded_by_hand(decoder):
    """The convolution and BatchNorm of a stack as one convolution."""
    convolution, norm, *rest = decoder.layers
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    one = nn.Conv1d(2, 4, 3).double()
    one.weight.data = convolution.weight * scale[:, None, None]
    one.bias.data = (convolution.bias - norm.running_mean) * scale + norm.bias
    twin = Stack()
    twin.layers = nn.Sequential(one, *rest)
    return twin


@pytest.mark.parametrize("name", FAMILY)
def test_batch_norm_behind_a_convolution_is_part_of_it(name):
    decoder = Stack(
        nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    )
    decoder.layers[1].running_mean.uniform_(-1, 1)
    x, target = small_trials()
    with torch.no_grad():
        twin = folded_by_hand(decoder)
    torch.testing.assert_close(
        attribute(name, decoder, x, target), attribute(name, twin, x, target)
    )


def test_batch_norm_elsewhere_is_a_layer_of_its_own():
    """Its shift takes the share of a bias: x scale / (x scale + shift) of the relevance passes."""
    decoder, (x, target) = Stack(nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(12, 3)), small_trials()
    norm = decoder.layers[0]
    norm.running_mean.uniform_(-1, 1)
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None]
    weights = decoder.layers[2].weight[target].view(x.shape)
    result = attribute("LRP", decoder, x, target)
    torch.testing.assert_close(result, (x * scale * weights).detach(), rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------ decoders


def without_biases(name):
    decoder = lively_decoder(name)
    with torch.no_grad():
        for key, tensor in (*decoder.named_parameters(), *decoder.named_buffers()):
            if "bias" in key or "running_mean" in key:
                tensor.zero_()
    return decoder


@pytest.mark.parametrize("method", ["LRP", "LRP-Gamma"])
@pytest.mark.parametrize("name", DECODERS)
def test_relevance_is_conserved_without_biases(method, name):
    """Rules pass on all of the relevance they get, but for the share of biases.

    The other methods also lose that of units without any positive contribution.
    """
    decoder, (x, target) = without_biases(name), random_trials(2)
    total = attribute(method, decoder, x, target).sum((1, 2))
    expected = logits(decoder, x, target)
    promised = METHODS[method].completeness_target(decoder, x, target).detach()
    torch.testing.assert_close(promised, expected)
    torch.testing.assert_close(total, expected, rtol=1e-4, atol=1e-6 * float(expected.abs().max()))


@pytest.mark.parametrize("method", FAMILY)
@pytest.mark.parametrize("name", ["eegconformer", "atcnet", "deepsleepnet"])
def test_map_does_not_depend_on_the_batch(method, name):
    decoder, (x, target) = lively(name), random_trials(3)
    together = attribute(method, decoder, x, target)
    alone = attribute(method, decoder, x[1:2], target[1:2])
    torch.testing.assert_close(alone, together[1:2], rtol=1e-7, atol=1e-10)
