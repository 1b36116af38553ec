"""Randomizations that an explanation must notice: another target, other weights.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018. Every random value comes from a
named stream of the seed; torch's global generators are neither read nor moved.
"""

import math
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eegxai.decoders.tracing import weighted_layers
from eegxai.seeding import torch_generator

AFFINE_SPREAD = 0.5


@dataclass(frozen=True, eq=False)
class Variant:
    """What to explain again, and what was changed in it.

    Attributes
    ----------
    check : str
        Name of the robustness check, such as ``"target_swap"`` or ``"cascade"``.
    layer : str
        Layer randomized last; empty where the check changes no layer.
    layers_randomized : int
        How many layers are randomized by now.
    decoder : nn.Module
        Decoder to explain.
    target : Tensor (trials,)
        Classes to explain.
    """

    check: str
    layer: str
    layers_randomized: int
    decoder: nn.Module
    target: Tensor


def variants(
    decoder: nn.Module, x: Tensor, target: Tensor, n_classes: int, seed: int
) -> Iterator[Variant]:
    """Yield the variants of the robustness checks: target swap, then the weight cascade.

    Parameters
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor
        Trials (trials, channels, times) in µV, on the decoder's device.
    target : Tensor (trials,)
        Classes of the original explanation.
    n_classes : int
        Number of classes, at least 2.
    seed : int
        Seed of the wrong classes and of the new weights.
    """
    yield Variant("target_swap", "", 0, decoder, swap_targets(target, n_classes, seed))
    for step, (layer, randomized) in enumerate(cascade(decoder, x, seed), start=1):
        yield Variant("cascade", layer, step, randomized, target)


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


def cascade(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights layer after layer, from the output to the input, cumulatively.

    Parameters
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor
        Trials (trials, channels, times) in µV; the order of layers is that of a forward pass.
    seed : int
        Seed of the new weights. A layer's weights depend on its place in the cascade alone.

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
    randomized = deepcopy(decoder)
    layers = weighted_layers(decoder, x)
    for step, (layer, names) in enumerate(reversed(layers.items())):
        weights = {name: randomized.get_parameter(name) for name in names}
        redraw(layer, weights, torch_generator(seed, "cascade", step))
        yield layer, deepcopy(randomized)


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
