"""Modified gradients, DeepLift and LRP against captum, on trained decoders in float64."""

import warnings
from copy import deepcopy

import pytest
import torch
from torch import nn

from eegxai.attribution import attribute
from eegxai.attribution.methods.deeplift import _multipliers
from tests.parity.trained import relative_error, trained_decoder, trials

attr = pytest.importorskip("captum.attr", reason="captum is not installed")


def theirs(name, decoder, x, target, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its hooks
        method = getattr(attr, name)(deepcopy(decoder))
        return method.attribute(x.clone().requires_grad_(), target=target, **options).detach()


def accuracy(decoder):
    x, target = trials(60)
    return float((decoder(x).argmax(1) == target).double().mean())


@pytest.mark.parametrize("decoder", ["deepnet", "eegnet_relu"])
def test_the_decoders_are_trained(decoder):
    assert accuracy(trained_decoder(decoder)) > 0.5


@pytest.mark.parametrize(
    ("name", "decoder"),
    [
        ("Deconvolution", "deepnet"),
        ("Deconvolution", "eegnet_relu"),
        ("GuidedBackprop", "deepnet"),
        ("GuidedBackprop", "eegnet_relu"),
        ("DeepLift", "deepnet"),
        ("DeepLift", "eegnet_relu"),
        ("DeepLift", "eegnet"),
        ("LRP", "deepnet"),  # captum's has no rules for BatchNorm and Flatten
    ],
)
def test_map_equals_captums(name, decoder):
    module, (x, target) = trained_decoder(decoder), trials()
    expected = theirs(name, module, x, target)
    assert relative_error(attribute(name, module, x, target), expected) < 1e-6


# ------------------------------------------------------------------ max-pools


class Apart(nn.Module):
    """Keeps two modules apart, so that captum does not hook both on the same tensor."""

    def forward(self, z):
        return z.clone()


class Pooled(nn.Module):
    def __init__(self, *stages):
        super().__init__()
        self.stages = nn.Sequential(nn.Conv1d(6, 8, 5), *stages, nn.Flatten(), nn.LazyLinear(3))

    def forward(self, x):
        return self.stages(x)


def pooled(*stages):
    decoder = Pooled(*stages).double().eval()
    decoder(trials()[0])
    return decoder.requires_grad_(False)


def test_max_pool_rule_equals_captums_for_a_baseline_without_ties():
    decoder, (x, target) = pooled(nn.MaxPool1d(3), Apart(), nn.ReLU()), trials()
    baseline = torch.randn(x.shape, dtype=x.dtype)
    expected = theirs("DeepLift", decoder, x, target, baselines=baseline)
    found = (x - baseline) * _multipliers(decoder, x, baseline, target)
    assert relative_error(found, expected) < 1e-6


@pytest.mark.parametrize("apart", [False, True])
def test_a_max_pool_passes_all_to_the_maximum_of_the_trial(apart):
    """And the ReLU behind it the slope between its two values, whatever stands between them.

    All maxima of the zero baseline are equal here, so that the places of the baseline say nothing.
    """
    stages = [nn.MaxPool1d(3), *([Apart()] if apart else []), nn.ReLU()]
    decoder, (x, target) = pooled(*stages), trials()
    convolution, pool, dense = (decoder.stages[place] for place in (0, 1, -1))
    found = attribute("DeepLift", decoder, x, target)

    trial, baseline = (pool(convolution(given)) for given in (x, 0 * x))
    slope = (trial.relu() - baseline.relu()) / (trial - baseline)
    given = x.clone().requires_grad_()
    linear = dense((slope * pool(convolution(given))).flatten(1))
    gradient = torch.autograd.grad(linear.gather(1, target[:, None]).sum(), given)[0]
    assert relative_error(found, x * gradient) < 1e-9

    difference = (decoder(x) - decoder(0 * x)).gather(1, target[:, None])[:, 0]
    assert relative_error(found.sum((1, 2)), difference) < 1e-12
