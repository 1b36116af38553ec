"""Which layer class activation maps may weight, where a decoder names none."""

from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.engine.adapted import say
from eegxai.attribution.engine.placement import layer_fields
from eegxai.decoders.hooks import hooked
from eegxai.decoders.lone_trials import pair_of
from eegxai.decoders.zoo import loaded_modules


def cam_layer_choices(decoder: nn.Module, x: Tensor) -> list[str]:
    """Layers whose output has columns in time, in the order of the forward pass."""
    try:
        fields = layer_fields(decoder, *x.shape[1:])
    except Exception:  # a NaN is passed through it, at which decompositions of matrices give up
        return []
    return [name for name, field in fields.items() if name and field is not None]


def propose_cam_layer(decoder: nn.Module, x: Tensor) -> None:
    """Name the CAM layer of a private copy that names none, where it is plain which.

    It is the last convolution that resolves time, if all that the outputs know of the trial
    passes through it.
    """
    if getattr(decoder, "cam_layer", None) is not None:
        return
    kinds: tuple[Any, ...] = (nn.modules.conv._ConvNd, *loaded_modules("CombinedConv"))
    choices = cam_layer_choices(decoder, x)
    convolutions = [n for n in choices if isinstance(decoder.get_submodule(n), kinds)]
    if convolutions and _everything_passes(decoder, convolutions[-1], x):
        decoder.cam_layer = convolutions[-1]  # type: ignore[assignment]
        say(
            decoder,
            f"names no CAM layer: it is {decoder.cam_layer!r}, its last convolution "
            f"that resolves time (cam_layer may also be {_others(choices, convolutions[-1])})",
        )


def _others(choices: list[str], taken: str) -> str:
    return ", ".join(repr(name) for name in choices if name != taken) or "no other"


def _everything_passes(decoder: nn.Module, layer: str, x: Tensor) -> bool:
    """Whether outputs no longer depend on the trial where the layer's output does not."""

    def cut(_name: str, _args: Any, _kwargs: Any, output: Tensor) -> Tensor:
        return output.detach()

    pair = pair_of(x.detach()).requires_grad_()
    try:
        with torch.enable_grad(), hooked(decoder, [layer], cut):
            return not decoder(pair).requires_grad
    except Exception:  # it takes no trials with a gradient, or its layer returns no tensor
        return False
