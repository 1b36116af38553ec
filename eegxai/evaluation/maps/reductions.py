"""Reductions of stacks of maps: sums, windows, order statistics.

Tensors on the CPU go to a compiled kernel, all others to the equivalent torch function.
"""

from collections.abc import Callable
from functools import cache, wraps

from torch import Tensor

from eegxai.evaluation.maps import torch_reductions

Reduction = Callable[..., Tensor]


@cache
def _cpu_kernels() -> dict[Reduction, Reduction]:
    """The CPU kernel of each torch function."""
    # Their compiler takes half a second and 50 MB, which commands that read tables do not need.
    from eegxai.evaluation.maps import cpu_kernels, cpu_order_kernels

    return {
        torch_reductions.moments: cpu_kernels.moments,
        torch_reductions.overlap: cpu_kernels.overlap,
        torch_reductions.windowed_ssim: cpu_kernels.windowed_ssim,
        torch_reductions.kth_largest: cpu_order_kernels.kth_largest,
        torch_reductions.ascending: cpu_order_kernels.ascending,
    }


def _compiled_on_cpu(function: Reduction) -> Reduction:
    """The function, or its kernel if the tensors are on the CPU."""

    @wraps(function)
    def reduce(maps: Tensor, *others: Tensor) -> Tensor:
        on_cpu = maps.device.type == "cpu"
        return (_cpu_kernels()[function] if on_cpu else function)(maps, *others)

    return reduce


moments = _compiled_on_cpu(torch_reductions.moments)
overlap = _compiled_on_cpu(torch_reductions.overlap)
windowed_ssim = _compiled_on_cpu(torch_reductions.windowed_ssim)
kth_largest = _compiled_on_cpu(torch_reductions.kth_largest)
ascending = _compiled_on_cpu(torch_reductions.ascending)
