"""Decoders as they were written: without torch.compile, whose code no hook and no mode sees."""

from collections.abc import Mapping
from copy import deepcopy
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

WRAPPED_MODULE = "_orig_mod"  # where torch.compile keeps the module
WRAPPED_METHOD = "_torchdynamo_orig_callable"


def original_module(decoder: nn.Module) -> nn.Module:
    """The module behind a compiled one; any other module as it is."""
    while WRAPPED_MODULE in decoder._modules:
        decoder = decoder.get_submodule(WRAPPED_MODULE)
    return decoder


def uncompiled_copy(decoder: nn.Module) -> nn.Module:
    """Private copy of a decoder, of the same weights, in which no module is compiled.

    Raises
    ------
    ValueError
        When a module is compiled by torch.jit, from which there is no way back, or cannot be
        copied, or the decoder is no module.
    """
    if not isinstance(decoder, nn.Module):
        raise ValueError(f"decoder must be a torch.nn.Module, not {type(decoder).__name__}")
    _refuse_scripted(decoder)
    copies: dict[int, Any] = {}
    copy = copied(original_module(decoder), copies)
    for module in list(copy.modules()):
        for name, child in module._modules.items():
            if child is not None:
                module._modules[name] = original_module(child)
        _uncompile_methods(module, copies)
    return copy


def copied(decoder: nn.Module, copies: dict[int, Any] | None = None) -> nn.Module:
    """Deep copy of a decoder, of one that has been run in training mode too.

    Parameters
    ----------
    decoder : nn.Module
        Network to copy.
    copies : dict, optional
        Filled with what has been copied, by id, as ``deepcopy`` does.

    Raises
    ------
    ValueError
        When something in it cannot be copied.
    """
    copies = {} if copies is None else copies
    copies |= _values_with_a_history(decoder)
    try:
        return deepcopy(decoder, copies)
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"{type(decoder).__name__} cannot be copied, and methods work on a copy: {error}"
        ) from error


def _values_with_a_history(decoder: nn.Module) -> dict[int, Tensor]:
    """Copies by id of what torch does not copy: tensors that a pass in training mode computed.

    Modules keep some: the weights of the old ``weight_norm`` and ``spectral_norm``, attention.
    """
    kept = (leaf for module in decoder.modules() for leaf in tree_leaves(vars(module)))
    computed = (leaf for leaf in kept if isinstance(leaf, Tensor) and not leaf.is_leaf)
    return {id(tensor): tensor.detach().clone() for tensor in computed}


def _refuse_scripted(decoder: nn.Module) -> None:
    for name, module in decoder.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            what = f"module {name!r} of the decoder" if name else "the decoder"
            raise ValueError(
                f"{what} is compiled by torch.jit, so that methods have no access to its layers: "
                "pass the nn.Module that it was made from"
            )


def _uncompile_methods(module: nn.Module, copies: Mapping[int, Any]) -> None:
    """Undo ``module.forward = torch.compile(module.forward)``: copied, it runs the original's."""
    for name, value in list(vars(module).items()):
        method = getattr(value, WRAPPED_METHOD, None)
        if isinstance(method, MethodType) and id(method.__self__) in copies:
            setattr(module, name, MethodType(method.__func__, copies[id(method.__self__)]))
