"""Any class of ``captum.attr`` that gives maps of trials, as ``captum.NAME``.

Its options are those arguments of its constructor and of its ``attribute`` that are plain values,
found in the signatures, with captum's defaults. What captum leaves to its caller is put in the
terms of EEG:

- ``baseline``, ``"zero"`` or ``"mean"``, for its baselines; classes that want a distribution of
  them take ``references``, and without those the zero trial.
- ``feature_mask`` and ``window``, for the features that are perturbed together.
- ``sliding_window_shapes`` and ``strides``, in (channels, samples).
- Layers are the decoder's CAM layer; maps of a layer are summed over its features and brought to
  the trial's size as captum's ``LayerAttribution.interpolate`` does, by ``interpolate_mode``.

``captum.OUTER(INNER)`` is a class around another one: ``captum.NoiseTunnel(Saliency)``.
"""

import inspect
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from eegxai.attribution.core.reference_input import (
    logit_difference,
    reference_input,
)
from eegxai.attribution.core.registry import (
    Attribution,
    CompletenessTarget,
    Method,
    library,
    target_logits,
    whole_logit,
)
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.attribution.methods.cam import cam_limits
from eegxai.attribution.methods.libraries.captum_names import (
    MODELS,
    captum_attr,
    constructor_parameters,
    is_of_layer,
    wrapped_classes,
)
from eegxai.attribution.methods.libraries.captum_options import (
    PERMUTING,
    SIZE_OPTIONS,
    captum_options_of,
    option_limits,
    wants_distribution,
)
from eegxai.attribution.methods.libraries.captum_sizes import MISFITS, feature_numbers
from eegxai.attribution.methods.libraries.foreign import (
    OfImages,
    guarded,
    trial_by_trial,
    with_options,
)

CAPTUM_STANDARD = (
    "Saliency",
    "InputXGradient",
    "Deconvolution",
    "GuidedBackprop",
    "DeepLift",
    "DeepLiftShap",
    "LRP",
    "LayerGradCam",
    "GuidedGradCam",
    "IntegratedGradients",
    "GradientShap",
    "NoiseTunnel(Saliency)",
    "FeatureAblation",
    "KernelShap",
)
# Their draws come from global generators, or are shared by the trials of a batch.
CAPTUM_RANDOM = {
    "GradientShap",
    "LayerGradientShap",
    "NoiseTunnel",
    "ShapleyValueSampling",
    "ShapleyValues",
    "Lime",
    "KernelShap",
    "FeaturePermutation",
}
IMAGES = {"GuidedGradCam"}  # what they multiply must have the layer's number of axes


@library("captum", CAPTUM_STANDARD)
@cache
def captum_method(own_name: str) -> Method:
    """Method of a class of captum, by the class's name.

    Raises
    ------
    ValueError
        When there is no such class, or its results are no maps of trials, in one sentence.
    """
    name = f"captum.{own_name}"
    classes = wrapped_classes(name)
    options = captum_options_of(classes)
    function = partial(_attributions, classes)
    random = CAPTUM_RANDOM & {own.__name__ for own in classes}
    call = trial_by_trial(name, guarded(name, function)) if random else guarded(name, function)
    return Method(
        with_options(call, options, f"captum's {own_name}, called as captum documents it."),
        group="captum",
        requires=(has_cam_layer,) if "layer" in constructor_parameters(classes) else (),
        completeness_target=_sum_of(classes),
        limits=cam_limits if is_of_layer(classes[-1]) else Method.limits,
        option_limits=option_limits,
        misfit=MISFITS.get(classes[-1].__name__, Method.misfit),
    )


# ------------------------------------------------------------------ sums


def _sum_of(classes: tuple[Any, ...]) -> CompletenessTarget | None:
    """The sum that a class promises, by its convergence delta; None where it promises none.

    A layer's maps lose theirs when they are interpolated, and around noise it is that of the
    noisy trials.
    """
    own = classes[-1]
    if len(classes) > 1 or is_of_layer(own) or not own.has_convergence_delta(None):
        return None
    if "baselines" not in constructor_parameters(classes):
        return whole_logit
    return _multiplied(_logit_over_references if wants_distribution(classes) else logit_difference)


def _multiplied(target_sum: Attribution) -> CompletenessTarget:
    """The sum, unless the option is set that leaves the factor of the trial out."""

    def promised(*trials: Any, multiply_by_inputs: bool = True, **options: Any) -> Tensor | None:
        return target_sum(*trials, **options) if multiply_by_inputs else None

    return promised


def _logit_over_references(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor | None = None,
    **_options: Any,
) -> Tensor:
    """Logit of the trial minus the mean logit of the references."""
    of_references = decoder(_trials_to_compare(x, references)).mean(0)
    return target_logits(decoder, x, target) - of_references[target]


# ------------------------------------------------------------------ calls


def _attributions(
    classes: tuple[Any, ...], decoder: nn.Module, x: Tensor, target: Tensor, **options: Any
) -> Tensor:
    """Maps by a class, made and called anew."""
    n_trials, inner = len(x), classes[-1]
    if inner.__name__ == PERMUTING:
        x, target = _with_references(x, target, options["references"])
    given = _given(classes, x, target, options)
    if inner.__name__ in IMAGES:
        given["inputs"] = x.detach()[:, None].requires_grad_()
    maps = _instance(classes, decoder, options).attribute(
        **{name: value for name, value in given.items() if _accepts(classes, name)}
    )
    if is_of_layer(inner):
        maps = _on_trials(maps, x, options["interpolate_mode"])
    return maps.reshape(x.shape)[:n_trials] if inner.__name__ in IMAGES else maps[:n_trials]


def _accepts(classes: tuple[Any, ...], name: str) -> bool:
    """Whether some ``attribute`` takes an argument: outer classes hand on what is not theirs."""
    return any(name in inspect.signature(own.attribute).parameters for own in classes)


def _instance(classes: tuple[Any, ...], decoder: nn.Module, options: dict[str, Any]) -> Any:
    own, *inner = classes
    model = OfImages(decoder) if own.__name__ in IMAGES else decoder
    values = {**options, **dict.fromkeys(MODELS, model)}
    parameters = inspect.signature(own.__init__).parameters
    if "layer" in parameters:
        values["layer"] = decoder.get_submodule(str(decoder.cam_layer))
    if inner:
        values["attribution_method"] = _instance(tuple(inner), decoder, options)
    return own(**{name: values[name] for name in parameters if name in values})


def _given(
    classes: tuple[Any, ...], x: Tensor, target: Tensor, options: dict[str, Any]
) -> dict[str, Any]:
    """Arguments of ``attribute`` by captum's names, those that it does not take among them."""
    values = {**options, "inputs": x, "target": target}
    if "baseline" in options:
        values["baselines"] = reference_input(x.detach(), options["baseline"])
    if wants_distribution(classes):
        values["baselines"] = _trials_to_compare(x, options.get("references"))
    if "feature_mask" in options:
        size = x.shape[1], x.shape[2]
        numbers = feature_numbers(*size, options["feature_mask"], options["window"])
        values["feature_mask"] = numbers[None].to(x.device)
    return values | {name: tuple(options[name]) for name in SIZE_OPTIONS if name in options}


def _trials_to_compare(x: Tensor, references: Tensor | None) -> Tensor:
    """Trials to compare with, the zero trial without any; of one a copy too: captum wants more."""
    found = torch.zeros_like(x[:1]) if references is None else references
    return found.repeat(2, 1, 1) if len(found) == 1 else found


def _with_references(x: Tensor, target: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """A trial, and references whose values it may get."""
    return torch.cat([x, references]), target[:1].expand(len(x) + len(references))


def _on_trials(maps: Tensor, x: Tensor, interpolate_mode: str) -> Tensor:
    """A layer's maps (trials, features, ..., columns), summed and brought to the trial's size."""
    summed = maps.sum(1, keepdim=True)
    size = tuple(x.shape[1:]) if summed.ndim == 4 else (x.shape[2],)
    interpolated = captum_attr().LayerAttribution.interpolate(summed, size, interpolate_mode)
    return interpolated[:, 0] if summed.ndim == 4 else interpolated.expand(x.shape)
