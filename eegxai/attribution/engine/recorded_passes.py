"""Forward passes whose layers are recorded, and the one gradient pass that many methods share.

One forward and backward pass of the decoder as it is gives the gradient of the trial and that of
the CAM layer, whose activations and gradients the class activation maps combine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from eegxai.attribution.core.registry import target_logits
from eegxai.attribution.engine.shared_passes import shared
from eegxai.decoders.hooks import hooked

LAYER_AXES = (-2, -1)  # of a layer's values: the positions that CAM methods sum over


@dataclass(frozen=True)
class ModuleCall:
    """A module as it was called in a forward pass."""

    name: str
    inputs: tuple[Any, ...]
    output: Tensor


@contextmanager
def recorded(decoder: nn.Module, names: list[str]) -> Iterator[list[ModuleCall]]:
    """Calls of the named modules in forward order, outputs fit for autograd.grad.

    Of modules that return several tensors, as recurrent ones do, the first is the output.
    """
    calls: list[ModuleCall] = []

    def record(name: str, inputs: tuple[Any, ...], kwargs: object, output: object) -> object:
        if isinstance(output, tuple):
            return record(name, inputs, kwargs, output[0]), *output[1:]
        if not isinstance(output, Tensor):
            return output
        calls.append(ModuleCall(name, tree_map_only(Tensor, Tensor.detach, inputs), output))
        return output.clone()  # a later operation in place must not change the record

    with hooked(decoder, names, record):
        yield calls


@dataclass(frozen=True)
class PlainPass:
    """Gradients of the target's logit.

    Attributes
    ----------
    gradient : Tensor (trials, channels, times)
        Gradient of the trials.
    layer : tuple of Tensor
        Output of the CAM layer and its gradient; empty where the decoder has no such layer.
    """

    gradient: Tensor
    layer: tuple[Tensor, ...]


@shared
def plain_pass(decoder: nn.Module, x: Tensor, target: Tensor) -> PlainPass:
    """Forward and backward pass of the decoder as it is."""
    cam_layer = getattr(decoder, "cam_layer", None)
    names = [name for name, _ in decoder.named_modules() if name == cam_layer]
    gradient, layers = layer_gradients(decoder, names, x, target)
    first = [(call.output.detach(), layer_gradient) for call, layer_gradient in layers[:1]]
    return PlainPass(gradient, tuple(tensor for pair in first for tensor in pair))


def layer_gradients(
    decoder: nn.Module, names: list[str], x: Tensor, target: Tensor
) -> tuple[Tensor, list[tuple[ModuleCall, Tensor]]]:
    """Gradient of the trials, and of the output of each call of the named modules.

    Calls are in forward order; those whose output does not depend on the trial are left out.
    """
    trials = x.detach().requires_grad_()
    with recorded(decoder, names) as calls:
        logits = target_logits(decoder, trials, target)
    calls = [call for call in calls if call.output.requires_grad]
    outputs = [call.output for call in calls]
    gradient, *gradients = torch.autograd.grad(
        logits.sum(), [trials, *outputs], materialize_grads=True
    )
    return gradient, list(zip(calls, gradients, strict=True))
