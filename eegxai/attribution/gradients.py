"""Methods that read the gradient of the target's logit, as captum computes them.

captum 0.9 does what the papers say on the decoders that meet the requirements stated here.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from captum import attr
from torch import Tensor, nn

from eegxai.attribution.registry import attribution
from eegxai.attribution.requirements import has_deeplift_rules, has_relu_modules

IG_STEPS = 50  # captum's default: Gauss-Legendre nodes between the baseline and the trial
IG_BATCH = 16  # trials x steps in one pass


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence captum's notice that it sets hooks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Setting .*hooks", category=UserWarning)
        yield


@attribution("Saliency", group="study")
def saliency(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Signed gradient of the target's logit (Simonyan et al., arXiv:1312.6034, without |.|)."""
    return attr.Saliency(decoder).attribute(x.requires_grad_(), target=target, abs=False)


@attribution("Deconvolution", group="study", requires=(has_relu_modules,))
def deconvolution(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient with a ReLU of the gradient in place of each ReLU's own (arXiv:1311.2901)."""
    with _quiet():
        return attr.Deconvolution(decoder).attribute(x.requires_grad_(), target=target)


@attribution("GuidedBackprop", group="study", requires=(has_relu_modules,))
def guided_backprop(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient that passes a ReLU where it and the activation are positive (arXiv:1412.6806)."""
    with _quiet():
        return attr.GuidedBackprop(decoder).attribute(x.requires_grad_(), target=target)


@attribution("InputXGradient", group="study")
def input_x_gradient(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Trial times gradient (Shrikumar et al., arXiv:1605.01713)."""
    return attr.InputXGradient(decoder).attribute(x.requires_grad_(), target=target)


@attribution("DeepLift", group="study", requires=(has_deeplift_rules,))
def deeplift(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """DeepLift with the rescale rule and a zero baseline (Shrikumar et al., arXiv:1704.02685).

    Complete: the map sums to the difference of the target's logit from that of a zero trial.
    """
    with _quiet():
        return attr.DeepLift(decoder).attribute(x.requires_grad_(), target=target)


@attribution("IntegratedGradients", group="extended")
def integrated_gradients(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient averaged between a zero baseline and the trial, times the trial.

    Sundararajan et al., arXiv:1703.01365. Complete up to the error of the quadrature.
    """
    batch = max(IG_BATCH, len(x))
    return attr.IntegratedGradients(decoder).attribute(
        x.requires_grad_(), target=target, n_steps=IG_STEPS, internal_batch_size=batch
    )
