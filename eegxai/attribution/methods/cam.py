"""Class activation maps of one layer, placed on the trial by receptive fields, and FullGrad.

What the study ran of these methods is in ``study_cam``.

Activations A and gradients g = d logit / d A are those of the layer that the decoder names in
its attribute ``cam_layer``, arranged as (trials, features k, channels or 1, columns); sums over
positions run over the last two axes. The papers end with a ReLU on the map. It is left out here,
because whether a region speaks against the class is part of the answer; CentredGuidedGradCAM
alone contains it by definition.

The option ``cam_placement`` says where a layer's columns lie on the trial: at the ``"centres"``
of their receptive fields, or by a plain ``"stretch"`` over the epoch, as an image is resized.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import attribution, whole_logit
from eegxai.attribution.engine.forward_only import masked_logits
from eegxai.attribution.engine.placement import CamPlacement, Placement, layer_placement
from eegxai.attribution.engine.recorded_passes import LAYER_AXES, layer_gradients, plain_pass
from eegxai.attribution.engine.requirements import has_cam_layer, has_relu
from eegxai.attribution.methods.relu_rules import guided_backprop
from eegxai.decoders.compiled import copied
from eegxai.decoders.tracing import output_of
from eegxai.decoders.zoo import loaded_modules


def _cam_layer_placement(
    decoder: nn.Module, x: Tensor, cam_placement: CamPlacement = "centres"
) -> Placement:
    _, n_channels, n_times = x.shape
    return layer_placement(decoder, str(decoder.cam_layer), n_channels, n_times, cam_placement)


def _activations_and_gradients(
    decoder: nn.Module, x: Tensor, target: Tensor
) -> tuple[Tensor, Tensor]:
    """Activations A and gradients g of the CAM layer, arranged."""
    arrange = _cam_layer_placement(decoder, x).arrange
    activations, gradients = plain_pass(decoder, x, target).layer
    return arrange(activations), arrange(gradients)


def _placed(columns: Tensor, decoder: nn.Module, x: Tensor, cam_placement: CamPlacement) -> Tensor:
    """Map (trials, channels or 1, columns) of the CAM layer on the trials."""
    return _cam_layer_placement(decoder, x, cam_placement).interpolate(columns)


def cam_limits(decoder: nn.Module, x: Tensor) -> dict[str, str]:
    """Why maps of the CAM layer are constant over channels, where they are."""
    if _cam_layer_placement(decoder, x).channel_axis is not None:
        return {}
    return {"channels": f"no channel resolution: the CAM layer {decoder.cam_layer!r} has none"}


def _grad_cam_columns(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    activations, gradients = _activations_and_gradients(decoder, x, target)
    return (gradients.mean(LAYER_AXES, keepdim=True) * activations).sum(1)


@attribution("CentredGradCAM", group="corrected", requires=(has_cam_layer,), limits=cam_limits)
def grad_cam(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """Sum over k of (mean of g_k over positions) A_k (Selvaraju et al., arXiv:1610.02391)."""
    return _placed(_grad_cam_columns(decoder, x, target), decoder, x, cam_placement)


@attribution("CentredGuidedGradCAM", group="corrected", requires=(has_cam_layer, has_relu))
def guided_grad_cam(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """GuidedBackprop times the rectified GradCAM (Selvaraju et al., arXiv:1610.02391)."""
    columns = _grad_cam_columns(decoder, x, target).relu()
    return guided_backprop(decoder, x, target) * _placed(columns, decoder, x, cam_placement)


@attribution("CentredGradCAM++", group="corrected", requires=(has_cam_layer,), limits=cam_limits)
def grad_cam_plus_plus(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """Sum over k of w_k A_k, w_k = sum over positions of alpha_k ReLU(g_k).

    Chattopadhay et al., arXiv:1710.11063, eq. 19: alpha_k = g^2 / (2 g^2 + g^3 sum(A_k)), which
    is 1 / (2 + g sum(A_k)) wherever the ReLU lets g pass. The derivatives there are those of
    exp(logit); the factor exp(logit), common to all positions of a trial, is left out. Without the
    constant that some libraries add to the denominator, small gradients count in full.
    """
    activations, gradients = _activations_and_gradients(decoder, x, target)
    alpha = 1 / (2 + gradients * activations.sum(LAYER_AXES, keepdim=True))
    weights = (alpha * gradients.relu()).sum(LAYER_AXES, keepdim=True)
    return _placed((weights * activations).sum(1), decoder, x, cam_placement)


@attribution("XGradCAM", requires=(has_cam_layer,), limits=cam_limits)
def x_grad_cam(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """Sum over k of w_k A_k, w_k = sum over positions of g_k A_k / sum of A_k.

    Fu et al., BMVC 2020 (arXiv:2008.02312). Where the activations of a feature cancel
    to exactly zero, as those of a dead ReLU do, the feature has no weight.
    """
    activations, gradients = _activations_and_gradients(decoder, x, target)
    total = activations.sum(LAYER_AXES, keepdim=True)
    share = 1 / total.where(total != 0, torch.inf)
    weights = (gradients * activations).sum(LAYER_AXES, keepdim=True) * share
    return _placed((weights * activations).sum(1), decoder, x, cam_placement)


@attribution("CentredLayerCAM", group="corrected", requires=(has_cam_layer,), limits=cam_limits)
def layer_cam(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """Sum over k of ReLU(g_k) A_k, position by position (Jiang et al., IEEE TIP 30:5875, 2021)."""
    activations, gradients = _activations_and_gradients(decoder, x, target)
    return _placed((gradients.relu() * activations).sum(1), decoder, x, cam_placement)


@attribution("CentredScoreCAM", group="corrected", requires=(has_cam_layer,), limits=cam_limits)
def score_cam(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """Sum over k of w_k A_k, w_k from the target's logit of the trial masked by A_k.

    Wang et al., arXiv:1910.01279, algorithm 1: each A_k is placed on the trial, scaled to 0..1
    and multiplied with it; the logits of the masked trials pass a softmax over k. The paper's
    "increase of confidence" is over the logit of a baseline, one number for all k, which the
    softmax cancels. A constant A_k singles out nothing and masks everything.
    """
    placement = _cam_layer_placement(decoder, x, cam_placement)
    columns = placement.arrange(output_of(decoder, str(decoder.cam_layer), x))
    masks = (_min_max(placement.interpolate(some)) for some in columns.unbind(1))
    weights = masked_logits(decoder, x, target, masks).softmax(1)[:, :, None, None]
    return placement.interpolate((weights * columns).sum(1))


def _min_max(maps: Tensor) -> Tensor:
    low, high = maps.amin(LAYER_AXES, keepdim=True), maps.amax(LAYER_AXES, keepdim=True)
    return (maps - low).div_((high - low).where(high > low, 1))


def _is_affine(module: nn.Module) -> bool:
    known = nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._BatchNorm
    return isinstance(module, (*known, *loaded_modules("CombinedConv")))


@attribution("CompleteFullGrad", group="corrected", completeness_target=whole_logit)
def full_grad(
    decoder: nn.Module, x: Tensor, target: Tensor, *, cam_placement: CamPlacement = "centres"
) -> Tensor:
    """Trial times gradient plus every layer's bias times its gradient, spread on the trial.

    Srinivas & Fleuret, arXiv:1905.00780, in its signed form, before the paper's scaling of each
    map to 0..1: the layers' maps are spread so that sums stay, so a map sums to the target's
    logit, as their proposition 1 says. Biases are explicit ones, BatchNorm's, and the implicit
    ones of activations; what is not a module (attention in functional form) is left out. A
    layer that resolves no time or no channels is spread evenly.
    """
    result, layers = _bias_gradients(decoder, x, target)
    mixed = [gradient for _, gradient in layers if len(gradient) != len(x)]
    if mixed and len(x) > 1:  # a layer's first axis is not that of trials: alone, all is a trial's
        trials = zip(x.split(1), target.split(1), strict=True)
        alone = [full_grad(decoder, *trial, cam_placement=cam_placement) for trial in trials]
        return torch.cat(alone)
    for gradient in mixed:
        result = result + gradient.sum() / x.numel()
    for name, gradient in layers:
        if len(gradient) == len(x):
            placement = layer_placement(decoder, name, x.shape[1], x.shape[2], cam_placement)
            result = result + placement.distribute(placement.arrange(gradient).sum(1))
    return result


def _bias_gradients(
    decoder: nn.Module, x: Tensor, target: Tensor
) -> tuple[Tensor, list[tuple[str, Tensor]]]:
    """Trial times gradient, and bias times gradient of every layer that has a bias."""
    gradient, layers = layer_gradients(decoder, _innermost(decoder), x, target)
    products = [
        (call.name, bias * output_gradient)
        for call, output_gradient in layers
        if (bias := _nonlinear_part(decoder.get_submodule(call.name), call.inputs)).any()
    ]
    return x * gradient, products


def _innermost(decoder: nn.Module) -> list[str]:
    """Names of the modules that compute themselves and do not pass the work to others."""
    return [
        name
        for name, module in decoder.named_modules()
        if (_is_affine(module) or not any(module.children()))
        and "parametrizations" not in name.split(".")
    ]


def _nonlinear_part(module: nn.Module, inputs: tuple[Any, ...]) -> Tensor:
    """What a module adds to its linear part at these inputs: module(z) - J z."""
    if _is_affine(module):
        return module(torch.zeros_like(inputs[0][:1]))
    used = copied(module)  # what a module keeps of a pass by jvp, as EEGMiner does, crashes later
    with _differentiable_forwards(module):
        output, linear = torch.func.jvp(
            lambda *given: _without_states(used(*given)), inputs, inputs
        )[:2]
    return output - linear


def _differentiable_forwards(module: nn.Module) -> AbstractContextManager[None]:
    """Context without oneDNN for recurrent layers: it has no derivative of them in forward mode."""
    recurrent = isinstance(module, nn.RNNBase)
    return torch.backends.mkldnn.flags(enabled=False) if recurrent else nullcontext()


def _without_states(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Output of a module without the states that recurrent ones return beside it."""
    return output[0] if isinstance(output, tuple) else output
