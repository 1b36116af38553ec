"""What torch keeps for the whole thread, put back whatever a decoder or a method does to it."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch.overrides import (
    TorchFunctionMode,
    _get_current_function_mode_stack,
    _pop_mode,
    _push_mode,
)


@contextmanager
def torch_state_restored() -> Iterator[None]:
    """Context after which torch's function modes and its gradient mode are those of before.

    A ``with`` statement takes its mode off again, but for one in a function that torch.compile
    rewrites: where the compilation fails halfway, the mode stays for all that comes after.
    """
    modes, gradients = _get_current_function_mode_stack(), torch.is_grad_enabled()
    try:
        yield
    finally:
        _restore_modes(modes)
        torch.set_grad_enabled(gradients)


def _restore_modes(before: list[TorchFunctionMode]) -> None:
    now = _get_current_function_mode_stack()
    if [id(mode) for mode in now] == [id(mode) for mode in before]:
        return
    for _ in now:
        _pop_mode()
    for mode in before:
        _push_mode(mode)


def compiled_code_off() -> AbstractContextManager[None]:
    """Context in which functions of torch.compile run as they were written.

    Modes and hooks do not see what compiled code does. Without torch's compiler in memory there
    is none, and asking for it would load it, which takes seconds.
    """
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    return torch.compiler.set_stance("force_eager")
