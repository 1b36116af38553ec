"""Rules find an operation however it is called, and say what they do not find."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eegxai.attribution import NotApplicable, attribute

METHODS = ["Deconvolution", "GuidedBackprop", "DeepLift", "LRP", "LRP-Gamma"]
TRIALS = (torch.linspace(-1, 1, 48, dtype=torch.float64).sin().reshape(3, 2, 8), torch.arange(3))


class Twice(nn.Module):
    """Two layers with an activation behind each, for trials (trials, 2, 8)."""

    def __init__(self, first, second=None):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.layers = nn.ModuleList([nn.Linear(16, 6), nn.Linear(6, 6), nn.Linear(6, 3)]).double()
        for parameter in self.layers.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator).double()
        self.first, self.second = first, second or first

    def forward(self, x):
        a, b, c = self.layers
        return c(self.second(b(self.first(a(x.flatten(1))))))


def in_place(z):
    z.relu_()  # the result is not used
    return z


FORMS = {
    "module used twice": nn.ReLU(),
    "nn.functional": F.relu,
    "nn.functional in place": lambda z: F.relu(z, inplace=True),
    "torch": torch.relu,
    "method": torch.Tensor.relu,
    "in place": in_place,
    "module in place": nn.ReLU(inplace=True),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("form", FORMS)
def test_relu_is_one_operation_in_all_its_forms(name, form):
    expected = attribute(name, Twice(nn.ReLU(), nn.ReLU()), *TRIALS)
    assert expected.any()
    assert torch.equal(attribute(name, Twice(FORMS[form]), *TRIALS), expected)


class Aliases(nn.Module):
    """Operators of Tensor in their in-place and reflected forms, and what they stand for."""

    def __init__(self, short):
        super().__init__()
        self.short = short
        self.output = nn.Linear(16, 3, dtype=torch.float64)
        self.output.weight.data = torch.linspace(-1, 1, 48).double().cos().reshape(3, 16)

    def forward(self, x):
        z = x.flatten(1)
        if self.short:
            z = z + 1
            z *= z.flip(1)
            z **= 2
            z /= 1 + z.flip(1)
            return self.output(2 / (z + 3) + 2**z + abs(z))
        z = torch.add(z, 1)
        z = torch.pow(torch.multiply(z, z.flip(1)), 2)
        z = torch.div(z, torch.add(z.flip(1), 1))
        powers = torch.pow(torch.full_like(z, 2), z)
        return self.output(torch.reciprocal(z + 3) * 2 + powers + torch.absolute(z))


@pytest.mark.parametrize("name", ["DeepLift", "LRP"])
def test_operators_are_the_operations_they_stand_for(name):
    short, long = (attribute(name, Aliases(form), *TRIALS) for form in (True, False))
    torch.testing.assert_close(short, long, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["GuidedBackprop", "DeepLift", "LRP"])
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda z: torch.where(z > 0, z, 0), "Where"),
        (lambda z: z.sort(1)[0], "Sort"),
        (lambda z: z.prod(1, keepdim=True).expand_as(z), "Prod"),
        (lambda z: z.cumprod(1), "Cumprod"),
        (lambda z: z.cummax(1)[0], "Cummax"),
        (lambda z: F.bilinear(z, z, torch.ones(6, 6, 6, dtype=z.dtype)), "Trilinear"),
        (lambda z: F.conv1d(z[None], z[:, None], groups=len(z))[0].expand_as(z), "product"),
    ],
)
def test_operation_without_a_rule_is_named(name, function, reason):
    decoder = Twice(nn.ReLU(), function)
    with pytest.raises(NotApplicable, match=f"{name} is not .* no rule changes its .*{reason}"):
        attribute(name, decoder, *TRIALS)


@pytest.mark.parametrize("name", ["DeepLift", "LRP"])
def test_decoder_that_passes_nothing_on_is_refused(name):
    with pytest.raises(NotApplicable, match="carry no relevance from the logits"):
        attribute(name, Twice(torch.Tensor.detach), *TRIALS)


@pytest.mark.parametrize("name", ["DeepLift", "LRP"])
def test_batch_norm_by_the_batch_is_refused(name):
    decoder = Twice(
        lambda z: F.batch_norm(torch.cat([z, z + 1]), None, None, training=True)[: len(z)]
    )
    with pytest.raises(NotApplicable, match="with the other trials of the batch"):
        attribute(name, decoder, TRIALS[0][:1], TRIALS[1][:1])
