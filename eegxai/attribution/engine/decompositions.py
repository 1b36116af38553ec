"""Compound operations written out by elementary ones, so that the rules of those apply.

Functions take the arguments of the operation whose name they have, and return NotImplemented where
they have nothing to write out. ``hold`` is applied to what only scales or gates a signal: LRP holds
it constant, DeepLift does not.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from eegxai.attribution.core.registry import NotApplicable

Hold = Callable[[Tensor], Tensor]


def _same_values(z: Tensor) -> Tensor:
    return z


def _centred_and_scaled(z: Tensor, n_axes: int, eps: float) -> Tensor:
    """Over the last axes: centred values, divided by their root mean square."""
    centred = z - z.mean(list(range(-n_axes, 0)), keepdim=True)
    return torch.rms_norm(centred, z.shape[-n_axes:], None, eps)


def _weighted_and_biased(z: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    z = z if weight is None else z * weight
    return z if bias is None else z + bias


def layer_norm(
    z: Tensor,
    shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *_: Any,
) -> Tensor:
    """torch.layer_norm: torch.rms_norm of centred values, and a bias."""
    return _weighted_and_biased(_centred_and_scaled(z, len(shape), eps), weight, bias)


def group_norm(
    z: Tensor,
    groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *_: Any,
) -> Tensor:
    """torch.group_norm: as layer_norm, over each group of features."""
    features = (-1, *(1 for _ in z.shape[2:]))
    grouped = z.reshape(len(z), groups, -1)
    same = _centred_and_scaled(grouped, 1, eps).reshape(z.shape)
    parameters = [None if p is None else p.reshape(features) for p in (weight, bias)]
    return _weighted_and_biased(same, *parameters)


def instance_norm(
    z: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    _mean: Tensor | None,
    _variance: Tensor | None,
    of_input: bool,
    _momentum: float,
    eps: float,
    *_: Any,
) -> Any:
    """torch.instance_norm: group_norm with a group a feature, unless it uses stored moments."""
    return group_norm(z, z.shape[1], weight, bias, eps) if of_input else NotImplemented


def batch_norm(
    _z: Tensor, _weight: Any, _bias: Any, _mean: Any, _variance: Any, of_batch: bool, *_: Any
) -> Any:
    """torch.batch_norm, which is affine unless it normalises by the batch."""
    if of_batch:
        raise NotApplicable("its BatchNorm has no statistics but those of the other trials")
    return NotImplemented


def softmax(z: Tensor, dim: int, *_: Any, hold: Hold = _same_values, **__: Any) -> Tensor:
    """Tensor.softmax as the exponential of its logarithm."""
    return hold(log_softmax(z, dim).exp())


def log_softmax(z: Tensor, dim: int, *_: Any, hold: Hold = _same_values, **__: Any) -> Tensor:
    """Tensor.log_softmax."""
    return z - hold(z.logsumexp(dim, keepdim=True))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """F.scaled_dot_product_attention without dropout."""
    if enable_gqa:
        return NotImplemented
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    return _masked(scores, attn_mask).softmax(-1) @ value


def _masked(scores: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return scores
    if mask.dtype != torch.bool:
        return scores + mask
    return scores.masked_fill(~mask, -torch.inf)


def glu(z: Tensor, dim: int = -1, *, hold: Hold = _same_values) -> Tensor:
    """F.glu: one half of z gated by the other."""
    signal, gate = z.chunk(2, dim)
    return signal * hold(gate.sigmoid())


def div(a: Any, b: Any, *, rounding_mode: str | None = None, hold: Hold = _same_values) -> Any:
    """Quotient of two activations as a product with the reciprocal."""
    if rounding_mode is not None or not (isinstance(b, Tensor) and b.requires_grad):
        return NotImplemented
    if isinstance(a, Tensor) and a.requires_grad:
        return a * hold(b.reciprocal())
    return b.reciprocal() * a


def baddbmm(added: Tensor, a: Tensor, b: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Tensor.baddbmm and Tensor.addmm."""
    return added * beta + torch.matmul(a, b) * alpha


def var(
    z: Tensor,
    dim: int | Sequence[int] | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Any:
    """Tensor.var, but for its old form var(unbiased)."""
    if isinstance(dim, bool):
        return NotImplemented
    dims = _dims(z, dim)
    lost = float(unbiased) if correction is None else correction
    squares = (z - z.mean(dims, keepdim=True)).square().sum(dims, keepdim=keepdim)
    return squares / (prod(z.shape[d] for d in dims) - lost)


def std(z: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Tensor.std."""
    variance = var(z, *args, **kwargs)
    return variance if variance is NotImplemented else variance.sqrt()


def vector_norm(
    z: Tensor,
    order: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    **kwargs: Any,
) -> Any:
    """torch.linalg.vector_norm of a finite positive order."""
    order = kwargs.pop("ord", order)
    if not 0 < order < torch.inf:
        return NotImplemented
    return z.abs().pow(order).sum(_dims(z, dim), keepdim=keepdim).pow(1 / order)


def _dims(z: Tensor, dim: int | Sequence[int] | None) -> list[int]:
    if dim is None:
        return list(range(z.ndim))
    return [dim] if isinstance(dim, int) else list(dim)


def absolute(z: Tensor) -> Any:
    """Tensor.abs of complex numbers."""
    if not z.is_complex():
        return NotImplemented
    return (z.real.square() + z.imag.square()).sqrt()


def angle(z: Tensor) -> Any:
    """torch.angle of complex numbers."""
    return torch.atan2(z.imag, z.real) if z.is_complex() else NotImplemented


def wide(z: Tensor) -> Tensor:
    """Numbers whose squares do not overflow: float32 in place of the half types."""
    return z.float() if z.dtype in (torch.float16, torch.bfloat16) else z


def mean_square(z: Tensor, shape: Sequence[int], eps: float | None) -> Tensor:
    """What torch.rms_norm takes the inverse root of."""
    small = torch.finfo(z.dtype).eps if eps is None else eps
    return wide(z).square().mean(list(range(-len(shape), 0)), keepdim=True) + small


def rms_norm_held(
    z: Tensor, shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """torch.rms_norm, whose inverse root is held constant."""
    scaled = wide(z) * mean_square(z, shape, eps).rsqrt().detach()
    return _weighted_and_biased(scaled.to(z.dtype), weight, None)


# ------------------------------------------------------------------ recurrent layers

State = tuple[Tensor, ...]
RecurrentCell = Callable[
    [Tensor, State, Sequence[Tensor], Hold], State
]  # the state comes out first


def _lstm_cell(step: Tensor, state: State, weights: Sequence[Tensor], hold: Hold) -> State:
    of_input, of_hidden, *biases = weights
    bias = torch.stack(biases).sum(0) if biases else None
    hidden, cell = state
    z = F.linear(step, of_input, bias) + F.linear(hidden, of_hidden)
    enter, forget, new, leave = z.chunk(4, -1)
    cell = hold(forget).sigmoid() * cell + hold(enter).sigmoid() * new.tanh()
    return hold(leave).sigmoid() * cell.tanh(), cell


def _gru_cell(step: Tensor, state: State, weights: Sequence[Tensor], hold: Hold) -> State:
    of_input, of_hidden, *biases = weights
    bias, bias_of_hidden = biases or (None, None)
    (hidden,) = state
    reset, keep, new = F.linear(step, of_input, bias).chunk(3, -1)
    old_reset, old_keep, old = F.linear(hidden, of_hidden, bias_of_hidden).chunk(3, -1)
    kept = hold(keep + old_keep).sigmoid()
    candidate = (new + hold(reset + old_reset).sigmoid() * old).tanh()
    return ((1 - kept) * candidate + kept * hidden,)


def _rnn_cell(
    activation: Callable[[Tensor], Tensor],
    step: Tensor,
    state: State,
    weights: Sequence[Tensor],
    _hold: Hold,
) -> State:
    of_input, of_hidden, *biases = weights
    bias, bias_of_hidden = biases or (None, None)
    z = F.linear(step, of_input, bias) + F.linear(state[0], of_hidden, bias_of_hidden)
    return (activation(z),)


def _recurrent(
    cell: RecurrentCell,
    x: Tensor,
    states: Any,
    weights: Any,
    has_bias: bool,
    n_layers: int,
    _dropout: float,
    _training: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    hold: Hold = _same_values,
) -> Any:
    """Recurrent layers of torch step by step, without dropout, projections or packed sequences."""
    n_runs = n_layers * (2 if bidirectional else 1)
    n_weights = 4 if has_bias else 2
    if isinstance(weights, Tensor) or len(weights) != n_runs * n_weights:
        return NotImplemented
    starts = states if isinstance(states, tuple | list) else (states,)
    steps = list((x.transpose(0, 1) if batch_first else x).unbind(0))
    ends: list[State] = []
    for _layer in range(n_layers):
        runs = []
        for order in (slice(None), slice(None, None, -1))[: n_runs // n_layers]:
            run = len(ends)
            own = weights[run * n_weights : (run + 1) * n_weights]
            start = tuple(state[run] for state in starts)
            outputs, end = _run_direction(cell, steps[order], start, own, hold)
            runs.append(outputs[order])
            ends.append(end)
        steps = [torch.cat(parts, -1) for parts in zip(*runs, strict=True)]
    output = torch.stack(steps, 1 if batch_first else 0)
    return output, *(torch.stack(last) for last in zip(*ends, strict=True))


def _run_direction(
    cell: RecurrentCell, steps: list[Tensor], state: State, weights: Sequence[Tensor], hold: Hold
) -> tuple[list[Tensor], State]:
    """Outputs of one layer in one direction, and its last state."""
    outputs = []
    for step in steps:
        state = cell(step, state, weights, hold)
        outputs.append(state[0])
    return outputs, state


def _one_step(
    cell: RecurrentCell, x: Tensor, states: Any, *weights: Any, hold: Hold = _same_values
) -> Any:
    """Cells of torch: one step."""
    several = isinstance(states, tuple | list)
    known = [weight for weight in weights if weight is not None]
    state = cell(x, tuple(states) if several else (states,), known, hold)
    return state if several else state[0]


CELLS: dict[str, RecurrentCell] = {
    "lstm": _lstm_cell,
    "gru": _gru_cell,
    "rnn_tanh": partial(_rnn_cell, Tensor.tanh),
    "rnn_relu": partial(_rnn_cell, Tensor.relu),
}
RECURRENT: dict[str, Callable[..., Any]] = {
    **{name: partial(_recurrent, cell) for name, cell in CELLS.items()},
    **{f"{name}_cell": partial(_one_step, cell) for name, cell in CELLS.items()},
}

DECOMPOSITIONS: dict[str, Callable[..., Any]] = {
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "batch_norm": batch_norm,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "scaled_dot_product_attention": scaled_dot_product_attention,
    "glu": glu,
    "div": div,
    "addmm": baddbmm,
    "baddbmm": baddbmm,
    "var": var,
    "std": std,
    "linalg_vector_norm": vector_norm,
    "abs": absolute,
    "angle": angle,
    **RECURRENT,
}
HOLDING = ("softmax", "log_softmax", "glu", "div", *RECURRENT)
DECOMPOSITIONS_WITH_GATES_HELD = (
    DECOMPOSITIONS
    | {name: partial(DECOMPOSITIONS[name], hold=Tensor.detach) for name in HOLDING}
    | {"rms_norm": rms_norm_held}
)
