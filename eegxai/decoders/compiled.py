"""Decoders as they were written: without torch.compile, whose code no hook and no mode sees."""

from collections.abc import Mapping
from copy import deepcopy
from types import MethodType
from typing import Any

import torch
from torch import nn

WRAPPED = "_orig_mod"  # where torch.compile keeps the module
WRAPPED_METHOD = "_torchdynamo_orig_callable"


def original_module(decoder: nn.Module) -> nn.Module:
    """The module behind a compiled one; any other module as it is."""
    while WRAPPED in decoder._modules:
        decoder = decoder.get_submodule(WRAPPED)
    return decoder


def uncompiled_copy(decoder: nn.Module) -> nn.Module:
    """Private copy of a decoder, of the same weights, in which no module is compiled.

    Raises
    ------
    ValueError
        When a module is compiled by torch.jit, from which there is no way back.
    """
    _refuse_scripted(decoder)
    copies: dict[int, Any] = {}
    copy = deepcopy(original_module(decoder), copies)
    for module in list(copy.modules()):
        for name, child in module._modules.items():
            if child is not None:
                module._modules[name] = original_module(child)
        _uncompile_methods(module, copies)
    return copy


def _refuse_scripted(decoder: nn.Module) -> None:
    for name, module in decoder.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            what = f"module {name!r} of the decoder" if name else "the decoder"
            raise ValueError(
                f"{what} is compiled by torch.jit, so no method can look inside: "
                "pass the nn.Module that it was made from"
            )


def _uncompile_methods(module: nn.Module, copies: Mapping[int, Any]) -> None:
    """Undo ``module.forward = torch.compile(module.forward)``: copied, it runs the original's."""
    for name, value in list(vars(module).items()):
        method = getattr(value, WRAPPED_METHOD, None)
        if isinstance(method, MethodType) and id(method.__self__) in copies:
            setattr(module, name, MethodType(method.__func__, copies[id(method.__self__)]))
