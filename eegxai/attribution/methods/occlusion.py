"""What the target's logit loses when a part of the trial is replaced by a baseline.

Zeiler & Fergus, arXiv:1311.2901. Each sample takes the loss of the part that it is in, the mean
over the parts where they overlap; so a map's values are differences of logits.
"""

from collections.abc import Iterator

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from eegxai.attribution.core.reference_input import ReferenceInput, reference_input
from eegxai.attribution.core.registry import attribution, target_logits
from eegxai.attribution.engine.forward_only import MaxPoolWithoutIndices


def _no_time(_decoder: nn.Module, _x: Tensor) -> dict[str, str]:
    return {"times": "no time resolution: whole channels are occluded"}


def _no_channels(_decoder: nn.Module, _x: Tensor) -> dict[str, str]:
    return {"channels": "no channel resolution: windows of all channels are occluded"}


@attribution("ChannelOcclusion", limits=_no_time)
def channel_occlusion(
    decoder: nn.Module, x: Tensor, target: Tensor, *, baseline: ReferenceInput = "zero"
) -> Tensor:
    """Loss by each channel's occlusion, the same at all its samples: no time resolution.

    Parameters
    ----------
    baseline : str
        ``"zero"``, or ``"mean"``: each channel's mean over the trial's samples.
    """
    rows = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
    parts = (row[:, None].expand(x.shape[1:]) for row in rows)
    return _loss(decoder, x, target, parts, baseline)


@attribution("TimeOcclusion", limits=_no_channels)
def time_occlusion(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    window: PositiveInt = 25,
    stride: PositiveInt = 5,
    baseline: ReferenceInput = "zero",
) -> Tensor:
    """Loss by the occlusion of windows of time in all channels: no channel resolution.

    Parameters
    ----------
    window : int
        Width of a window in samples; a longer one than the trial is the trial.
    stride : int
        Samples from a window to the next; the last window may be cut off by the trial's end.
    baseline : str
        ``"zero"``, or ``"mean"``: each channel's mean over the trial's samples.

    Raises
    ------
    ValueError
        When the stride is longer than the window, which would leave samples out.
    """
    if stride > window:
        raise ValueError(f"stride={stride} must be at most window={window} samples")
    return _loss(decoder, x, target, _windows(x, window, stride), baseline)


def _windows(x: Tensor, window: int, stride: int) -> Iterator[Tensor]:
    times = torch.arange(x.shape[2], device=x.device)
    last = max(len(times) - window, 0)
    for start in range(0, last + stride, stride):
        yield ((times >= start) & (times < start + window)).expand(x.shape[1:])


def _loss(
    decoder: nn.Module, x: Tensor, target: Tensor, parts: Iterator[Tensor], baseline: ReferenceInput
) -> Tensor:
    """Mean loss over the parts, masks (channels, times), that hold each sample."""
    start = reference_input(x, baseline)
    total, count = torch.zeros_like(x), torch.zeros_like(x[0])
    with torch.no_grad(), MaxPoolWithoutIndices():
        whole = target_logits(decoder, x, target)
        for part in parts:
            loss = whole - target_logits(decoder, torch.where(part, start, x), target)
            total += part * loss[:, None, None]
            count += part
    return total / count
