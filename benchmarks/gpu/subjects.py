"""What is trained and explained: networks and trials of the sizes that are measured."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from benchmarks.gpu.card import device
from benchmarks.gpu.sizes import Sizes
from eegxai.decoders import hold_out, initialised
from eegxai.head import HeadSpec
from eegxai.simulation import DataSpec, SimulatedEEG, simulate_spec

N_TIMES, SFREQ, N_CLASSES = 250, 250.0, 4
SNR_DB = -3.5
Data = tuple[Tensor, Tensor]
Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


def network(sizes: Sizes, architecture: str = "deepnet", seed: int = 0) -> nn.Module:
    """Decoder of one-second trials, on the device."""
    shape = (len(sizes.channels) or 62, N_TIMES)
    return initialised(architecture, *shape, N_CLASSES, SFREQ, seed).to(device())


@cache
def random_trials(sizes: Sizes, n_trials: int, seed: int = 0) -> Data:
    """Noise and classes, on the CPU: what is in the trials changes no time."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(n_trials, len(sizes.channels) or 62, N_TIMES, generator=draw)
    return x, torch.arange(n_trials) % N_CLASSES


@cache
def simulated(sizes: Sizes, n_trials: int, seed: int = 0) -> SimulatedEEG:
    """Simulated trials with temporal features."""
    head = HeadSpec(channels=sizes.channels or None)
    return simulate_spec(
        DataSpec(feature="temporal", snr_db=SNR_DB, n_trials=n_trials, seed=seed, head=head)
    )


def halves(eeg: SimulatedEEG, seed: int) -> tuple[Data, Data]:
    """Trials to train on, half of them, and a quarter to validate."""
    split = hold_out(eeg.y, 0.5, seed)
    x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    return (x[split.train], y[split.train]), (x[split.validation], y[split.validation])
