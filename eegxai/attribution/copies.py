"""Private copies of decoders that take trials (trials, channels, times) and may be hooked."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from eegxai.attribution.engine.adapted import adapt
from eegxai.attribution.engine.torch_state import compiled_code_off, torch_state_restored
from eegxai.decoders.compiled import copied, uncompiled_copy
from eegxai.decoders.precision import float32_products
from eegxai.decoders.recurrent import make_differentiable
from eegxai.seeding import global_generators

COPY_SEED = 0  # of passes that draw random numbers, so that what is decided by them is decided once


@contextmanager
def adapted_copy(
    decoder: nn.Module,
    x: Tensor,
    cam_layer: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Iterator[tuple[nn.Module, Tensor]]:
    """Copy that methods may hook and trials for it; whatever fails, torch is left as it was.

    The copy takes the trials and returns a table of outputs.
    """
    with private_copy(decoder, x, detached) as (copy, trials):
        adapt(copy, trials, cam_layer, arguments)
        yield copy, trials


@contextmanager
def private_copy(
    decoder: nn.Module, x: Tensor, make_copy: Callable[[nn.Module], nn.Module] = copied
) -> Iterator[tuple[nn.Module, Tensor]]:
    """Copy of a decoder and of trials, in a torch that is afterwards as it was before."""
    with torch_state_restored(), torch.inference_mode(False), torch.enable_grad():
        copy = make_copy(decoder)
        trials = moved(x, copy)
        with (
            compiled_code_off(),
            torch.autocast(trials.device.type, enabled=False),
            global_generators(COPY_SEED, trials.device),
            float32_products(trials.device),
        ):
            yield copy, trials


def detached(decoder: nn.Module) -> nn.Module:
    """Copy in evaluation mode, frozen, with nothing compiled and nothing done in place.

    Hooks of gradients are left out: they would watch, or change, the gradients of methods.
    """
    copy = uncompiled_copy(decoder).eval()
    _refuse_without_values(copy)
    copy.requires_grad_(False)
    make_differentiable(copy)
    for module in copy.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
        module._backward_hooks.clear()  # they put nodes of their own into the graph
        module._backward_pre_hooks.clear()
    return copy


def _refuse_without_values(decoder: nn.Module) -> None:
    kind = type(decoder).__name__
    for name, value in (*decoder.named_parameters(), *decoder.named_buffers()):
        if is_lazy(value):
            raise ValueError(
                f"{kind} has not been run yet: {name!r} of a lazy layer has no values before a "
                "first pass; pass some trials through it, and train it"
            )
        if value.is_meta:
            raise ValueError(
                f"{kind} is on the device 'meta', where {name!r} has a shape and no values: load "
                "its weights on another"
            )


def moved(x: Tensor, decoder: nn.Module) -> Tensor:
    """Private copy of trials, of the type and on the device of the decoder.

    They are those of its first parameter or buffer of real floating-point numbers: others may be
    complex, or counts.
    """
    values = (*decoder.parameters(), *decoder.buffers())
    return x.detach().to(next(filter(torch.is_floating_point, values), x), copy=True)
