"""Layer-wise relevance propagation against zennit, in float64."""

import pytest
import torch
from torch import nn

from eegxai.attribution import attribute
from tests.parity.trained import relative_error, trained_decoder, trials

canonizers = pytest.importorskip("zennit.canonizers", reason="zennit is not installed")
composites = pytest.importorskip("zennit.composites")
rules = pytest.importorskip("zennit.rules")

EPSILON = 1e-9  # zennit stabilises its other rules by 1e-6
RULES = {  # of convolutions and of dense layers
    "LRP": (rules.Epsilon(EPSILON), rules.Epsilon(EPSILON)),
    "LRP-EpsilonPlus": (rules.ZPlus(stabilizer=EPSILON), rules.Epsilon(EPSILON)),
    "LRP-Gamma": (rules.Gamma(0.25, stabilizer=EPSILON), rules.Epsilon(EPSILON)),
    "LRP-Alpha1Beta0": (rules.AlphaBeta(1, 0, stabilizer=EPSILON),) * 2,
}


def theirs(name, decoder, x, target):
    convolution, dense = RULES[name]
    layer_map = [
        (nn.Conv2d, convolution),
        (nn.Linear, dense),
        (nn.ReLU, rules.Pass()),
        (nn.AvgPool2d, rules.Norm(stabilizer=EPSILON)),
    ]
    composite = composites.LayerMapComposite(
        layer_map, canonizers=[canonizers.SequentialMergeBatchNorm()]
    )
    trials = x.clone().requires_grad_()
    with composite.context(decoder) as hooked:
        logits = hooked(trials)
        start = nn.functional.one_hot(target, logits.shape[1]) * logits.detach()
        return torch.autograd.grad(logits, trials, start)[0]


class WithBatchNorm(nn.Module):
    """Convolutions, BatchNorm and dense layers in the order that zennit folds."""

    def __init__(self, eps):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, (1, 5)), nn.BatchNorm2d(4, eps), nn.ReLU(), nn.AvgPool2d((1, 4)),
            nn.Conv2d(4, 5, (6, 1), bias=False), nn.BatchNorm2d(5, eps), nn.ReLU(),
            nn.Flatten(), nn.Linear(245, 8), nn.BatchNorm1d(8, eps), nn.ReLU(), nn.Linear(8, 3),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x[:, None])


def with_batch_norm(eps):
    decoder = WithBatchNorm(eps).double().eval().requires_grad_(False)
    for module in decoder.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.weight.uniform_(-2, 2)
            module.bias.uniform_(-1, 1)
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return decoder


@pytest.mark.parametrize("name", RULES)
def test_map_equals_zennits_on_the_trained_network_of_the_study(name):
    decoder, (x, target) = trained_decoder("deepnet"), trials()
    expected = theirs(name, decoder, x, target)
    assert relative_error(attribute(name, decoder, x, target), expected) < 1e-6


@pytest.mark.parametrize("name", RULES)
def test_map_equals_zennits_with_batch_norm_folded(name):
    """Relative error 1e-11 for BatchNorms of eps = 1e-12 and 3e-5 for those of torch's 1e-5.

    zennit leaves each folded BatchNorm in its place, an identity but for its eps: it scales by
    1 / sqrt(1 + eps) once more.
    """
    x, target = trials()
    decoder = with_batch_norm(eps=1e-12)
    expected = theirs(name, decoder, x, target)
    assert relative_error(attribute(name, decoder, x, target), expected) < 1e-6
    decoder = with_batch_norm(eps=1e-5)
    expected = theirs(name, decoder, x, target)
    assert relative_error(attribute(name, decoder, x, target), expected) < 1e-4
