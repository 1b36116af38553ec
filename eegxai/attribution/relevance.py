"""Layer-wise relevance propagation (LRP)."""

from captum import attr
from torch import Tensor, nn

from eegxai.attribution.registry import attribution




@attribution("LRP", group="study")
def lrp(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """LRP with the epsilon rule in every layer, epsilon = 1e-9 (captum's default).

    Bach et al., PLoS ONE 10:e0130140, 2015. On networks of ReLUs, max-pools and linear layers
    this equals InputXGradient: as epsilon goes to 0, each layer divides by its output what the
    next multiplies by its input. captum leaves its records on the modules; they are those of
    the private copy that every method gets.
    """
    return attr.LRP(decoder).attribute(x.requires_grad_(), target=target)
