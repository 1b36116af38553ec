"""What the references, controls and domains beyond the study's add to explaining a cell.

    python -m benchmarks.references [trials] [methods]

The study's methods explain trials of one decoder of its network, with the default checks. Each is
evaluated against the planted signal alone, with the study's controls and domains, and with all that
the corrected mode compares. What belongs to a decoder (the use, the ideal observer, controls of the
input) is computed once and shared out among the methods. Medians of several runs, in turns.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from eegxai.attribution import STUDY_METHODS, attribute
from eegxai.decoders import initialised, predict
from eegxai.evaluation import (
    EvaluationSpec,
    ExplainedTrials,
    MapReferences,
    choose_explained,
    evaluate_explained,
    ideal_observer,
    source_truth,
)
from eegxai.evaluation.map_references import N_USE_TRIALS
from eegxai.evaluation.metrics.earth_movers import earth_movers_scores
from eegxai.evaluation.modes import EVALUATION_MODES
from eegxai.simulation import SimulatedEEG, simulate

N_RUNS = 3
STUDY, CORRECTED = EVALUATION_MODES["study"], EVALUATION_MODES["corrected"]
PLAIN = replace(
    CORRECTED,
    used=False,
    against_ideal={},
    domains=STUDY.domains,
    controls=STUDY.controls,
)
# Each adds something to the one before.
STAGES = {
    "planted signal alone": PLAIN,
    "+ domains and controls": replace(
        PLAIN, domains=CORRECTED.domains, controls=CORRECTED.controls
    ),
    "+ ideal observer": replace(CORRECTED, used=False),
    "+ decoder's use": CORRECTED,
}


def seconds(call: Callable[[], Any]) -> float:
    """Time of a call, s."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


class Case:
    """Trials of a decoder that is not trained: what it costs does not depend on its weights."""

    def __init__(self, n_trials: int) -> None:
        self.eeg: SimulatedEEG = simulate("spectral", -3.5, 0, n_trials)
        shape = (*self.eeg.x.shape[1:], self.eeg.n_classes, self.eeg.info["sfreq"])
        decoder = initialised("deepnet", *shape, seed=0)
        x = torch.from_numpy(self.eeg.x)
        target = predict(decoder, x).argmax(1)
        self.explained: ExplainedTrials = choose_explained(
            decoder, x, target, self.eeg.n_classes, 0, n_trials
        )
        self.every = np.arange(n_trials)

    def references(self, comparison: Any) -> MapReferences:
        """What maps are compared with in a stage."""
        plain = EvaluationSpec()
        spec: Any = SimpleNamespace(
            comparison=comparison,
            truth_threshold=plain.truth_threshold,
            checks=plain.checks,
            use_permutations=plain.use_permutations,
        )
        return MapReferences.of_explained(
            self.explained,
            torch.from_numpy(self.eeg.ground_truth),
            self.eeg.info,
            spec,
            source_truth(self.eeg, self.every),
            ideal_observer(self.eeg, self.every) if comparison.against_ideal else None,
        )


def once(case: Case, comparison: Any) -> tuple[MapReferences, float]:
    """References of a stage with what they share, and the time that this takes, s."""
    started = time.perf_counter()
    references = case.references(comparison)
    _ = references.use, references.shared_scores
    return references, time.perf_counter() - started


def measured(case: Case, methods: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Seconds of each stage: those of a decoder, and the mean of its methods."""
    shared = {stage: once(case, comparison) for stage, comparison in STAGES.items()}
    found: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for method in methods:
        explain = partial(attribute, method, output="contrast")
        for stage, (references, _) in shared.items():
            call = partial(evaluate_explained, explain, references, method=method)
            found[stage].append(seconds(call))
    return {stage: (shared[stage][1], float(np.mean(found[stage]))) for stage in STAGES}


def moved(case: Case) -> float:
    """Seconds of the earth mover's distances of one map of every trial, in all stages."""
    x, truth = case.explained.x.numpy(), case.eeg.ground_truth
    return seconds(partial(earth_movers_scores, x, truth, case.eeg.info))


def shares(once_s: dict[str, float], each_s: dict[str, float], n_trials: int) -> dict[str, float]:
    """Time of a cell in each stage at the default number of trials, relative to the first stage.

    All grows with the trials, but for the use, which is asked of at most ``N_USE_TRIALS``.
    """
    *_, without_use, last = STAGES
    use_s = once_s[last] - once_s[without_use]
    grows = EvaluationSpec().n_trials / n_trials
    shared = {stage: grows * seconds for stage, seconds in once_s.items()}
    shared[last] = shared[without_use] + N_USE_TRIALS / n_trials * use_s
    cell = {stage: shared[stage] / len(STUDY_METHODS) + grows * each_s[stage] for stage in STAGES}
    first, *_ = cell.values()
    return {stage: seconds / first for stage, seconds in cell.items()}


def main(n_trials: int, n_methods: int) -> None:
    """Print the time of each stage, and of a cell at the default number of trials."""
    case, methods = Case(n_trials), STUDY_METHODS[:n_methods]
    measured(Case(4), methods[:1])  # what is computed once a process
    runs = [measured(case, methods) for _ in range(N_RUNS)]
    once_s, each_s = (
        {stage: median(run[stage][part] for run in runs) for stage in STAGES} for part in (0, 1)
    )
    relative = shares(once_s, each_s, n_trials)
    for stage in STAGES:
        times = f"{once_s[stage]:7.2f} s a decoder {each_s[stage]:7.2f} s a method"
        print(f"{stage:24} {times} {relative[stage]:6.2f}")
    print(f"earth mover's distances  {median(moved(case) for _ in range(N_RUNS)):7.2f} s a map")


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    main(*given, *(16, len(STUDY_METHODS))[len(given) :])
