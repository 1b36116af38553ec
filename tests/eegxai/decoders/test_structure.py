"""Anatomy of every architecture: against module types, closed forms and known structures."""

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.decoders import DECODERS, build, decoder_structure, nonlinear_modules

N_CHANNELS, N_TIMES = 5, 250
# Columns of a time axis, whether channels are kept, samples between columns.
CAM_LAYERS = {
    "deepnet": (3, 2, 16.0),
    "eegnet": (3, None, 1.0),
    "eegnet_relu": (3, None, 1.0),
    "shallow_fbcsp": (2, None, 1.0),
    "deep4": (2, None, 2.0),
    "deep4_relu": (2, None, 2.0),
    "eegconformer": (3, None, 1.0),
    "atcnet": (2, None, 3.0),
    "deepsleepnet": (3, 2, 6.0),
}
BENT = (nn.ReLU, nn.ELU, nn.GELU, nn.LSTM, nn.LayerNorm)
STRAIGHT = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.AvgPool2d, nn.Dropout, nn.Identity)


@pytest.fixture(scope="module", params=DECODERS)
def built(request):
    torch.manual_seed(0)
    decoder = build(request.param, N_CHANNELS, N_TIMES, 3, 250.0)
    return request.param, decoder, decoder_structure(decoder, N_CHANNELS, N_TIMES)


def test_every_cam_layer_has_its_axes_and_stride(built):
    name, decoder, found = built
    field = found.cam_field
    assert (field.time_axis, field.channel_axis, field.stride) == CAM_LAYERS[name]
    assert found.cam_layer == decoder.cam_layer
    np.testing.assert_allclose(np.diff(field.centres), field.stride)


def test_nonlinear_modules_are_those_of_nonlinear_types(built):
    _, decoder, found = built
    for name in found.nonlinear:
        assert not isinstance(decoder.get_submodule(name), STRAIGHT), name
    for name, module in decoder.named_modules():
        # This pool of DeepSleepNet is given a single sample.
        pools = isinstance(module, nn.MaxPool2d) and name != "cnn2.pool2"
        if isinstance(module, BENT) or pools:
            assert name in found.nonlinear, name


def test_relu_variants_have_no_elu_and_as_many_nonlinear_modules():
    for name in ("eegnet", "deep4"):
        plain, relu = (build(n, N_CHANNELS, N_TIMES, 3, 250.0) for n in (name, f"{name}_relu"))
        counts = [
            sum(isinstance(module, kind) for module in decoder.modules())
            for decoder, kind in [(plain, nn.ELU), (relu, nn.ReLU)]
        ]
        assert counts[0] == counts[1] > 0
        assert not any(isinstance(module, nn.ELU) for module in relu.modules())


def test_layers_are_in_forward_order_and_end_with_a_global_one(built):
    _, decoder, found = built
    parameters = [name for names in found.layers.values() for name in names]
    assert sorted(parameters) == sorted(name for name, _ in decoder.named_parameters())
    assert list(found.layers)[-1] in found.global_layers
    assert next(iter(found.layers)) not in found.global_layers


@pytest.mark.parametrize(
    ("name", "last_local", "first_global"),
    [
        ("eegconformer", "transformer.0.0.fn.1.values", "transformer.0.0.fn.1.projection"),
        ("atcnet", "attention_blocks.0.mha.fc_v", "attention_blocks.0.mha.fc_o"),
        ("deepsleepnet", "cnn1.conv1.1", "bilstm"),
    ],
)
def test_attention_and_recurrence_are_told_to_see_everything(name, last_local, first_global):
    found = decoder_structure(build(name, N_CHANNELS, N_TIMES, 3, 250.0), N_CHANNELS, N_TIMES)
    assert last_local not in found.global_layers
    assert first_global in found.global_layers


class Attending(nn.Module):
    """Self-attention over time, whose output is asked for CAMs."""

    cam_layer = "norm"

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv1d(N_CHANNELS, 4, 5, padding=2)
        self.norm = nn.BatchNorm1d(4)
        self.output = nn.Linear(4, 2)

    def forward(self, x):
        tokens = self.embed(x)
        shares = (tokens.transpose(1, 2) @ tokens).softmax(-1)
        return self.output(self.norm(tokens @ shares.mT).mean(2))


def test_a_cam_layer_behind_attention_has_no_field():
    found = decoder_structure(Attending().eval(), N_CHANNELS, 60)
    assert found.cam_field is None
    assert found.global_layers == ("norm", "output")
    assert found.nonlinear == ("",)  # the softmax is no module: the whole holds it


def test_a_chain_of_affine_layers_has_no_nonlinear_module():
    chain = nn.Sequential(nn.Conv1d(3, 4, 5), nn.BatchNorm1d(4), nn.AvgPool1d(2), nn.Flatten())
    x = torch.zeros(1, 3, 20, dtype=torch.float64)
    assert nonlinear_modules(chain.double().eval(), x) == ()
    bent = nn.Sequential(*chain, nn.Hardtanh()).double().eval()
    assert nonlinear_modules(bent, x) == ("4",)


def test_anatomy_leaves_the_decoder_alone():
    decoder = build("eegnet", N_CHANNELS, N_TIMES, 3, 250.0).train()
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    decoder_structure(decoder, N_CHANNELS, N_TIMES)
    assert all(module.training for module in decoder.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in decoder.modules())
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_dict().items())
