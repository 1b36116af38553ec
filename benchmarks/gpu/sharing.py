"""Several processes that each train a decoder on one device, as trials of a sweep do."""

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from statistics import median

import torch

from benchmarks.gpu.parts import Row
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.subjects import network, random_trials
from benchmarks.gpu.training import Training
from eegxai.decoders import fit
from eegxai.decoders.checkpoint import TrainingEpoch

PATIENCE = 60  # seconds that processes wait for each other


def rows(sizes: Sizes) -> Iterator[Row]:
    """Trials/s of all processes together, by their number and how they take steps."""
    for steps in ("eager", "graphs"):
        alone = None
        for n_processes in sizes.n_processes:
            speed = together(n_processes, steps, sizes)
            alone = alone or speed
            yield {
                "decoders": n_processes,
                "steps": steps,
                "trials/s, all": speed,
                "ratio to the first": speed / alone,
            }


def together(n_processes: int, steps: str, sizes: Sizes) -> float:
    """Trials/s of processes that begin their timed epochs at the same time."""
    context = multiprocessing.get_context("fork")  # nothing here has touched the device
    barrier = context.Barrier(n_processes)
    pipes = [context.Pipe(duplex=False) for _ in range(n_processes)]
    processes = [
        context.Process(target=train, args=(steps, sizes, barrier, writing)) for _, writing in pipes
    ]
    for process in processes:
        process.start()
    for _, writing in pipes:
        writing.close()  # so that a process that died is not waited for
    seconds = [reading.recv() for reading, _ in pipes]
    for process in processes:
        process.join()
    return n_processes * sizes.n_train / median(seconds)


def train(steps: str, sizes: Sizes, barrier: Barrier, writing: Connection) -> None:
    """Train the study's network; sends the median time of an epoch that all trained in."""
    torch.set_num_threads(1)
    training = Training("deepnet", ("eegxai", steps, "tf32"), 0)
    times: list[float] = []

    def on_epoch(epoch: TrainingEpoch) -> None:
        if epoch["epoch"] == 0:
            barrier.wait(PATIENCE)
        times.append(time.perf_counter())

    data = random_trials(sizes, sizes.n_train), random_trials(sizes, sizes.n_validation, 1)
    spec = replace(training.spec, epochs=1 + sizes.n_epochs)
    fit(network(sizes), *data, spec, 0, on_epoch, steps=steps)
    writing.send(median(after - before for before, after in pairwise(times)))
