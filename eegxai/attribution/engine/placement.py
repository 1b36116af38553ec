"""Where a layer's columns lie on a trial: maps of a layer brought to (channels, times)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.decoders import ReceptiveField, receptive_fields

CamPlacement = Literal["centres", "stretch"]


@dataclass(frozen=True, eq=False)
class Placement:
    """How the output of a layer lies on trials (channels, times).

    Attributes
    ----------
    time_axis, channel_axis : int or None
        Axes of the layer's output that run along time and along channels. None where the
        layer does not resolve them: its maps are then constant along that axis by declaration.
    n_channels : int
        Channels of a trial.
    interpolation : Tensor (columns, times)
        Weight of each column at each sample. A sample between the centres of two columns takes
        their linear interpolation; one outside all centres takes the outermost column, whose
        receptive field it is still in.
    shares : Tensor (columns, times)
        Share of each column that goes to each sample; every row sums to one.
    """

    time_axis: int | None
    channel_axis: int | None
    n_channels: int
    interpolation: Tensor
    shares: Tensor

    def arrange(self, output: Tensor) -> Tensor:
        """Layer output with its axes in order: (trials, features, channels or 1, columns)."""
        if self.time_axis is None:
            return output.flatten(1)[:, :, None, None]
        if self.channel_axis is None:
            ordered = output.movedim(self.time_axis, -1).unsqueeze(-2)
        else:
            ordered = output.movedim((self.channel_axis, self.time_axis), (-2, -1))
        return ordered.reshape(len(output), -1, *ordered.shape[-2:])

    def interpolate(self, maps: Tensor) -> Tensor:
        """Map (..., channels or 1, columns) read off at every channel and sample."""
        return self._on_every_channel(maps @ self.interpolation.to(maps))

    def distribute(self, maps: Tensor) -> Tensor:
        """Map (..., channels or 1, columns) spread over the trial so that its sum stays."""
        shared = maps @ self.shares.to(maps)
        return self._on_every_channel(shared * (maps.shape[-2] / self.n_channels))

    def _on_every_channel(self, maps: Tensor) -> Tensor:
        return maps.expand(*maps.shape[:-2], self.n_channels, -1)


PlacementKey = tuple[str, int, int]
_fields: dict[PlacementKey, dict[str, ReceptiveField | None]] = {}
_placements: dict[tuple[PlacementKey, str, CamPlacement], Placement] = {}


def layer_placement(
    decoder: nn.Module,
    layer: str,
    n_channels: int,
    n_times: int,
    cam_placement: CamPlacement = "centres",
) -> Placement:
    """Placement of a layer on trials; each structure of decoder is traced once.

    Tracing takes seconds, and the weight cascade asks for many copies of one decoder, which
    differ in their weights alone. Structure means the decoder's class, its printed form and the
    shapes of its weights.

    Parameters
    ----------
    decoder : nn.Module
        Network; a copy of it is traced.
    layer : str
        Dotted name of the layer.
    n_channels, n_times : int
        Shape of a trial.
    cam_placement : str
        Where columns lie: ``"centres"`` of their receptive fields, or ``"stretch"``, evenly over
        the epoch, as an image is resized, wherever their receptive fields are. Either way time
        runs along time.

    Raises
    ------
    ValueError
        When the layer is not called in a forward pass.
    """
    fields = layer_fields(decoder, n_channels, n_times)
    key = (_structure(decoder), n_channels, n_times)
    if layer not in fields:
        raise ValueError(f"layer {layer!r} is not called in the forward pass")
    entry = (key, layer, cam_placement)
    if entry not in _placements:
        _placements[entry] = _placement_of_field(fields[layer], n_channels, n_times, cam_placement)
    return _placements[entry]


def layer_fields(
    decoder: nn.Module, n_channels: int, n_times: int
) -> dict[str, ReceptiveField | None]:
    """Receptive fields of all layers, traced once for each structure of decoder."""
    key = (_structure(decoder), n_channels, n_times)
    if key not in _fields:
        _fields[key] = receptive_fields(decoder, n_channels, n_times)
    return _fields[key]


def _structure(decoder: nn.Module) -> str:
    shapes = {name: tuple(weights.shape) for name, weights in decoder.state_dict().items()}
    return f"{type(decoder).__module__} {decoder!r} {shapes}"


def _placement_of_field(
    field: ReceptiveField | None, n_channels: int, n_times: int, cam_placement: CamPlacement
) -> Placement:
    if field is None:
        whole = torch.ones(1, n_times, dtype=torch.float64)
        return Placement(None, None, n_channels, whole, whole / n_times)
    centres = POSITIONS[cam_placement](field, n_times)
    return Placement(
        time_axis=field.time_axis,
        channel_axis=field.channel_axis,
        n_channels=n_channels,
        interpolation=torch.from_numpy(_interpolation(centres, n_times)),
        shares=torch.from_numpy(_normalised_weights(centres, n_times)),
    )


def _stretched(field: ReceptiveField, n_times: int) -> np.ndarray:
    """Centre samples of columns that divide the epoch evenly."""
    n_columns = len(field.start)
    return (np.arange(n_columns) + 0.5) * n_times / n_columns - 0.5


POSITIONS: dict[CamPlacement, Callable[[ReceptiveField, int], np.ndarray]] = {
    "centres": lambda field, n_times: field.centres,
    "stretch": _stretched,
}


def _interpolation(centres: np.ndarray, n_times: int) -> np.ndarray:
    times = np.arange(n_times)
    return np.stack([np.interp(times, centres, column) for column in np.eye(len(centres))])


def _normalised_weights(centres: np.ndarray, n_times: int) -> np.ndarray:
    """Interpolation weights scaled to sum one; a column that reaches no sample goes to one."""
    weights = _interpolation(centres, n_times)
    beyond = np.flatnonzero(weights.sum(axis=1) == 0)
    weights[beyond, centres[beyond].round().clip(0, n_times - 1).astype(int)] = 1
    return weights / weights.sum(axis=1, keepdims=True)
