"""``elsewhere``: a device in all but hardware, for machines without a GPU.

Its tensors lie in the CPU's memory and are computed with there, but torch, autograd included, takes
them for those of another device: what is made without ``device=`` is on the CPU and does not mix
with them, NumPy cannot read them, and a CPU generator cannot fill them. So code that would fail on
a GPU because its tensors are in two places fails here, and what does not fail can be compared with
the CPU's numbers. Importing this registers the device; do that in a process of its own.
"""

from functools import partial

import torch
from torch.library import Library, fallthrough_kernel
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

NAME = "elsewhere"
CPU = torch.device("cpu")
aten = torch.ops.aten
# Operations that take tensors from two devices on a GPU as well.
ACROSS = {
    aten.copy_.default,
    aten._to_copy.default,
    aten.index.Tensor,
    aten.index_put_.default,
    aten._index_put_impl_.default,
}
# They enlarge a tensor that is there already, which a wrapper does not learn.
MAKERS = ("arange", "arange.start", "arange.start_step", "eye", "eye.m")


class Backend(_DummyBackendModule):
    """What torch asks of the module of a device."""

    def get_amp_supported_dtype(self):
        return [torch.bfloat16, torch.float16]

    # Its random numbers are the CPU's: it has no state of its own, for which torch 2.15 asks.
    def get_rng_state(self, device=None):
        return torch.empty(0, dtype=torch.uint8)

    def set_rng_state(self, state, device=None):
        pass


class Elsewhere(torch.Tensor):
    """Tensor of the device; ``here`` are its values on the CPU."""

    @staticmethod
    def __new__(cls, here):
        return torch.Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), storage_offset=here.storage_offset(),
            dtype=here.dtype, device=f"{NAME}:0",
        )  # fmt: skip

    def __init__(self, here):
        self.here = here

    def __getitem__(self, key):
        return super().__getitem__(torch.tensor(key) if isinstance(key, list) else key)

    def __repr__(self):
        return f"{self.here!r} {NAME}"

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        return computed(op, *args, **(kwargs or {}))


def computed(op, *args, **kwargs):
    """What an operation gives, computed on the CPU if all its tensors are on one device."""
    tensors = [*tensors_of(args), *tensors_of(kwargs.values())]
    check_places(op, tensors, kwargs)
    device = torch.device(kwargs.get("device") or NAME)
    if kwargs.get("device"):
        kwargs["device"] = CPU
    out = op(*on_cpu(args), **{name: on_cpu(value) for name, value in kwargs.items()})
    if op is aten.copy_.default:
        return args[0]
    return out if device == CPU else moved(out, tensors)


def moved(out, given):
    """The results as tensors of the device; an operation in place gives what it was given."""
    there = [tensor for tensor in given if isinstance(tensor, Elsewhere)]
    if any(tensor.shape != tensor.here.shape for tensor in there):
        raise NotImplementedError("an operation changes the shape of a tensor in place")
    same = {id(tensor.here): tensor for tensor in there}
    return changed(out, torch.Tensor, lambda v: same[id(v)] if id(v) in same else Elsewhere(v))


def check_places(op, tensors, kwargs):
    """Refuse what a GPU refuses; a number in a tensor without axes may come from the CPU."""
    strangers = [tensor for tensor in tensors if tensor.device == CPU and tensor.dim()]
    if strangers and op not in ACROSS:
        raise RuntimeError(f"{op}: expected all tensors to be on one device, found {NAME} and cpu")
    if kwargs.get("generator") is not None:
        raise RuntimeError(f"{op}: expected a generator of {NAME}, found one of cpu")


def tensors_of(values):
    """Tensors among arguments, which are also in lists; torch's pytree takes longer than most."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_of(value)


def changed(value, kind, change):
    """A value, or a list or tuple of values, with all tensors of a kind changed."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(changed(one, kind, change) for one in value)
    return value


def on_cpu(value):
    return changed(value, Elsewhere, lambda tensor: tensor.here)


def made(op, *args, device=None, pin_memory=None, **kwargs):
    return Elsewhere(op(*args, **kwargs))


def lstm_cell(input_gates, hidden_gates, state, input_bias=None, hidden_bias=None):
    """One step of an LSTM, which torch has as one operation for GPUs alone."""
    gates = input_gates + hidden_gates
    for bias in (input_bias, hidden_bias):
        gates = gates if bias is None else gates + bias
    enter, forget, new, leave = gates.chunk(4, 1)
    state = forget.sigmoid() * state + enter.sigmoid() * new.tanh()
    return leave.sigmoid() * state.tanh(), state, gates


_setup_privateuseone_for_python_backend(NAME, Backend())
ALL, ATEN = Library("_", "IMPL"), Library("aten", "IMPL")
ALL.fallback(computed, "PrivateUse1")
ALL.fallback(fallthrough_kernel, "AutocastPrivateUse1")
for maker in MAKERS:
    packet, _, overload = maker.partition(".")
    ATEN.impl(
        maker, partial(made, getattr(getattr(aten, packet), overload or "default")), "PrivateUse1"
    )
ATEN.impl("_thnn_fused_lstm_cell", lstm_cell, "AutogradPrivateUse1")
