"""Options of a class of captum: the plain arguments of its signatures, and masks of features."""

import inspect
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from eegxai.attribution.core.reference_input import ReferenceInput
from eegxai.attribution.methods.libraries.captum_names import CAPTUM_GIVEN, constructor_parameters
from eegxai.attribution.methods.libraries.foreign import (
    CHOICES,
    Options,
    plain_options,
    references_option,
    required,
)

PERMUTING = "FeaturePermutation"  # a trial's values by those of the references
FeatureMask = Literal["channels", "windows", "channels_windows"]
ChannelsAndSamples = Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
OCCLUSION_WINDOW = 25
# Their cost or their error grows with the number of features faster than the maps get finer.
WINDOWS_OF = {"ShapleyValueSampling": 25, "ShapleyValues": 50, "Lime": 25, "KernelShap": 25}
SIZE_OPTIONS: Options = {
    "sliding_window_shapes": (ChannelsAndSamples, [1, OCCLUSION_WINDOW]),
    "strides": (ChannelsAndSamples, [1, OCCLUSION_WINDOW]),
}
RESOLUTION_LIMITS = {
    "channels": {"times": "no time resolution: whole channels are perturbed"},
    "windows": {"channels": "no channel resolution: windows of all channels are perturbed"},
}


def wants_distribution(classes: tuple[Any, ...]) -> bool:
    """Whether a class has no baseline of its own and takes several."""
    return "baselines" in required(classes[-1].attribute)


def captum_options_of(classes: tuple[Any, ...]) -> Options:
    """All options, those of an outer class before those of the same name of an inner one."""
    parameters, inner = constructor_parameters(classes), classes[-1].__name__
    options: Options = {}
    for own in reversed(classes):
        for function in (own.__init__, own.attribute):
            options |= plain_options(function, CAPTUM_GIVEN | {"self"})
    if "baselines" in parameters:
        baseline: Options = {"baseline": (ReferenceInput, "zero")}
        options |= references_option() if wants_distribution(classes) else baseline
    if inner == PERMUTING:
        options |= references_option(inspect.Parameter.empty)
    if "feature_mask" in parameters:
        options |= _mask_options(inner)
    options |= {name: option for name, option in SIZE_OPTIONS.items() if name in parameters}
    if "layer" in parameters:
        options |= {"interpolate_mode": (CHOICES["interpolate_mode"], "nearest")}
    return options | _only_working(classes, options)


def _only_working(classes: tuple[Any, ...], options: Options) -> Options:
    """Options of which captum takes one value alone: with any other it fails on all decoders."""
    names = [own.__name__ for own in classes]
    if "draw_baseline_from_distrib" in options and wants_distribution(classes):
        return {"draw_baseline_from_distrib": (Literal[True], True)}
    if names == ["LayerFeatureAblation"]:
        return {"perturbations_per_eval": (Literal[1], 1)}
    return {}


def _mask_options(own: str) -> Options:
    fine = "channels" if own == PERMUTING else "channels_windows"
    return {
        "feature_mask": (FeatureMask, "windows" if own in WINDOWS_OF else fine),
        "window": (PositiveInt, WINDOWS_OF.get(own, OCCLUSION_WINDOW)),
    }


def option_limits(
    n_channels: int,
    n_times: int,
    *,
    feature_mask: str = "",
    sliding_window_shapes: Sequence[int] = (0, 0),
    **_options: Any,
) -> dict[str, str]:
    """Why maps of trials of this size are constant along an axis by these options.

    Examples
    --------
    >>> option_limits(16, 250, sliding_window_shapes=[16, 50])
    {'channels': 'no channel resolution: windows of all channels are perturbed'}
    """
    of_channels, of_times = sliding_window_shapes
    whole = {"windows": of_channels >= n_channels, "channels": of_times >= n_times}
    features = [feature_mask, *(name for name, is_whole in whole.items() if is_whole)]
    return {axis: why for name in features for axis, why in RESOLUTION_LIMITS.get(name, {}).items()}
