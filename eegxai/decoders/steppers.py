"""Ways to take an optimizer's steps faster on a GPU: compiled passes, and graphs of whole steps.

A step of a small network is hundreds of kernels of a few microseconds each. The processor starts
them one by one, and the GPU waits for it most of the time.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.decoders.precision import float32_products
from eegxai.decoders.steps import Stepper
from eegxai.errors import one_line

log = logging.getLogger(__name__)
WARM_UP_STEPS = 3  # steps before one is recorded, in which libraries choose kernels and take memory


class CompiledStepper(Stepper):
    """Steps whose forward and backward passes are compiled by ``torch.compile``.

    Compiling may take a minute, and dropout draws other numbers. Parts of another size than the
    first, as of the last batch of an epoch, are not compiled; where compiling fails, nothing is.
    """

    def __init__(self, decoder: nn.Module, *rest: Any) -> None:
        super().__init__(decoder, *rest)
        self._compiled: Callable[[Tensor], Tensor] = torch.compile(decoder, dynamic=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (trials, classes) of a part of a batch."""
        return self._compiled(x) if len(x) == self.part_size else self.decoder(x)

    def backward(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Compute the gradients of the batch's mean loss; returns the weighted sum of losses."""
        try:
            return super().backward(x, y, weights)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if self._compiled is self.decoder:
                raise
            log.warning("torch.compile failed, training goes on without: %s", one_line(error))
            self._compiled = self.decoder
        return super().backward(x, y, weights)


class GraphStepper(Stepper):
    """Steps recorded once, as a graph of kernels that the GPU runs without the processor.

    The kernels and their numbers are those of :class:`Stepper`, which takes the first steps and
    those on batches of another size; and all of them where a step cannot be recorded. A device
    that records nothing takes the recorded steps one by one.
    """

    def __init__(
        self, decoder: nn.Module, optimizer: torch.optim.Optimizer, batch_size: int, *rest: Any
    ) -> None:
        super().__init__(decoder, optimizer, batch_size, *rest)
        self._batch_size = batch_size
        self._n_taken = 0
        self._batch: tuple[Tensor, ...] = ()
        self._repeat: Callable[[], Tensor] | None = None

    def step(self, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        """Take one step on a batch; the loss that it returns lasts until the next step."""
        if len(x) != self._batch_size:
            return super().step(x, y, weights)
        self._n_taken += 1
        if self._n_taken <= WARM_UP_STEPS:
            with _aside(x.device):
                return super().step(x, y, weights)
        if self._n_taken == WARM_UP_STEPS + 1:
            self._record(x, y, weights)
        if self._repeat is None:
            return super().step(x, y, weights)
        for place, values in zip(self._batch, (x, y, weights), strict=True):
            place.copy_(values)
        return self._repeat()

    def _record(self, *batch: Tensor) -> None:
        self._batch = tuple(tensor.clone() for tensor in batch)
        try:
            with _capturable(self.optimizer):
                self._repeat = _graph_recorded(self._whole_step, batch[0].device)
        except RuntimeError as error:  # of a network that asks the processor, or of short memory
            log.warning("a step cannot be recorded as a graph: %s", one_line(error))
            self.optimizer.zero_grad()

    def _whole_step(self) -> Tensor:
        with float32_products(self._batch[0].device, self.precision.tf32):
            loss = self.backward(*self._batch)
            self.update()
        return loss


class CompiledGraphStepper(GraphStepper, CompiledStepper):
    """Steps with compiled passes, recorded as a graph."""


STEPPERS: dict[str, type[Stepper]] = {
    "eager": Stepper,
    "compiled": CompiledStepper,
    "graphs": GraphStepper,
    "compiled_graphs": CompiledGraphStepper,
}


def _graph_recorded(step: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
    """A call that repeats a step on what is then in the memory that the step reads."""
    if device.type != "cuda":
        return step
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.Stream(device)):
        loss = step()

    def repeat() -> Tensor:
        graph.replay()
        return loss

    return repeat


@contextmanager
def _aside(device: torch.device) -> Iterator[None]:
    """Context on another stream of a GPU: graphs are not recorded on the first one either."""
    if device.type != "cuda":
        yield
        return
    before, stream = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    stream.wait_stream(before)
    with torch.cuda.stream(stream):
        yield
    before.wait_stream(stream)


@contextmanager
def _capturable(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Context in which torch lets a step of an optimizer be recorded; it is fused, so it may be."""
    for group in optimizer.param_groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in optimizer.param_groups:
            group["capturable"] = False
