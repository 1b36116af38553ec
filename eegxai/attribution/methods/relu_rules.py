"""The gradient with another rule for ReLUs."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import attribution, target_logits
from eegxai.attribution.engine.modified_gradients import ModifiedGradients, OpCall
from eegxai.attribution.engine.requirements import has_relu
from eegxai.attribution.engine.shared_passes import shared


class _Rectified(torch.autograd.Function):
    """A value that passes only positive gradients, to something else of the same shape."""

    @staticmethod
    def forward(_ctx: Any, value: Tensor, _stand_in: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0].clamp(min=0)


def _deconvolved(call: OpCall) -> Tensor:
    return _Rectified.apply(call.plain().detach(), call.inputs[0])


def _guided(call: OpCall) -> Tensor:
    value = call.plain()
    return _Rectified.apply(value.detach(), value)


def _gradient(
    rule: Callable[[OpCall], Tensor], decoder: nn.Module, x: Tensor, target: Tensor
) -> Tensor:
    trials = x.detach().requires_grad_()
    with ModifiedGradients({"relu": rule}):
        logits = target_logits(decoder, trials, target)
    return torch.autograd.grad(logits.sum(), trials)[0]


@attribution("Deconvolution", group="study", requires=(has_relu,), frequency="gradient")
def deconvolution(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient with a ReLU of the gradient in place of each ReLU's own.

    Zeiler & Fergus, arXiv:1311.2901.
    """
    return _gradient(_deconvolved, decoder, x, target)


@attribution("GuidedBackprop", group="study", requires=(has_relu,), frequency="gradient")
@shared
def guided_backprop(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient that passes a ReLU where it and the activation are positive.

    Springenberg et al., arXiv:1412.6806.
    """
    return _gradient(_guided, decoder, x, target)
