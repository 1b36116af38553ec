"""Layer-wise relevance propagation (LRP), as the gradient with other rules.

Relevance is activation times modified gradient at every position, so a rule only scales or replaces
gradients (Ancona et al., ICLR 2018). All methods here share what is no weighted layer:

- Activations pass relevance on unchanged, the square and the logarithm of shallow_fbcsp too.
- Sums, means and pools share it by their terms; a max-pool gives it to the maximum. Of the
  relevance of a pool, the epsilon takes its part as in a weighted layer.
- What normalises or gates is a constant (Ali et al., ICML 2022, arXiv:2202.07304): the weights of
  attention and of softmax, the deviations of LayerNorm, divisors, and the gates of an LSTM
  (Arras et al., WASSA 2017, arXiv:1706.07206).
- Two other factors get half of their product's relevance each.
- A BatchNorm directly behind a convolution or dense layer is folded into it; another one is a
  weighted layer of its own, with the epsilon rule.

Biases take their share of the relevance, so that a map sums to the logit only roughly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import attribution, target_logits, whole_logit
from eegxai.attribution.engine.decompositions import DECOMPOSITIONS_WITH_GATES_HELD
from eegxai.attribution.engine.frequency import contributions
from eegxai.attribution.engine.modified_gradients import (
    ELEMENTWISE,
    PRODUCTS,
    GradientRule,
    ModifiedGradients,
    OpCall,
    derivative,
    grafted,
    scaled,
)
from eegxai.attribution.engine.requirements import MAXIMA, operation_without_rule, traced

EPSILON = 1e-9  # captum's default
FOLDABLE = ("conv1d", "conv2d", "conv3d", "linear")  # their weights begin with the output's axis
# captum's LRP divides relevance by their outputs as it does in weighted layers.
POOLS = ("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool2d", "adaptive_avg_pool2d")
CONVOLUTIONS = (*FOLDABLE[:3], "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")

Weighted = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class _Layer:
    """A weighted layer as it was called: ``function(x, weight, bias)``."""

    name: str
    function: Weighted
    x: Tensor
    weight: Tensor
    bias: Tensor | None

    @property
    def output(self) -> Tensor:
        return self.function(self.x, self.weight, self.bias)

    def of_signed(self, at_positive: Tensor, at_negative: Tensor, bias: Tensor | None) -> Tensor:
        """Output of other weights for the positive and for the negative entries of x.

        Relevance is x times the gradient, so that each entry of x has its own weights.
        """
        positive = self.function(self.x * (self.x > 0), at_positive, bias)
        return positive + self.function(self.x * (self.x <= 0), at_negative, None)


LayerRule = Callable[[_Layer], Tensor]


# ------------------------------------------------------------------ rules of weighted layers


def _passed_on(output: Tensor, shares: Tensor, epsilon: float) -> Tensor:
    """Stand-in that gives the relevance of ``output`` to the terms whose sum is ``shares``."""
    total = shares.detach()
    sign = torch.where(total >= 0, 1, -1)
    return shares * (output.detach() / (total + epsilon * sign))


def _epsilon_rule(layer: _Layer, *, epsilon: float) -> Tensor:
    """Each input's w x over their sum with the bias (Bach et al., eq. 58)."""
    return _stabilised(layer.output, epsilon)


def _stabilised(output: Tensor, epsilon: float) -> Tensor:
    """Output that shares out relevance by its terms, less what the epsilon takes."""
    return grafted(output, _passed_on(output, output, epsilon))


def _alpha1_beta0_rule(layer: _Layer, *, epsilon: float) -> Tensor:
    """Positive w x over their sum (Bach et al., eq. 60 with alpha = 1 and beta = 0).

    The relevance of an output without any is lost.
    """
    weight, bias = layer.weight, layer.bias
    positive = None if bias is None else bias.clamp(min=0)
    shares = layer.of_signed(weight.clamp(min=0), weight.clamp(max=0), positive)
    output = layer.output
    return grafted(output, _passed_on(output, shares, epsilon))


def _gamma_rule(layer: _Layer, *, epsilon: float, gamma: float) -> Tensor:
    """Each input's w x, those of the output's sign raised by gamma times themselves.

    Montavon et al. (2019), LNCS 11700, chapter 10, in the form of Andéol et al.
    (arXiv:2112.06868) for inputs and outputs of either sign.
    """
    weight, bias = layer.weight, layer.bias
    up, down = weight + gamma * weight.clamp(min=0), weight + gamma * weight.clamp(max=0)
    above = layer.of_signed(up, down, _raised(bias, gamma, min=0))
    below = layer.of_signed(down, up, _raised(bias, gamma, max=0))
    output = layer.output
    shares = torch.where(output.detach() > 0, above, below)
    return grafted(output, _passed_on(output, shares, epsilon))


def _raised(bias: Tensor | None, gamma: float, **limit: float) -> Tensor | None:
    return None if bias is None else bias + gamma * bias.clamp(**limit)


# ------------------------------------------------------------------ rules of operations


def _weighted(name: str, rule: LayerRule, call: OpCall) -> Tensor:
    """A weighted layer by its rule; the result remembers it, for a BatchNorm to fold into."""
    layer = _layer(name, call.function, *call.args, **call.kwargs)
    if layer.weight.requires_grad:
        return call.plain()
    output = rule(layer)
    output.made_by = layer, output._version  # type: ignore[attr-defined]
    return output


def _layer(
    name: str,
    function: Callable[..., Tensor],
    input: Tensor,  # torch's name
    weight: Tensor,
    bias: Tensor | None = None,
    *others: Any,
    **settings: Any,
) -> _Layer:
    def apply(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        return function(x, w, b, *others, **settings)

    return _Layer(name, apply, input, weight, bias)


def _batch_normalised(rules: dict[str, LayerRule], own: LayerRule, call: OpCall) -> Tensor:
    """BatchNorm, folded into the layer before it where there is one."""
    z, weight, bias, mean, variance, _training, _momentum, eps, *_ = call.args
    scale = (variance + eps).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    before, version = getattr(z, "made_by", (None, None))
    if before is None or version != z._version or not _folds_batch_norm(before, z):
        features = (-1, *(1 for _ in z.shape[2:]))
        return own(_Layer("", _scaled_and_shifted, z, scale.view(features), shift.view(features)))
    weights = before.weight * scale.view(-1, *(1 for _ in before.weight.shape[1:]))
    folded = shift if before.bias is None else before.bias * scale + shift
    return rules[before.name](_Layer(before.name, before.function, before.x, weights, folded))


def _folds_batch_norm(before: _Layer, z: Tensor) -> bool:
    return before.name in FOLDABLE and (before.name != "linear" or z.ndim == 2)


def _scaled_and_shifted(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x * weight if bias is None else x * weight + bias


def _unchanged(call: OpCall) -> Tensor:
    """An activation passes its relevance on: its derivative becomes f(z) / z."""
    if len(call.inputs) > 1 or call.inputs[0].is_complex():
        return call.plain()
    (z,) = call.inputs
    value = call.plain().detach()
    wide = z.detach().expand_as(value)
    slope, zero = value / wide, wide == 0
    return scaled(call, slope.where(~zero, derivative(call, z)) if zero.any() else slope)


def _stabilised_pool(call: OpCall, *, epsilon: float) -> Tensor:
    return _stabilised(call.plain(), epsilon)


def _halved(call: OpCall) -> Tensor:
    if len(call.inputs) != 2:
        return call.plain()
    a, b = call.inputs
    return grafted(call.plain(), (call.at(a, b.detach()) + call.at(a.detach(), b)) / 2)


def _relevance_rules(convolution: LayerRule, dense: LayerRule, epsilon: float) -> ModifiedGradients:
    layers = {**dict.fromkeys(CONVOLUTIONS, convolution), "linear": dense}
    own = partial(_epsilon_rule, epsilon=epsilon)
    rules: dict[str, GradientRule] = {
        **dict.fromkeys(ELEMENTWISE, _unchanged),
        **dict.fromkeys(PRODUCTS, _halved),
        **dict.fromkeys(POOLS, partial(_stabilised_pool, epsilon=epsilon)),
        **{name: partial(_weighted, name, rule) for name, rule in layers.items()},
        "batch_norm": partial(_batch_normalised, layers, own),
    }
    return ModifiedGradients(rules, DECOMPOSITIONS_WITH_GATES_HELD)


# ------------------------------------------------------------------ methods


def has_lrp_rules(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why LRP would pass an operation without a rule."""
    rule = partial(_epsilon_rule, epsilon=EPSILON)
    return operation_without_rule(traced(_relevance_rules(rule, rule, EPSILON), decoder, x), MAXIMA)


def _relevance(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    convolution: LayerRule,
    dense: LayerRule,
    epsilon: float,
) -> Tensor:
    trials = x.detach().requires_grad_()
    with _relevance_rules(convolution, dense, epsilon):
        logits = target_logits(decoder, trials, target)
    return contributions(x, torch.autograd.grad(logits.sum(), trials)[0])


@attribution(
    "LRP",
    group="study",
    requires=(has_lrp_rules,),
    completeness_target=whole_logit,
    frequency="multiplier",
)
def lrp(decoder: nn.Module, x: Tensor, target: Tensor, *, epsilon: float = EPSILON) -> Tensor:
    """LRP with the epsilon rule in every weighted layer (Bach et al., PLoS ONE 10:e0130140, 2015).

    On networks of ReLUs, max-pools and linear layers this equals InputXGradient as epsilon goes
    to 0: each layer divides by its output what the next multiplies by its input.

    Parameters
    ----------
    epsilon : float
        Added to each layer's output, with its sign, where relevance is divided by it.
    """
    rule = partial(_epsilon_rule, epsilon=epsilon)
    return _relevance(decoder, x, target, rule, rule, epsilon)


@attribution(
    "LRP-EpsilonPlus",
    requires=(has_lrp_rules,),
    completeness_target=whole_logit,
    frequency="multiplier",
)
def lrp_epsilon_plus(
    decoder: nn.Module, x: Tensor, target: Tensor, *, epsilon: float = EPSILON
) -> Tensor:
    """LRP with the z-plus rule in convolutions, the epsilon rule in dense layers.

    Montavon et al. (2019), LNCS 11700, chapter 10; z-plus is alpha 1, beta 0.
    """
    dense = partial(_epsilon_rule, epsilon=epsilon)
    convolution = partial(_alpha1_beta0_rule, epsilon=epsilon)
    return _relevance(decoder, x, target, convolution, dense, epsilon)


@attribution(
    "LRP-Gamma",
    requires=(has_lrp_rules,),
    completeness_target=whole_logit,
    frequency="multiplier",
)
def lrp_gamma(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    gamma: float = 0.25,
    epsilon: float = EPSILON,
) -> Tensor:
    """LRP with the gamma rule in convolutions, the epsilon rule in dense layers.

    Montavon et al. (2019), LNCS 11700, chapter 10.

    Parameters
    ----------
    gamma : float
        How much more contributions of the output's sign count: 0 is the epsilon rule.
    """
    dense = partial(_epsilon_rule, epsilon=epsilon)
    convolution = partial(_gamma_rule, epsilon=epsilon, gamma=gamma)
    return _relevance(decoder, x, target, convolution, dense, epsilon)


@attribution(
    "LRP-Alpha1Beta0",
    requires=(has_lrp_rules,),
    completeness_target=whole_logit,
    frequency="multiplier",
)
def lrp_alpha1_beta0(
    decoder: nn.Module, x: Tensor, target: Tensor, *, epsilon: float = EPSILON
) -> Tensor:
    """LRP with only the positive contributions in every weighted layer (Bach et al., eq. 60)."""
    rule = partial(_alpha1_beta0_rule, epsilon=epsilon)
    return _relevance(decoder, x, target, rule, rule, epsilon)
