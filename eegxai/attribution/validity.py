"""Whether a method's maps mean anything on a decoder, decided before any map is scored."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from eegxai.attribution.calls import attribute
from eegxai.attribution.placement import layer_placement
from eegxai.attribution.registry import DegenerateMap, NotApplicable, find
from eegxai.attribution.requirements import has_cam_layer

CONSTANT = 1e-6  # span of a constant map relative to its largest magnitude: float32 rounding


@dataclass(frozen=True)
class Validity:
    """What a method's maps are worth on a decoder.

    Attributes
    ----------
    status : str
        ``"ok"``, ``"not_applicable"`` (the method means nothing there) or ``"degenerate"`` (its
        maps are empty, not finite, zero, or constant over time or channels).
    reason : str
        Why; for ``"ok"`` a limit of the map, if it has one.
    """

    status: Literal["ok", "not_applicable", "degenerate"]
    reason: str = ""


def validity(name: str, decoder: nn.Module, x: Tensor, target: Tensor) -> Validity:
    """Judge a method by its maps of some trials.

    Parameters
    ----------
    name, decoder, x, target
        As for :func:`eegxai.attribution.attribute`; a few trials are enough. A fault that only
        some trials' maps have is not the method's.

    Raises
    ------
    ValueError
        When the name is unknown or ``x`` or ``target`` is unusable.
    """
    try:
        maps = attribute(name, decoder, x, target)
    except NotApplicable as error:
        return Validity("not_applicable", str(error))
    except DegenerateMap as error:
        return Validity("degenerate", str(error))
    if not maps.any():
        return Validity("degenerate", f"{name}'s maps are zero everywhere")
    if _constant(maps, axis=2):
        return Validity("degenerate", f"{name}'s maps are constant over time")
    if not _constant(maps, axis=1):
        return Validity("ok")
    if _declares_no_channels(name, decoder, x):
        return Validity(
            "ok", f"no channel resolution: the CAM layer {decoder.cam_layer!r} has none"
        )
    return Validity("degenerate", f"{name}'s maps are constant over channels")


def _declares_no_channels(name: str, decoder: nn.Module, x: Tensor) -> bool:
    if has_cam_layer not in find(name).requires:
        return False
    return layer_placement(decoder, str(decoder.cam_layer), *x.shape[1:]).channel_axis is None


def _constant(maps: Tensor, axis: int) -> bool:
    """Whether every trial's map is constant along an axis."""
    span = maps.amax(axis) - maps.amin(axis)
    size = maps.abs().amax((1, 2))
    return bool((span.amax(1) <= CONSTANT * size).all())
