"""How exactly a forward pass computes: number types, and products of float32 on a GPU.

torch lets a GPU round the factors of float32 convolutions to ten bits (TF32) by default, which
changes explanations by a thousandth. Here that is a choice of training alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

# What a GPU may round the factors of, by torch's name: "ieee" for not at all.
OPERATIONS: tuple[Any, ...] = (
    torch.backends.cuda.matmul,
    torch.backends.cudnn.conv,  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn,
)


@dataclass(frozen=True)
class Precision:
    """Number type of a forward pass.

    Attributes
    ----------
    dtype : torch.dtype
        Type that autocast uses.
    tf32 : bool
        Whether a GPU may round the factors of float32 products; on a CPU it changes nothing.
    """

    dtype: torch.dtype
    tf32: bool = False

    def autocast(self, device: torch.device) -> torch.autocast:
        """Context of the forward pass; gradients have the types of what they belong to."""
        return torch.autocast(device.type, self.dtype, enabled=self.dtype != torch.float32)


PRECISIONS = {
    "float32": Precision(torch.float32),
    "tf32": Precision(torch.float32, tf32=True),
    "bfloat16": Precision(torch.bfloat16),
}


@contextmanager
def float32_products(device: torch.device, tf32: bool = False) -> Iterator[None]:
    """Context in which a GPU multiplies float32 numbers exactly, or rounded to TF32.

    The settings are those of the process for each kind of operation, put back afterwards.

    Examples
    --------
    >>> import torch
    >>> from eegxai.decoders.precision import float32_products
    >>> with float32_products(torch.device("cuda")):
    ...     torch.backends.cudnn.conv.fp32_precision
    'ieee'
    """
    if device.type != "cuda":
        yield
        return
    before = [operation.fp32_precision for operation in OPERATIONS]
    _allow(["tf32" if tf32 else "ieee"] * len(before))
    try:
        yield
    finally:
        _allow(before)


def _allow(precisions: Sequence[str]) -> None:
    for operation, precision in zip(OPERATIONS, precisions, strict=True):
        operation.fp32_precision = precision
