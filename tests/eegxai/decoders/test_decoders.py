"""Architectures and what tracing a forward pass tells of them."""

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.decoders import DECODERS, ReceptiveField, build, receptive_field, weighted_layers
from eegxai.decoders.tracing import evaluation_mode, output_of

SIZE = {"n_channels": 8, "n_times": 250, "n_classes": 3, "sfreq": 250.0}


@pytest.fixture
def trials():
    return torch.randn(4, 8, 250, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", DECODERS)
def test_every_architecture_maps_trials_to_logits(name, trials):
    decoder = build(name, **SIZE)
    assert decoder(trials).shape == (4, 3)
    assert not decoder.training
    assert isinstance(decoder.get_submodule(decoder.cam_layer), nn.Module)


def test_deepnet_is_the_study_network():
    decoder = build("deepnet", 62, 250, 4, 250.0)
    layers = [m for m in decoder.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    assert shapes == [
        (32, 1, 1, 5),
        *[(32, 32, 1, 5)] * 4,
        (32, 32, 62, 1),
        (32, 32 * 7),
        (4, 32),
    ]
    activations = [m for m in decoder.modules() if isinstance(m, nn.ReLU)]
    assert len({id(m) for m in activations}) == len(activations) == 7
    assert decoder.get_submodule(decoder.cam_layer) is layers[4]


def test_unknown_architecture_suggests_the_closest():
    with pytest.raises(ValueError, match="did you mean 'deepnet'"):
        build("depnet", **SIZE)


def test_too_short_trials_are_told():
    with pytest.raises(ValueError, match="n_times=20 is too short"):
        build("deepnet", 8, 20, 3, 250.0)
    with pytest.raises(ValueError, match=r"'deepsleepnet' cannot be built for .*n_times=100"):
        build("deepsleepnet", 8, 100, 3, 250.0)


class Crossed(nn.Module):
    """Registers its layers in the reverse of forward order and reads one without calling it."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 2)
        self.read = nn.Linear(10, 4)
        self.first = nn.Linear(10, 10)

    def forward(self, x):
        x = self.first(x.mean(1))
        return self.last(nn.functional.linear(x, self.read.weight))


def test_forward_order_is_traced_not_registered():
    layers = weighted_layers(Crossed(), torch.zeros(1, 3, 10))
    assert list(layers) == ["", "first", "last"]
    assert set(layers[""]) == {"read.weight", "read.bias"}


@pytest.mark.parametrize("name", DECODERS)
def test_every_parameter_belongs_to_one_layer(name, trials):
    decoder = build(name, **SIZE)
    owned = [name for names in weighted_layers(decoder, trials).values() for name in names]
    assert sorted(owned) == sorted(name for name, _ in decoder.named_parameters())


def test_parametrized_weights_belong_to_their_convolution(trials):
    layers = weighted_layers(build("eegnet", **SIZE), trials)
    assert layers["conv_spatial"] == ("conv_spatial.parametrizations.weight.original",)


def test_receptive_field_of_the_study_network():
    """Seven columns of 140 samples, 16 apart: the closed form of five convolutions and pools."""
    decoder = build("deepnet", 4, 250, 3, 250.0)
    field = receptive_field(decoder, decoder.cam_layer, 4, 250)
    assert (field.time_axis, field.channel_axis) == (3, 2)
    np.testing.assert_array_equal(field.start, 16.0 * np.arange(7))
    np.testing.assert_array_equal(field.stop - field.start, 139.0)
    np.testing.assert_array_equal(field.centres, 69.5 + 16 * np.arange(7))


@pytest.mark.parametrize(
    ("name", "time_axis"), [("eegnet", 3), ("shallow_fbcsp", 2), ("deep4", 2), ("eegconformer", 3)]
)
def test_axes_are_found_and_spatial_layers_have_no_channel_axis(name, time_axis):
    decoder = build(name, 4, 250, 3, 250.0)
    field = receptive_field(decoder, decoder.cam_layer, 4, 250)
    assert (field.time_axis, field.channel_axis) == (time_axis, None)
    assert (np.diff(field.centres) > 0).all()


def test_a_layer_without_time_is_told():
    decoder = build("deepnet", 4, 250, 3, 250.0)
    with pytest.raises(ValueError, match="resolves no time"):
        receptive_field(decoder, "output", 4, 250)


def test_tracing_leaves_no_hook_and_no_mode_behind(trials):
    decoder = build("eegnet", **SIZE).train()
    state = {name: value.clone() for name, value in decoder.state_dict().items()}
    weighted_layers(decoder, trials)
    output_of(decoder, decoder.cam_layer, trials)
    assert all(module.training for module in decoder.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in decoder.modules())
    assert all(torch.equal(value, state[name]) for name, value in decoder.state_dict().items())


def test_evaluation_mode_restores_each_module():
    decoder = build("eegnet", **SIZE).train()
    decoder.bnorm_1.eval()
    with evaluation_mode(decoder):
        assert not any(module.training for module in decoder.modules())
    assert decoder.training
    assert not decoder.bnorm_1.training


@pytest.mark.parametrize("kernel", [1, 3, 8, 31])
def test_padding_does_not_push_the_ends_of_a_map_inwards(kernel):
    n_times = 40
    pad = kernel // 2
    early = np.arange(n_times + 2 * pad - kernel + 1) - pad
    field = ReceptiveField(
        time_axis=2,
        channel_axis=None,
        start=early.clip(0).astype(float),
        stop=(early + kernel - 1).clip(max=n_times - 1).astype(float),
    )
    expected = early + (kernel - 1) / 2
    np.testing.assert_array_equal(field.centres, expected)
