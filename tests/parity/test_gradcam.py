"""Class activation maps against the grad-cam package, after its rectification and scaling."""

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.attribution import attribute

library = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed")
targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")

N_TRIALS, N_CHANNELS, N_TIMES, N_CLASSES = 4, 5, 24, 3


class SameSize(nn.Module):
    """Convolutional decoder whose columns are the samples: both placements agree on it."""

    cam_layer = "convolution"

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, (1, 5), padding="same")
        self.first_relu = nn.ReLU()
        self.convolution = nn.Conv2d(6, 8, (1, 3), padding="same")
        self.relu = nn.ReLU()
        self.spatial = nn.Conv2d(8, 8, (N_CHANNELS, 1))
        self.spatial_relu = nn.ReLU()
        self.output = nn.Linear(8 * N_TIMES, N_CLASSES)

    def forward(self, x):
        x = x.reshape(-1, 1, N_CHANNELS, N_TIMES)  # grad-cam passes images (trials, 1, ., .)
        features = self.relu(self.convolution(self.first_relu(self.first(x))))
        return self.output(self.spatial_relu(self.spatial(features)).flatten(1))


def case(gain):
    torch.manual_seed(0)
    decoder = SameSize().eval()
    decoder.output.weight.data *= gain
    return decoder, torch.randn(N_TRIALS, N_CHANNELS, N_TIMES), torch.tensor([0, 1, 2, 1])


def theirs(cam, decoder, x, target):
    with cam(model=decoder, target_layers=[decoder.convolution]) as method:
        wanted = [targets.ClassifierOutputTarget(int(label)) for label in target]
        return method(input_tensor=x[:, None].clone(), targets=wanted)


def as_theirs(maps):
    """Rectified and scaled to 0..1 for each trial, with grad-cam's constant."""
    maps = np.maximum(maps.numpy(), 0)
    maps = maps - maps.min(axis=(1, 2), keepdims=True)
    return maps / (1e-7 + maps.max(axis=(1, 2), keepdims=True))


@pytest.mark.parametrize(
    ("name", "cam", "gain"),
    [
        ("GradCAM", "GradCAM", 1e3),
        ("GradCAM++", "GradCAMPlusPlus", 1e4),  # grad-cam adds 1e-6 to squared gradients
        ("LayerCAM", "LayerCAM", 1e3),
        ("ScoreCAM", "ScoreCAM", 10),  # a softmax that prefers some maps
    ],
)
def test_map_equals_grad_cams(name, cam, gain):
    decoder, x, target = case(gain)
    expected = theirs(getattr(library, cam), decoder, x, target)
    actual = as_theirs(attribute(name, decoder, x, target))
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
