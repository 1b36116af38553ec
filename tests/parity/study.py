"""The study's twelve methods as its authors run them, with captum and grad-cam.

Trials are images (trials, 1, channels, times) and everything else is the libraries' default.
"""

import io
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy

import torch
from captum import attr
from pytorch_grad_cam import FullGrad, GradCAMPlusPlus, LayerCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

GRAD_CAM = {
    "GradCAM++": GradCAMPlusPlus, "ScoreCAM": ScoreCAM, "FullGrad": FullGrad, "LayerCAM": LayerCAM,
}  # fmt: skip


class Images(nn.Module):
    """Decoder of trials as images, which both libraries expect."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, images):
        return self.decoder(images[:, 0])


def explained(name, decoder, x, target):
    """Map of a method of the study, (trials, channels, times); empty where captum has none."""
    images = Images(deepcopy(decoder)).requires_grad_()
    layer = images.decoder.get_submodule(decoder.cam_layer)
    explain = _by_grad_cam if name in GRAD_CAM else _by_captum
    with _silence():  # hooks warn, and grad-cam draws a progress bar for each trial
        return explain(name, images, layer, x[:, None].clone(), target)


@contextmanager
def _silence():
    silent = io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(silent), redirect_stderr(silent):
        warnings.simplefilter("ignore")
        yield


def _by_captum(name, images, layer, x, target):
    x.requires_grad_()
    if name == "GradCAM":
        columns = attr.LayerGradCam(images, layer).attribute(x, target=target)
        return attr.LayerAttribution.interpolate(columns, tuple(x.shape[2:])).detach()[:, 0]
    if name == "GuidedGradCAM":
        maps = attr.GuidedGradCam(images, layer).attribute(x, target=target).detach()
        return maps[:, 0] if maps.numel() else maps
    return getattr(attr, name)(images).attribute(x, target=target).detach()[:, 0]


def _by_grad_cam(name, images, layer, x, target):
    classes = [ClassifierOutputTarget(int(label)) for label in target]
    method = GRAD_CAM[name](model=images, target_layers=[layer])
    return torch.from_numpy(method(input_tensor=x, targets=classes)).to(x)
