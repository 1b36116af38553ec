"""A whole evaluation of one decoder, compared with the passes of its explanations alone.

    python -m benchmarks.evaluation [trials]

Twelve methods, their checks with a cascade over all layers, and the paper and calibrated scores on
both domains. The time within the methods is that of the forward and backward passes; the ratio is
the time of everything divided by it.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution import METHODS, attribute
from eegxai.decoders import initialised, predict
from eegxai.evaluation import EvaluationSpec, evaluate, source_truth
from eegxai.simulation import simulate

STUDY = [name for name, method in METHODS.items() if method.group == "study"]
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


def measured(method: str, n_trials: int) -> tuple[float, float]:
    """Seconds of a whole evaluation, and of its passes alone."""
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=n_trials)
    shape = (*eeg.x.shape[1:], eeg.n_classes, eeg.info["sfreq"])
    decoder = initialised("deepnet", *shape, seed=0)
    x, truth = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    target = predict(decoder, x).argmax(1)  # so that every trial is explained
    known = source_truth(eeg, np.arange(n_trials))
    explain = Timed(partial(attribute, method))
    spec = EvaluationSpec(n_trials=n_trials)
    started = time.perf_counter()
    evaluate(explain, decoder, x, target, truth, eeg.n_classes, eeg.info, 0, spec, known=known)
    return time.perf_counter() - started, explain.seconds


def line(name: str, seconds: np.ndarray) -> str:
    """A line of the table: all, passes alone, and their ratio."""
    everything, passes = seconds
    return f"{name:16} {everything:8.1f} s {passes:8.1f} s {everything / passes:6.2f}"


def main(n_trials: int) -> None:
    """Print the time of each method's evaluation, of its passes alone, and the ratio."""
    measured("Saliency", 4)  # what is computed once: interpolation, source grid
    seconds = {}
    for method in STUDY:
        seconds[method] = np.array(measured(method, n_trials))
        print(line(method, seconds[method]), flush=True)
    print(line("together", np.sum(list(seconds.values()), axis=0)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 256)
