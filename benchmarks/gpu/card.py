"""The device: what it is, and the peaks that it reaches in products of matrices."""

import platform
import time
from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor

from benchmarks.gpu.parts import LeftOutError, Row
from benchmarks.gpu.sizes import Sizes
from eegxai.decoders.precision import PRECISIONS, float32_products
from eegxai.machine import processor, usable_cpus

N_PRODUCTS = 10


def device() -> torch.device:
    """The GPU, or the CPU of a machine without CUDA."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def require_gpu() -> None:
    """Leave a part out on a machine without a GPU."""
    if device().type != "cuda":
        raise LeftOutError("this machine has no CUDA device")


def finished() -> float:
    """Time, s, when all that the device has been told to do is done."""
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def peak_memory(call: Callable[[], object]) -> float | None:
    """GB that a call takes of the device at most, with what is there before; None on a CPU."""
    if device().type != "cuda":
        call()
        return None
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() / 1e9


def rows(sizes: Sizes) -> Iterator[Row]:
    """Names and versions, then the peak of every precision."""
    yield {"what": "device", "value": name()}
    yield {"what": "processor", "value": f"{processor()}, {usable_cpus()} cores"}
    yield {"what": "versions", "value": versions()}
    for precision in PRECISIONS:
        yield {"what": f"{precision}, TFLOP/s", "value": peak(precision, sizes.side) / 1e12}
    yield {"what": "memory, GB/s read and written", "value": bandwidth(sizes.side)}


def name() -> str:
    """Name and memory of the device."""
    if device().type != "cuda":
        return "CPU, since this machine has no CUDA device"
    of = torch.cuda.get_device_properties(0)
    return f"{of.name}, {of.total_memory / 1e9:.0f} GB, {of.multi_processor_count} multiprocessors"


def versions() -> str:
    """Versions of what computes."""
    python = f"Python {platform.python_version()}, torch {torch.__version__}"
    cudnn = torch.backends.cudnn.version() if device().type == "cuda" else None
    return f"{python}, CUDA {torch.version.cuda}, cuDNN {cudnn}" if cudnn else python


@cache
def peak(precision: str, side: int) -> float:
    """Operations a second of a product of square matrices of random numbers."""
    of = PRECISIONS[precision]
    one, two = (torch.randn(side, side, device=device(), dtype=of.dtype) for _ in range(2))
    with float32_products(device(), of.tf32):
        return 2 * side**3 / seconds(lambda: one @ two)


def bandwidth(side: int) -> float:
    """GB/s of a copy, bytes read and written."""
    values = torch.randn(4 * side, side, device=device())
    place = torch.empty_like(values)
    return 2 * values.nbytes / seconds(lambda: place.copy_(values)) / 1e9


def seconds(call: Callable[[], Tensor]) -> float:
    """Mean time of a call among several, after three that are not timed, s."""
    for _ in range(3):
        call()
    started = finished()
    for _ in range(N_PRODUCTS):
        call()
    return (finished() - started) / N_PRODUCTS
