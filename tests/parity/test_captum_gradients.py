"""Gradients, paths, stretched GradCAM and occlusion against captum, on trained decoders."""

import warnings
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from eegxai.attribution import attribute
from tests.helpers import N_CHANNELS, N_TIMES
from tests.parity.trained import relative_error, rhythms, trained_decoder, trials

attr = pytest.importorskip("captum.attr", reason="captum is not installed")

ARCHITECTURES = ["deepnet", "eegnet", "shallow_fbcsp", "eegconformer"]


def theirs(name, decoder, x, target, *layer, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its hooks
        method = getattr(attr, name)(decoder, *layer)
        return method.attribute(x.clone().requires_grad_(), target=target, **options).detach()


@pytest.mark.parametrize("decoder", ARCHITECTURES)
@pytest.mark.parametrize(
    ("name", "options"),
    [("Gradient", {"abs": False}), ("InputXGradient", {}), ("IntegratedGradients", {})],
)
def test_map_equals_captums(name, options, decoder):
    module, (x, target) = deepcopy(trained_decoder(decoder)), trials()
    theirs_name = {"Gradient": "Saliency"}.get(name, name)
    expected = theirs(theirs_name, module, x, target, **options)
    assert relative_error(attribute(name, module, x, target), expected) < 1e-6


@pytest.mark.parametrize("steps", [1, 7])
def test_integrated_gradients_from_the_mean_equal_captums(steps):
    module, (x, target) = deepcopy(trained_decoder("deepnet")), trials()
    x = x + torch.arange(N_CHANNELS)[:, None]
    means = x.mean(2, keepdim=True).expand_as(x)
    expected = theirs("IntegratedGradients", module, x, target, n_steps=steps, baselines=means)
    ours = attribute("IntegratedGradients", module, x, target, steps=steps, baseline="mean")
    assert relative_error(ours, expected) < 1e-6


def test_stretched_grad_cam_is_captums_interpolated_linearly():
    decoder, (x, target) = deepcopy(trained_decoder("deepnet")), trials()
    layer = decoder.temporal[12]
    columns = theirs("LayerGradCam", decoder, x, target, layer)  # (trials, 1, channels, columns)
    expected = F.interpolate(columns[:, 0], size=N_TIMES, mode="linear")
    ours = attribute("CentredGradCAM", decoder, x, target, cam_placement="stretch")
    assert relative_error(ours, expected) < 1e-6


def test_stretched_guided_grad_cam_is_the_product_of_captums():
    """Of its guided gradient and its rectified GradCAM, stretched over the epoch."""
    decoder, (x, target) = deepcopy(trained_decoder("deepnet")), trials()
    layer = decoder.temporal[12]
    columns = theirs("LayerGradCam", decoder, x, target, layer, relu_attributions=True)[:, 0]
    guided = theirs("GuidedBackprop", decoder, x, target)
    ours = attribute("CentredGuidedGradCAM", decoder, x, target, cam_placement="stretch")
    expected = guided * F.interpolate(columns, size=N_TIMES, mode="linear")
    assert relative_error(ours, expected) < 1e-6


@pytest.mark.parametrize(
    ("name", "options", "window", "strides"),
    [
        ("ChannelOcclusion", {}, (1, N_TIMES), (1, N_TIMES)),
        ("TimeOcclusion", {"window": 30, "stride": 30}, (N_CHANNELS, 30), (N_CHANNELS, 30)),
        ("TimeOcclusion", {"window": 50, "stride": 20}, (N_CHANNELS, 50), (N_CHANNELS, 20)),
        ("TimeOcclusion", {"window": 400, "stride": 7}, (N_CHANNELS, N_TIMES), (N_CHANNELS, 7)),
    ],
)
@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_occlusion_equals_captums(name, options, window, strides, baseline):
    decoder, (x, target) = deepcopy(trained_decoder("deepnet")), trials()
    x = x + torch.arange(N_CHANNELS)[:, None]
    start = x.mean(2, keepdim=True).expand_as(x) if baseline == "mean" else 0 * x
    form = {"sliding_window_shapes": window, "strides": strides, "baselines": start}
    expected = theirs("Occlusion", decoder, x, target, **form)
    ours = attribute(name, decoder, x, target, baseline=baseline, **options)
    assert relative_error(ours, expected) < 1e-6


@pytest.mark.slow
def test_gradient_shap_has_captums_expectation():
    """Both draw at random: their means differ by less than the scatter of captum's."""
    decoder, (x, target) = deepcopy(trained_decoder("deepnet")), trials(1)
    references = rhythms(5, torch.Generator().manual_seed(2))[0].double()
    state = np.random.get_state()  # noqa: NPY002  (captum draws from it)
    np.random.seed(0)  # noqa: NPY002
    runs = [
        theirs("GradientShap", decoder, x, target, baselines=references, n_samples=100)
        for _ in range(6)
    ]
    np.random.set_state(state)  # noqa: NPY002
    expected = torch.cat(runs).mean(0)
    scatter = torch.cat(runs).std(0).norm() / len(runs) ** 0.5
    ours = attribute("GradientSHAP", decoder, x, target, references=references, samples=300)[0]
    assert scatter < 0.1 * expected.norm()
    assert (ours - expected).norm() < 2 * scatter
