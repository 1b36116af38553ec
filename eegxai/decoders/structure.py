"""What later stages need to know about a decoder, measured on it and not declared."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.decoders.compiled import uncompiled_copy
from eegxai.decoders.hooks import hookable, hooked
from eegxai.decoders.tracing import ReceptiveField, receptive_fields, weighted_layers

TOLERANCE = 1e-9


@dataclass(frozen=True)
class DecoderStructure:
    """The structure of a decoder, as traced on it.

    Attributes
    ----------
    cam_layer : str
        Layer whose output the CAM methods weight.
    cam_field : ReceptiveField or None
        Time axis, channel axis, centres and stride of that layer's columns; None when they have
        no position in time, because each depends on the whole trial, as behind attention.
    nonlinear : tuple of str
        Innermost modules that are not affine in evaluation mode, in forward order.
    layers : dict
        Layers with weights in forward order, and the names of their parameters.
    global_layers : tuple of str
        Those of ``layers`` whose output has no position in time.
    """

    cam_layer: str
    cam_field: ReceptiveField | None
    nonlinear: tuple[str, ...]
    layers: dict[str, tuple[str, ...]]
    global_layers: tuple[str, ...]


def decoder_structure(decoder: nn.Module, n_channels: int, n_times: int) -> DecoderStructure:
    """Structure of a decoder that has been built, traced on copies of it in about a second.

    Parameters
    ----------
    decoder : nn.Module
        From :func:`eegxai.decoders.build`, trained or not.
    n_channels, n_times : int
        Shape of a trial.
    """
    cam_layer = str(decoder.cam_layer)
    probe = uncompiled_copy(decoder).double().cpu().eval()
    fields = receptive_fields(probe, n_channels, n_times)
    trial = torch.zeros(1, n_channels, n_times, dtype=torch.float64)
    layers = weighted_layers(probe, trial)
    return DecoderStructure(
        cam_layer=cam_layer,
        cam_field=fields[cam_layer],
        nonlinear=nonlinear_modules(probe, trial),
        layers=layers,
        global_layers=tuple(name for name in layers if fields.get(name) is None),
    )


def nonlinear_modules(decoder: nn.Module, x: Tensor) -> tuple[str, ...]:
    """Innermost modules that are not affine, in forward order.

    A module is affine if it maps the midpoint of two inputs to the midpoint of their outputs;
    each is tested with random numbers in the shape of its input in a forward pass. A function
    that is not a module, such as the softmax of attention, therefore counts as part of the module
    around it, unless that already contains a nonlinear module.

    Parameters
    ----------
    decoder : nn.Module
        In evaluation mode and float64.
    x : Tensor
        A trial (1, channels, times) of float64.
    """
    calls = _calls(decoder, x)
    bent = [
        name
        for name, call in calls.items()
        if not _maps_affinely(decoder.get_submodule(name), *call)
    ]
    return tuple(name for name in bent if not any(_holds(name, other) for other in bent))


ModuleArguments = tuple[tuple[Any, ...], dict[str, Any]]


def _calls(decoder: nn.Module, x: Tensor) -> dict[str, ModuleArguments]:
    """Arguments of the first call of each module, in the order in which the calls return."""
    seen: dict[str, ModuleArguments] = {}

    def keep(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], _output: Any) -> None:
        seen.setdefault(name, (args, kwargs))

    with torch.no_grad(), hooked(decoder, hookable(decoder), keep):
        decoder(x)
    return seen


def _maps_affinely(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    random = torch.Generator().manual_seed(0)
    one, two = ([_random_like(arg, random) for arg in args] for _ in range(2))
    middle = [(a + b) / 2 if isinstance(a, Tensor) else a for a, b in zip(one, two, strict=True)]
    with torch.no_grad():
        first, second, between = (_tensor(module(*part, **kwargs)) for part in (one, two, middle))
    return torch.allclose(between, (first + second) / 2, rtol=TOLERANCE, atol=TOLERANCE)


def _random_like(value: Any, random: torch.Generator) -> Any:
    if not isinstance(value, Tensor):
        return value
    return torch.randn(value.shape, generator=random, dtype=value.dtype)


def _tensor(output: Any) -> Tensor:
    """First tensor of an output: recurrent layers return their states too."""
    return output if isinstance(output, Tensor) else _tensor(output[0])


def _holds(outer: str, inner: str) -> bool:
    return outer != inner and (outer == "" or inner.startswith(f"{outer}."))
