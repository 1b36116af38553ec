"""Whether a GPU computes what the CPU computes: logits, maps, scores and steps of training."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmarks.gpu.card import device
from benchmarks.gpu.explaining import evaluated
from benchmarks.gpu.parts import Row
from benchmarks.gpu.sizes import Sizes
from benchmarks.gpu.subjects import Data, network, random_trials, simulated
from eegxai.attribution import CORRECTED_METHODS, STUDY_METHODS
from eegxai.attribution.calling import MapOrReason, maps_or_reasons
from eegxai.decoders import fit, predict, recommended

# Rounding of float32 in sums of thousands of products, and of what divides small differences.
TOLERANCES = {"logits": 1e-4, "maps": 1e-2, "median map": 1e-3, "scores": 1e-3, "weights": 1e-3}
N_STEPS, BATCH = 8, 4
FAST = {"CompleteIntegratedGradients": {"steps": 4}, "IntegratedGradients": {"steps": 4}}


def rows(sizes: Sizes) -> Iterator[Row]:
    """Differences of logits and maps by architecture, then of a training and of scores."""
    for architecture in sizes.architectures:
        yield from _of_architecture(architecture, sizes)
    yield from _of_steps(sizes)
    yield _of_scores(sizes)


def _of_architecture(architecture: str, sizes: Sizes) -> Iterator[Row]:
    x, target = random_trials(sizes, sizes.n_compared)
    there = network(sizes, architecture)
    here = deepcopy(there).cpu()
    difference = relative(predict(there, x.to(device())).cpu(), predict(here, x))
    yield compared(f"logits of {architecture}", "logits", difference)
    methods = sizes.methods or (*STUDY_METHODS, *CORRECTED_METHODS)
    found, expected = (
        explained(decoder, x, target, random_trials(sizes, 4, 1), methods)
        for decoder in (there, here)
    )
    yield from _of_maps(architecture, found, expected)


def explained(
    decoder: nn.Module, x: Tensor, target: Tensor, others: Data, methods: tuple[str, ...]
) -> Mapping[str, MapOrReason]:
    """Maps of all methods, on the device of the decoder."""
    place = next(decoder.parameters()).device
    own = {name: FAST.get(name, {}) for name in methods}
    return maps_or_reasons(own, decoder, x.to(place), target.to(place), others[0])


def _of_maps(
    architecture: str, found: Mapping[str, MapOrReason], expected: Mapping[str, MapOrReason]
) -> Iterator[Row]:
    differences = {
        name: relative(found[name].cpu(), of)  # type: ignore[union-attr]
        for name, of in expected.items()
        if isinstance(of, Tensor) and isinstance(found[name], Tensor)
    }
    refused = [
        name
        for name, of in expected.items()
        if isinstance(of, Tensor) != isinstance(found[name], Tensor)
    ]
    worst = max(differences, key=lambda name: differences[name])
    middle = sorted(differences.values())[len(differences) // 2]
    what = f"maps of {architecture}, {len(differences)} methods"
    yield compared(f"{what}, median", "median map", middle)
    yield compared(f"{what}, the worst: {worst}", "maps", differences[worst])
    if refused:
        yield {"what": f"{architecture}: applicable on one device alone", "value": str(refused)}


def _of_steps(sizes: Sizes) -> Iterator[Row]:
    """Weights after some steps: of the CPU, one by one on the device, and of a recorded graph."""
    start = network(sizes)
    start.dropout.p = 0.0  # type: ignore[union-attr, assignment]  (drawn otherwise on each device)
    expected = stepped(sizes, deepcopy(start).cpu(), "eager")
    eager, graphs = (stepped(sizes, deepcopy(start), steps) for steps in ("eager", "graphs"))
    yield compared(f"weights after {N_STEPS} steps", "weights", largest(eager, expected))
    yield compared("the same of recorded graphs", "weights", largest(graphs, expected))
    dropping = [stepped(sizes, network(sizes), steps) for steps in ("eager", "graphs")]
    yield {
        "what": "recorded graphs and steps one by one, with dropout",
        "difference": largest(*dropping),
    }


def stepped(sizes: Sizes, decoder: nn.Module, steps: str) -> dict[str, Tensor]:
    """Weights on the CPU after some steps of training."""
    data, few = random_trials(sizes, BATCH * N_STEPS), random_trials(sizes, 4)
    spec = replace(recommended("deepnet", precision="float32", epochs=1), batch_size=BATCH)
    fit(decoder, data, few, spec, 0, steps=steps)
    return {name: value.cpu() for name, value in decoder.state_dict().items()}


def _of_scores(sizes: Sizes) -> Row:
    eeg, start = simulated(sizes, sizes.n_scored), network(sizes)
    tables = [evaluated(sizes, "Saliency", start.to(place), eeg) for place in (device(), "cpu")]
    means = [torch.from_numpy(table["mean"].to_numpy(dtype=float)) for table in tables]
    return compared(f"{len(means[0])} scores of Saliency", "scores", relative(*means))


def largest(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """Largest relative difference of the weights of two decoders."""
    return max(relative(found[name], value) for name, value in expected.items())


def relative(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest magnitude; NaN in both is equal, in one is not."""
    if not torch.equal(found.isnan(), expected.isnan()):
        return float("inf")
    difference = (found - expected).nan_to_num().abs().max()
    return float(difference / expected.nan_to_num().abs().max().clip(1e-30))


def compared(what: str, kind: str, difference: float) -> Row:
    """Row of a difference and the tolerance that it is held to."""
    allowed = TOLERANCES[kind]
    within = "yes" if difference <= allowed else "no"
    return {"what": what, "difference": difference, "tolerance": allowed, "within": within}
