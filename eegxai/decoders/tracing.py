"""What a real forward pass tells of a decoder: the order of its layers, their receptive fields."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def evaluation_mode(decoder: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode and give each its own mode back."""
    training = [module for module in decoder.modules() if module.training]
    decoder.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def weighted_layers(decoder: nn.Module, x: Tensor) -> dict[str, tuple[str, ...]]:
    """Layers with weights and the names of their parameters, in forward order.

    Parameters
    ----------
    decoder : nn.Module
        Network to trace.
    x : Tensor
        Trials (trials, channels, times) in µV to trace with; one is enough.

    Notes
    -----
    Forward order is the order in which a forward pass first calls the modules; registration
    order need not be that. A parameter belongs to the innermost called module around it: so
    the weights behind a parametrization belong to their convolution, and those of a module
    that is only read (braindecode's CombinedConv, nn.MultiheadAttention) to its reader.
    """
    called = _call_order(decoder, x)
    owned: dict[str, list[str]] = {name: [] for name in called}
    for parameter, _ in decoder.named_parameters():
        owned[_owner(parameter, owned)].append(parameter)
    return {name: tuple(parameters) for name, parameters in owned.items() if parameters}


def _call_order(decoder: nn.Module, x: Tensor) -> list[str]:
    called: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda _m, _i, name=name: called.append(name))
        for name, module in decoder.named_modules()
        if "parametrizations" not in name.split(".")
    ]
    try:
        with torch.no_grad(), evaluation_mode(decoder):
            decoder(x[:1])
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(called))


def _owner(parameter: str, called: Mapping[str, list[str]]) -> str:
    name = parameter
    while name not in called or name == parameter:
        name = name.rpartition(".")[0]
    return name


class _StopForwardError(Exception):
    """Carries a layer's output out of a forward pass that need go no further."""

    def __init__(self, output: Tensor) -> None:
        self.output = output


def output_of(decoder: nn.Module, layer: str, x: Tensor) -> Tensor:
    """Output of the named layer for trials (trials, channels, times), without gradients."""

    def stop(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        raise _StopForwardError(output)

    handle = decoder.get_submodule(layer).register_forward_hook(stop)
    try:
        with torch.no_grad(), evaluation_mode(decoder):
            decoder(x)
    except _StopForwardError as reached:
        return reached.output
    finally:
        handle.remove()
    raise ValueError(f"layer {layer!r} is not called in the forward pass")


@dataclass(frozen=True)
class ReceptiveField:
    """Which part of a trial each column of a layer's output sees.

    Attributes
    ----------
    time_axis : int
        Axis of the layer's output (trials, features, ...) that runs along time.
    channel_axis : int or None
        Axis that keeps the channels, one entry a channel; None without channel resolution.
    start, stop : ndarray (columns,)
        First and last sample that reaches each column.
    """

    time_axis: int
    channel_axis: int | None
    start: np.ndarray
    stop: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        """Centre sample of each column's receptive field, (columns,)."""
        return (self.start + self.stop) / 2


def receptive_field(
    decoder: nn.Module, layer: str, n_channels: int, n_times: int
) -> ReceptiveField:
    """Trace the receptive field of a layer's output columns.

    A NaN at one sample reaches exactly the outputs that see it, through convolutions, pools
    and activations of any kind; so the field is measured and not derived from kernel sizes.

    Raises
    ------
    ValueError
        When the layer's output has no axis along which time is resolved.
    """
    times = torch.eye(n_times, dtype=torch.bool)[:, None].expand(-1, n_channels, -1)
    some = sorted({0, n_channels // 2, n_channels - 1})
    channels = torch.eye(n_channels, dtype=torch.bool)[some, :, None].expand(-1, -1, n_times)
    probe = deepcopy(decoder).float().cpu().eval()
    by_time = _reached(probe, layer, times)
    time_axis = _time_axis(by_time)
    if time_axis is None:
        raise ValueError(f"layer {layer!r} resolves no time (output {tuple(by_time.shape[1:])})")
    seen = _along(by_time, time_axis).numpy()
    return ReceptiveField(
        time_axis=time_axis,
        channel_axis=_channel_axis(_reached(probe, layer, channels), some, n_channels),
        start=seen.argmax(axis=0).astype(float),
        stop=(n_times - 1 - seen[::-1].argmax(axis=0)).astype(float),
    )


def _reached(decoder: nn.Module, layer: str, marks: Tensor, chunk: int = 16) -> Tensor:
    """Outputs of ``layer`` that each of the marked inputs (probes, channels, times) reaches."""
    inputs = torch.zeros(marks.shape).masked_fill(marks, torch.nan).split(chunk)
    return torch.cat([output_of(decoder, layer, x).isnan() for x in inputs])


def _along(reached: Tensor, axis: int) -> Tensor:
    """Which entries of one output axis each probe reaches: (probes, entries)."""
    others = [other for other in range(1, reached.ndim) if other != axis]
    return reached.amax(dim=others) if others else reached


def _time_axis(by_time: Tensor) -> int | None:
    """Output axis whose entries see different samples."""
    for axis in range(1, by_time.ndim):
        seen = _along(by_time, axis)
        if (seen != seen[:, :1]).any():
            return axis
    return None


def _channel_axis(by_channel: Tensor, probed: list[int], n_channels: int) -> int | None:
    """Output axis whose entry i sees channel i and no other."""
    expected = torch.eye(n_channels, dtype=torch.bool)[probed]
    axes = range(1, by_channel.ndim)
    return next((a for a in axes if torch.equal(_along(by_channel, a), expected)), None)
