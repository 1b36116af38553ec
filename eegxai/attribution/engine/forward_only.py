"""Rectifiers and max-pools for passes that nobody differentiates.

torch's write down the position of every maximum, in eight bytes, for a gradient that ScoreCAM never
asks for: a sixth of its time on the study's network.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from functools import reduce
from itertools import pairwise, product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from eegxai.attribution.core.registry import target_logits
from eegxai.decoders.lone_trials import pair_of


def masked_logits(decoder: nn.Module, x: Tensor, target: Tensor, masks: Iterable[Tensor]) -> Tensor:
    """Target logits of the trials times each of several masks of x's shape, (trials, masks).

    The masks are overwritten.
    """
    with torch.no_grad(), MaxPoolWithoutIndices():
        quick = pool_before_relu(decoder, x)
        return torch.stack([target_logits(quick, mask.mul_(x), target) for mask in masks], 1)


def pool_before_relu(decoder: nn.Module, x: Tensor) -> nn.Module:
    """Copy of a decoder that pools before it rectifies, where it rectified before it pooled.

    ReLU grows, so it and the maximum may change places: the same bits, from half the work or
    less. Those next to each other in a Sequential do, and such a ReLU works in place. Should
    the logits of the first trial change, because the decoder calls them in another way, it is
    the decoder itself.
    """
    copy = _pooled_first(decoder)
    pair = pair_of(x)
    return copy if torch.equal(copy(pair), decoder(pair)) else decoder


def _pooled_first(decoder: nn.Module) -> nn.Module:
    copy = deepcopy(decoder)
    for module in copy.modules():
        if isinstance(module, nn.Sequential):
            for position, (one, other) in enumerate(pairwise(list(module))):
                if isinstance(one, nn.ReLU) and isinstance(other, nn.MaxPool2d):
                    module[position], module[position + 1] = other, nn.ReLU(inplace=True)
    return copy


class MaxPoolWithoutIndices(TorchFunctionMode):
    """Context in which max-pools give their values as ever and do not look for their positions.

    Those are changed that cut their input into windows, larger than one value, without overlap,
    padding or gaps.
    """

    def __torch_function__(
        self,
        function: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """See torch.overrides."""
        values = _max_pooled(*args, **(kwargs or {})) if function is F.max_pool2d else None
        return function(*args, **(kwargs or {})) if values is None else values


def _max_pooled(
    z: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | None:
    """Values of a max-pool; None where its windows are others or positions are asked for."""
    height, width = window = _pair(kernel_size)
    plain = _pair(padding) == (0, 0) and _pair(dilation) == (1, 1)
    if (
        window == (1, 1)
        or not plain
        or ceil_mode
        or return_indices
        or _pair(stride or kernel_size) != window
    ):
        return None
    rows, columns = z.shape[-2] // height * height, z.shape[-1] // width * width
    positions = product(range(height), range(width))
    return reduce(torch.maximum, (z[..., i:rows:height, j:columns:width] for i, j in positions))


def _pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)
