"""Which classes of ``captum.attr`` a name such as ``captum.NoiseTunnel(Saliency)`` means."""

import inspect
import re
from typing import Any

from eegxai.attribution.methods.libraries.foreign import imported, refuse, required
from eegxai.registry import unknown_name

CAPTUM_REFUSED = {
    "TCAV": "it gives a number for each concept, no map of the trial",
    "LayerFeaturePermutation": "it permutes a layer's values among the trials of a batch, so a "
    "trial has no map of its own",
    "NoiseTunnel(LayerLRP)": "captum's NoiseTunnel cannot call it",
}
MODELS = {"forward_func", "model"}
CAPTUM_GIVEN = {
    *MODELS, "layer", "device_ids", "attribution_method", "inputs", "target", "baselines",
    "feature_mask", "sliding_window_shapes", "strides", "layer_baselines", "layer_mask",
}  # fmt: skip


def captum_attr() -> Any:
    """The module, imported where it is first needed."""
    return imported("captum.attr", "captum.METHOD", "captum>=0.9")


def wrapped_classes(name: str) -> tuple[Any, ...]:
    """The class of a name and the classes that it is wrapped around, the outermost first."""
    refuse(name, CAPTUM_REFUSED)
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
    refuse(f"captum.{own}", CAPTUM_REFUSED)  # an inner one
    found = _attribution_classes()
    if own not in found:
        known = found.keys() - CAPTUM_REFUSED.keys()
        usable = [choice for choice in known if _reason_against(found[choice]) is None]
        raise ValueError(unknown_name("class of captum.attr", own, usable))
    if reason := _reason_against(found[own]):
        raise ValueError(f"{name} is no method here: {reason}")
    return found[own]


def _attribution_classes() -> dict[str, Any]:
    """Classes of captum that attribute, by name."""
    captum = captum_attr()
    named = {name: getattr(captum, name) for name in captum.__all__}
    return {
        name: value
        for name, value in named.items()
        if inspect.isclass(value) and issubclass(value, captum.Attribution)
    }


def _reason_against(own: Any) -> str | None:
    """Why a class gives no maps of trials; None where it does."""
    if issubclass(own, captum_attr().NeuronAttribution):
        return "it explains one neuron of a layer, not the logit of a class"
    if not hasattr(own, "attribute"):
        return "it is a base class, which computes nothing"
    missing = (set(required(own.__init__)) | set(required(own.attribute))) - CAPTUM_GIVEN - {"self"}
    return f"it needs {min(missing)}, which is no plain value" if missing else None


def is_of_layer(own: Any) -> bool:
    """Whether a class gives maps of a layer."""
    return issubclass(own, captum_attr().LayerAttribution)


def constructor_parameters(classes: tuple[Any, ...]) -> dict[str, inspect.Parameter]:
    """Parameters of the constructors and of ``attribute``, an inner class's after the outer's."""
    found: dict[str, inspect.Parameter] = {}
    for own in classes:
        for function in (own.__init__, own.attribute):
            found = {**inspect.signature(function).parameters, **found}
    return found
