"""A method's validity on a decoder: not applicable, degenerate, or ok with a declared limit."""

import pytest
import torch

from eegxai.attribution import METHODS, Validity, attribution, validity
from eegxai.decoders import build


@pytest.fixture
def mine():
    """Name of a method that exists for one test and returns what the function says."""
    names = set(METHODS)

    def register(function):
        attribution("mine", group="extended")(lambda decoder, x, target: function(x))
        return "mine"

    yield register
    for name in set(METHODS) - names:
        del METHODS[name]


def trials(n_trials=3):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n_trials, 6, 160, generator=generator)
    return x, torch.arange(n_trials) % 3


def decoder(name):
    torch.manual_seed(0)
    return build(name, 6, 160, 3, 250.0)


@pytest.mark.parametrize("name", ["Saliency", "GradCAM", "FullGrad", "LRP", "RandomMap"])
def test_a_map_that_varies_is_ok(name):
    assert validity(name, decoder("deepnet"), *trials()) == Validity("ok")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Deconvolution", "no nn.ReLU module"), ("LRP", "no LRP rule for ELU")],
)
def test_a_missing_requirement_is_given_as_the_reason(name, reason):
    result = validity(name, decoder("eegnet"), *trials())
    assert result.status == "not_applicable"
    assert reason in result.reason


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: 0 * x, "zero everywhere"),
        (lambda x: x.mean(2, keepdim=True).expand_as(x), "constant over time"),
        (lambda x: x.mean(1, keepdim=True).expand_as(x), "constant over channels"),
        (lambda x: 1 + 1e-8 * x, "constant over time"),
        (lambda x: x[:, :, :0], "shape"),
        (lambda x: x / 0, "not finite"),
    ],
)
def test_a_map_that_says_nothing_is_degenerate(mine, function, reason):
    result = validity(mine(function), decoder("deepnet"), *trials())
    assert result.status == "degenerate"
    assert reason in result.reason


def test_a_fault_of_some_trials_is_not_the_methods(mine):
    name = mine(lambda x: x * torch.tensor([0.0, 0.0, 1.0])[: len(x), None, None])
    assert validity(name, decoder("deepnet"), *trials()) == Validity("ok")


@pytest.mark.parametrize("name", ["GradCAM", "GradCAM++", "ScoreCAM", "LayerCAM"])
def test_a_layer_without_channels_is_a_declared_limit(name):
    result = validity(name, decoder("shallow_fbcsp"), *trials())
    assert result == Validity("ok", "no channel resolution: the CAM layer 'bnorm' has none")


def test_an_unknown_method_is_an_error_not_a_verdict():
    with pytest.raises(ValueError, match="did you mean 'Saliency'"):
        validity("Salience", decoder("deepnet"), *trials())
