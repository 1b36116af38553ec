"""Decoders that do what a forward pass should not, or return what is not plainly logits."""

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.attribution import attribute
from tests.eegxai.attribution.test_own_decoders import Conv, Returning, built, trials


class InPlace(Conv):
    def forward(self, x):
        x -= x.mean(2, keepdim=True)
        return super().forward(x)


class Centred(Conv):
    def forward(self, x):
        return super().forward(x - x.mean(2, keepdim=True))


@pytest.mark.parametrize("name", ["Gradient", "DeepLift", "captum.Saliency"])
@pytest.mark.parametrize("kind", [torch.as_tensor, np.asarray])
def test_a_decoder_that_works_in_place_leaves_the_trials_alone(kind, name):
    (x, target), given = trials(), kind(trials()[0] + 1)
    before = (x + 1).clone()
    found = attribute(name, built(InPlace), given, target)
    torch.testing.assert_close(found, attribute(name, built(Centred), before, target))
    assert torch.equal(torch.as_tensor(given), before)
