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
import re
from functools import cache, partial
from math import factorial
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from eegxai.attribution.core.reference_input import (
    ReferenceInput,
    logit_difference,
    reference_input,
)
from eegxai.attribution.core.registry import (
    Attribution,
    Method,
    NotApplicable,
    Sums,
    library,
    target_logits,
    whole_logit,
)
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.attribution.methods.cam import cam_limits
from eegxai.attribution.methods.libraries.foreign import (
    CHOICES,
    OfImages,
    Options,
    guarded,
    imported,
    plain_options,
    references_option,
    refuse,
    required,
    trial_by_trial,
    with_options,
)
from eegxai.registry import unknown_name

STANDARD = (
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
REFUSED = {
    "TCAV": "it gives a number for each concept, no map of the trial",
    "LayerFeaturePermutation": "it permutes a layer's values among the trials of a batch, so a "
    "trial has no map of its own",
}
# Their draws come from global generators, or are shared by the trials of a batch.
RANDOM = {
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
PERMUTING = "FeaturePermutation"  # a trial's values by those of the references
MODELS = {"forward_func", "model"}
GIVEN = {
    *MODELS, "layer", "device_ids", "attribution_method", "inputs", "target", "baselines",
    "feature_mask", "sliding_window_shapes", "strides", "layer_baselines", "layer_mask",
}  # fmt: skip

FeatureMask = Literal["channels", "windows", "channels_windows"]
ChannelsAndSamples = Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
WINDOW = 25
# Their cost or their error grows with the number of features faster than the maps get finer.
WINDOWS_OF = {"ShapleyValueSampling": 25, "ShapleyValues": 50, "Lime": 25, "KernelShap": 25}
MOST_ORDERS = factorial(7)  # of features, that ShapleyValues goes through
SIZES: Options = {
    "sliding_window_shapes": (ChannelsAndSamples, [1, WINDOW]),
    "strides": (ChannelsAndSamples, [1, WINDOW]),
}
LIMITS = {
    "channels": {"times": "no time resolution: whole channels are perturbed"},
    "windows": {"channels": "no channel resolution: windows of all channels are perturbed"},
}


def _captum() -> Any:
    return imported("captum.attr", "captum.METHOD", "captum>=0.9")


@library("captum", STANDARD)
@cache
def captum_method(own_name: str) -> Method:
    """Method of a class of captum, by the class's name.

    Raises
    ------
    ValueError
        When there is no such class, or its results are no maps of trials, in one sentence.
    """
    name = f"captum.{own_name}"
    classes = _classes(name)
    options = _options(classes)
    function = partial(_attributions, classes)
    random = RANDOM & {own.__name__ for own in classes}
    call = trial_by_trial(name, guarded(name, function)) if random else guarded(name, function)
    return Method(
        with_options(call, options, f"captum's {own_name}, called as captum documents it."),
        group="captum",
        requires=(has_cam_layer,) if "layer" in _parameters(classes) else (),
        completeness_target=_sum_of(classes),
        limits=cam_limits if _is_of_layer(classes[-1]) else Method.limits,
        option_limits=_mask_limits,
    )


# ------------------------------------------------------------------ names


def _classes(name: str) -> tuple[Any, ...]:
    """The class of a name and the classes that it is wrapped around, the outermost first."""
    parts = re.fullmatch(r"captum\.(\w+)(?:\((\w+)\))?", name)
    if parts is None:
        raise ValueError(
            f"{name} is no method: allowed are captum.CLASS and captum.OUTER(CLASS), such as "
            "captum.NoiseTunnel(Saliency); options go into attribution.per_method"
        )
    outer = _class(name, parts[1])
    wraps = _wraps(outer)
    if wraps and not parts[2]:
        raise ValueError(f"{name} wraps another method, name it: {name}(Saliency), for example")
    if parts[2] and not wraps:
        raise ValueError(f"{name} is no method: {parts[1]} wraps no other")
    if not wraps:
        return (outer,)
    inner = _class(name, parts[2])
    if _wraps(inner):
        raise ValueError(f"{name} is no method: {parts[2]} wraps another one itself")
    return outer, inner


def _wraps(own: Any) -> bool:
    return "attribution_method" in required(own.__init__)


def _class(name: str, own: str) -> Any:
    refuse(f"captum.{own}", REFUSED)
    found = _attribution_classes()
    if own not in found:
        known = found.keys() - REFUSED.keys()
        usable = [choice for choice in known if _reason_against(found[choice]) is None]
        raise ValueError(unknown_name("class of captum.attr", own, usable))
    if reason := _reason_against(found[own]):
        raise ValueError(f"{name} is no method here: {reason}")
    return found[own]


def _attribution_classes() -> dict[str, Any]:
    """Classes of captum that attribute, by name."""
    captum = _captum()
    named = {name: getattr(captum, name) for name in captum.__all__}
    return {
        name: value
        for name, value in named.items()
        if inspect.isclass(value) and issubclass(value, captum.Attribution)
    }


def _reason_against(own: Any) -> str | None:
    """Why a class gives no maps of trials; None where it does."""
    if issubclass(own, _captum().NeuronAttribution):
        return "it explains one neuron of a layer, not the logit of a class"
    if not hasattr(own, "attribute"):
        return "it is a base class, which computes nothing"
    missing = (set(required(own.__init__)) | set(required(own.attribute))) - GIVEN - {"self"}
    return f"it needs {min(missing)}, which is no plain value" if missing else None


def _is_of_layer(own: Any) -> bool:
    return issubclass(own, _captum().LayerAttribution)


# ------------------------------------------------------------------ options


def _parameters(classes: tuple[Any, ...]) -> dict[str, inspect.Parameter]:
    """Parameters of the constructors and of ``attribute``, an inner class's after the outer's."""
    found: dict[str, inspect.Parameter] = {}
    for own in classes:
        for function in (own.__init__, own.attribute):
            found = {**inspect.signature(function).parameters, **found}
    return found


def _wants_distribution(classes: tuple[Any, ...]) -> bool:
    """Whether a class has no baseline of its own and takes several."""
    return "baselines" in required(classes[-1].attribute)


def _options(classes: tuple[Any, ...]) -> Options:
    """All options, those of an outer class before those of the same name of an inner one."""
    parameters, inner = _parameters(classes), classes[-1].__name__
    options: Options = {}
    for own in reversed(classes):
        for function in (own.__init__, own.attribute):
            options |= plain_options(function, GIVEN | {"self"})
    if "baselines" in parameters:
        baseline: Options = {"baseline": (ReferenceInput, "zero")}
        options |= references_option() if _wants_distribution(classes) else baseline
    if inner == PERMUTING:
        options |= references_option(inspect.Parameter.empty)
    if "feature_mask" in parameters:
        options |= _mask_options(inner)
    options |= {name: option for name, option in SIZES.items() if name in parameters}
    if "layer" in parameters:
        options |= {"interpolate_mode": (CHOICES["interpolate_mode"], "nearest")}
    return options


def _mask_options(own: str) -> Options:
    fine = "channels" if own == PERMUTING else "channels_windows"
    return {
        "feature_mask": (FeatureMask, "windows" if own in WINDOWS_OF else fine),
        "window": (PositiveInt, WINDOWS_OF.get(own, WINDOW)),
    }


def _mask_limits(*, feature_mask: str = "", **_options: Any) -> dict[str, str]:
    return LIMITS.get(feature_mask, {})


# ------------------------------------------------------------------ sums


def _sum_of(classes: tuple[Any, ...]) -> Sums | None:
    """The sum that a class promises, by its convergence delta; None where it promises none.

    A layer's maps lose theirs when they are interpolated, and around noise it is that of the
    noisy trials.
    """
    own = classes[-1]
    if len(classes) > 1 or _is_of_layer(own) or not own.has_convergence_delta(None):
        return None
    if "baselines" not in _parameters(classes):
        return whole_logit
    return _multiplied(_gain_over_references if _wants_distribution(classes) else logit_difference)


def _multiplied(target_sum: Attribution) -> Sums:
    """The sum, unless the option is set that leaves the factor of the trial out."""

    def promised(*trials: Any, multiply_by_inputs: bool = True, **options: Any) -> Tensor | None:
        return target_sum(*trials, **options) if multiply_by_inputs else None

    return promised


def _gain_over_references(
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
    *,
    references: Tensor | None = None,
    **_options: Any,
) -> Tensor:
    """Logit of the trial minus the mean logit of the references."""
    of_references = decoder(_distribution(x, references)).mean(0)
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
    if _is_of_layer(inner):
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
    if _wants_distribution(classes):
        values["baselines"] = _distribution(x, options.get("references"))
    if "feature_mask" in options:
        mask = _feature_mask(x, options["feature_mask"], options["window"])
        values["feature_mask"] = mask
        if classes[-1].__name__ == "ShapleyValues":
            _check_orders(int(mask.max()) + 1)
    return values | {name: tuple(options[name]) for name in SIZES if name in options}


def _distribution(x: Tensor, references: Tensor | None) -> Tensor:
    """Trials to compare with; without any, the zero trial, twice as captum wants several."""
    return torch.zeros_like(x[:1]).repeat(2, 1, 1) if references is None else references


def _with_references(x: Tensor, target: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """A trial, and references whose values it may get."""
    return torch.cat([x, references]), target[:1].expand(len(x) + len(references))


def _feature_mask(x: Tensor, features: str, window: int) -> Tensor:
    """Number of the feature of each channel and sample, (1, channels, times)."""
    channels = torch.arange(x.shape[1], device=x.device)[:, None]
    windows = torch.arange(x.shape[2], device=x.device)[None] // window
    masks = {
        "channels": channels,
        "windows": windows,
        "channels_windows": channels * (windows.max() + 1) + windows,
    }
    return masks[features].expand(x.shape[1:])[None].contiguous()


def _check_orders(n_features: int) -> None:
    if factorial(min(n_features, 20)) > MOST_ORDERS:
        raise NotApplicable(
            f"captum.ShapleyValues is not applicable to {n_features} features, whose orders it "
            "goes through one by one: choose a longer window, for 7 features or fewer"
        )


def _on_trials(maps: Tensor, x: Tensor, interpolate_mode: str) -> Tensor:
    """A layer's maps (trials, features, ..., columns), summed and brought to the trial's size."""
    summed = maps.sum(1, keepdim=True)
    size = tuple(x.shape[1:]) if summed.ndim == 4 else (x.shape[2],)
    interpolated = _captum().LayerAttribution.interpolate(summed, size, interpolate_mode)
    return interpolated[:, 0] if summed.ndim == 4 else interpolated.expand(x.shape)
