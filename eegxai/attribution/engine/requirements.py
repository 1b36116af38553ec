"""What a decoder must have for a method to be applicable, and the reasons why one is not."""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from eegxai.attribution.engine.cam_layers import cam_layer_choices
from eegxai.attribution.engine.modified_gradients import ModifiedGradients, grafted
from eegxai.attribution.engine.placement import layer_placement
from eegxai.decoders.lone_trials import pair_of

# Nodes of autograd, without "Backward" and the number after it, that pass a linear gradient.
LINEAR = frozenset({
    "torch::autograd::AccumulateGrad", "torch::autograd::CopySlices", "torch::autograd::Copy",
    "_Graft", "Convolution", "Addmm", "Addmv", "Addbmm", "Baddbmm", "Mm", "Bmm", "Mv", "Dot",
    "Mul", "Div", "Add", "Sub", "Rsub", "Neg", "Sum", "Mean", "Cumsum",
    "NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm",
    "AvgPool2D", "AvgPool3D", "AdaptiveAvgPool2D", "AdaptiveAvgPool3D",
    "ConstantPadNd", "ReflectionPad1D", "ReflectionPad2D", "ReflectionPad3D",
    "ReplicationPad1D", "ReplicationPad2D", "ReplicationPad3D",
    "UpsampleNearest1D", "UpsampleNearest2D", "UpsampleNearest3D", "UpsampleLinear1D",
    "UpsampleBilinear2D", "UpsampleBicubic2D", "UpsampleTrilinear3D",
    "View", "UnsafeView", "ReshapeAlias", "AsStrided", "Alias", "Clone", "ToCopy",
    "Permute", "Transpose", "T", "MT", "Squeeze", "Unsqueeze", "Expand", "Repeat", "Unfold",
    "Cat", "Stack", "Split", "SplitWithSizes", "UnsafeSplit", "UnsafeSplitWithSizes", "Unbind",
    "Slice", "Select", "Index", "IndexSelect", "Gather", "Narrow", "Diagonal", "Flip", "Roll",
    "MaskedFill", "Tril", "Triu", "PixelShuffle", "Im2Col", "Col2Im",
    "FftR2C", "FftC2C", "FftC2R", "ViewAsReal", "ViewAsComplex", "Real", "Imag",
    "Conj", "ConjPhysical", "ResolveConj", "ResolveNeg", "Complex", "DiagEmbed",
})  # fmt: skip
MAXIMA = frozenset({
    "MaxPool2DWithIndices", "MaxPool3DWithIndices", "AdaptiveMaxPool2D", "AdaptiveMaxPool3D",
    "Amax", "Max",
})  # fmt: skip
# The inputs of a node, from first to last, that must not all depend on the trials.
FACTORS = {
    "Mul": (0, 1), "Div": (1, 1), "Mm": (0, 1), "Bmm": (0, 1), "Mv": (0, 1), "Dot": (0, 1),
    "Convolution": (0, 1), "Addmm": (1, 2), "Addmv": (1, 2), "Addbmm": (1, 2), "Baddbmm": (1, 2),
}  # fmt: skip
NOTHING_PASSES = (
    "its rules carry no relevance from the logits to the trial: every path goes through an "
    "operation without a gradient or one that they treat as constant, such as a softmax (leave out "
    "the last one) or a gate"
)
WHOLE_TRIAL = (
    " (one whose values depend on the whole trial, as behind a normalisation over time or "
    "attention, does not)"
)
RESOLVES_NONE = f"resolves time{WHOLE_TRIAL}"
RESOLVES_NO = f"resolves no time{WHOLE_TRIAL}"
PRODUCT = "product or quotient of two activations"


def has_cam_layer(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why the decoder has no layer for a class activation map."""
    layer = getattr(decoder, "cam_layer", None)
    if layer is None:
        choices = ", ".join(map(repr, cam_layer_choices(decoder, x)))
        if not choices:
            return f"it names no CAM layer (cam_layer), and none of its layers {RESOLVES_NONE}"
        return f"it names no CAM layer; cam_layer may be {choices}"
    if layer not in dict(decoder.named_modules()):
        return f"it has no module with the name of its CAM layer, {layer!r}"
    try:
        placement = layer_placement(decoder, layer, *x.shape[1:])
    except ValueError as error:
        return str(error)
    return None if placement.time_axis is not None else f"its CAM layer {layer!r} {RESOLVES_NO}"


def has_relu(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why other gradients of its ReLUs leave (part of) the decoder's gradient."""
    mode = ModifiedGradients({"relu": lambda call: grafted(call.plain(), call.inputs[0])})
    output = traced(mode, decoder, x)
    if not mode.applied:
        return "it has no ReLU (nn.ReLU or a function) whose gradient could be changed"
    return operation_without_rule(output, MAXIMA)


def traced(mode: ModifiedGradients, decoder: nn.Module, x: Tensor) -> Tensor:
    """Logits of the first trial, twice, under rules, with their graph."""
    with mode:
        return decoder(pair_of(x.detach()).requires_grad_())


def operation_without_rule(output: Tensor, allowed: Collection[str] = ()) -> str | None:
    """Reason why rules miss an operation behind ``output``: one neither linear nor ``allowed``.

    What a rule replaced has left the graph of autograd, so what is there has its own gradient.
    """
    if output.grad_fn is None:
        return NOTHING_PASSES
    found = {_operation(node) for node in _graph(output.grad_fn)}
    left = sorted(found - LINEAR - frozenset(allowed))
    return f"no rule changes its {', '.join(left)}" if left else None


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
    if name not in FACTORS:
        return name
    first, last = FACTORS[name]
    factors = [parent for parent, _ in node.next_functions[first : last + 1]]
    product = len(factors) == last + 1 - first and all(factors)  # parameters are frozen
    return PRODUCT if product else name
