"""The decision in place of a logit: decoders whose outputs are contrasts.

Adding any function of the trial to all logits changes no probability and no decision, but changes
every logit and so its map. The contrast of a class, its logit minus the mean of the others, does
not change, and it is what a decision by the largest logit goes by.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

# Those that store the axis of their outputs first.
LAYERS_THAT_FOLD = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
AGREEMENT = 1e-4  # of folded and computed contrasts, relative to the largest logit: float32


def contrasts(logits: Tensor) -> Tensor:
    """Each logit minus the mean of the others, (trials, classes); a lone logit as it is.

    Examples
    --------
    >>> contrasts(torch.tensor([[3.0, 1.0, 2.0]]))
    tensor([[ 1.5000, -1.5000,  0.0000]])
    """
    n_classes = logits.shape[1]
    if n_classes == 1:
        return logits
    return (logits - logits.mean(1, keepdim=True)) * (n_classes / (n_classes - 1))


def with_contrasts(decoder: nn.Module, x: Tensor) -> nn.Module:
    """A private copy of a decoder, changed so that its outputs are contrasts.

    The last layer takes the contrasts of its weights where that is the same: a decoder like any
    other, in which no method meets a new operation, and relevance starts at one output. Where it
    is not, as behind a log-softmax, the outputs are changed as they leave the decoder; there
    relevance starts at the logits, each times its coefficient in the contrast.

    Parameters
    ----------
    decoder : nn.Module
        In evaluation mode, frozen; changed in place, but for its modules' names and order.
    x : Tensor
        Trials (trials, channels, times); the first is used to compare.
    """
    with torch.no_grad():
        logits = decoder(x[:1])
        if logits.shape[1] > 1 and not _folded(decoder, x[:1], logits):
            decoder.register_forward_hook(_outputs)
    return decoder


def _outputs(_module: nn.Module, _args: Any, logits: Tensor) -> Tensor:
    return contrasts(logits)


def _folded(decoder: nn.Module, x: Tensor, logits: Tensor) -> bool:
    """Whether the last layer takes the contrasts; where it cannot, it is as before."""
    layer = _last_layer(decoder, logits.shape[1])
    if layer is None:
        return False
    before = [value.clone() for value in layer.parameters()]
    for value in layer.parameters():
        rows = value.double().reshape(len(value), -1)  # one for each class
        value.copy_(contrasts(rows.T).T.reshape(value.shape))
    difference = (decoder(x) - contrasts(logits)).abs().max()
    if difference <= AGREEMENT * logits.abs().max():
        return True
    for value, old in zip(layer.parameters(), before, strict=True):
        value.copy_(old)
    return False


def _last_layer(decoder: nn.Module, n_classes: int) -> nn.Module | None:
    """Last layer with one output per class, its weights made plain parameters."""
    for module in reversed(list(decoder.modules())):
        if isinstance(module, LAYERS_THAT_FOLD) and len(module.weight) == n_classes:
            if parametrize.is_parametrized(module):
                _make_plain(module)
            return module
    return None


def _make_plain(layer: nn.Module) -> None:
    """Turn parametrized tensors of a private layer into parameters of their values.

    torch's own removal takes them away from the class, too, which the layer that this is a copy
    of has in common with it.
    """
    names = [name for name, _ in layer.get_submodule("parametrizations").named_children()]
    values = {name: getattr(layer, name).detach() for name in names}
    layer.__class__ = type(layer).__bases__[0]
    del layer.parametrizations
    for name, value in values.items():
        layer.register_parameter(name, nn.Parameter(value.clone(), requires_grad=False))
