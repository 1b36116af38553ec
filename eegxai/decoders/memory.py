"""What is done when a device has too little memory for so many trials at once."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def free_cached_memory() -> None:
    """Give back what torch keeps of a GPU's memory for later use."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def in_parts_that_fit(call: Callable[[int], Result], size: int) -> Result:
    """Result of a call that processes ``size`` trials at a time, or half as many until they fit.

    Parameters
    ----------
    call : callable
        Takes the number of trials at a time, on which its result does not depend.
    size : int
        Number of trials at a time at first.

    Raises
    ------
    torch.OutOfMemoryError
        When a single trial does not fit.

    Examples
    --------
    >>> from eegxai.decoders.memory import in_parts_that_fit
    >>> in_parts_that_fit(lambda size: f"{size} at a time", 8)
    '8 at a time'
    """
    while True:
        try:
            return call(size)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        # Only here are the tensors of the failed call free.
        size //= 2
        free_cached_memory()
        log.warning("out of memory: %d trials are processed at a time", size)
