"""The study's class activation maps and FullGrad, as captum and grad-cam compute them.

Both libraries are called with their defaults, on trials as images (trials, 1, channels, times).
Whatever the last two axes of a layer are, they become channels and times: where a layer has its
time on the axis before the last, as in braindecode's Deep4, the map shows time along the channels.
``cam`` has the same methods with signs and with columns where their receptive fields are.

captum's two keep the layer's values and repeat each over a block of samples ("nearest"). grad-cam's
are rectified, scaled to 0..1, resized linearly to the trial and scaled again, each map by itself.
"""

from functools import cache, partial
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from eegxai.attribution.core.registry import attribution
from eegxai.attribution.engine.forward_only import masked_logits
from eegxai.attribution.engine.recorded_passes import (
    LAYER_AXES,
    layer_gradients,
    plain_pass,
    recorded,
)
from eegxai.attribution.engine.requirements import has_cam_layer, has_relu
from eegxai.attribution.methods.relu_rules import guided_backprop
from eegxai.decoders.lone_trials import pair_of
from eegxai.decoders.tracing import output_of

# Constants of grad-cam that keep it from dividing by zero.
SCALE_EPS = 1e-7
MASK_EPS = 1e-8
ALPHA_EPS = 1e-6


def _has_axes(numbers: tuple[int, ...], decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why the CAM layer's output is nothing that the library can resize."""
    shape = tuple(_cam_output(decoder, pair_of(x)).shape)
    if len(shape) in numbers:
        return None
    layer, given = decoder.cam_layer, ", ".join(("trials", *map(str, shape[1:])))
    return f"its CAM layer {layer!r} gives ({given}), not (trials, features, rows, columns)"


RESIZED_BY_CAPTUM = (has_cam_layer, partial(_has_axes, (3, 4)))
RESIZED_BY_GRAD_CAM = (has_cam_layer, partial(_has_axes, (4,)))


def _cam_output(decoder: nn.Module, x: Tensor) -> Tensor:
    return output_of(decoder, str(decoder.cam_layer), x)


def _resolution_limits(decoder: nn.Module, x: Tensor) -> dict[str, str]:
    shape = _cam_output(decoder, pair_of(x)).shape
    if len(shape) == 4 and shape[2] > 1:
        return {}
    return {"channels": f"no channel resolution: the CAM layer {decoder.cam_layer!r} has none"}


# ------------------------------------------------------------------ captum


def _grad_cam_values(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """GradCAM of the layer, (trials, 1, rows, columns), or (trials, 1, columns) without rows."""
    activations, gradients = plain_pass(decoder, x, target).layer
    places = tuple(range(2, gradients.ndim))
    return (gradients.mean(places, keepdim=True) * activations).sum(1, keepdim=True)


def _repeated_over_blocks(values: Tensor, x: Tensor) -> Tensor:
    """Values of the layer, each repeated over its block of the trial."""
    size = tuple(x.shape[1:][2 - values.ndim :])
    return F.interpolate(values, size, mode="nearest").flatten(0, -3).expand_as(x)


@attribution("GuidedGradCAM", group="study", requires=(*RESIZED_BY_CAPTUM, has_relu))
def guided_grad_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """GuidedBackprop times the rectified GradCAM (Selvaraju et al., arXiv:1610.02391)."""
    weights = _repeated_over_blocks(_grad_cam_values(decoder, x, target).relu(), x)
    return guided_backprop(decoder, x, target) * weights


@attribution("GradCAM", group="study", requires=RESIZED_BY_CAPTUM, limits=_resolution_limits)
def grad_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over features k of (mean of their gradient) A_k, not rectified.

    Selvaraju et al., arXiv:1610.02391.
    """
    return _repeated_over_blocks(_grad_cam_values(decoder, x, target), x)


# ------------------------------------------------------------------ grad-cam


def _scaled(maps: Tensor) -> Tensor:
    """Each map (rows, columns) from its smallest value to its largest as 0..1."""
    maps = maps - maps.amin(LAYER_AXES, keepdim=True)
    return maps / (maps.amax(LAYER_AXES, keepdim=True) + SCALE_EPS)


def _resized(maps: Tensor, x: Tensor) -> Tensor:
    """Maps (trials, rows, columns) on (channels, times), linearly, as OpenCV resizes images.

    It rounds positions to single precision in images of one row or column, a difference of 1e-6.
    """
    precision = np.float32 if 1 in maps.shape[1:] else np.float64
    sizes = zip(maps.shape[1:], x.shape[1:], strict=True)
    rows, columns = (_read_off(n, size, precision).to(maps) for n, size in sizes)
    return rows @ maps @ columns.T


@cache
def _read_off(n: int, size: int, precision: type[np.floating]) -> Tensor:
    """Weight of each of n values at each of ``size`` positions evenly among them, (size, n)."""
    positions = ((np.arange(size) + 0.5) * (n / size) - 0.5).astype(precision)
    values = np.eye(n)
    return torch.from_numpy(np.stack([np.interp(positions, np.arange(n), v) for v in values], 1))


def _as_image(maps: Tensor, x: Tensor) -> Tensor:
    """A layer's maps (trials, rows, columns) as grad-cam shows them."""
    return _scaled(_resized(_scaled(maps.relu()), x))


@attribution("GradCAM++", group="study", requires=RESIZED_BY_GRAD_CAM, limits=_resolution_limits)
def grad_cam_plus_plus(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of w_k A_k, w_k = sum over positions of alpha_k ReLU(g_k).

    Chattopadhay et al., arXiv:1710.11063, eq. 19, alpha_k = g^2 / (2 g^2 + g^3 sum(A_k)), with a
    constant of 1e-6 in the denominator: beside it, gradients of 1e-3 and below fade.
    """
    activations, gradients = plain_pass(decoder, x, target).layer
    squares = gradients**2
    cubes = squares * gradients * activations.sum(LAYER_AXES, keepdim=True)
    alpha = squares / (2 * squares + cubes + ALPHA_EPS)
    weights = (alpha * gradients.relu()).sum(LAYER_AXES, keepdim=True)
    return _as_image((weights * activations).sum(1), x)


@attribution("ScoreCAM", group="study", requires=RESIZED_BY_GRAD_CAM, limits=_resolution_limits)
def score_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of w_k A_k, w_k the softmax over k of the logit of the trial masked by A_k.

    Wang et al., arXiv:1910.01279. The masks are stretched from corner to corner, the maps that
    are summed as OpenCV resizes images.
    """
    activations = _cam_output(decoder, x)
    masks = (_activation_masks(some, x) for some in activations.split(1, 1))
    weights = masked_logits(decoder, x, target, masks).softmax(1)[:, :, None, None]
    return _as_image((weights * activations).sum(1), x)


def _activation_masks(activations: Tensor, x: Tensor) -> Tensor:
    size = tuple(x.shape[1:])
    mask = F.interpolate(activations, size, mode="bilinear", align_corners=True)[:, 0]
    low, high = mask.amin(LAYER_AXES, keepdim=True), mask.amax(LAYER_AXES, keepdim=True)
    return (mask - low).div_(high - low + MASK_EPS)


def _layers_with_bias(decoder: nn.Module) -> list[str]:
    """Names of the layers whose biases grad-cam counts, in the order of their definition.

    Subclasses, parametrized layers and dense ones are not among them.
    """
    counted = (nn.Conv2d, nn.BatchNorm2d)
    layers = decoder.named_modules()
    return [name for name, layer in layers if type(layer) in counted and layer.bias is not None]


def _feature_bias(layer: nn.Module) -> Tensor:
    """Bias of each feature, (features, 1, 1)."""
    bias: Tensor = layer.get_parameter("bias")
    if isinstance(layer, nn.BatchNorm2d):
        deviation = (layer.get_buffer("running_var") + layer.eps).sqrt()
        bias = bias - layer.get_buffer("running_mean") * layer.get_parameter("weight") / deviation
    return bias[:, None, None]


def has_known_biases(decoder: nn.Module, _x: Tensor) -> str | None:
    """Reason why the bias of a BatchNorm depends on the other trials."""
    layers = ((name, decoder.get_submodule(name)) for name in _layers_with_bias(decoder))
    unknown = (n for n, layer in layers if getattr(layer, "running_mean", layer.bias) is None)
    name = next(unknown, None)
    return None if name is None else f"its BatchNorm {name!r} keeps no statistics"


def calls_biases_in_order(decoder: nn.Module, x: Tensor) -> str | None:
    """Reason why grad-cam, which pairs biases and gradients by position, pairs them wrongly."""
    names = _layers_with_bias(decoder)
    with torch.no_grad(), recorded(decoder, names) as calls:
        decoder(pair_of(x))
    pairs = zip_longest(names, (call.name for call in calls))
    other = next((name or called for name, called in pairs if name != called), None)
    if other is None:
        return None
    return f"its layers with a bias are not called once each and as defined, {other!r} is not"


@attribution("FullGrad", group="study", requires=(has_known_biases, calls_biases_in_order))
def full_grad(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Magnitudes of trial times gradient and of bias times gradient, each scaled, summed, scaled.

    Srinivas & Fleuret, arXiv:1905.00780. The maps of the single features of every Conv2d and
    BatchNorm2d are scaled to 0..1 one by one, so that a feature of next to no influence counts
    as much as any other; the biases of dense layers and activations are not counted.
    """
    names = _layers_with_bias(decoder)
    gradient, layers = layer_gradients(decoder, names, x, target)
    total = _scaled((x * gradient).abs())
    for name, (_, of_output) in zip(names, layers, strict=True):
        maps = _scaled((_feature_bias(decoder.get_submodule(name)) * of_output).abs())
        total = total + _resized(maps.sum(1), x)  # resizing is linear: once for all features
    return _scaled(total)


@attribution("LayerCAM", group="study", requires=RESIZED_BY_GRAD_CAM, limits=_resolution_limits)
def layer_cam(decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Sum over k of ReLU(g_k) A_k, position by position (Jiang et al., IEEE TIP 30:5875, 2021)."""
    activations, gradients = plain_pass(decoder, x, target).layer
    return _as_image((gradients.relu() * activations).sum(1), x)
