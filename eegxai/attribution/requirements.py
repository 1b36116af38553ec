"""What a decoder must have for a method to mean something on it: reasons why it does not."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR as DEEPLIFT_RULES
from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES, SUPPORTED_NON_LINEAR_LAYERS
from torch import Tensor, nn

from eegxai.attribution.placement import layer_placement

LRP_RULES = frozenset(SUPPORTED_LAYERS_WITH_RULES) | frozenset(SUPPORTED_NON_LINEAR_LAYERS)

# Operations as autograd names its nodes, without "Backward" and the number after it.
ACTIVATIONS = frozenset({
    "Relu", "LeakyRelu", "RreluWithNoise", "Prelu", "PreluKernel", "Threshold", "Hardtanh",
    "Elu", "Celu", "Selu", "Gelu", "Silu", "Mish", "Glu", "Hardswish",
    "Sigmoid", "LogSigmoid", "Hardsigmoid", "Tanh", "Softplus", "Softshrink", "Hardshrink",
    "Softmax", "LogSoftmax", "NativeLayerNorm", "NativeGroupNorm", "LinalgVectorNorm",
    "Pow", "Sqrt", "Rsqrt", "Exp", "Expm1", "Log", "Log1p", "Abs", "Erf", "Sin", "Cos", "Atan",
    "Clamp", "ClampMin", "ClampMax",
    "ScaledDotProductFlashAttentionForCpu", "ScaledDotProductFlashAttention",
    "ScaledDotProductEfficientAttention", "ScaledDotProductCudnnAttention",
})  # fmt: skip
MAXIMA = frozenset({
    "MaxPool2DWithIndices", "MaxPool3DWithIndices", "AdaptiveMaxPool2D", "Amax", "Max",
})  # fmt: skip
PRODUCTS = frozenset({"Mul", "Div", "Mm", "Bmm"})
PRODUCT = "product of two activations"


def has_cam_layer(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why the decoder has no layer for a class activation map."""
    layer = getattr(decoder, "cam_layer", None)
    if layer is None:
        return "it names no CAM layer (its attribute cam_layer is missing)"
    if layer not in dict(decoder.named_modules()):
        return f"it has no module of the name of its CAM layer, {layer!r}"
    try:
        placement = layer_placement(decoder, layer, *x.shape[1:])
    except ValueError as error:
        return str(error)
    return None if placement.time_axis is not None else f"its CAM layer {layer!r} resolves no time"


def has_relu_modules(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why changing the gradient of nn.ReLU modules leaves (part of) the gradient."""
    if not any(type(module) is nn.ReLU for module in decoder.modules()):
        return "it has no nn.ReLU module whose gradient could be changed"
    return _unruled(decoder, x, {nn.ReLU}, ACTIVATIONS)


def has_deeplift_rules(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why captum's DeepLift raises, or falls back to the plain gradient."""
    return _repeated(decoder, x, DEEPLIFT_RULES) or _unruled(
        decoder, x, DEEPLIFT_RULES, ACTIVATIONS | MAXIMA
    )


def has_lrp_rules(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why captum's LRP raises, or passes an operation without a rule."""
    leaves = [module for module in decoder.modules() if not any(module.children())]
    missing = {type(leaf).__name__ for leaf in leaves if type(leaf) not in LRP_RULES}
    if missing or leaves == [decoder]:
        return f"no LRP rule for {', '.join(sorted(missing)) or 'a decoder without layers'}"
    return _repeated(decoder, x, LRP_RULES) or _unruled(decoder, x, LRP_RULES, ACTIVATIONS | MAXIMA)


def _repeated(decoder: nn.Module, x: Tensor, types: Collection[type]) -> str | None:
    calls: Counter[nn.Module] = Counter()

    def count(module: nn.Module, _inputs: object, _output: object) -> None:
        calls[module] += 1

    _hooked_forward(decoder, x, types, count)
    twice = {type(module).__name__ for module, n in calls.items() if n > 1}
    return f"it calls one module more than once: {', '.join(sorted(twice))}" if twice else None


def _unruled(
    decoder: nn.Module, x: Tensor, types: Collection[type], operations: Collection[str]
) -> str | None:
    """Nonlinear operations outside modules of ``types``, read off the autograd graph.

    The graph shows functional calls too, which no look at the modules would find.
    """

    def hide(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        # a linear stand-in: the module's own operations leave the graph, all others stay
        return output.detach() + 0 * sum(tensor.sum() for tensor in inputs)

    logits = _hooked_forward(decoder, x, types, hide)
    found = {_operation(node) for node in _graph(logits.grad_fn)}
    left = sorted(found & (frozenset(operations) | {PRODUCT}))
    return f"no rule changes its {', '.join(left)}" if left else None


def _hooked_forward(
    decoder: nn.Module, x: Tensor, types: Collection[type], hook: Callable[..., Any]
) -> Tensor:
    modules = [module for module in decoder.modules() if type(module) in types]
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        return decoder(x[:1].detach().requires_grad_())
    finally:
        for handle in handles:
            handle.remove()


def _graph(root: torch.autograd.graph.Node | None) -> Iterator[torch.autograd.graph.Node]:
    seen, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack += [parent for parent, _ in node.next_functions]
            yield node


def _operation(node: torch.autograd.graph.Node) -> str:
    name = node.name().partition("Backward")[0]
    if name in PRODUCTS and all(parent for parent, _ in node.next_functions):
        return PRODUCT  # parameters are frozen, so both depend on x
    return name
