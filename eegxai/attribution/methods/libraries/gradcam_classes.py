"""Class activation maps of the package grad-cam, as ``gradcam.NAME``.

A trial is an image (1, channels, times), and the layer the decoder's CAM layer. grad-cam takes
the last two axes of any layer for channels and times, rectifies its maps and scales each to 0..1.
"""

import inspect
from functools import cache, partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import Method, library
from eegxai.attribution.engine.requirements import has_cam_layer
from eegxai.attribution.methods.cam import cam_limits
from eegxai.attribution.methods.libraries.foreign import (
    OfImages,
    Options,
    guarded,
    imported,
    plain_options,
    refuse,
    trial_by_trial,
    with_options,
)
from eegxai.registry import unknown_name

GRADCAM_STANDARD = (
    "GradCAM",
    "GradCAMPlusPlus",
    "XGradCAM",
    "LayerCAM",
    "ScoreCAM",
    "AblationCAM",
    "HiResCAM",
    "GradCAMElementWise",
    "EigenCAM",
    "EigenGradCAM",
    "FullGrad",
)
GRADCAM_REFUSED = {
    "FinerCAM": "it compares classes that it chooses itself; with a class given it is GradCAM",
    "SESS": "it cuts square images into pieces, and decoders take trials of one shape",
    "DeepFeatureFactorization": "it gives several maps, which belong to no class",
    "GuidedBackpropReLUModel": "it is no class activation map; captum.GuidedBackprop is the same",
}
GRADCAM_RANDOM = {"RandomCAM"}
OWN_LAYERS = {"FullGrad"}  # they find them in the model
# Of which a class takes one value alone: with any other it fails on all decoders.
ONLY_WORKING: dict[str, Options] = {"FullGrad": {"eigen_smooth": (Literal[False], False)}}
GRADCAM_GIVEN = {"self", "model", "target_layers", "reshape_transform", "input_tensor", "targets"}


def _gradcam() -> Any:
    return imported("pytorch_grad_cam", "gradcam.METHOD", "eegxai[gradcam]")


@library("gradcam", GRADCAM_STANDARD)
@cache
def gradcam_method(own_name: str) -> Method:
    """Method of a class of grad-cam, by the class's name.

    Raises
    ------
    ValueError
        When there is no such class, or grad-cam is not installed.
    """
    name = f"gradcam.{own_name}"
    refuse(name, GRADCAM_REFUSED)
    found = _cam_classes()
    if own_name not in found:
        raise ValueError(
            unknown_name("class of grad-cam", own_name, set(found) - set(GRADCAM_REFUSED))
        )
    call = guarded(name, partial(_gradcam_maps, found[own_name]))
    return Method(
        with_options(
            trial_by_trial(name, call) if own_name in GRADCAM_RANDOM else call,
            _gradcam_options(found[own_name]),
            f"grad-cam's {own_name}: rectified, each map scaled to 0..1.",
        ),
        group="gradcam",
        requires=() if own_name in OWN_LAYERS else (has_cam_layer,),
        limits=Method.limits if own_name in OWN_LAYERS else cam_limits,
    )


def _cam_classes() -> dict[str, Any]:
    """Classes of grad-cam that are made of a model and layers and are run."""
    every = dict(inspect.getmembers(_gradcam(), inspect.isclass))
    return {
        name: own
        for name, own in every.items()
        if {"model", "target_layers"} <= inspect.signature(own.__init__).parameters.keys()
        and hasattr(own, "forward")
    }


def _gradcam_options(own: Any) -> Options:
    """Plain arguments of the constructor and of a call."""
    options = plain_options(own.__init__, GRADCAM_GIVEN) | plain_options(
        own.__call__, GRADCAM_GIVEN
    )
    return options | ONLY_WORKING.get(own.__name__, {})


def _gradcam_maps(
    own: Any, decoder: nn.Module, x: Tensor, target: Tensor, **options: Any
) -> Tensor:
    own_layers = own.__name__ in OWN_LAYERS
    layers = [] if own_layers else [decoder.get_submodule(str(decoder.cam_layer))]
    parameters = inspect.signature(own.__init__).parameters
    made = {name: value for name, value in options.items() if name in parameters}
    if "ablation_layer" in parameters:  # the default is one object for all, which keeps its state
        made["ablation_layer"] = _gradcam().AblationLayer()
    cam = own(OfImages(decoder), layers, **made)
    called = {name: value for name, value in options.items() if name not in parameters}
    targets = [_Logit(int(chosen)) for chosen in target]
    images = x.detach()[:, None].requires_grad_()
    return torch.from_numpy(cam(images, targets, **called)).to(x)


class _Logit:
    """What grad-cam explains of a trial's logits."""

    def __init__(self, target: int) -> None:
        self.target = target

    def __call__(self, logits: Tensor) -> Tensor:
        return logits[self.target]
