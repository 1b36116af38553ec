"""Passes through a decoder that several methods need, computed once where they run together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from torch import Tensor, nn

T = TypeVar("T")
Pass = Callable[[nn.Module, Tensor, Tensor], T]

# By function and arguments; the arguments are kept, so that no other object takes their id.
_done: ContextVar[dict[tuple[Any, ...], tuple[Any, ...]] | None] = ContextVar("done", default=None)


def shared(function: Pass[T]) -> Pass[T]:
    """Compute ``function(decoder, x, target)`` once for the same objects inside ``sharing``.

    Its result must not be changed by those who get it.
    """

    @wraps(function)
    def once(decoder: nn.Module, x: Tensor, target: Tensor) -> T:
        done = _done.get()
        if done is None:
            return function(decoder, x, target)
        key = (function, id(decoder), id(x), id(target))
        if key not in done:
            done[key] = function(decoder, x, target), decoder, x, target
        result: T = done[key][0]
        return result

    return once


@contextmanager
def sharing() -> Iterator[None]:
    """Keep the results of shared passes inside the context."""
    token = _done.set({})
    try:
        yield
    finally:
        _done.reset(token)
