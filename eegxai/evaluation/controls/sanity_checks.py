"""Randomizations that an explanation must notice: another target, other weights, other labels.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018. Every random value comes from a
named stream of the seed; torch's global generators are neither read nor moved.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor, nn

from eegxai.decoders.tracing import weighted_layers
from eegxai.decoders.training import predict
from eegxai.registry import lookup
from eegxai.seeding import torch_generator

AFFINE_SPREAD = 0.5
N_VERIFIED_TRIALS = 8  # trials whose logits show that a decoder is another one
STUDY_CHECKS = ("target_swap", "cascade")


@dataclass(frozen=True, eq=False)
class ExplainedTrials:
    """What is explained: a decoder, trials, and the classes asked for.

    Attributes
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor
        Trials (trials, channels, times) in µV, on the decoder's device.
    target : Tensor (trials,)
        Classes of the original explanation.
    n_classes : int
        Number of classes.
    seed : int
        Seed of the wrong classes and of the new weights.
    permuted_labels_decoder : nn.Module, optional
        The same architecture trained on permuted labels, for the check ``label_retrain``.
    trials : Tensor (trials,), optional
        Their places among the trials that they were chosen from.
    """

    decoder: nn.Module
    x: Tensor
    target: Tensor
    n_classes: int
    seed: int
    permuted_labels_decoder: nn.Module | None = None
    trials: Tensor | None = None

    @cached_property
    def _changes(self) -> dict[str, "list[Change]"]:
        return {}

    def changes(self, name: str) -> "list[Change]":
        """Changes of a check, each verified to be one; kept, since every method asks for them."""
        if name not in self._changes:
            found = list(lookup(CHECKS, name, "check")(self))
            for step, change in enumerate(found, start=1):
                _verify(self, change, f"step {step} of the check {name!r}")
            self._changes[name] = found
        return self._changes[name]


@dataclass(frozen=True, eq=False)
class Change:
    """One randomization of a explained.

    Attributes
    ----------
    decoder : nn.Module
        Decoder to explain.
    target : Tensor (trials,)
        Classes to explain.
    layer : str
        Layer randomized last; empty where no layer is, or all are.
    layers_randomized : int
        How many layers are randomized by now.
    """

    decoder: nn.Module
    target: Tensor
    layer: str = ""
    layers_randomized: int = 0


@dataclass(frozen=True, eq=False)
class Variant:
    """What to explain again, and where in which check it stands.

    Attributes
    ----------
    check : str
        Name of the robustness check, such as ``"target_swap"`` or ``"cascade"``.
    step : int
        Place in the check, from 1.
    change : Change
        Decoder and classes to explain.
    """

    check: str
    step: int
    change: Change


Check = Callable[[ExplainedTrials], Iterator[Change]]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register the decorated function as a robustness check.

    The function yields its changes in order. A change must change what is explained: another
    class for every trial, or a decoder of other weights and logits; ``variants`` verifies it.
    """

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def variants(explained: ExplainedTrials, checks: Iterable[str] = STUDY_CHECKS) -> Iterator[Variant]:
    """Yield the variants of robustness checks, each verified to be one.

    Parameters
    ----------
    explained : ExplainedTrials
        What is explained.
    checks : iterable of str
        Names in ``CHECKS``.

    Raises
    ------
    ValueError
        When a check is unknown, or needs what the explained lacks.
    RuntimeError
        When a variant has a trial's original class, or the original's weights or logits.
    """
    for name in checks:
        for step, change in enumerate(explained.changes(name), start=1):
            yield Variant(name, step, change)


def _verify(explained: ExplainedTrials, change: Change, what: str) -> None:
    if change.decoder is explained.decoder:
        if (change.target == explained.target).any():
            raise RuntimeError(f"{what} left the class of a trial unchanged")
        return
    if _same_weights(explained.decoder, change.decoder):
        raise RuntimeError(f"{what} left all weights unchanged")
    probe = explained.x[:N_VERIFIED_TRIALS]
    if torch.equal(predict(explained.decoder, probe), predict(change.decoder, probe)):
        raise RuntimeError(f"{what} left the predictions unchanged")


def _same_weights(decoder: nn.Module, other: nn.Module) -> bool:
    pairs = zip(decoder.parameters(), other.parameters(), strict=True)
    return all(torch.equal(one, two) for one, two in pairs)


# ------------------------------------------------------------------ other classes


@check("target_swap")
def _target_swap(explained: ExplainedTrials) -> Iterator[Change]:
    swapped = swap_targets(explained.target, explained.n_classes, explained.seed)
    yield Change(explained.decoder, swapped)


@check("wrong_classes")
def _wrong_classes(explained: ExplainedTrials) -> Iterator[Change]:
    """Every wrong class of each trial, one a step."""
    for shift in range(1, explained.n_classes):
        yield Change(explained.decoder, (explained.target + shift) % explained.n_classes)


def swap_targets(target: Tensor, n_classes: int, seed: int) -> Tensor:
    """Replace each class by a wrong one, uniform over the others.

    Parameters
    ----------
    target : Tensor (trials,)
        Classes, 0 to ``n_classes - 1``.
    n_classes : int
        Number of classes.
    seed : int
        Seed of the draw.

    Raises
    ------
    ValueError
        When there is no other class.
    """
    if n_classes < 2:
        raise ValueError(f"n_classes={n_classes} leaves no wrong class, at least 2 are needed")
    stream = torch_generator(seed, "target swap")
    step = torch.randint(1, n_classes, target.shape, generator=stream)
    return (target + step.to(target.device)) % n_classes


# ------------------------------------------------------------------ other weights


@check("cascade")
def _cascade(explained: ExplainedTrials) -> Iterator[Change]:
    return _numbered(explained, cascade(explained.decoder, explained.x, explained.seed))


@check("bottom_up")
def _bottom_up(explained: ExplainedTrials) -> Iterator[Change]:
    return _numbered(explained, bottom_up(explained.decoder, explained.x, explained.seed))


@check("independent")
def _independent(explained: ExplainedTrials) -> Iterator[Change]:
    for layer, randomized in independent(explained.decoder, explained.x, explained.seed):
        yield Change(randomized, explained.target, layer, 1)


@check("label_retrain")
def _label_retrain(explained: ExplainedTrials) -> Iterator[Change]:
    if explained.permuted_labels_decoder is None:
        raise ValueError(
            "permuted_labels_decoder is missing: the check 'label_retrain' needs a decoder "
            "trained on permuted labels"
        )
    yield Change(explained.permuted_labels_decoder, explained.target)


def _numbered(
    explained: ExplainedTrials, steps: Iterator[tuple[str, nn.Module]]
) -> Iterator[Change]:
    for count, (layer, randomized) in enumerate(steps, start=1):
        yield Change(randomized, explained.target, layer, count)


def cascade(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights layer after layer, from the output to the input, cumulatively.

    Parameters
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor
        Trials (trials, channels, times) in µV; the order of layers is that of a forward pass.
    seed : int
        Seed of the new weights. A layer's weights depend on its place, counted from the
        output, alone: they are the same in ``bottom_up`` and ``independent``.

    Yields
    ------
    layer : str
        Dotted name of the layer randomized last.
    randomized : nn.Module
        Copy of the decoder, independent of the copies before and after it.

    Raises
    ------
    RuntimeError
        When a step leaves a weight unchanged.
    """
    places = _places(decoder, x)
    return _randomized(decoder, accumulate([place] for place in places), seed)


def bottom_up(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights layer after layer, from the input to the output, cumulatively.

    Parameters, yields and raises are those of :func:`cascade`.
    """
    places = _places(decoder, x)
    return _randomized(decoder, accumulate([place] for place in reversed(places)), seed)


def independent(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights of each layer alone, from the output to the input.

    Parameters, yields and raises are those of :func:`cascade`.
    """
    return _randomized(decoder, ([place] for place in _places(decoder, x)), seed)


@dataclass(frozen=True)
class _Place:
    """A layer with weights, its parameters, and its place counted from the output."""

    layer: str
    parameters: tuple[str, ...]
    number: int


def _places(decoder: nn.Module, x: Tensor) -> list[_Place]:
    layers = reversed(weighted_layers(decoder, x).items())
    return [_Place(layer, names, number) for number, (layer, names) in enumerate(layers)]


def _randomized(
    decoder: nn.Module, steps: Iterable[list[_Place]], seed: int
) -> Iterator[tuple[str, nn.Module]]:
    """For each step a copy with the weights of its places drawn anew, and the last one's layer."""
    for places in steps:
        copy = deepcopy(decoder)
        for place in places:
            weights = {name: copy.get_parameter(name) for name in place.parameters}
            redraw(place.layer, weights, torch_generator(seed, "cascade", place.number))
        yield places[-1].layer, copy


def redraw(layer: str, weights: Mapping[str, Tensor], stream: torch.Generator) -> None:
    """Draw the weights of one layer anew, in place.

    Every value is uniform. In a layer with a weight matrix or kernel the bound is torch's
    default for convolutions and dense layers, 1 / sqrt(fan in), for the biases too. A layer
    without one is a normalization (or a lone scale), whose default, ones and zeros, would
    change nothing in an untrained decoder and little in a trained one: there a scale is
    uniform in 0.5 .. 1.5 and a shift in -0.5 .. 0.5. Buffers such as running statistics stay.

    Raises
    ------
    RuntimeError
        When a weight is what it was before.
    """
    kernels = [weight for weight in weights.values() if weight.ndim >= 2]
    for name, weight in weights.items():
        before = weight.detach().clone()
        if kernels:
            _draw(weight, 0.0, _bound(weight if weight.ndim >= 2 else kernels[0]), stream)
        else:
            _draw(weight, 0.0 if name.endswith("bias") else 1.0, AFFINE_SPREAD, stream)
        if torch.equal(before, weight):
            raise RuntimeError(f"randomizing layer {layer!r} left its weight {name!r} unchanged")


def _bound(kernel: Tensor) -> float:
    return 1 / math.sqrt(kernel[0].numel())


def _draw(weight: Tensor, centre: float, spread: float, stream: torch.Generator) -> None:
    # Drawn on the CPU, so that every device gets the same weights.
    values = torch.empty(weight.shape, dtype=weight.dtype)
    values.uniform_(centre - spread, centre + spread, generator=stream)
    with torch.no_grad():
        weight.copy_(values)
