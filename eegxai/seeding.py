"""Random streams named by (seed, purpose): no global state, nothing shared by accident."""

import pickle
import random
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def generator(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """Random generator of one purpose, independent of every other purpose and index.

    Parameters
    ----------
    seed : int
        Seed of the cell, not negative.
    purpose : str
        What the numbers are for, such as ``"waveform"``; part of the stream's identity.
    *index : int
        Further split of the stream, such as a block of trials.
    """
    spawn_key = (zlib.crc32(purpose.encode()), *index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=spawn_key))


def torch_generator(seed: int, purpose: str, *index: int) -> torch.Generator:
    """CPU generator of torch with the identity rules of :func:`generator`."""
    return torch.Generator().manual_seed(derived_seed(seed, purpose, *index))


def derived_seed(seed: int, purpose: str, *index: int) -> int:
    """A seed of its own for one purpose, with the identity rules of :func:`generator`."""
    return int(generator(seed, purpose, *index).integers(2**63 - 1))


def trial_generators(x: torch.Tensor, purpose: str) -> list[np.random.Generator]:
    """A generator for each trial, seeded by its values and not by the trials beside it."""
    trials = x.detach().float().cpu().numpy()
    return [generator(0, purpose, zlib.crc32(trial.tobytes())) for trial in trials]


# Whoever swaps the global generators holds it: another thread would draw from, and keep, its own.
SWAPPED = threading.RLock()


@contextmanager
def global_generators(seed: int, device: torch.device) -> Iterator[None]:
    """Context for code that draws from the global generators: they start at a seed.

    Those of torch (of the CPU and of ``device``), numpy and Python are afterwards as before.
    One thread is in the context at a time.

    Parameters
    ----------
    seed : int
        Below 2**32.
    device : torch.device
        Where the code may draw beside the CPU.
    """
    with SWAPPED, _restored(device):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.default_generators[device.index or 0].manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        yield


@contextmanager
def _restored(device: torch.device) -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 (it is theirs)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


# Kinds of generators and how each tells its state.
GENERATOR_STATES: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (np.random.Generator, lambda generator: generator.bit_generator.state),
    (np.random.RandomState, np.random.RandomState.get_state),
    (random.Random, random.Random.getstate),
    (torch.Generator, lambda generator: generator.get_state().numpy().tobytes()),
)


def generator_states(module: torch.nn.Module, device: torch.device) -> list[bytes]:
    """States of the generators that a module may draw from: the global ones and those it keeps.

    Parameters
    ----------
    module : nn.Module
        Its submodules' attributes are looked through.
    device : torch.device
        Where it may draw beside the CPU.
    """
    cuda = torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else None
    kept = [value for part in module.modules() for value in vars(part).values()]
    shared = [torch.default_generator, cuda, np.random.mtrand._rand, random._inst]
    found = [
        state(g)
        for g in (*shared, *kept)
        for kind, state in GENERATOR_STATES
        if isinstance(g, kind)
    ]
    return [pickle.dumps(state) for state in found]
