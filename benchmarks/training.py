"""How fast the study's network trains: this project's loop compared with a plain one, in one run.

    python benchmarks/training.py [epochs]

An epoch is 2,048 training and 512 validation trials. The plain loop is the one that most people
would write first: float32 in the default memory layout, batches from a DataLoader, Adam's defaults.
"""

import sys
import time
from collections.abc import Callable
from itertools import pairwise, product
from statistics import mean, median

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from eegxai.decoders import (
    TrainingEpoch,
    TrainingSpec,
    fit,
    hold_out,
    initialised,
    recommended,
)
from eegxai.simulation import DataSpec, simulate_spec

SEEDS = (0, 1, 2)
FEATURE, SNR_DB = "temporal", -3.5
N_TRIALS, HOLDOUT = 3072, 1 / 3  # 2,048 to train on, 512 for validation, 512 not used
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SPEC = recommended("deepnet")

Data = tuple[Tensor, Tensor]
OnEpoch = Callable[[float], None]  # takes the validation accuracy


def data(seed: int) -> tuple[Data, Data]:
    """Training and validation trials."""
    eeg = simulate_spec(DataSpec(feature=FEATURE, snr_db=SNR_DB, n_trials=N_TRIALS, seed=seed))
    split = hold_out(eeg.y, HOLDOUT, seed)
    x, y = torch.from_numpy(eeg.x), torch.from_numpy(eeg.y)
    return (x[split.train], y[split.train]), (x[split.validation], y[split.validation])


def ours(decoder: nn.Module, train: Data, validate: Data, n_epochs: int, done: OnEpoch) -> None:
    def on_epoch(epoch: TrainingEpoch) -> None:
        done(epoch["validation_accuracy"])

    spec = recommended("deepnet", epochs=n_epochs, patience=n_epochs)
    fit(decoder, train, validate, spec, 0, on_epoch)


def plain(
    decoder: nn.Module,
    train: Data,
    validate: Data,
    n_epochs: int,
    done: OnEpoch,
    spec: TrainingSpec = SPEC,
) -> None:
    decoder = decoder.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(decoder.parameters(), spec.learning_rate)
    batches = DataLoader(TensorDataset(*train), spec.batch_size, shuffle=True)
    for _ in range(n_epochs):
        decoder.train()
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(decoder(x.to(DEVICE)), y.to(DEVICE)).backward()
            optimizer.step()
        done(accuracy(decoder, validate, spec.batch_size))


def accuracy(decoder: nn.Module, validate: Data, batch_size: int) -> float:
    decoder.eval()
    batches = DataLoader(TensorDataset(*validate), batch_size)
    with torch.no_grad():
        correct = [(decoder(x.to(DEVICE)).argmax(1).cpu() == y).sum() for x, y in batches]
    return float(sum(correct)) / len(validate[1])


LOOPS = {"plain": plain, "eegxai": ours}


def measured(loop: str, seed: int, n_epochs: int) -> tuple[list[float], list[float], float]:
    """Wall and CPU seconds of every epoch, and the best validation accuracy."""
    train, validate = data(seed)
    decoder = initialised("deepnet", *train[0].shape[1:], 4, 250.0, seed).to(DEVICE)
    wall, cpu, accuracies = [time.perf_counter()], [time.process_time()], [0.0]

    def done(accuracy: float) -> None:
        wall.append(time.perf_counter())
        cpu.append(time.process_time())
        accuracies.append(accuracy)

    torch.manual_seed(seed)
    LOOPS[loop](decoder, train, validate, n_epochs, done)
    return steps(wall), steps(cpu), max(accuracies)


def steps(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def main(n_epochs: int) -> None:
    wall: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    cpu: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    best: dict[str, list[float]] = {loop: [] for loop in LOOPS}
    for seed, loop in product(SEEDS, LOOPS):
        wall_steps, cpu_steps, accuracy = measured(loop, seed, n_epochs)
        wall[loop] += wall_steps
        cpu[loop] += cpu_steps
        best[loop].append(accuracy)
        shown = " ".join(f"{seconds:.1f}" for seconds in wall_steps)
        print(f"seed {seed} {loop}: {shown} s per epoch, accuracy {accuracy:.3f}", flush=True)
    print(f"{DEVICE}, {torch.get_num_threads()} threads, median of {len(wall['plain'])} epochs")
    print(f"{'loop':8}{'wall s':>8}{'CPU s':>8}{'trials/s':>10}{'validation accuracy':>22}")
    for loop in LOOPS:
        seconds = median(wall[loop])
        shown = f"{seconds:8.1f}{median(cpu[loop]):8.1f}{2048 / seconds:10.0f}"
        print(f"{loop:8}{shown}{mean(best[loop]):22.3f}")
    ratios = [median(times["plain"]) / median(times["eegxai"]) for times in (wall, cpu)]
    print(f"speed-up: {ratios[0]:.1f} (wall), {ratios[1]:.1f} (CPU)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
