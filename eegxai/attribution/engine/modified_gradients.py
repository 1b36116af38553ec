"""Gradients by other rules: operations replaced as the forward pass calls them.

Deconvolution, guided backpropagation, DeepLift and layer-wise relevance propagation are the
gradient with another local rule at certain operations (Ancona et al., ICLR 2018, arXiv:1711.06104).
Here a rule replaces an operation by one of the same value and another gradient. The operations are
met where torch dispatches them, so nn.ReLU, F.relu and Tensor.relu are one operation, and a module
may be called any number of times.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from eegxai.attribution.engine.python_functions import asks_for_a_mode, without_asking

# Other names of operations; the trailing underscore of those in place is handled separately.
ALIASES = {
    "__mul__": "mul", "__rmul__": "mul", "multiply": "mul", "__imul__": "mul_",
    "__truediv__": "div", "divide": "div", "true_divide": "div", "__itruediv__": "div_",
    "__matmul__": "matmul", "__rmatmul__": "matmul", "__pow__": "pow", "__ipow__": "pow_",
    "__abs__": "abs", "absolute": "abs", "clip": "clamp", "clip_": "clamp_",
    "special_logsumexp": "logsumexp", "special_expit": "sigmoid", "special_logit": "logit",
    "special_softmax": "softmax",
    "special_log_softmax": "log_softmax", "linalg_matmul": "matmul", "arctan2": "atan2",
}  # fmt: skip

# Elementwise operations of one input.
ELEMENTWISE = frozenset({
    "relu", "leaky_relu", "prelu", "rrelu", "threshold", "hardtanh", "elu", "celu", "selu",
    "gelu", "silu", "mish", "hardswish", "sigmoid", "log_sigmoid", "hardsigmoid", "tanh",
    "softplus", "softshrink", "hardshrink", "clamp", "clamp_min", "clamp_max", "maximum",
    "minimum", "pow", "square", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log",
    "log2", "log10", "log1p", "logit", "abs", "erf", "sin", "cos", "atan",
})  # fmt: skip
PRODUCTS = frozenset({"mul", "matmul", "mm", "bmm", "mv", "dot", "outer", "einsum"})


@dataclass(frozen=True, eq=False)
class OpCall:
    """One call of an operation.

    Attributes
    ----------
    function : callable
        What was called.
    args, kwargs
        All of its arguments.
    inputs : list of Tensor
        Those of them that depend on the trials.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Tensor]

    @classmethod
    def of(cls, function: Callable[..., Any], *args: Any, **kwargs: Any) -> "OpCall":
        """The call with these arguments, and which of them depend on the trials."""
        return cls(function, args, kwargs, _inputs((*args, *kwargs.values())))

    def at(self, *inputs: Tensor) -> Any:
        """Result of the operation at other inputs."""
        args, kwargs = _with_inputs((self.args, self.kwargs), iter(inputs))
        return self.function(*args, **kwargs)

    def plain(self) -> Any:
        """Result of the operation with its own gradient."""
        return self.function(*self.args, **self.kwargs)


# torch's own functions for nested arguments took half of the time of a recurrent decoder.
def _inputs(values: Iterable[Any]) -> list[Tensor]:
    """Tensors in nested arguments that depend on the trials."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found += [value] if value.requires_grad else []
        elif isinstance(value, dict):
            found += _inputs(value.values())
        elif isinstance(value, tuple | list):
            found += _inputs(value)
    return found


def _with_inputs(value: Any, inputs: Iterator[Tensor]) -> Any:
    """Nested arguments with others in place of those that depend on the trials."""
    if isinstance(value, Tensor):
        return next(inputs) if value.requires_grad else value
    if isinstance(value, dict):
        return {key: _with_inputs(part, inputs) for key, part in value.items()}
    if isinstance(value, tuple | list):
        parts = [_with_inputs(part, inputs) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value


GradientRule = Callable[[OpCall], Any]
Decomposition = Callable[..., Any]


class ModifiedGradients(TorchFunctionMode):
    """Context in which operations that depend on the trials follow rules.

    Parameters
    ----------
    rules : mapping of str to GradientRule
        By name of the operation: from the call to its result.
    rewritten : mapping of str to callable
        By name of the operation: a function of the same arguments that does the same by
        operations that have rules, or returns NotImplemented where it has nothing to rewrite.
    """

    def __init__(
        self,
        rules: Mapping[str, GradientRule],
        rewritten: Mapping[str, Decomposition] | None = None,
    ) -> None:
        super().__init__()
        self.rules = rules
        self.rewritten = rewritten or {}
        self.applied: set[str] = set()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call an operation by its rule; torch comes here with the mode switched off."""
        kwargs = kwargs or {}
        if not _inputs((*args, *kwargs.values())):
            return func(*args, **kwargs)
        if asks_for_a_mode(func):
            with self:
                return without_asking(func)(*args, **kwargs)
        name = ALIASES.get(func.__name__, func.__name__)
        if name.endswith("_") and not name.endswith("__") and self._knows(name[:-1]):
            return self._in_place(name[:-1], *args, **kwargs)
        return self._called(name, func, *args, **kwargs)

    def _knows(self, name: str) -> bool:
        return name in self.rules or name in self.rewritten

    def _in_place(self, name: str, changed: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        function = getattr(torch.Tensor, name, None) or getattr(torch, name)
        return changed.copy_(self._called(name, function, changed.clone(), *args, **kwargs))

    def _called(self, name: str, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if name in self.rewritten:
            with self:
                result = self.rewritten[name](*args, **kwargs)
            if result is not NotImplemented:
                return result
        if name in self.rules:
            self.applied.add(name)
            return self.rules[name](OpCall.of(func, *args, **kwargs))
        return func(*args, **kwargs)


class _Graft(torch.autograd.Function):
    """A value with the gradient of something else of the same shape."""

    @staticmethod
    def forward(_ctx: Any, value: Tensor, _stand_in: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(_ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, gradients[0]


def grafted(value: Tensor, stand_in: Tensor) -> Tensor:
    """``value``, whose gradient is that of ``stand_in``."""
    return _Graft.apply(value.detach(), stand_in)


def scaled(call: OpCall, slope: Tensor) -> Tensor:
    """Result of an elementwise call, with ``slope`` in place of its derivative."""
    value = call.plain().detach()
    return grafted(value, call.inputs[0].expand_as(value) * slope)


def derivative(call: OpCall, *inputs: Tensor, by: int = 0) -> Tensor:
    """Derivative of an elementwise operation; 0 where it has none, as that of a root at 0."""
    at = [z.detach() for z in inputs]
    with torch.enable_grad():
        at[by].requires_grad_()
        slope = torch.autograd.grad(call.at(*at).sum(), at[by])[0]
    return slope.masked_fill_(~slope.isfinite(), 0)
