"""Max-pools for passes that nobody differentiates.

torch's write down the place of every maximum, in eight bytes, for a gradient that ScoreCAM never
asks for: a sixth of its time on the study's network.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class WithoutPlaces(TorchFunctionMode):
    """Context in which max-pools give their values as ever and do not look for their places.

    Those are changed that cut their input into windows without overlap, padding or gaps.
    """

    def __torch_function__(
        self,
        function: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """See torch.overrides."""
        values = _pooled(*args, **(kwargs or {})) if function is F.max_pool2d else None
        return function(*args, **(kwargs or {})) if values is None else values


def _pooled(
    z: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | None:
    """Values of a max-pool; None where its windows are others or places are asked for."""
    height, width = window = _pair(kernel_size)
    plain = _pair(padding) == (0, 0) and _pair(dilation) == (1, 1)
    if not plain or ceil_mode or return_indices or _pair(stride or kernel_size) != window:
        return None
    rows, columns = z.shape[-2] // height * height, z.shape[-1] // width * width
    places = product(range(height), range(width))
    return reduce(torch.maximum, (z[..., i:rows:height, j:columns:width] for i, j in places))


def _pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)
