"""Methods that read the gradient of the target's logit, as captum computes them.

captum 0.9 does what the papers say on the decoders that meet the requirements stated here.
"""

from captum import attr
from torch import Tensor, nn

from eegxai.attribution.registry import attribution

IG_STEPS = 50  # captum's default: Gauss-Legendre nodes between the baseline and the trial
IG_BATCH = 16  # trials x steps in one pass


@attribution("Saliency", group="study")
def saliency(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Signed gradient of the target's logit (Simonyan et al., arXiv:1312.6034, without |.|)."""
    return attr.Saliency(decoder).attribute(x.requires_grad_(), target=target, abs=False)


@attribution("InputXGradient", group="study")
def input_x_gradient(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Trial times gradient (Shrikumar et al., arXiv:1605.01713)."""
    return attr.InputXGradient(decoder).attribute(x.requires_grad_(), target=target)


@attribution("IntegratedGradients", group="extended")
def integrated_gradients(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient averaged between a zero baseline and the trial, times the trial.

    Sundararajan et al., arXiv:1703.01365. Complete up to the error of the quadrature.
    """
    batch = max(IG_BATCH, len(x))
    return attr.IntegratedGradients(decoder).attribute(
        x.requires_grad_(), target=target, n_steps=IG_STEPS, internal_batch_size=batch
    )
