"""How fast this machine is, by a step of a small network that is timed before the first cell."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F

from sweeps.execution.expected import STEP_SECONDS

N_STEPS = 9
CONVOLVED_TRIALS, KERNELS = (
    (4, 32, 62, 120),
    (32, 32, 1, 5),
)  # of the study's network, in its second layer


@cache
def slowness() -> float:
    """How many times as long as in the table of expected times cells take on this machine.

    What is timed is what cells spend their time on: convolution, maximum and their gradients, on
    one thread. It takes less than a second.
    """
    with threads(1):
        return median(_step_times()) / STEP_SECONDS


def _step_times() -> list[float]:
    """Seconds of each step; the first one, which also prepares the kernels, is left out."""
    generator = torch.Generator().manual_seed(0)
    trials, kernels = (
        torch.randn(size, generator=generator).requires_grad_()
        for size in (CONVOLVED_TRIALS, KERNELS)
    )
    return [_seconds_of_step(trials, kernels) for _ in range(N_STEPS + 1)][1:]


def _seconds_of_step(trials: Tensor, kernels: Tensor) -> float:
    started = time.perf_counter()
    F.max_pool2d(F.conv2d(trials, kernels).relu(), (1, 2)).sum().backward()
    return time.perf_counter() - started


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Context in which torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
