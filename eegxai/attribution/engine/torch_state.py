"""What torch keeps for the whole thread, put back whatever a decoder or a method does to it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.overrides import (
    TorchFunctionMode,
    _get_current_function_mode_stack,
    _pop_mode,
    _push_mode,
)
from torch.utils import _python_dispatch as dispatch


@contextmanager
def torch_state_restored() -> Iterator[None]:
    """Context after which torch's modes, hooks of saved tensors and defaults are those of before.

    A ``with`` statement takes its mode off again, but for one in a function that torch.compile
    rewrites: where the compilation fails halfway, the mode stays for all that comes after.
    """
    modes, gradients = _get_current_function_mode_stack(), torch.is_grad_enabled()
    dispatch_modes, dtype = dispatch._get_current_dispatch_mode_stack(), torch.get_default_dtype()
    hooks = _saved_tensors_hooks()
    try:
        yield
    finally:
        _restore_dispatch_modes(dispatch_modes)
        _restore_modes(modes)
        _restore_saved_tensors_hooks(hooks)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)


def _restore_modes(before: list[TorchFunctionMode]) -> None:
    now = _get_current_function_mode_stack()
    if [id(mode) for mode in now] == [id(mode) for mode in before]:
        return
    for _ in now:
        _pop_mode()
    for mode in before:
        _push_mode(mode)


def _restore_dispatch_modes(before: list[dispatch.TorchDispatchMode]) -> None:
    now = dispatch._get_current_dispatch_mode_stack()
    if [id(mode) for mode in now] == [id(mode) for mode in before]:
        return
    for _ in now:
        dispatch._pop_mode()
    for mode in before:
        dispatch._push_mode(mode)


def _saved_tensors_hooks() -> Any:
    """The hooks that pack the next saved tensor; None where there are none."""
    return torch._C._autograd._top_saved_tensors_default_hooks(True)


def _restore_saved_tensors_hooks(before: Any) -> None:
    while (now := _saved_tensors_hooks()) is not None and now != before:
        torch._C._autograd._pop_saved_tensors_default_hooks()


class _EagerStance:
    """torch.compile's stance, which the threads of a process share: the last one restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._stance = ExitStack()

    def enter(self) -> None:
        """Let compiled code run as it was written."""
        with self._lock:
            if not self._users:
                self._stance.enter_context(torch.compiler.set_stance("force_eager"))
            self._users += 1

    def leave(self) -> None:
        """Compile again, when nobody needs the code as it was written."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._stance.close()


_EAGER = _EagerStance()


@contextmanager
def compiled_code_off() -> Iterator[None]:
    """Context in which functions of torch.compile run as they were written.

    Modes and hooks do not see what compiled code does. Without torch's compiler in memory there
    is none, and asking for it would load it, which takes seconds.
    """
    if "torch._dynamo" not in sys.modules:
        yield
        return
    _EAGER.enter()
    try:
        yield
    finally:
        _EAGER.leave()
