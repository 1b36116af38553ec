"""What maps are compared with: trials that hold nothing, and maps that know nothing."""

import zlib
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.registry import attribution, target_logits
from eegxai.seeding import generator

Baseline = Literal["zero", "mean"]


def baseline_trials(x: Tensor, baseline: Baseline) -> Tensor:
    """Trials that hold nothing: zeros, or each channel's mean over the trial's samples."""
    return torch.zeros_like(x) if baseline == "zero" else x.mean(2, keepdim=True).expand_as(x)


def gain(
    decoder: nn.Module, x: Tensor, target: Tensor, *, baseline: Baseline = "zero", **_options: Any
) -> Tensor:
    """Logit of each trial minus that of its baseline, (trials,): what complete maps sum to."""
    start = baseline_trials(x, baseline)
    return target_logits(decoder, x, target) - target_logits(decoder, start, target)


def seeded_by_trial(x: Tensor, purpose: str) -> list[np.random.Generator]:
    """A generator for each trial, seeded by its values and not by the trials beside it."""
    trials = x.detach().float().cpu().numpy()
    return [generator(0, purpose, zlib.crc32(trial.tobytes())) for trial in trials]


@attribution("RandomMap", group="baseline")
def random_map(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Standard Gaussian noise: the same for a trial whatever the decoder and the class."""
    maps = [random.standard_normal(x.shape[1:]) for random in seeded_by_trial(x, "random_map")]
    return torch.from_numpy(np.stack(maps)).to(x)


@attribution("InputMagnitude", group="baseline")
def input_magnitude(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Absolute value of the trial."""
    return x.abs()
