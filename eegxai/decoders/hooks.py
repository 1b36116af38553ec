"""Hooks on a decoder's modules, removed whatever happens inside their context."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import nn

Hook = Callable[..., Any]


def hookable(decoder: nn.Module) -> list[str]:
    """Dotted names of the modules to watch: all but those that only compute a parameter."""
    names = (name for name, _ in decoder.named_modules())
    return [name for name in names if "parametrizations" not in name.split(".")]


@contextmanager
def hooked(
    decoder: nn.Module, names: Iterable[str], hook: Hook, *, before: bool = False
) -> Iterator[None]:
    """Call a hook at each call of the named modules.

    Parameters
    ----------
    decoder : nn.Module
        Network that holds the modules.
    names : iterable of str
        Dotted names of its modules.
    hook : callable
        ``(name, args, kwargs, output) -> output``, where None leaves the output as it is.
    before : bool
        Call ``hook(name, args, kwargs)`` before the module instead.
    """
    register = nn.Module.register_forward_pre_hook if before else nn.Module.register_forward_hook
    with ExitStack() as handles:
        for name in names:
            called = partial(_without_module, hook, name)
            handle = register(decoder.get_submodule(name), called, with_kwargs=True)
            handles.callback(handle.remove)
        yield


def _without_module(hook: Hook, name: str, _module: nn.Module, *call: Any) -> Any:
    return hook(name, *call)
