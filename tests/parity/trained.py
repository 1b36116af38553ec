"""Decoders trained for a few steps, so that parity is not shown on random weights only."""

from functools import cache

import torch
from torch.nn import functional as F

from eegxai.decoders import build
from tests.helpers import N_CHANNELS, N_CLASSES, N_TIMES

STEPS, BATCH = 25, 24


def rhythms(n_trials, generator):
    """Trials of noise with a rhythm in one channel, both set by the class."""
    target = torch.randint(0, N_CLASSES, (n_trials,), generator=generator)
    x = torch.randn(n_trials, N_CHANNELS, N_TIMES, generator=generator)
    phase = torch.arange(N_TIMES) * (1 + target[:, None]) * 2 * torch.pi / 25
    x[torch.arange(n_trials), target] += 2 * phase.sin()
    return x, target


def trained(decoder):
    """Decoder in float64 and evaluation mode, better than chance on rhythms."""
    generator = torch.Generator().manual_seed(0)
    decoder.train()
    optimizer = torch.optim.Adam(decoder.parameters(), 5e-3)
    for _ in range(STEPS):
        x, target = rhythms(BATCH, generator)
        optimizer.zero_grad()
        F.cross_entropy(decoder(x), target).backward()
        optimizer.step()
    return decoder.double().eval().requires_grad_(False)


@cache
def trained_decoder(name):
    """Trained decoder of a registered architecture."""
    torch.manual_seed(0)
    return trained(build(name, N_CHANNELS, N_TIMES, N_CLASSES, 250.0))


def trials(n_trials=4):
    x, target = rhythms(n_trials, torch.Generator().manual_seed(1))
    return x.double(), target


def relative_error(actual, expected):
    assert expected.any()
    return float((actual - expected).norm() / expected.norm())
