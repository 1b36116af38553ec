"""A method cell with all checks, compared with the passes of its explanations alone.

    python -m benchmarks.evaluation [trials] [method ...]

The study's twelve methods on its network: their checks with a cascade over all layers, and the
study's and the calibrated scores on all domains, against all references. As in a sweep, what is the
same for all methods of a decoder is there before: the randomized decoders, the ideal observer and
the decoder's use. The time within the methods is that of the forward and backward passes; the ratio
is the time of everything divided by it. Medians of three rounds in turn.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution import METHODS, attribute
from eegxai.attribution.prepared import PreparedDecoders
from eegxai.decoders import initialised, predict
from eegxai.evaluation import (
    EvaluationSpec,
    MapReferences,
    choose_explained,
    evaluate_explained,
    ideal_observer,
    source_truth,
)
from eegxai.simulation import simulate

STUDY = [name for name, method in METHODS.items() if method.group == "study"]
N_ROUNDS = 3
Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


class Timed:
    """A method that adds up the time spent in it, s."""

    def __init__(self, explain: Explain) -> None:
        self.explain, self.seconds = explain, 0.0

    def __call__(self, decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        """Explain, and add the time it took."""
        started = time.perf_counter()
        maps = self.explain(decoder, x, target)
        self.seconds += time.perf_counter() - started
        return maps


def references_of(n_trials: int) -> MapReferences:
    """What the maps of an untrained decoder's trials are compared with."""
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=n_trials)
    decoder = initialised("deepnet", *eeg.x.shape[1:], eeg.n_classes, eeg.info["sfreq"], seed=0)
    x, truth = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    target = predict(decoder, x).argmax(1)  # so that every trial is explained
    spec, all_trials = EvaluationSpec(n_trials=n_trials), np.arange(n_trials)
    explained = choose_explained(decoder, x, target, eeg.n_classes, 0, n_trials)
    known, ideal = source_truth(eeg, all_trials), ideal_observer(eeg, all_trials)
    return MapReferences.of_explained(explained, truth, eeg.info, spec, known, ideal)


def measured(method: str, references: MapReferences) -> tuple[float, float]:
    """Seconds of a method's evaluation, and of its passes alone."""
    explain = Timed(partial(attribute, method))
    started = time.perf_counter()
    evaluate_explained(explain, references, method=method)
    return time.perf_counter() - started, explain.seconds


def line(name: str, seconds: np.ndarray) -> str:
    """A line of the table: all, passes alone, and their ratio."""
    everything, passes = seconds
    return f"{name:16} {everything:8.1f} s {passes:8.1f} s {everything / passes:6.2f}"


def main(n_trials: int, methods: Sequence[str]) -> None:
    """Print the time of each method's evaluation, of its passes alone, and the ratio."""
    references = references_of(n_trials)
    with PreparedDecoders(references.explained.x).in_use():
        measured("Saliency", references)  # what is computed once for all methods
        rounds = [[measured(name, references) for name in methods] for _ in range(N_ROUNDS)]
    medians = np.median(rounds, axis=0)
    for name, seconds in zip(methods, medians, strict=True):
        print(line(name, seconds))
    print(line("together", medians.sum(0)))


if __name__ == "__main__":
    n_trials, *methods = sys.argv[1:] or ["256"]
    main(int(n_trials), methods or STUDY)
