"""Training: trials/s of every architecture, beside a plain loop; and what precisions do to it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product
from statistics import mean, median

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import training
from benchmarks.gpu.card import device, peak, peak_memory, require_gpu
from benchmarks.gpu.parts import Row
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.subjects import Data, halves, network, random_trials, simulated
from eegxai.decoders import TrainingSpec, fit, recommended
from eegxai.decoders.precision import PRECISIONS

# What a person would write first; torch lets a GPU round its convolutions to TF32.
PLAIN = ("plain loop", "", "tf32")
WAYS = (
    ("eegxai", "eager", "float32"),
    ("eegxai", "eager", "tf32"),
    ("eegxai", "eager", "bfloat16"),
    ("eegxai", "graphs", "float32"),
    ("eegxai", "graphs", "tf32"),
    ("eegxai", "graphs", "bfloat16"),
)
COMPILED = (
    ("eegxai", "compiled", "tf32"),
    ("eegxai", "compiled_graphs", "tf32"),
    ("eegxai", "compiled_graphs", "bfloat16"),
)


@dataclass(frozen=True)
class Training:
    """A training that is timed: of an architecture, in a way.

    Attributes
    ----------
    architecture : str
        What is trained.
    way : (str, str, str)
        Whose loop, how it takes steps, and its precision.
    batch_size : int
        Trials a step; 0 is what the architecture recommends.
    """

    architecture: str
    way: tuple[str, str, str]
    batch_size: int

    @property
    def spec(self) -> TrainingSpec:
        """Its settings, with early stopping off."""
        of = recommended(self.architecture, precision=self.way[2], epochs=1000, patience=1000)
        return replace(of, batch_size=self.batch_size or of.batch_size)

    def run(self, decoder: nn.Module, train: Data, validate: Data, n_epochs: int) -> list[float]:
        """Seconds of each epoch, the first of which warms up."""
        times = [time.perf_counter()]

        def done(_: object) -> None:
            times.append(time.perf_counter())

        spec = replace(self.spec, epochs=n_epochs)
        if self.way[0] == PLAIN[0]:
            training.plain(decoder, train, validate, n_epochs, done, spec)
        else:
            fit(decoder, train, validate, spec, 0, done, steps=self.way[1])
        return [after - before for before, after in pairwise(times)]

    def row(self, sizes: Sizes, plain: float | None) -> Row:
        """What it takes; ``plain`` are the trials/s of the plain loop."""
        train = random_trials(sizes, sizes.n_train)
        validate = random_trials(sizes, sizes.n_validation, 1)
        epochs: list[float] = []

        def call() -> None:
            decoder = network(sizes, self.architecture)
            epochs.extend(self.run(decoder, train, validate, 1 + sizes.n_epochs))

        memory = peak_memory(call)
        speed = sizes.n_train / median(epochs[1:])
        reached = speed * operations(sizes, self.architecture) / peak(self.way[2], sizes.side)
        return {
            "architecture": self.architecture,
            "batch": self.spec.batch_size,
            "loop": " ".join(self.way[:2]).strip(),
            "precision": self.way[2],
            "trials/s": speed,
            "ratio to plain": speed / plain if plain else None,
            "share of the peak, %": 100 * reached,
            "GB": memory,
            "first epoch, s": epochs[0],
        }


@cache
def operations(sizes: Sizes, architecture: str) -> float:
    """Floating-point operations of a trial's forward and backward pass."""
    x, _ = random_trials(sizes, 2)
    with FlopCounterMode(display=False) as counter:
        network(sizes, architecture)(x.to(device())).sum().backward()
    return counter.get_total_flops() / 2


def rows(sizes: Sizes) -> Iterator[Row]:
    """Trials/s by architecture and batch size: the plain loop and ours."""
    for architecture, batch_size in product(sizes.architectures, sizes.batch_sizes):
        yield from _beside_plain(architecture, batch_size, WAYS, sizes)


def compiled_rows(sizes: Sizes) -> Iterator[Row]:
    """The same of steps that are compiled."""
    require_gpu()
    for architecture in sizes.compiled:
        yield from _beside_plain(architecture, 0, COMPILED, sizes)


def _beside_plain(
    architecture: str, batch_size: int, ways: tuple[tuple[str, str, str], ...], sizes: Sizes
) -> Iterator[Row]:
    plain = Training(architecture, PLAIN, batch_size).row(sizes, None)
    yield plain
    for way in ways:
        yield Training(architecture, way, batch_size).row(sizes, plain["trials/s"])


def accuracy_rows(sizes: Sizes) -> Iterator[Row]:
    """Accuracy of each architecture by precision, mean over seeds."""
    for architecture in sizes.architectures:
        row: Row = {"architecture": architecture}
        for precision in PRECISIONS:
            row[precision] = mean(
                best_accuracy(sizes, architecture, precision, seed) for seed in range(sizes.n_seeds)
            )
        yield row


def best_accuracy(sizes: Sizes, architecture: str, precision: str, seed: int) -> float:
    """Best validation accuracy of a training."""
    train, validate = halves(simulated(sizes, 2 * sizes.n_trained, seed), seed)
    n_epochs = sizes.n_epochs_trained
    spec = recommended(architecture, precision=precision, epochs=n_epochs, patience=n_epochs)
    decoder = network(sizes, architecture, seed)
    history = fit(decoder, train, validate, spec, seed, steps="graphs")
    return max(epoch["validation_accuracy"] for epoch in history)
