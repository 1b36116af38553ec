"""An attribution method in its own package, found through the entry point in pyproject.toml."""

import torch
from torch import Tensor, nn

from eegxai.attribution import attribution


@attribution("SquaredSaliency")
def squared_saliency(
    decoder: nn.Module, x: Tensor, target: Tensor, *, power: float = 2.0
) -> Tensor:
    """Magnitude of the gradient of the target's logit, raised to a power."""
    x = x.detach().requires_grad_()
    logits = decoder(x).gather(1, target[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), x)
    return gradient.abs() ** power
