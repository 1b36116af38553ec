"""Class activation maps: slow re-derivations trial by trial, and their place on the input."""

from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eegxai.attribution import attribute, attribute_all
from eegxai.attribution.engine import placement as placing
from eegxai.attribution.engine.forward_only import MaxPoolWithoutIndices, pool_before_relu
from eegxai.attribution.engine.placement import layer_placement
from eegxai.decoders import DECODERS, build
from eegxai.decoders.tracing import output_of
from tests.helpers import N_CHANNELS, N_CLASSES, N_TIMES, lively_decoder, random_trials

N_TRIALS = 4
# The fifth convolution's columns, by arithmetic: five kernels of 5 and four pools of 2 see
# 5 + 4 (2 + 4 + 8 + 16) + (1 + 2 + 4 + 8) = 140 samples, 16 apart.
CENTRES = 69.5 + 16 * np.arange(4)


lively = cache(lively_decoder)


@cache
def trials():
    return random_trials(N_TRIALS)


# ------------------------------------------------------------------ the definitions, in loops


def bottom(decoder, trial):
    """Activations of deepnet's fifth convolution for one trial, (features, channels, columns)."""
    return decoder.temporal[:13](trial[None, None])[0]


def top(decoder, activations):
    """Logits that deepnet's later layers make of them."""
    features = torch.relu(decoder.spatial(torch.relu(activations[None])))
    return decoder.output(torch.relu(decoder.hidden(features.flatten(1))))[0]


def activations_and_gradients(decoder, trial, target):
    activations = bottom(decoder, trial).detach().requires_grad_()
    (gradients,) = torch.autograd.grad(top(decoder, activations)[target], activations)
    return activations.detach().numpy(), gradients.numpy()


def on_trial(columns):
    """Map (channels, columns) of deepnet's fifth convolution on (channels, times)."""
    times = np.arange(N_TIMES)
    return np.stack([np.interp(times, CENTRES, channel) for channel in columns])


def grad_cam(activations, gradients):
    return sum(g.mean() * a for a, g in zip(activations, gradients, strict=True))


def grad_cam_plus_plus(activations, gradients):
    total = np.zeros_like(activations[0])
    for a, g in zip(activations, gradients, strict=True):
        weight = 0.0
        for place in np.ndindex(g.shape):
            denominator = 2 * g[place] ** 2 + a.sum() * g[place] ** 3
            alpha = g[place] ** 2 / denominator if denominator != 0 else 0.0
            weight += alpha * max(g[place], 0)
        total += weight * a
    return total


def layer_cam(activations, gradients):
    total = np.zeros_like(activations[0])
    for place in np.ndindex(total.shape):
        for a, g in zip(activations, gradients, strict=True):
            total[place] += max(g[place], 0) * a[place]
    return total


def x_grad_cam(activations, gradients):
    return sum((g * a).sum() / a.sum() * a for a, g in zip(activations, gradients, strict=True))


DEFINITIONS = [
    ("CentredGradCAM", grad_cam),
    ("CentredGradCAM++", grad_cam_plus_plus),
    ("XGradCAM", x_grad_cam),
    ("CentredLayerCAM", layer_cam),
]


@pytest.mark.parametrize(("name", "definition"), DEFINITIONS)
def test_gradient_weighted_maps_are_their_definitions(name, definition):
    decoder, (x, target) = lively("deepnet"), trials()
    result = attribute(name, decoder, x, target).numpy()
    for trial, label, actual in zip(x, target, result, strict=True):
        expected = on_trial(definition(*activations_and_gradients(decoder, trial, label)))
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-10 * abs(expected).max())


def stretched(columns):
    """Map (channels, columns) evenly over the epoch."""
    columns = torch.as_tensor(columns)[None]
    return torch.nn.functional.interpolate(columns, size=N_TIMES, mode="linear")[0].numpy()


@pytest.mark.parametrize(("name", "definition"), DEFINITIONS)
def test_gradient_weighted_maps_are_stretched_on_request(name, definition):
    decoder, (x, target) = lively("deepnet"), trials()
    result = attribute(name, decoder, x, target, cam_placement="stretch").numpy()
    for trial, label, actual in zip(x, target, result, strict=True):
        expected = stretched(definition(*activations_and_gradients(decoder, trial, label)))
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-10 * abs(expected).max())


def test_x_grad_cam_gives_dead_features_no_weight():
    decoder = deepcopy(lively("deepnet"))
    decoder.cam_layer = "temporal.13"  # the ReLU behind the fifth convolution
    decoder.temporal[12].bias.data[:20] = -1e3
    dead = attribute("XGradCAM", decoder, *trials())
    assert dead.any()
    decoder.temporal[12].bias.data[:] = -1e3
    assert not attribute("XGradCAM", decoder, *trials()).any()


@pytest.mark.parametrize("name", ["CentredGradCAM", "CentredScoreCAM"])
def test_negative_evidence_survives(name):
    """The papers' final ReLU is left out."""
    decoder = deepcopy(lively("deepnet"))
    decoder.temporal[12].bias.data -= 1
    assert attribute(name, decoder, *trials()).min() < 0


@pytest.mark.parametrize(
    ("cam_placement", "place"), [("centres", on_trial), ("stretch", stretched)]
)
def test_score_cam_is_its_definition(cam_placement, place):
    decoder, (x, target) = lively("deepnet"), trials()
    result = attribute("CentredScoreCAM", decoder, x, target, cam_placement=cam_placement).numpy()
    for trial, label, actual in zip(x, target, result, strict=True):
        maps = [place(a) for a in bottom(decoder, trial).detach().numpy()]
        scores = []
        for placed in maps:
            mask = (placed - placed.min()) / (placed.max() - placed.min())
            with torch.no_grad():
                scores.append(decoder(trial[None] * torch.from_numpy(mask))[0, label].item())
        weights = np.exp(np.array(scores) - max(scores))
        expected = sum(w * m for w, m in zip(weights / weights.sum(), maps, strict=True))
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-10 * abs(expected).max())


@pytest.mark.parametrize("size", [(4, 11), (5, 12)])
@pytest.mark.parametrize(
    ("pool", "changed"),
    [
        (nn.MaxPool2d((1, 2)), True),
        (nn.MaxPool2d(2), True),
        (nn.MaxPool2d((2, 3), stride=(2, 3)), True),
        (nn.MaxPool2d((1, 3), stride=(1, 2)), False),
        (nn.MaxPool2d(2, padding=1), False),
        (nn.MaxPool2d(2, ceil_mode=True), False),
        (nn.MaxPool2d(2, dilation=2), False),
    ],
    ids=str,
)
def test_max_pools_without_places_give_the_same_values(pool, changed, size):
    z = torch.randn(2, 3, *size)
    z[0, 0, 0, 0] = torch.nan
    expected = pool(z)
    with MaxPoolWithoutIndices():
        result = pool(z.requires_grad_())
    assert ("Maximum" in result.grad_fn.name()) == changed
    torch.testing.assert_close(result.detach(), expected, rtol=0, atol=0, equal_nan=True)


def test_max_pools_without_places_still_tell_them_where_asked():
    z = torch.randn(1, 1, 4, 4)
    expected = nn.functional.max_pool2d(z, 2, return_indices=True)
    with MaxPoolWithoutIndices():
        result = nn.functional.max_pool2d(z, 2, return_indices=True)
    assert all(map(torch.equal, result, expected))


def test_a_decoder_that_pools_first_gives_the_same_bits():
    decoder, (x, _) = lively("deepnet"), trials()
    with torch.no_grad():
        quick = pool_before_relu(decoder, x)
        assert torch.equal(quick(x), decoder(x))
    order = [type(module).__name__ for module in quick.temporal[:3]]
    assert order == ["Conv2d", "MaxPool2d", "ReLU"]
    assert isinstance(decoder.temporal[1], nn.ReLU)


class Roundabout(nn.Module):
    """Uses the parts of its Sequential one by one, and the pool alone."""

    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x):
        return self.parts[1](x).flatten(1)


def test_a_decoder_that_calls_its_parts_in_another_way_stays_as_it_is():
    decoder, x = Roundabout(), torch.randn(2, 1, 4, 6)
    assert pool_before_relu(decoder, x) is decoder
    before = x.clone()
    for pool in (nn.MaxPool2d(1), nn.MaxPool2d(2)):
        sequence = nn.Sequential(nn.ReLU(), pool)
        with MaxPoolWithoutIndices():
            assert torch.equal(pool_before_relu(sequence, x)(x), sequence(x))
        assert torch.equal(x, before)


def test_score_cam_masks_everything_by_a_constant_map():
    decoder = build("deepnet", N_CHANNELS, N_TIMES, N_CLASSES, 250.0).double()
    nn.init.zeros_(decoder.temporal[12].weight)  # every map is now its bias everywhere
    x, target = trials()
    expected = decoder.temporal[12].bias.mean().detach().expand_as(x)
    torch.testing.assert_close(attribute("CentredScoreCAM", decoder, x, target), expected)


def test_guided_grad_cam_is_guided_backprop_times_rectified_grad_cam():
    decoder, (x, target) = lively("deepnet"), trials()
    guided = attribute("GuidedBackprop", decoder, x, target).numpy()
    result = attribute("CentredGuidedGradCAM", decoder, x, target).numpy()
    for i, (trial, label) in enumerate(zip(x, target, strict=True)):
        columns = grad_cam(*activations_and_gradients(decoder, trial, label))
        expected = guided[i] * on_trial(np.maximum(columns, 0))
        np.testing.assert_allclose(result[i], expected, rtol=1e-8, atol=1e-12)


def test_maps_of_a_layer_that_a_later_one_changes_in_place():
    class InPlace(nn.Module):
        cam_layer = "convolution"

        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv1d(2, 4, 3)
            self.output = nn.Linear(4, 2)

        def forward(self, x):
            return self.output(torch.relu_(self.convolution(x)).mean(2))

    decoder, x = InPlace(), torch.linspace(-1, 1, 24).reshape(1, 2, 12)
    activations = decoder.convolution(x).detach().requires_grad_()
    logit = decoder.output(activations.relu().mean(2))[0, 1]
    (gradient,) = torch.autograd.grad(logit, activations)
    columns = (gradient.mean(2, keepdim=True) * activations).sum(1)[0].detach().numpy()
    expected = np.interp(np.arange(12), np.arange(10) + 1, columns)
    result = attribute("CentredGradCAM", decoder, x, torch.tensor([1]))
    np.testing.assert_allclose(result[0], np.stack([expected] * 2), rtol=1e-5, atol=1e-7)


# ------------------------------------------------------------------ the place of a map


@cache
def even(name):
    """Decoder of 250 samples whose kernels are all flat: it answers evenly around an impulse."""
    decoder = build(name, N_CHANNELS, 250, N_CLASSES, 250.0).double()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.fill_(1 / parameter[0].numel() if parameter.ndim > 1 else 0)
        for module in decoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.fill_(1)
    return decoder


# Samples between CAM columns.
SPACING = {"deepnet": 16, "deep4": 2, "deep4_relu": 2, "atcnet": 3, "deepsleepnet": 6}
WITH_CHANNELS = {"deepnet", "deepsleepnet"}


def response(decoder, channel, time, n_times=250, cam_placement="centres"):
    """Change of the CAM layer by an impulse, placed on the trial (channels, times)."""
    layer = decoder.cam_layer
    x = torch.zeros(1, N_CHANNELS, n_times, dtype=torch.float64)
    before = output_of(decoder, layer, x)
    x[0, channel, time] = 10.0
    placement = layer_placement(decoder, layer, N_CHANNELS, n_times, cam_placement)
    change = placement.arrange(output_of(decoder, layer, x) - before).abs().sum(1)
    return placement.interpolate(change)[0].numpy()


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("time", [85, 118, 149])
def test_an_impulse_is_placed_where_it_is(name, time):
    power = response(even(name), 2, time).sum(0)
    peak = np.flatnonzero(power > 0.99 * power.max()).mean()  # flat kernels answer in plateaus
    assert abs(peak - time) <= SPACING.get(name, 1) / 2


@pytest.mark.parametrize("name", sorted(WITH_CHANNELS))
@pytest.mark.parametrize("channel", [0, 2, 5])
def test_a_layer_with_channels_keeps_an_impulse_on_its_channel(channel, name):
    placed = response(even(name), channel, 90)
    assert np.flatnonzero(placed.any(axis=1)).tolist() == [channel]


@pytest.mark.parametrize("name", sorted(set(DECODERS) - WITH_CHANNELS))
def test_a_layer_without_channels_is_constant_over_them(name):
    placed = response(even(name), 2, 120)
    assert np.ptp(placed, axis=0).max() == 0
    assert np.ptp(placed, axis=1).min() > 0


@pytest.mark.parametrize("name", DECODERS)
def test_stretching_keeps_time_on_time_and_channels_on_channels(name):
    placed = response(even(name), 2, 120, cam_placement="stretch")
    assert np.ptp(placed, axis=1).max() > 0
    if name in WITH_CHANNELS:
        assert np.flatnonzero(placed.any(axis=1)).tolist() == [2]
    else:
        assert np.ptp(placed, axis=0).max() == 0


def test_columns_of_the_studys_network_lie_at_their_centres_not_evenly():
    placement = layer_placement(lively("deepnet", 250), "temporal.12", N_CHANNELS, 250)
    assert (placement.time_axis, placement.channel_axis) == (3, 2)
    centres = 69.5 + 16 * np.arange(7)
    ramp = torch.from_numpy(centres)[None]  # a map that holds each column's centre sample
    expected = np.clip(np.arange(250), centres[0], centres[-1])
    np.testing.assert_allclose(placement.interpolate(ramp), np.tile(expected, (N_CHANNELS, 1)))


@pytest.mark.parametrize("name", DECODERS)
def test_stretching_is_a_half_pixel_linear_resize(name):
    decoder = lively(name, 250)
    placement = layer_placement(decoder, decoder.cam_layer, N_CHANNELS, 250, "stretch")
    columns = placement.arrange(
        output_of(decoder, decoder.cam_layer, torch.randn(2, 6, 250).double())
    )
    expected = torch.nn.functional.interpolate(
        columns.flatten(0, 2)[None], size=250, mode="linear", align_corners=False
    ).reshape(*columns.shape[:3], 250)
    torch.testing.assert_close(placement.interpolate(columns), expected.expand(-1, -1, 6, -1))


# ------------------------------------------------------------------ properties of the matrices


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(-30, 30),
    gaps=st.lists(st.floats(0.25, 20), min_size=0, max_size=12),
    n_times=st.integers(2, 60),
)
def test_matrices_keep_constants_and_sums(start, gaps, n_times):
    centres = start + np.concatenate([[0.0], np.cumsum(gaps)])
    weights = placing._interpolation(centres, n_times)
    np.testing.assert_allclose(weights.sum(axis=0), 1)  # a constant map stays that constant
    shares = placing._normalised_weights(centres, n_times)
    np.testing.assert_allclose(shares.sum(axis=1), 1)  # no part of a column is lost
    assert min(weights.min(), shares.min()) >= 0


@pytest.mark.parametrize("cam_placement", ["centres", "stretch"])
@pytest.mark.parametrize("name", DECODERS)
def test_distributing_a_layers_map_keeps_its_sum(name, cam_placement):
    decoder = lively(name)
    x = trials()[0]
    for layer in [decoder.cam_layer, *([] if name != "deepnet" else ["spatial", "hidden"])]:
        output = output_of(decoder, layer, x)
        placement = layer_placement(decoder, layer, N_CHANNELS, N_TIMES, cam_placement)
        placed = placement.distribute(placement.arrange(output).sum(1))
        assert placed.shape == x.shape
        torch.testing.assert_close(placed.sum((1, 2)), output.flatten(1).sum(1))


def test_a_structure_is_traced_once():
    decoder = build("deepnet", 3, 150, 2, 250.0)
    first = layer_placement(decoder, "temporal.12", 3, 150)
    other_weights = build("deepnet", 3, 150, 2, 250.0)
    assert layer_placement(other_weights, "temporal.12", 3, 150) is first
    assert layer_placement(decoder, "temporal.9", 3, 150) is not first
    assert layer_placement(decoder, "temporal.12", 3, 150, "stretch") is not first
    assert layer_placement(build("deepnet", 3, 160, 2, 250.0), "temporal.12", 3, 160) is not first


@pytest.mark.parametrize("name", DECODERS)
def test_full_grad_sums_to_the_logit_in_either_placement(name):
    """Attention in functional form, in two architectures, is beyond it."""
    decoder, (x, target) = lively(name), trials()
    logits = decoder(x).gather(1, target[:, None])[:, 0].detach()
    tolerance = 0.05 if name in ("atcnet", "eegconformer") else 1e-6
    for cam_placement in ("centres", "stretch"):
        total = attribute("CompleteFullGrad", decoder, x, target, cam_placement=cam_placement).sum(
            (1, 2)
        )
        torch.testing.assert_close(total, logits, rtol=tolerance, atol=1e-9)


# ------------------------------------------------------------------ the pass that methods share


class Folded(nn.Module):
    """A dense layer for every sample, as of trials one after the other, or with time first."""

    def __init__(self, time_first):
        super().__init__()
        self.time_first = time_first
        self.hidden, self.activation, self.output = nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3)

    def forward(self, x):
        steps = x.permute(2, 0, 1) if self.time_first else x.transpose(1, 2).reshape(-1, 2)
        z = self.output(self.activation(self.hidden(steps)))
        return z.mean(0) if self.time_first else z.view(len(x), -1, 3).mean(1)


@pytest.mark.parametrize("time_first", [False, True])
def test_full_grad_knows_trials_that_a_layer_folds_into_other_axes(time_first):
    torch.manual_seed(0)
    decoder, x, target = Folded(time_first).double(), torch.randn(3, 2, 8).double(), torch.arange(3)
    maps = attribute("CompleteFullGrad", decoder, x, target)
    logits = decoder(x).gather(1, target[:, None])[:, 0]
    torch.testing.assert_close(maps.sum((1, 2)), logits.detach())
    alone = attribute("CompleteFullGrad", decoder, x[1:2], target[1:2])
    torch.testing.assert_close(maps[1:2], alone)


def test_several_methods_share_one_pass():
    decoder, (x, target) = lively("deepnet"), trials()
    names = [
        *("Saliency", "InputXGradient", "GradCAM", "GradCAM++", "LayerCAM", "Gradient"),
        *("CentredGradCAM", "CentredGradCAM++", "CentredLayerCAM", "XGradCAM"),
    ]
    passes = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda module, _inputs, output: (
            passes.append(output) if type(module) is type(decoder) else None
        )
    )
    try:
        maps = attribute_all(names, decoder, x, target)
    finally:
        handle.remove()
    assert sum(logits.requires_grad for logits in passes) == 1
    for name in names:
        assert torch.equal(maps[name], attribute(name, decoder, x, target))


@pytest.mark.parametrize("layer", [None, "missing", "unused", "states"])
def test_gradients_need_no_cam_layer(layer):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.states = nn.LSTM(2, 4, batch_first=True)
            self.output = nn.Linear(4, 2)
            self.unused = nn.ReLU()

        def forward(self, x):
            return self.output(self.states(x.mT)[0].mean(1))

    decoder, x = Plain(), torch.linspace(-1, 1, 24).reshape(1, 2, 12)
    trial = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(decoder(trial)[0, 1], trial)
    if layer is not None:
        decoder.cam_layer = layer
    torch.testing.assert_close(attribute("Gradient", decoder, x, torch.tensor([1])), expected)
