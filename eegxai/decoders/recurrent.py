"""Recurrent layers whose gradients torch computes in evaluation mode, on a GPU too."""

from typing import Any

import torch
from torch import nn


class _WithoutCuDNN:
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As in the layer, without cuDNN, which has no gradients in evaluation mode."""
        with torch.backends.cudnn.flags(enabled=False):
            return super().forward(*args, **kwargs)  # type: ignore[misc]


class DifferentiableLSTM(_WithoutCuDNN, nn.LSTM):
    """LSTM with gradients in evaluation mode."""


class DifferentiableGRU(_WithoutCuDNN, nn.GRU):
    """GRU with gradients in evaluation mode."""


class DifferentiableRNN(_WithoutCuDNN, nn.RNN):
    """RNN with gradients in evaluation mode."""


DIFFERENTIABLE: dict[type[nn.Module], type[nn.Module]] = {
    nn.LSTM: DifferentiableLSTM,
    nn.GRU: DifferentiableGRU,
    nn.RNN: DifferentiableRNN,
}


def make_differentiable(decoder: nn.Module) -> None:
    """Give the recurrent layers of a private copy gradients in evaluation mode, in place."""
    for module in decoder.modules():
        if type(module) in DIFFERENTIABLE:
            module.__class__ = DIFFERENTIABLE[type(module)]
