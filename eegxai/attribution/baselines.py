"""Maps that know nothing of the decoder: what chance and a look at the data reach."""

import zlib

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.registry import attribution
from eegxai.seeding import generator


@attribution("RandomMap", group="baseline")
def random_map(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Standard Gaussian noise: the same for a trial whatever the decoder and the class.

    Each trial's noise is seeded by its values, so that it does not depend on the trials
    beside it.
    """
    trials = x.detach().float().cpu().numpy()
    return torch.from_numpy(np.stack([_noise(trial) for trial in trials])).to(x)


def _noise(trial: np.ndarray) -> np.ndarray:
    return generator(0, "random_map", zlib.crc32(trial.tobytes())).standard_normal(trial.shape)


@attribution("InputMagnitude", group="baseline")
def input_magnitude(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Absolute value of the trial."""
    return x.abs()
