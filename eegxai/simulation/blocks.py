"""Blocks of trials with random streams of their own: they can be made alone or in parallel."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

from eegxai.machine import keep_freed_memory, usable_cpus

BLOCK = 32  # trials that share a random stream; part of the identity of the data

T = TypeVar("T")


def blocks(n_trials: int) -> list[slice]:
    """Rows of each block of ``n_trials``; the last block may be shorter."""
    return [slice(i, min(i + BLOCK, n_trials)) for i in range(0, n_trials, BLOCK)]


def each_block(function: Callable[[slice], T], n_trials: int) -> list[T]:
    """Results of a function for the rows of each block, in order; one thread per core.

    Threads suffice, because numpy releases Python's lock while it computes. Its matrix products
    have one thread each: with more they wait for each other, ten times as long on a busy machine.
    """
    keep_freed_memory()
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n_threads()) as pool:
        return list(pool.map(function, blocks(n_trials)))


def n_threads() -> int:
    """Cores this process may use; in a Ray worker OMP_NUM_THREADS states its share."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) else usable_cpus()
