"""The corrected class activation maps against the grad-cam package, on trained decoders.

The study's are grad-cam's themselves, see test_study.

grad-cam rectifies the columns of a layer and scales them to 0..1, stretches them over the epoch
and scales again; so is done here to ours. It returns float32, whose rounding is 6e-8.
"""

from copy import deepcopy
from functools import cache, partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eegxai.attribution import attribute
from eegxai.attribution.engine.placement import layer_placement
from eegxai.attribution.methods.cam import _bias_gradients
from eegxai.decoders.tracing import output_of
from tests.helpers import N_CHANNELS, N_CLASSES, N_TIMES
from tests.parity.trained import relative_error, trained, trained_decoder, trials

library = pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed")
targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")


class Images(nn.Module):
    """Decoder of trials as images (trials, 1, channels, times), which grad-cam passes."""

    def __init__(self, decoder, gain=1.0):
        super().__init__()
        self.decoder = decoder
        self.gain = gain

    def forward(self, images):
        return self.gain * self.decoder(images[:, 0])


class SameSize(nn.Module):
    """Decoder whose columns are the samples: no way of resizing changes them."""

    cam_layer = "convolution"

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, (1, 5), padding="same")
        self.convolution = nn.Conv2d(6, 8, (1, 3), padding="same")
        self.spatial = nn.Conv2d(8, 8, (N_CHANNELS, 1))
        self.output = nn.Linear(8 * N_TIMES, N_CLASSES)

    def forward(self, x):
        features = F.relu(self.convolution(F.relu(self.first(x[:, None]))))
        return self.output(F.relu(self.spatial(features)).flatten(1))


@cache
def same_size():
    torch.manual_seed(0)
    return trained(SameSize())


def theirs(cam, decoder, x, target, gain=1.0):
    images = Images(deepcopy(decoder), gain).requires_grad_()
    layer = images.decoder.get_submodule(decoder.cam_layer)
    with getattr(library, cam)(model=images, target_layers=[layer]) as method:
        wanted = [targets.ClassifierOutputTarget(int(label)) for label in target]
        return torch.from_numpy(method(input_tensor=x[:, None].clone(), targets=wanted)).double()


def scaled(maps):
    maps = maps - maps.amin((-2, -1), keepdim=True)
    return maps / (1e-7 + maps.amax((-2, -1), keepdim=True))


def stretched(columns, n_times=N_TIMES):
    flat = columns.flatten(0, -2)[None]
    return F.interpolate(flat, size=n_times, mode="linear").reshape(*columns.shape[:-1], n_times)


def as_theirs(maps, n_columns):
    """Our map, rectified and scaled as theirs, first at the columns that it interpolates."""
    basis = stretched(torch.eye(n_columns, dtype=maps.dtype))
    columns = maps @ torch.linalg.pinv(basis)
    torch.testing.assert_close(columns @ basis, maps)  # ours interpolates columns linearly
    return scaled(stretched(scaled(columns.relu())).relu())


PAIRS = [("CentredGradCAM", "GradCAM"), ("XGradCAM", "XGradCAM"), ("CentredLayerCAM", "LayerCAM")]
N_COLUMNS = 4  # of the study's network here


@pytest.mark.parametrize(("name", "cam"), PAIRS)
def test_map_equals_grad_cams_on_the_studys_network(name, cam):
    decoder, (x, target) = trained_decoder("deepnet"), trials()
    expected = theirs(cam, decoder, x, target)
    ours = attribute(name, decoder, x, target, cam_placement="stretch")
    assert relative_error(as_theirs(ours, N_COLUMNS), expected) < 1e-6


@pytest.mark.parametrize(("name", "cam"), [*PAIRS, ("CentredScoreCAM", "ScoreCAM")])
def test_map_equals_grad_cams_where_columns_are_samples(name, cam):
    decoder, (x, target) = same_size(), trials()
    expected = theirs(cam, decoder, x, target)
    ours = attribute(name, decoder, x, target)
    assert relative_error(as_theirs(ours, N_TIMES), expected) < 1e-6


def full_grad_as_theirs(decoder, x, target):
    """Magnitudes of every filter of the convolutions, each scaled to 0..1, summed."""
    plain, layers = _bias_gradients(decoder, x, target)
    total = scaled(plain.abs())
    for name, bias_gradient in layers:
        if isinstance(decoder.get_submodule(name), nn.Conv2d):
            placement = layer_placement(decoder, name, N_CHANNELS, N_TIMES, "stretch")
            columns = scaled(placement.arrange(bias_gradient).abs())
            total = total + placement.interpolate(columns).sum(1)
    return scaled(total)


def test_full_grad_is_made_of_the_pieces_of_grad_cams():
    decoder, (x, target) = trained_decoder("deepnet"), trials()
    expected = theirs("FullGrad", decoder, x, target)
    assert relative_error(full_grad_as_theirs(decoder, x, target), expected) < 1e-6


# ------------------------------------------------------------------ where ours differs on purpose


def test_columns_lie_at_their_centres_and_not_evenly():
    """The columns of the stretched map, read off between samples 69.5, 85.5, 101.5 and 117.5."""
    decoder, (x, target) = trained_decoder("deepnet"), trials()
    basis = stretched(torch.eye(N_COLUMNS, dtype=x.dtype))
    stretch = attribute("CentredGradCAM", decoder, x, target, cam_placement="stretch")
    columns = stretch @ torch.linalg.pinv(basis)
    centres = 69.5 + 16 * np.arange(N_COLUMNS)
    read = partial(np.interp, np.arange(N_TIMES), centres)
    expected = torch.from_numpy(np.apply_along_axis(read, -1, columns.numpy()))
    assert relative_error(attribute("CentredGradCAM", decoder, x, target), expected) < 1e-6


def test_time_is_not_painted_onto_channels():
    """Time is the last axis but one of Deep4's layers, where images have their rows."""
    decoder, (x, target) = trained_decoder("deep4"), trials()
    ours = scaled(attribute("CentredGradCAM", decoder, x, target, cam_placement="stretch"))
    assert span(ours, axis=1) == 0  # the layer has no channels
    assert span(ours, axis=2) == pytest.approx(1, abs=1e-6)


def span(maps, axis):
    return float((maps.amax(axis) - maps.amin(axis)).max())


def test_map_equals_grad_cam_plus_plus_where_gradients_are_large():
    """Logits times 1e4: a constant beside squared gradients is of no account, and ours has none."""
    gain, decoder, (x, target) = 1e4, deepcopy(trained_decoder("deepnet")), trials()
    expected = theirs("GradCAMPlusPlus", decoder, x, target, gain)
    decoder.output.weight.mul_(gain)
    decoder.output.bias.mul_(gain)
    ours = attribute("CentredGradCAM++", decoder, x, target, cam_placement="stretch")
    assert relative_error(as_theirs(ours, N_COLUMNS), expected) < 1e-6


def test_score_cam_masks_by_the_maps_that_it_sums():
    """Near grad-cam's, whose masks are stretched in another way than the maps that it sums."""
    decoder, (x, target) = trained_decoder("deepnet"), trials()
    ours = attribute("CentredScoreCAM", decoder, x, target, cam_placement="stretch")
    assert relative_error(ours, score_cam(decoder, x, target)) < 1e-6
    expected = theirs("ScoreCAM", decoder, x, target)
    assert relative_error(as_theirs(ours, N_COLUMNS), expected) < 0.05  # 1e-3 or so


def score_cam(decoder, x, target):
    """ScoreCAM whose masks are the scaled maps."""
    columns = output_of(decoder, decoder.cam_layer, x)
    masks = scaled(stretched(columns)).unbind(1)
    trial = torch.arange(len(x))
    with torch.no_grad():
        scores = torch.stack([decoder(x * mask)[trial, target] for mask in masks], 1)
    return torch.einsum("tk,tkcs->tcs", scores.softmax(1), stretched(columns))


def test_full_grad_keeps_signs_and_the_biases_of_dense_layers():
    """It sums to the logit, which a rectified or scaled map does not."""
    decoder, (x, target) = trained_decoder("deepnet"), trials()
    logits = decoder(x)[torch.arange(len(x)), target]
    ours = attribute("CompleteFullGrad", decoder, x, target)
    torch.testing.assert_close(ours.sum((1, 2)), logits)
    assert ours.min() < 0
