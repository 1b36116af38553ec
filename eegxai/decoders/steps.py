"""One step of an optimizer, in as many parts as the memory of the device requires."""

import logging

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eegxai.decoders.memory import free_cached_memory
from eegxai.decoders.precision import PRECISIONS, float32_products

log = logging.getLogger(__name__)


def balanced(y: Tensor) -> Tensor:
    """Weights (trials,) that give every class the same sum; all one when classes are equal."""
    counts = torch.bincount(y)
    return len(y) / (counts.count_nonzero() * counts[y])


def loss_sum(logits: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of the cross-entropies of logits (trials, classes)."""
    return (F.cross_entropy(logits.float(), y, reduction="none") * weights).sum()


class Stepper:
    """Takes optimizer steps on whole batches.

    When the device runs out of memory, the batch is processed in halves whose gradients add up
    to those of the batch, from then until the end of the training. Only batch normalisation
    gives different results in halves.

    Parameters
    ----------
    decoder : nn.Module
        Network in training mode.
    optimizer : torch.optim.Optimizer
    batch_size : int
        Number of trials that are processed at once at first.
    clip_norm : float or None
        Largest norm of the gradient.
    precision : str
        Key of ``PRECISIONS``: number type of the forward pass.
    """

    def __init__(
        self,
        decoder: nn.Module,
        optimizer: torch.optim.Optimizer,
        batch_size: int,
        clip_norm: float | None,
        precision: str,
    ) -> None:
        self.decoder = decoder
        self.optimizer = optimizer
        self.part_size = batch_size
        self.clip_norm = clip_norm
        self.precision = PRECISIONS[precision]

    def step(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Take one step on a batch; returns its weighted sum of losses.

        Raises
        ------
        torch.OutOfMemoryError
            When a single trial does not fit.
        """
        with float32_products(x.device, self.precision.tf32):
            while (loss := self._backward(x, y, weights)) is None:
                self._halve()
            self.update()
        return loss

    def _backward(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor | None:
        """The loss, its gradients computed; None when they do not fit into memory."""
        try:
            return self.backward(x, y, weights)
        except torch.OutOfMemoryError:
            return None

    def backward(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Compute the gradients of the batch's mean loss; returns the weighted sum of losses."""
        self.optimizer.zero_grad()
        total, size = torch.zeros((), device=x.device), weights.sum()
        parts = (tensor.split(self.part_size) for tensor in (x, y, weights))
        for trials, labels, part_weights in zip(*parts, strict=True):
            with self.precision.autocast(x.device):
                logits = self.forward(trials)
            loss = loss_sum(logits, labels, part_weights)
            (loss / size).backward()
            total += loss.detach()
        return total

    def forward(self, x: Tensor) -> Tensor:
        """Logits (trials, classes) of a part of a batch."""
        return self.decoder(x)

    def update(self) -> None:
        """Step of the optimizer along the gradients, which are clipped before."""
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.decoder.parameters(), self.clip_norm)
        self.optimizer.step()

    def _halve(self) -> None:
        if self.part_size == 1:
            raise torch.OutOfMemoryError("the device has too little memory for a single trial")
        self.part_size //= 2
        self.optimizer.zero_grad()
        free_cached_memory()
        log.warning("out of memory: batches are processed in parts of %d trials", self.part_size)
