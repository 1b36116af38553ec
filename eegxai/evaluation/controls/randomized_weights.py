"""Decoders with the weights of some layers drawn again.

Every random value comes from a named stream of the seed; torch's global generators are neither
read nor moved.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn

from eegxai.decoders.compiled import copied
from eegxai.decoders.tracing import weighted_layers
from eegxai.seeding import torch_generator

AFFINE_SPREAD = 0.5


def cascade(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights layer after layer, from the output to the input, cumulatively.

    Parameters
    ----------
    decoder : nn.Module
        Trained decoder; left as it is.
    x : Tensor
        Trials (trials, channels, times) in µV; the order of layers is that of a forward pass.
    seed : int
        Seed of the new weights. A layer's weights depend on its number, counted from the
        output, alone: they are the same in ``bottom_up`` and ``each_layer_alone``.

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
    layers = layers_from_output(decoder, x)
    return _by_steps(decoder, accumulate([layer] for layer in layers), seed)


def bottom_up(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights layer after layer, from the input to the output, cumulatively.

    Parameters, yields and raises are those of :func:`cascade`.
    """
    layers = layers_from_output(decoder, x)
    return _by_steps(decoder, accumulate([layer] for layer in reversed(layers)), seed)


def each_layer_alone(decoder: nn.Module, x: Tensor, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Randomize the weights of each layer alone, from the output to the input.

    Parameters, yields and raises are those of :func:`cascade`.
    """
    return _by_steps(decoder, ([layer] for layer in layers_from_output(decoder, x)), seed)


@dataclass(frozen=True)
class Layer:
    """A layer with weights, its parameters, and its number counted from the output."""

    name: str
    parameters: tuple[str, ...]
    number: int


def layers_from_output(decoder: nn.Module, x: Tensor) -> list[Layer]:
    """Layers with weights, from the output to the input."""
    forward = reversed(weighted_layers(decoder, x).items())
    return [Layer(name, parameters, n) for n, (name, parameters) in enumerate(forward)]


def _by_steps(
    decoder: nn.Module, steps: Iterable[list[Layer]], seed: int
) -> Iterator[tuple[str, nn.Module]]:
    """For each step the name of its last layer, and a copy with all its layers randomized."""
    for layers in steps:
        yield layers[-1].name, randomized(decoder, layers, seed)


def randomized(decoder: nn.Module, layers: Iterable[Layer], seed: int) -> nn.Module:
    """Copy of a decoder with the weights of some layers drawn again."""
    copy = copied(decoder)
    for layer in layers:
        weights = {name: copy.get_parameter(name) for name in layer.parameters}
        redraw(layer.name, weights, torch_generator(seed, "cascade", layer.number))
    return copy


def redraw(layer: str, weights: Mapping[str, Tensor], stream: torch.Generator) -> None:
    """Draw the weights of one layer again, in place.

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
            _draw_weight(weight, 0.0, _bound(weight if weight.ndim >= 2 else kernels[0]), stream)
        else:
            _draw_weight(weight, 0.0 if name.endswith("bias") else 1.0, AFFINE_SPREAD, stream)
        if torch.equal(before, weight):
            raise RuntimeError(f"randomizing layer {layer!r} left its weight {name!r} unchanged")


def _bound(kernel: Tensor) -> float:
    return 1 / math.sqrt(kernel[0].numel())


def _draw_weight(weight: Tensor, centre: float, spread: float, stream: torch.Generator) -> None:
    # Drawn on the CPU, so that every device gets the same weights.
    values = torch.empty(weight.shape, dtype=weight.dtype)
    values.uniform_(centre - spread, centre + spread, generator=stream)
    with torch.no_grad():
        weight.copy_(values)
