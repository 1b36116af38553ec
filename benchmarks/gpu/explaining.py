"""Seconds of attributions, beside captum and grad-cam, and of whole evaluations."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks import attribution
from benchmarks.gpu.card import device, finished, peak_memory
from benchmarks.gpu.parts import Row, sentence
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.subjects import N_CLASSES, Explain, network, random_trials, simulated
from eegxai.attribution import STUDY_METHODS, attribute, attribute_all
from eegxai.decoders import predict
from eegxai.evaluation import EvaluationSpec, evaluate, source_truth
from eegxai.simulation import SimulatedEEG

N_TIMED_FIRST = 2  # trials of a call that is not timed, in which networks are traced
ALL = "all together"
SLOW = ("ScoreCAM",)  # of grad-cam: one trial at a time, so measured once


def attribution_rows(sizes: Sizes) -> Iterator[Row]:
    """Sizes of chunks; by number of trials, all methods together and each beside its library."""
    methods = sizes.methods or STUDY_METHODS
    _explain_all(sizes, methods, *_trials(sizes, N_TIMED_FIRST))
    for chunk in sizes.chunks:
        x, target = _trials(sizes, sizes.n_explained[0])
        call = partial(attribute, "Saliency", network(sizes), x, target, chunk=chunk)
        yield _row(f"Saliency, chunk={chunk}", len(x), call)
    for n_trials in sizes.n_explained:
        x, target = _trials(sizes, n_trials)
        yield _row(ALL, n_trials, partial(_explain_all, sizes, methods, x, target))
        for name in methods:
            row = _row(name, n_trials, partial(attribute, name, network(sizes), x, target))
            slow = name in SLOW and n_trials > sizes.n_explained[0]
            yield row if slow else row | _of_library(name, x, target, row["ours, s"])


def _trials(sizes: Sizes, n_trials: int) -> tuple[Tensor, Tensor]:
    x, target = random_trials(sizes, n_trials)
    return x.to(device()), target.to(device())


def _explain_all(sizes: Sizes, methods: Sequence[str], x: Tensor, target: Tensor) -> None:
    attribute_all(methods, network(sizes), x, target)


def _row(name: str, n_trials: int, call: Callable[[], object]) -> Row:
    """What a call of ours takes."""
    times: list[float] = []

    def timed() -> None:
        started = finished()
        call()
        times.append(finished() - started)

    memory = peak_memory(timed)
    return {"method": name, "trials": n_trials, "ours, s": times[0], "ours, GB": memory}


def _of_library(name: str, x: Tensor, target: Tensor, ours: float) -> Row:
    """Seconds of captum or grad-cam, and ours in comparison."""
    few = x[:N_TIMED_FIRST], target[:N_TIMED_FIRST]
    try:
        attribution.seconds(attribution.published, name, *few)
        theirs = attribution.seconds(attribution.published, name, x, target)
    except ImportError as error:
        return {"library, s": f"not measured: {sentence(error)}"}
    return {"library, s": theirs, "ratio": theirs / ours}


def evaluation_rows(sizes: Sizes) -> Iterator[Row]:
    """Seconds of an evaluation by method, and those within its passes alone."""
    decoder = network(sizes)
    few = simulated(sizes, N_CLASSES)
    evaluated(sizes, "Saliency", decoder, few)  # what is computed once a process
    for name, n_trials in product(sizes.evaluated or STUDY_METHODS, sizes.n_explained):
        explain = Timed(partial(attribute, name))
        eeg = simulated(sizes, n_trials)
        row = _row(name, n_trials, partial(evaluated, sizes, explain, decoder, eeg))
        yield {
            "method": name,
            "trials": n_trials,
            "all, s": row["ours, s"],
            "its passes, s": explain.seconds,
            "ratio": row["ours, s"] / explain.seconds,
            "GB": row["ours, GB"],
        }


class Timed:
    """A method that adds up the time the device spends in it, s."""

    def __init__(self, explain: Explain) -> None:
        self.explain, self.seconds = explain, 0.0

    def __call__(self, decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        """Explain, and add the time it took."""
        started = finished()
        maps = self.explain(decoder, x, target)
        self.seconds += finished() - started
        return maps


def evaluated(
    sizes: Sizes, method: str | Explain, decoder: nn.Module, eeg: SimulatedEEG
) -> pd.DataFrame:
    """All checks and scores of a method on trials that the decoder is made to be right about."""
    place = next(decoder.parameters()).device
    explain = partial(attribute, method) if isinstance(method, str) else method
    x, truth = (torch.from_numpy(part).to(place) for part in (eeg.x, eeg.ground_truth))
    n_trials = len(x)
    return evaluate(
        explain,
        decoder,
        x,
        predict(decoder, x).argmax(1),
        truth,
        eeg.n_classes,
        eeg.info,
        0,
        EvaluationSpec(n_trials=n_trials, mode=sizes.mode, checks=sizes.checks),
        known=source_truth(eeg, np.arange(n_trials)),
    )
