"""The state of a training between two epochs: everything that the next epoch depends on.

Random numbers are not part of it: the order of trials and the dropout masks are drawn afresh for
each epoch from (seed, purpose, epoch).
"""

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

TrainingEpoch = dict[str, float]
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """A training as it stood after its last epoch.

    Attributes
    ----------
    tensors : dict
        Copies on the CPU: ``weights/NAME``, ``best/NAME`` and ``optimizer/MOMENT/NAME``.
    history : list of dict
        Losses and accuracy of every epoch.
    """

    tensors: Tensors
    history: list[TrainingEpoch]


class TrainingState:
    """A decoder in training, its optimizer, its history and its best weights so far."""

    def __init__(self, decoder: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.decoder = decoder
        self.optimizer = optimizer
        self.history: list[TrainingEpoch] = []
        self.best: Tensors = {}

    @property
    def waited(self) -> int:
        """Epochs since the lowest validation loss."""
        losses = [epoch["validation_loss"] for epoch in self.history]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0

    def record(self, epoch: TrainingEpoch) -> None:
        """Record a finished epoch; keep its weights if they are the best so far."""
        self.history.append(epoch)
        if self.waited == 0:
            self.best = deepcopy(self.decoder.state_dict())

    def restore_best(self) -> None:
        """Give the decoder the weights of the epoch with the lowest validation loss."""
        if self.best:
            self.decoder.load_state_dict(self.best)

    def checkpoint(self) -> Checkpoint:
        """Copy of this state, which later epochs do not change."""
        tensors = {f"weights/{name}": value for name, value in self.decoder.state_dict().items()}
        tensors |= {f"best/{name}": value for name, value in self.best.items()}
        for name, parameter in self.decoder.named_parameters():
            for moment, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer/{moment}/{name}"] = value
        copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
        return Checkpoint(copies, deepcopy(self.history))

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go back to a checkpoint of the same training."""
        self.history = deepcopy(checkpoint.history)
        self.decoder.load_state_dict(_part(checkpoint.tensors, "weights"))
        self.best = _part(checkpoint.tensors, "best")
        moments = _part(checkpoint.tensors, "optimizer")
        for name, parameter in self.decoder.named_parameters():
            self.optimizer.state[parameter] = {
                path.partition("/")[0]: _like(parameter, value)
                for path, value in moments.items()
                if path.partition("/")[2] == name
            }


def _part(tensors: Tensors, head: str) -> Tensors:
    start = f"{head}/"
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    """Copy on the parameter's device and in its layout: fused optimizers read memory in order."""
    if value.shape != parameter.shape:
        return value.to(parameter.device, copy=True)
    return torch.empty_like(parameter).copy_(value).detach()
