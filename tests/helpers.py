"""Decoders and trials that several tests ask attributions of."""

import torch
from torch import nn

from eegxai.decoders import build

N_CHANNELS, N_TIMES, N_CLASSES = 6, 200, 3
# Options of methods that do the same at every point of a path, noisy copy, window or band.
FEW_PASSES: dict[str, dict[str, int]] = {
    "IntegratedGradients": {"steps": 3},
    "SmoothGrad": {"samples": 2},
    "GradientSHAP": {"samples": 3},
    "TimeOcclusion": {"window": 50, "stride": 50},
    "BandOcclusion": {"width": 32},
}


class Layers(nn.Module):
    """Two dense layers, whose logits follow the trial."""

    def __init__(self, n_inputs):
        super().__init__()
        self.hidden = nn.Linear(n_inputs, 5)
        self.readout = nn.Linear(5, N_CLASSES)

    def forward(self, x):
        return self.readout(self.hidden(x.flatten(1) / 100).tanh())


def lively_decoder(name, n_times=N_TIMES, dtype=torch.float64):
    """Decoder of weights large enough for its logits to follow x, with BatchNorm statistics."""
    generator = torch.Generator().manual_seed(1)
    decoder = build(name, N_CHANNELS, n_times, N_CLASSES, 250.0).to(dtype)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
            parameter.mul_((2 / max(parameter[0].numel(), 8)) ** 0.5)
        for module in decoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
    return decoder


def random_trials(n_trials, dtype=torch.float64):
    """Trials (trials, channels, times) of white noise, and a class for each."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n_trials, N_CHANNELS, N_TIMES, generator=generator, dtype=dtype)
    return x, torch.randint(0, N_CLASSES, (n_trials,), generator=generator)
