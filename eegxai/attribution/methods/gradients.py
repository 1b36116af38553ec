"""Methods that read the gradient of the target's logit."""

from torch import Tensor, nn

from eegxai.attribution.core.registry import attribution
from eegxai.attribution.engine.frequency import contributions
from eegxai.attribution.engine.recorded_passes import plain_pass


@attribution("Saliency", group="study")
def saliency(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Magnitude of the gradient of the target's logit (Simonyan et al., arXiv:1312.6034)."""
    return plain_pass(decoder, x, target).gradient.abs()


@attribution("InputXGradient", group="study", frequency="multiplier")
def input_x_gradient(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Trial times gradient (Shrikumar et al., arXiv:1605.01713)."""
    return contributions(x, plain_pass(decoder, x, target).gradient)


@attribution("Gradient", group="corrected", frequency="gradient")
def gradient(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Gradient of the target's logit with its sign, which Saliency leaves out."""
    return plain_pass(decoder, x, target).gradient
