"""The registry of decoder architectures and the one way to build one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from eegxai.registry import Registry, lookup

Factory = Callable[[int, int, int, float], nn.Module]


@dataclass(frozen=True)
class Architecture:
    """What later stages need to know of a decoder architecture.

    Attributes
    ----------
    factory : callable
        ``(n_channels, n_times, n_classes, sfreq) -> nn.Module``; the module maps
        (trials, channels, times) in µV to (trials, classes) logits.
    cam_layer : str
        Dotted name of the module whose output the CAM methods weight.
    layout : torch.memory_format
        Order of the weights in memory that is faster on a CPU; the values do not depend on it.
    training : mapping
        Fields of TrainingSpec that suit the architecture (benchmarks/accuracy.py measures how
        well).
    """

    factory: Factory
    cam_layer: str
    layout: torch.memory_format = torch.channels_last
    training: Mapping[str, Any] = field(default_factory=dict)


DECODERS: dict[str, Architecture] = Registry("decoder")


def decoder(name: str, **declared: Any) -> Callable[[Factory], Factory]:
    """Register the decorated factory with the other fields of :class:`Architecture`."""

    def register(factory: Factory) -> Factory:
        DECODERS[name] = Architecture(factory, **declared)
        return factory

    return register


def build(name: str, n_channels: int, n_times: int, n_classes: int, sfreq: float) -> nn.Module:
    """Untrained decoder of a registered architecture, in evaluation mode.

    Parameters
    ----------
    name : str
        A name in ``DECODERS``.
    n_channels, n_times, n_classes : int
        Shape of a trial and number of classes.
    sfreq : float
        Sampling rate in Hz; some architectures derive their kernel sizes from it.

    Returns
    -------
    nn.Module
        Maps (trials, channels, times) to (trials, classes) logits. Its attribute
        ``cam_layer`` is the dotted name of the layer that CAM methods use.

    Raises
    ------
    ValueError
        When the architecture is unknown or the trials are too short for it.
    """
    architecture = lookup(DECODERS, name, "decoder")
    try:
        module = architecture.factory(n_channels, n_times, n_classes, sfreq).eval()
        with torch.no_grad():
            module(torch.zeros(1, n_channels, n_times))  # some refuse short trials only here
    except (RuntimeError, ValueError) as error:
        shape = f"n_channels={n_channels}, n_times={n_times}, n_classes={n_classes}"
        raise ValueError(f"decoder {name!r} cannot be built for {shape}: {error}") from error
    module.cam_layer = architecture.cam_layer  # type: ignore[assignment]
    return module.to(memory_format=architecture.layout)  # type: ignore[call-overload]
