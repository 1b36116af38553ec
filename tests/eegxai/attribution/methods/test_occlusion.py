"""Occlusion: the definition in loops, and the evidence of a linear decoder."""

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eegxai.attribution import attribute
from tests.helpers import lively_decoder, random_trials

lively = cache(lively_decoder)


@cache
def trials():
    return random_trials(3)


class Linear(nn.Module):
    """Weighted sum of a trial (3 channels, 11 samples) for each of 2 classes."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weights = nn.Parameter(torch.randn(2, 3, 11, generator=generator).double())

    def forward(self, x):
        return torch.einsum("oct,nct->no", self.weights, x)


def linear():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(4, 3, 11, generator=generator, dtype=torch.float64) + 3
    target = torch.tensor([0, 1, 1, 0])
    decoder = Linear()
    return decoder, x, target, decoder.weights[target].detach()


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_a_channel_of_a_linear_decoder_loses_its_own_evidence(baseline):
    decoder, x, target, weights = linear()
    start = x.mean(2, keepdim=True) if baseline == "mean" else 0 * x
    expected = (weights * (x - start)).sum(2, keepdim=True).expand_as(x)
    result = attribute("ChannelOcclusion", decoder, x, target, baseline=baseline)
    torch.testing.assert_close(result, expected)


@settings(max_examples=40, deadline=None)
@given(
    window=st.integers(1, 14), stride=st.integers(1, 14), baseline=st.sampled_from(["zero", "mean"])
)
def test_a_sample_takes_the_mean_loss_of_its_windows(window, stride, baseline):
    stride = min(stride, window)
    decoder, x, target, weights = linear()
    start = x.mean(2, keepdim=True) if baseline == "mean" else 0 * x
    evidence = (weights * (x - start)).sum(1)
    losses = [[] for _ in range(11)]
    first = 0
    while True:
        inside = range(first, min(first + window, 11))
        for sample in inside:
            losses[sample].append(evidence[:, inside].sum(1))
        if inside.stop == 11:
            break
        first += stride
    expected = torch.stack([torch.stack(some).mean(0) for some in losses], 1)
    options = {"window": window, "stride": stride, "baseline": baseline}
    result = attribute("TimeOcclusion", decoder, x, target, **options)
    torch.testing.assert_close(result, expected[:, None].expand_as(x))


def test_losses_are_differences_of_logits():
    decoder, (x, target) = lively("eegnet"), trials()
    trial, whole = torch.arange(len(x)), decoder(x).detach()
    channels = attribute("ChannelOcclusion", decoder, x, target)
    times = attribute("TimeOcclusion", decoder, x, target, window=50, stride=50)
    for part, result in [((slice(None), 2), channels), ((..., slice(50, 100)), times)]:
        occluded = x.clone()
        occluded[part] = 0
        loss = (whole - decoder(occluded).detach())[trial, target]
        flat = result[part].flatten(1)
        torch.testing.assert_close(flat, loss[:, None].expand_as(flat))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 5, "stride": 6}, "stride=6 must be at most window=5"),
        ({"window": 0}, "window=0 of TimeOcclusion"),
        ({"stride": 0}, "stride=0 of TimeOcclusion"),
        ({"baseline": "median"}, "baseline='median'"),
    ],
)
def test_unusable_option_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        attribute("TimeOcclusion", lively("eegnet"), *trials(), **options)
