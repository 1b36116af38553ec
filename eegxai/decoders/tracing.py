"""What a forward pass reveals about a decoder: the order of its layers, their receptive fields."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.decoders.compiled import uncompiled_copy
from eegxai.decoders.hooks import hookable, hooked
from eegxai.decoders.lone_trials import pair_of, sizes_of_parts
from eegxai.seeding import global_generators


@contextmanager
def evaluation_mode(decoder: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, and restore the mode of each afterwards."""
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
    Forward order is the order in which a forward pass first calls the modules; the order of
    registration may differ. A parameter belongs to the innermost called module around it: the
    weights behind a parametrization belong to their convolution, and those of a module that is
    never called but only read (braindecode's CombinedConv, nn.MultiheadAttention) to its reader.
    """
    called = _call_order(decoder, x)
    owned: dict[str, list[str]] = {name: [] for name in called}
    for parameter, _ in decoder.named_parameters():
        owned[_owner(parameter, owned)].append(parameter)
    return {name: tuple(parameters) for name, parameters in owned.items() if parameters}


def _call_order(decoder: nn.Module, x: Tensor) -> list[str]:
    called: list[str] = []

    def note(name: str, *_: object) -> None:
        called.append(name)

    with (
        torch.no_grad(),
        evaluation_mode(decoder),
        global_generators(0, x.device),
        hooked(decoder, hookable(decoder), note, before=True),
    ):
        decoder(pair_of(x))
    return list(dict.fromkeys(called))


def _owner(parameter: str, called: Mapping[str, list[str]]) -> str:
    name = parameter
    while name not in called or name == parameter:
        name = name.rpartition(".")[0]
    return name


class _StopForwardError(Exception):
    """Carries a layer's output out of a forward pass that need not continue."""

    def __init__(self, output: Tensor) -> None:
        self.output = output


def output_of(decoder: nn.Module, layer: str, x: Tensor) -> Tensor:
    """Output of the named layer for trials (trials, channels, times), without gradients."""

    def stop(_name: str, _args: object, _kwargs: object, output: Tensor) -> None:
        raise _StopForwardError(output)

    try:
        with torch.no_grad(), evaluation_mode(decoder), hooked(decoder, [layer], stop):
            decoder(x)
    except _StopForwardError as reached:
        return reached.output
    raise ValueError(f"layer {layer!r} is not called in the forward pass")


@dataclass(frozen=True)
class ReceptiveField:
    """The part of a trial on which each column of a layer's output depends.

    Attributes
    ----------
    time_axis : int
        Axis of the layer's output (trials, features, ...) that runs along time.
    channel_axis : int or None
        Axis with one entry per channel; None if the layer does not resolve channels.
    start, stop : ndarray (columns,)
        First and last sample that reaches each column.
    """

    time_axis: int
    channel_axis: int | None
    start: np.ndarray
    stop: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        """Centre sample of each column's receptive field, (columns,), including padding.

        A padded column depends on only a part of its field, but its kernel is centred on the
        whole field: taking the centre of the part would move the ends of every map inwards, by
        16 samples for EEGNet's kernel of 64.
        """
        width = self.stop - self.start
        partial = width < width.max()
        early = partial & (self.start == 0)
        late = partial & ~early & (self.stop == self.stop.max())
        start = np.where(early, self.stop - width.max(), self.start)
        stop = np.where(late, self.start + width.max(), self.stop)
        return (start + stop) / 2

    @property
    def stride(self) -> float:
        """Samples from one column to the next; NaN if this is not the same everywhere."""
        steps = np.unique(np.diff(self.centres))
        return float(steps[0]) if len(steps) == 1 else float("nan")


def receptive_fields(
    decoder: nn.Module, n_channels: int, n_times: int
) -> dict[str, ReceptiveField | None]:
    """Trace the receptive fields of the output columns of every layer, in two passes.

    A NaN at one sample reaches exactly the outputs that depend on it, through convolutions, pools
    and activations of any kind, so the field is measured, not derived from kernel sizes.

    Parameters
    ----------
    decoder : nn.Module
        Network to trace; a copy of it is run on the CPU.
    n_channels, n_times : int
        Shape of a trial.

    Returns
    -------
    dict of str to ReceptiveField or None
        By dotted name, for every module that is called. None if no axis of the module's output
        resolves time, as behind attention; if one of several columns depends on the whole trial,
        so that the centre of its field is unknown; and if the module is called several times.
    """
    times = torch.eye(n_times, dtype=torch.bool)[:, None].expand(-1, n_channels, -1)
    some = sorted({0, n_channels // 2, n_channels - 1})
    expected = torch.eye(n_channels, dtype=torch.bool)[some]
    channels = expected[:, :, None].expand(-1, -1, n_times)
    probe = _in_single_precision(uncompiled_copy(decoder).cpu().eval())
    by_time, by_channel = _reached(probe, times), _reached(probe, channels)
    return {name: _layer_field(by_time[name], by_channel[name], expected) for name in by_time}


def receptive_field(
    decoder: nn.Module, layer: str, n_channels: int, n_times: int
) -> ReceptiveField:
    """Receptive field of one layer, see :func:`receptive_fields`.

    Raises
    ------
    ValueError
        When the layer is not called or no axis of its output resolves time.
    """
    fields = receptive_fields(decoder, n_channels, n_times)
    if layer not in fields:
        raise ValueError(f"layer {layer!r} is not called in the forward pass")
    field = fields[layer]
    if field is None:
        raise ValueError(f"layer {layer!r} resolves no time")
    return field


def _real_values(decoder: nn.Module) -> list[Tensor]:
    values = (*decoder.parameters(), *decoder.buffers())
    return [value for value in values if value.is_floating_point()]


def _in_single_precision(decoder: nn.Module) -> nn.Module:
    """A decoder that computes fast, unless its forward pass goes from one type to another."""
    types = {value.dtype for value in _real_values(decoder)}
    return decoder if len(types) > 1 else decoder.float()


Reach = dict[int, Tensor]  # by output axis: which entries each probe reaches, (probes, entries)


def _reached(decoder: nn.Module, marks: Tensor, chunk: int = 16) -> dict[str, Reach]:
    """Which entries of every module's output axes the marked inputs reach.

    A module that is called several times per pass, in parallel branches, is reached at several
    positions and is returned without axes; so is one whose first axis is not that of trials.
    """
    some = marks if len(marks) > 1 else pair_of(marks)
    sizes = sizes_of_parts(len(some), chunk)
    parts = [_reached_once(decoder, part) for part in some.split(sizes)]
    return {name: _joined_reaches([part[name] for part in parts], len(marks)) for name in parts[0]}


def _reached_once(decoder: nn.Module, marks: Tensor) -> dict[str, Reach]:
    seen: dict[str, Reach] = {}

    def look(name: str, _args: object, _kwargs: object, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output  # recurrent layers add states
        if isinstance(first, Tensor):
            folded = first.ndim == 0 or len(first) != len(marks)
            seen[name] = {} if name in seen or folded else _along_axes(first)

    with torch.no_grad(), hooked(decoder, hookable(decoder), look):
        kind = next(iter(_real_values(decoder)), torch.zeros(())).dtype
        decoder(torch.zeros(marks.shape, dtype=kind).masked_fill(marks, torch.nan))
    return seen


def _along_axes(output: Tensor) -> Reach:
    """Entries of each axis that contain a NaN; sums carry NaNs and are faster than comparisons."""
    axes = range(1, output.ndim)
    return {axis: _summed_over(output, [a for a in axes if a != axis]).isnan() for axis in axes}


def _summed_over(output: Tensor, axes: list[int]) -> Tensor:
    return output.sum(dim=axes) if axes else output  # torch sums over all axes when given none


def _joined_reaches(parts: list[Reach], n_probes: int) -> Reach:
    return {axis: torch.cat([part[axis] for part in parts])[:n_probes] for axis in parts[0]}


def _layer_field(by_time: Reach, by_channel: Reach, expected: Tensor) -> ReceptiveField | None:
    """Field of one layer: its time axis is the one whose entries depend on different samples."""
    resolving = (axis for axis, seen in by_time.items() if (seen != seen[:, :1]).any())
    time_axis = next(resolving, None)
    if time_axis is None:
        return None
    seen = by_time[time_axis].numpy()
    if seen.all(axis=0).any():
        return None
    own = (axis for axis, reach in by_channel.items() if torch.equal(reach, expected))
    return ReceptiveField(
        time_axis=time_axis,
        channel_axis=next(own, None),
        start=seen.argmax(axis=0).astype(float),
        stop=(len(seen) - 1 - seen[::-1].argmax(axis=0)).astype(float),
    )
