"""DeepLift: finite differences from a baseline in place of derivatives."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eegxai.attribution.core.reference_input import (
    ReferenceInput,
    logit_difference,
    reference_input,
)
from eegxai.attribution.core.registry import NotApplicable, attribution, target_logits
from eegxai.attribution.engine.decompositions import DECOMPOSITIONS, mean_square, wide
from eegxai.attribution.engine.frequency import contributions
from eegxai.attribution.engine.modified_gradients import (
    ELEMENTWISE,
    PRODUCTS,
    ModifiedGradients,
    OpCall,
    derivative,
    grafted,
    scaled,
)
from eegxai.attribution.engine.requirements import operation_without_rule, traced
from eegxai.decoders.lone_trials import pair_of


class _Memory:
    """Inputs and output of each operation in the baseline's pass, looked up in the trial's.

    Parameters
    ----------
    keep : callable
        What is kept of a tensor: ``Tensor.detach``, or a copy where the decoder overwrites some.
    """

    def __init__(self, keep: Callable[[Tensor], Tensor]) -> None:
        self.keep = keep
        self.calls: deque[tuple[str, list[Tensor], Tensor]] = deque()
        self.versions: list[int] = []

    def record(self, name: str, call: OpCall) -> Tensor:
        value = call.plain()
        inputs, kept = [self.keep(tensor) for tensor in call.inputs], self.keep(value)
        self.calls.append((name, inputs, kept))
        self.versions += [tensor._version for tensor in (*inputs, kept)]
        return value

    @property
    def overwritten(self) -> bool:
        """Whether the decoder has changed a recorded tensor in place, as ``z += 1`` does."""
        kept = (tensor for _, inputs, value in self.calls for tensor in (*inputs, value))
        return self.versions != [tensor._version for tensor in kept]

    def follow(self, name: str, call: OpCall) -> Tensor:
        shapes = [tensor.shape for tensor in call.inputs]
        known, inputs, value = self.calls.popleft() if self.calls else ("", [], call.inputs[0])
        if known != name or [tensor.shape for tensor in inputs] != shapes:
            raise NotApplicable(
                "the decoder performs different operations on a trial and on its baseline"
            )
        return DEEPLIFT_RULES[name](call, inputs, value)


def _rescale(call: OpCall, inputs: list[Tensor], value: Tensor) -> Tensor:
    """Difference of the output over difference of the input (Shrikumar et al., rescale rule)."""
    if call.inputs[0].is_complex():
        return call.plain()
    if len(call.inputs) == 2:
        return _shapley(call, inputs, value)
    (z,), (z0,) = call.inputs, inputs
    wide, wide0 = z.detach().expand_as(value), z0.expand_as(value)
    slope = _slope(call.plain().detach(), value, wide, wide0, lambda: derivative(call, z))
    return scaled(call, slope)


def _shapley(call: OpCall, inputs: list[Tensor], value: Tensor) -> Tensor:
    """Each of two inputs takes the mean of its gains before and after the other's change."""
    now = call.plain().detach()
    (a, b), (a0, b0) = ([z.expand_as(now) for z in pair] for pair in (call.inputs, inputs))
    a_first, b_first = call.at(a.detach(), b0), call.at(a0, b.detach())
    gain_a, gain_b = (now - b_first + a_first - value) / 2, (now - a_first + b_first - value) / 2
    none = torch.zeros_like(now)
    slope_a = _slope(gain_a, none, a.detach(), a0, lambda: derivative(call, a, b))
    slope_b = _slope(gain_b, none, b.detach(), b0, lambda: derivative(call, a, b, by=1))
    return grafted(now, a * slope_a + b * slope_b)


def _midpoint(call: OpCall, inputs: list[Tensor], _value: Tensor) -> Tensor:
    """Each factor times the mean of the other at trial and baseline.

    The Shapley value of a game of two factors (Lundberg & Lee, arXiv:1705.07874): the
    contributions sum to the difference of the product.
    """
    if len(call.inputs) != 2:
        return call.plain()
    a, b = call.inputs
    mean_a, mean_b = ((z.detach() + z0) / 2 for z, z0 in zip((a, b), inputs, strict=True))
    return grafted(call.plain(), call.at(a, mean_b) + call.at(mean_a, b))


def _rms_normalised(call: OpCall, inputs: list[Tensor], _value: Tensor) -> Tensor:
    """RMS normalisation z r: the change of z counts at the trial's r, that of r at the old z.

    The midpoint rule would give z the mean of two r. Where the baseline is silent, its r is
    1 / sqrt(eps), some hundred times the trial's, which grows to mere rounding over a few layers.
    """
    if len(call.inputs) != 1:
        return call.plain()
    (z,), (z0,) = call.inputs, inputs
    shape, weight, eps = _of_norm(*call.args[1:], **call.kwargs)
    square, square0 = (mean_square(part, shape, eps) for part in (z.detach(), z0))
    r, r0 = square.rsqrt(), square0.rsqrt()
    slope = _slope(r, r0, square, square0, lambda: -(r**3) / 2)
    now, before = wide(z), wide(z0)
    of_square = ((now.detach() + before) * now).mean(list(range(-len(shape), 0)), keepdim=True)
    linear = (now * r + before * (slope * of_square)).to(z.dtype)
    return grafted(call.plain(), linear if weight is None else linear * weight)


def _of_norm(
    shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> tuple[Sequence[int], Tensor | None, float | None]:
    return shape, weight, eps


def _cross_maximum(n_axes: int, call: OpCall, inputs: list[Tensor], value: Tensor) -> Tensor:
    """Max-pool: the way up to the larger maximum is the gain of the trial's, the rest a loss.

    captum's rule. With m the maximum of the trial, m0 that of the baseline and M the larger,
    the position of the trial's maximum accounts for M - m0 and that of the baseline's for m - M.
    Where the baseline is the same at both positions, as a constant one always is, its position is
    the trial's: the first of equals, which captum takes, is arbitrary.
    """
    (z,), (z0,) = call.inputs, inputs
    maximum, position = _pooled_with_positions(call, z.detach())
    there, there0 = _values_at(z, position, n_axes), _values_at(z0, position, n_axes)
    larger = maximum.maximum(value)
    gained = there * _slope(larger, value, maximum, there0, lambda: torch.ones_like(value))
    tied = _hardly_changes(there0, value)
    if not tied.all():
        position = position.where(tied, _pooled_with_positions(call, z0)[1])
        there, there0 = _values_at(z, position, n_axes), _values_at(z0, position, n_axes)
    slope = _slope(maximum, larger, there.detach(), there0, lambda: torch.zeros_like(value))
    return grafted(maximum, gained + there * slope)


def _pooled_with_positions(call: OpCall, z: Tensor) -> tuple[Tensor, Tensor]:
    pool = getattr(F, call.function.__name__)
    return pool(z, *call.args[1:], **(call.kwargs | {"return_indices": True}))


def _values_at(z: Tensor, position: Tensor, n_axes: int) -> Tensor:
    """Values of z at the positions that a pool over its last axes found."""
    return z.flatten(-n_axes).gather(-1, position.flatten(-n_axes)).view(position.shape)


def _log_sum_exp(call: OpCall, inputs: list[Tensor], value: Tensor) -> Tensor:
    """The rescale rule of the exponentials, then of the logarithm of their sum."""
    z, z0 = call.inputs[0].detach(), inputs[0]
    total = call.plain().detach()
    dim, keepdim = _reduction(*call.args[1:], **call.kwargs)
    largest = z.maximum(z0).amax(dim, keepdim=True)
    terms, terms0 = (z - largest).exp(), (z0 - largest).exp()
    sums, sums0 = terms.sum(dim, keepdim=keepdim), terms0.sum(dim, keepdim=keepdim)
    of_terms = _slope(terms, terms0, z, z0, lambda: terms)
    of_log = _slope(total, value, sums, sums0, lambda: 1 / sums)
    linear = (call.inputs[0] * of_terms).sum(dim, keepdim=keepdim) * of_log
    return grafted(total, linear)


def _reduction(dim: int | Sequence[int], keepdim: bool = False) -> tuple[Any, bool]:
    return dim, keepdim


def _slope(
    y: Tensor, y0: Tensor, z: Tensor, z0: Tensor, derivative: Callable[[], Tensor]
) -> Tensor:
    """Difference of y over difference of z, or the derivative where z and z0 nearly agree.

    Where they agree to half of the digits, their difference is rounding, and the derivative is
    nearer to the truth.
    """
    near = _hardly_changes(z, z0)
    if not near.any():
        return (y - y0) / (z - z0)
    return torch.where(near, derivative(), (y - y0) / (z - z0).where(~near, 1))


def _hardly_changes(z: Tensor, z0: Tensor) -> Tensor:
    tolerance = torch.finfo(z.dtype).eps ** 0.5 * z.abs()
    return ~((z - z0).abs() > tolerance)  # so put, masked entries of attention (-inf) agree


DEEPLIFT_RULES: dict[str, Callable[[OpCall, list[Tensor], Tensor], Tensor]] = {
    **dict.fromkeys((*ELEMENTWISE, "atan2", "hypot"), _rescale),
    **dict.fromkeys(PRODUCTS, _midpoint),
    **{f"max_pool{n}d": partial(_cross_maximum, n) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": partial(_cross_maximum, n) for n in (1, 2, 3)},
    "logsumexp": _log_sum_exp,
    "rms_norm": _rms_normalised,
}


def _deeplift_gradients(decoder: nn.Module, x: Tensor, baseline: Tensor) -> ModifiedGradients:
    """Mode for the pass of the trials, after the baseline's pass has been recorded."""
    memory = _recorded_baseline(decoder, baseline, Tensor.detach)
    if memory.overwritten:
        memory = _recorded_baseline(decoder, baseline, lambda tensor: tensor.detach().clone())
    return ModifiedGradients(
        {name: partial(memory.follow, name) for name in DEEPLIFT_RULES}, DECOMPOSITIONS
    )


def _recorded_baseline(
    decoder: nn.Module, baseline: Tensor, keep: Callable[[Tensor], Tensor]
) -> _Memory:
    memory = _Memory(keep)
    rules = {name: partial(memory.record, name) for name in DEEPLIFT_RULES}
    with ModifiedGradients(rules, DECOMPOSITIONS):
        decoder(baseline.detach().requires_grad_())
    return memory


def _multipliers(decoder: nn.Module, x: Tensor, baseline: Tensor, target: Tensor) -> Tensor:
    """What the difference from the baseline is multiplied by."""
    trials = x.detach().requires_grad_()
    with _deeplift_gradients(decoder, x, baseline):
        logits = target_logits(decoder, trials, target)
    return torch.autograd.grad(logits.sum(), trials)[0]


def has_deeplift_rules(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why DeepLift would fall back to the plain gradient somewhere."""
    pair = pair_of(x)
    return operation_without_rule(traced(_deeplift_gradients(decoder, pair, 0 * pair), decoder, x))


@attribution(
    "DeepLift",
    group="study",
    requires=(has_deeplift_rules,),
    completeness_target=logit_difference,
    frequency="multiplier",
)
def deeplift(
    decoder: nn.Module, x: Tensor, target: Tensor, *, baseline: ReferenceInput = "zero"
) -> Tensor:
    """DeepLift with the rescale rule (Shrikumar et al., arXiv:1704.02685).

    Complete: the map sums to the difference of the target's logit from the baseline's. Products
    of two activations follow the midpoint rule, max-pools DeepLIFT's for maxima as captum has
    it; softmax, normalisation, attention and LSTM are written out by elementary operations.

    Parameters
    ----------
    baseline : str
        ``"zero"``, or ``"mean"``: each channel's mean over the trial's samples.
    """
    start = reference_input(x, baseline)
    return contributions(x - start, _multipliers(decoder, x, start, target))


def _mean_gain(decoder: nn.Module, x: Tensor, target: Tensor, *, references: Tensor) -> Tensor:
    """Logit of the trial minus the mean one of the reference trials."""
    mean = decoder(references).mean(0)
    return target_logits(decoder, x, target) - mean[target]


@attribution(
    "DeepLiftSHAP",
    requires=(has_deeplift_rules,),
    completeness_target=_mean_gain,
    frequency="multiplier",
)
def deeplift_shap(decoder: nn.Module, x: Tensor, target: Tensor, *, references: Tensor) -> Tensor:
    """Mean of DeepLift over reference trials as baselines (Lundberg & Lee, arXiv:1705.07874).

    Parameters
    ----------
    references : Tensor
        Reference trials (references, channels, times) in µV.
    """
    result = torch.zeros_like(x)
    for reference in references:
        multipliers = _multipliers(decoder, x, reference.expand_as(x), target)
        result += contributions(x - reference, multipliers / len(references))
    return result
