"""Functions of ``braindecode.visualization`` that return a map of the trials.

They are named as there: ``braindecode.saliency``, ``braindecode.deep_lift``.
"""

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from torch import Tensor, nn

from eegxai.attribution.core.reference_input import (
    ReferenceInput,
    logit_difference,
    reference_input,
)
from eegxai.attribution.core.registry import Attribution, Method, library, whole_logit
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.attribution.methods.cam import cam_limits
from eegxai.attribution.methods.libraries.foreign import (
    Options,
    guarded,
    imported,
    plain_options,
    refuse,
    with_options,
)
from eegxai.decoders.zoo import without_montage_warnings
from eegxai.registry import unknown_name

BRAINDECODE_STANDARD = (
    "saliency",
    "input_x_gradient",
    "deconvolution",
    "guided_backprop",
    "deep_lift",
    "lrp",
    "layer_grad_cam",
    "integrated_gradients",
)
BRAINDECODE_REFUSED = {
    "amplitude_gradients": "its maps are over frequencies, and of all classes",
    "amplitude_gradients_per_trial": "its maps are over frequencies, and of all classes",
    "random_target": "it draws classes, and explains nothing",
}
BRAINDECODE_GIVEN = {"model", "x", "target", "layer", "baseline"}
SUMS: dict[str, Attribution] = {
    "deep_lift": logit_difference,
    "integrated_gradients": logit_difference,
    "lrp": whole_logit,
}


@library("braindecode", BRAINDECODE_STANDARD)
@cache
def braindecode_method(own_name: str) -> Method:
    """Method of a function of braindecode, by the function's name.

    Raises
    ------
    ValueError
        When there is no such function, or its results are no maps of trials.
    """
    name = f"braindecode.{own_name}"
    refuse(name, BRAINDECODE_REFUSED)
    found = _functions()
    if own_name not in found:
        raise ValueError(unknown_name("map of braindecode.visualization", own_name, found))
    function = found[own_name]
    of_layer = "layer" in inspect.signature(function).parameters
    return Method(
        with_options(
            guarded(name, partial(_braindecode_maps, function)),
            _braindecode_options(function),
            f"braindecode's {own_name}, which calls captum.",
        ),
        group="braindecode",
        requires=(has_cam_layer,) if of_layer else (),
        completeness_target=SUMS.get(own_name),
        limits=cam_limits if of_layer else Method.limits,
    )


def _functions() -> dict[str, Callable[..., Any]]:
    """Functions that explain the target class of a model."""
    with without_montage_warnings():
        module = imported("braindecode.visualization", "braindecode.METHOD", "braindecode>=1.8")
    every = dict(inspect.getmembers(module, inspect.isfunction))
    return {
        name: function
        for name, function in every.items()
        if {"model", "x", "target"} <= inspect.signature(function).parameters.keys()
    }


def _braindecode_options(function: Callable[..., Any]) -> Options:
    baseline: Options = {"baseline": (ReferenceInput, "zero")}
    has_baseline = "baseline" in inspect.signature(function).parameters
    return plain_options(function, BRAINDECODE_GIVEN) | (baseline if has_baseline else {})


def _braindecode_maps(
    function: Callable[..., Any], decoder: nn.Module, x: Tensor, target: Tensor, **options: Any
) -> Tensor:
    if "baseline" in options:
        options["baseline"] = reference_input(x.detach(), options["baseline"])
    if "layer" in inspect.signature(function).parameters:
        options["layer"] = decoder.get_submodule(str(decoder.cam_layer))
    return function(decoder, x, target, **options)
