"""Decoders made ready once for several methods give the same maps, at fewer passes."""

import pytest
import torch
from torch import nn

from eegxai.attribution import PreparedDecoders, attribute

X = torch.randn(3, 4, 20, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 1, 2])
METHODS = ("Gradient", "LRP", "CentredGradCAM", "captum.GradientShap")


class Counting(nn.Module):
    """A decoder of images that counts its passes in all its copies, and may draw numbers."""

    passes = 0

    def __init__(self, draws: bool = False, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.convolution, self.dense = nn.Conv2d(1, 3, (4, 5)), nn.Linear(3 * 16, 3)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        self.cam_layer, self.draws = "convolution", draws

    def forward(self, x):
        Counting.passes += 1
        if self.draws:
            torch.rand(1)
        return self.dense(self.convolution(x).relu().flatten(1))


def maps_and_passes(method, decoder, x=X):
    Counting.passes = 0
    options = {"references": X.flip(0)}
    return attribute(method, decoder, x, TARGET, output="contrast", **options), Counting.passes


@pytest.mark.filterwarnings("ignore::eegxai.attribution.DecoderWarning")
def test_maps_are_the_same_and_take_fewer_passes():
    decoders, ready = [Counting(), Counting(seed=1)], PreparedDecoders(X)
    for decoder in decoders:
        for method in METHODS:
            plain, before = maps_and_passes(method, decoder)
            with ready.in_use():
                first, _ = maps_and_passes(method, decoder)
                again, after = maps_and_passes(method, decoder)
            assert torch.equal(plain, first)
            assert torch.equal(plain, again)
            assert after < before


@pytest.mark.filterwarnings("ignore::eegxai.attribution.DecoderWarning")
def test_other_trials_and_decoders_that_draw_numbers_are_made_ready_each_time():
    """What a pass draws moves the numbers that a method draws after it."""
    ready = PreparedDecoders(X)
    for decoder, x in [(Counting(draws=True), X), (Counting(), X.clone())]:
        plain, before = maps_and_passes("captum.GradientShap", decoder, x)
        with ready.in_use():
            maps_and_passes("captum.GradientShap", decoder, x)
            again, after = maps_and_passes("captum.GradientShap", decoder, x)
        assert torch.equal(plain, again)
        assert after == before
