"""How exactly a forward pass computes: number types, and products of float32 on a GPU.

torch lets a GPU round the factors of float32 convolutions to ten bits (TF32) by default, which
changes explanations by a thousandth. Here that is a choice of training alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


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

    The setting is one of the process, put back afterwards. A process that chose by the settings of
    single operations, which torch does not let one mix with this one, keeps its choice.

    Examples
    --------
    >>> import torch
    >>> from eegxai.decoders.precision import float32_products
    >>> with float32_products(torch.device("cuda")):
    ...     torch.backends.cudnn.allow_tf32
    False
    """
    before = _allowed() if device.type == "cuda" else None
    if before is None:
        yield
        return
    _allow(tf32, tf32)
    try:
        yield
    finally:
        _allow(*before)


def _allowed() -> tuple[bool, bool] | None:
    """Whether matrix products and convolutions may be rounded; None if set for each operation."""
    try:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    except RuntimeError:
        return None


def _allow(products: bool, convolutions: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = products
    torch.backends.cudnn.allow_tf32 = convolutions
