"""The decision in place of a logit: decoders whose outputs are contrasts.

Adding any function of the trial to all logits changes no probability and no decision, but changes
every logit and so its map. The contrast of a class, its logit minus the mean of the others, does
not change, and it is what a decision by the largest logit goes by.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from eegxai.attribution.core.options import DEFAULT_CHUNK
from eegxai.attribution.engine.adapted import say
from eegxai.attribution.engine.wrong_sizes import attempted
from eegxai.decoders.hooks import hooked
from eegxai.decoders.lone_trials import pair_of

# Those that store the axis of their outputs first.
LAYERS_THAT_FOLD = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
SAME_CONTRASTS = (
    1e-4  # of folded and computed contrasts, relative to a trial's largest logit: float32
)


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


def with_both_classes(decoder: nn.Module, x: Tensor) -> nn.Module:
    """A private copy of a decoder with one output, changed to return the logits of two classes.

    The output is the logit of class 1, or its probability where it never leaves 0 to 1; then its
    logit is log(p / (1 - p)). The logit of class 0 is the negative: what speaks for one class
    speaks against the other.
    """
    with torch.no_grad():
        if decoder(pair_of(x)).shape[1] == 1:
            reading = _probability if _stays_in_unit_interval(decoder, x) else _logit
            decoder.register_forward_hook(reading)
            say(
                decoder,
                f"has one output, the {OUTPUT_READINGS[reading]}, and its negative is that of "
                "class 0 (output='value' explains the output itself, as for a regression)",
            )
    return decoder


def _logit(_module: nn.Module, _args: Any, logit: Tensor) -> Tensor:
    return torch.cat([-logit, logit], 1)


def _probability(_module: nn.Module, _args: Any, p: Tensor) -> Tensor:
    logit = torch.logit(p, torch.finfo(p.dtype).eps)  # so that what is rounded to 1 has one
    return torch.cat([-logit, logit], 1)


OUTPUT_READINGS: dict[Callable[[nn.Module, Any, Tensor], Tensor], str] = {
    _logit: "logit of class 1",
    _probability: "probability p of class 1, as it never leaves 0 to 1, so that the class is "
    "decided at 0.5 and maps explain its logit, log(p / (1 - p))",
}
# What trials are multiplied by to see whether an output ever leaves 0 to 1: few logits near 0 stay.
EXAGGERATIONS = (1, -1, 1e3, -1e3)


def _stays_in_unit_interval(decoder: nn.Module, x: Tensor) -> bool:
    """Whether a lone output is from 0 to 1 in all trials, and in the first ones exaggerated."""
    probes = (x[:DEFAULT_CHUNK] * factor for factor in EXAGGERATIONS[1:])
    return _in_unit_interval(_logits_in_chunks(decoder, x)) and all(
        _in_unit_interval(attempt.output)
        for attempt in (attempted(decoder, probe) for probe in probes)
        if attempt.error is None
    )


def _in_unit_interval(values: Tensor) -> bool:
    return not bool(((values < 0) | (values > 1)).any())


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
        Trials (trials, channels, times) that are explained. Where the decoder returns what its last
        layer does, the first is compared; else all are, since what comes after the layer may do
        nothing in any one.
    """
    with torch.no_grad():
        n_classes = decoder(pair_of(x)).shape[1]
        if n_classes > 1 and not _fold_into_last_layer(decoder, x, n_classes):
            decoder.register_forward_hook(_outputs)
    return decoder


def _outputs(_module: nn.Module, _args: Any, logits: Tensor) -> Tensor:
    return contrasts(logits)


def _fold_into_last_layer(decoder: nn.Module, x: Tensor, n_classes: int) -> bool:
    """Whether the last layer takes the contrasts; where it cannot, it is as before."""
    layer = _last_layer(decoder, n_classes)
    if layer is None:
        return False
    pair = pair_of(x)
    compared = pair if _returns_output(decoder, layer, pair) else x
    logits = _logits_in_chunks(decoder, compared)
    before = [value.clone() for value in layer.parameters()]
    for value in layer.parameters():
        rows = value.double().reshape(len(value), -1)  # one for each class
        value.copy_(contrasts(rows.T).T.reshape(value.shape))
    differences = (_logits_in_chunks(decoder, compared) - contrasts(logits)).abs().amax(1)
    if (differences <= SAME_CONTRASTS * logits.abs().amax(1)).all():
        return True
    for value, old in zip(layer.parameters(), before, strict=True):
        value.copy_(old)
    return False


def _logits_in_chunks(decoder: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([decoder(trials) for trials in x.split(DEFAULT_CHUNK)])


def _returns_output(decoder: nn.Module, layer: nn.Module, x: Tensor) -> bool:
    """Whether the logits are the layer's output as it leaves the layer, seen in any shape."""
    outputs: list[tuple[Tensor, int]] = []

    def keep(_name: str, _args: Any, _kwargs: Any, output: Tensor) -> None:
        outputs.append((output, _version(output)))

    with hooked(layer, [""], keep):  # the layer itself
        logits = decoder(x)
    return [(logits.data_ptr(), _version(logits))] == [(o.data_ptr(), n) for o, n in outputs]


def _version(tensor: Tensor) -> int:
    """How often it was changed in place; what inference mode makes does not count that."""
    return 0 if tensor.is_inference() else tensor._version


def _last_layer(decoder: nn.Module, n_classes: int) -> nn.Module | None:
    """Last layer with one output per class, its weights made plain parameters."""
    for module in reversed(list(decoder.modules())):
        if isinstance(module, LAYERS_THAT_FOLD) and len(module.weight) == n_classes:
            _take_out_parametrizations(module)
            return module
    return None


def _take_out_parametrizations(layer: nn.Module) -> None:
    """Leave the weights as they are now; torch's own function spoils what a layer was copied from.

    It takes the property from the class, which a copy shares with the original.
    """
    values = {name: getattr(layer, name) for name in getattr(layer, "parametrizations", ())}
    if values:
        layer.__class__ = parametrize.type_before_parametrizations(layer)
        del layer.parametrizations
    for name, value in values.items():
        layer.register_parameter(name, nn.Parameter(value.detach().clone(), requires_grad=False))
