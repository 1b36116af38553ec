"""Class activation maps of one layer, placed on the trial by receptive fields, and FullGrad.

Activations A and gradients g = d logit / d A are those of the layer that the decoder names in
its attribute ``cam_layer``, arranged as (trials, features k, channels or 1, columns); sums over
places run over the last two axes. The papers end with a ReLU on the map. It is left out here,
because whether a region speaks against the class is part of the answer; GuidedGradCAM alone
contains it by definition.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eegxai.attribution.backpropagation import guided_backprop
from eegxai.attribution.placement import Placement, layer_placement
from eegxai.attribution.registry import attribution, target_logits
from eegxai.attribution.requirements import has_cam_layer, has_relu_modules
from eegxai.decoders.tracing import output_of
from eegxai.decoders.zoo import CombinedConv

PLACES = (-2, -1)


@dataclass(frozen=True)
class _Call:
    """A module as it was called in a forward pass."""

    name: str
    inputs: tuple[Tensor, ...]
    output: Tensor


@contextmanager
def _recorded(decoder: nn.Module, names: list[str]) -> Iterator[list[_Call]]:
    """Calls of the named modules in forward order, outputs fit for autograd.grad."""
    calls: list[_Call] = []

    def record(name: str, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        calls.append(_Call(name, tuple(tensor.detach() for tensor in inputs), output))
        return output.clone()  # a later operation in place must not change the record

    handles = [
        decoder.get_submodule(name).register_forward_hook(
            lambda _module, inputs, output, name=name: record(name, inputs, output)
        )
        for name in names
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _cam_placement(decoder: nn.Module, x: Tensor) -> Placement:
    return layer_placement(decoder, str(decoder.cam_layer), *x.shape[1:])


def _activations_and_gradients(
    decoder: nn.Module, x: Tensor, target: Tensor
) -> tuple[Tensor, Tensor]:
    """Activations A and gradients g of the CAM layer, arranged."""
    with _recorded(decoder, [str(decoder.cam_layer)]) as calls:
        logits = target_logits(decoder, x.requires_grad_(), target)
    output = calls[0].output
    (gradient,) = torch.autograd.grad(logits.sum(), output)
    placement = _cam_placement(decoder, x)
    return placement.arrange(output.detach()), placement.arrange(gradient)


def _grad_cam_columns(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    activations, gradients = _activations_and_gradients(decoder, x, target)
    return (gradients.mean(PLACES, keepdim=True) * activations).sum(1)


@attribution("GradCAM", group="study", requires=(has_cam_layer,))
def grad_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of (mean of g_k over places) A_k (Selvaraju et al., arXiv:1610.02391)."""
    return _cam_placement(decoder, x).interpolate(_grad_cam_columns(decoder, x, target))


@attribution("GuidedGradCAM", group="study", requires=(has_cam_layer, has_relu_modules))
def guided_grad_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """GuidedBackprop times the rectified GradCAM (Selvaraju et al., arXiv:1610.02391)."""
    columns = _grad_cam_columns(decoder, x, target).relu()
    return guided_backprop(decoder, x, target) * _cam_placement(decoder, x).interpolate(columns)


@attribution("GradCAM++", group="study", requires=(has_cam_layer,))
def grad_cam_plus_plus(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of w_k A_k, w_k = sum over places of alpha_k ReLU(g_k).

    Chattopadhay et al., arXiv:1710.11063, eq. 19: alpha_k = g^2 / (2 g^2 + g^3 sum(A_k)), which
    is 1 / (2 + g sum(A_k)) wherever the ReLU lets g pass. The derivatives there are those of
    exp(logit); the factor exp(logit), common to all places of a trial, is left out. Without the
    constant that some libraries add to the denominator, small gradients count in full.
    """
    activations, gradients = _activations_and_gradients(decoder, x, target)
    alpha = 1 / (2 + gradients * activations.sum(PLACES, keepdim=True))
    weights = (alpha * gradients.relu()).sum(PLACES, keepdim=True)
    return _cam_placement(decoder, x).interpolate((weights * activations).sum(1))


@attribution("LayerCAM", group="study", requires=(has_cam_layer,))
def layer_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of ReLU(g_k) A_k, place by place (Jiang et al., IEEE TIP 30:5875, 2021)."""
    activations, gradients = _activations_and_gradients(decoder, x, target)
    return _cam_placement(decoder, x).interpolate((gradients.relu() * activations).sum(1))


@attribution("ScoreCAM", group="study", requires=(has_cam_layer,))
def score_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of w_k A_k, w_k from the target's logit of the trial masked by A_k.

    Wang et al., arXiv:1910.01279, algorithm 1: each A_k is placed on the trial, scaled to 0..1
    and multiplied with it; the logits of the masked trials pass a softmax over k. The paper's
    "increase of confidence" is over the logit of a baseline, one number for all k, which the
    softmax cancels. A constant A_k singles out nothing and masks everything.
    """
    placement = _cam_placement(decoder, x)
    with torch.no_grad():
        columns = placement.arrange(output_of(decoder, str(decoder.cam_layer), x))
        maps = placement.interpolate(columns)
        masks = _min_max(maps).unbind(1)
        scores = torch.stack([target_logits(decoder, x * mask, target) for mask in masks], 1)
        return torch.einsum("tk,tkcs->tcs", scores.softmax(1), maps)


def _min_max(maps: Tensor) -> Tensor:
    low, high = maps.amin(PLACES, keepdim=True), maps.amax(PLACES, keepdim=True)
    return (maps - low) / (high - low).where(high > low, 1)


AFFINE = (nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._BatchNorm, CombinedConv)


@attribution("FullGrad", group="study")
def full_grad(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Trial times gradient plus every layer's bias times its gradient, spread on the trial.

    Srinivas & Fleuret, arXiv:1905.00780, in its signed form, before the paper's scaling of each
    map to 0..1: the layers' maps are spread so that sums stay, so a map sums to the target's
    logit, as their proposition 1 says. Biases are explicit ones, BatchNorm's, and the implicit
    ones of activations; what is not a module (attention in functional form) is left out. A
    layer that resolves no time or no channels is spread evenly.
    """
    with _recorded(decoder, _innermost(decoder)) as calls:
        logits = target_logits(decoder, x.requires_grad_(), target)
    calls = [call for call in calls if call.output.requires_grad]
    outputs = [call.output for call in calls]
    gradient, *gradients = torch.autograd.grad(logits.sum(), [x, *outputs])
    result = x.detach() * gradient
    for call, output_gradient in zip(calls, gradients, strict=True):
        bias = _bias(decoder.get_submodule(call.name), call.inputs)
        if bias.any():
            placement = layer_placement(decoder, call.name, *x.shape[1:])
            layer_map = placement.arrange(bias * output_gradient).sum(1)
            result = result + placement.distribute(layer_map)
    return result


def _innermost(decoder: nn.Module) -> list[str]:
    """Names of the modules that compute themselves and do not pass the work to others."""
    return [
        name
        for name, module in decoder.named_modules()
        if (isinstance(module, AFFINE) or not any(module.children()))
        and "parametrizations" not in name.split(".")
    ]


def _bias(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """What a module adds to its linear part at these inputs: module(z) - J z."""
    if isinstance(module, AFFINE):
        return module(torch.zeros_like(inputs[0][:1]))
    output, linear = torch.func.jvp(module, inputs, inputs)[:2]
    return output - linear
