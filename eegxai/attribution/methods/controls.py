"""Controls: maps without any information on the decoder, with which methods are compared."""

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import attribution
from eegxai.attribution.engine.frequency import relevance_of_product, tell
from eegxai.seeding import trial_generators


@attribution("RandomMap", group="controls")
def random_map(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Standard Gaussian noise: the same for a trial whatever the decoder and the class."""
    maps = [random.standard_normal(x.shape[1:]) for random in trial_generators(x, "random_map")]
    return torch.from_numpy(np.stack(maps)).to(x)


@attribution("InputMagnitude", group="controls", frequency="effect")
def input_magnitude(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Absolute value of the trial; over frequency its power."""
    tell(lambda: relevance_of_product(x, x))
    return x.abs()
