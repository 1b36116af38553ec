"""Layer-wise relevance propagation against zennit."""

import pytest
import torch
from torch import nn

from eegxai.attribution import attribute
from eegxai.decoders import build

composites = pytest.importorskip("zennit.composites", reason="zennit is not installed")
rules = pytest.importorskip("zennit.rules")


def test_lrp_equals_zennits_epsilon_rule_on_the_studys_network():
    torch.manual_seed(0)
    decoder = build("deepnet", 6, 200, 3, 250.0).double()
    for parameter in decoder.parameters():
        parameter.data *= 2.5  # logits that follow x
    x, target = torch.randn(4, 6, 200, dtype=torch.float64), torch.tensor([0, 1, 2, 1])
    layer_map = [
        ((nn.Conv2d, nn.Linear), rules.Epsilon(epsilon=1e-9)),
        (nn.ReLU, rules.Pass()),
    ]
    trials = x.clone().requires_grad_()
    with composites.LayerMapComposite(layer_map).context(decoder) as hooked:
        logits = hooked(trials)
        start = nn.functional.one_hot(target, 3) * logits.detach()
        (expected,) = torch.autograd.grad(logits, trials, start)
    actual = attribute("LRP", decoder, x, target)
    assert expected.abs().max() > 0
    error = (actual - expected).norm() / expected.norm()
    assert error < 1e-6
