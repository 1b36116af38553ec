"""How fast the study's twelve methods are compared with the published way, in one run.

    python benchmarks/attribution.py [trials] [rounds]

Trials of the study's size (62 channels, 250 samples, 4 classes) and the study's network. The
published way is one object of captum or grad-cam per method, with their defaults, batches of 128
and the network in torch's default memory layout. Ours is ``attribute`` for each method, and
``attribute_all`` for the twelve together, which computes shared passes once. The rounds of both
ways are interleaved; the times in seconds are medians over rounds.
"""

import io
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from statistics import median

import torch
from torch import Tensor, nn

from eegxai.attribution import STUDY_METHODS, attribute, attribute_all
from eegxai.decoders import build

N_TRIALS, N_ROUNDS, BATCH = 512, 3, 128
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CAMS = {
    "GradCAM++": "GradCAMPlusPlus",
    "ScoreCAM": "ScoreCAM",
    "FullGrad": "FullGrad",
    "LayerCAM": "LayerCAM",
}
TOGETHER = "all twelve together"


class Images(nn.Module):
    """Decoder of trials as images (trials, 1, channels, times), as both libraries expect."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:  # noqa: D102
        return self.decoder(images[:, 0])


def network(n_channels: int = 62) -> nn.Module:
    torch.manual_seed(0)
    return build("deepnet", n_channels, 250, 4, 250.0).to(DEVICE)


def published(name: str, x: Tensor, target: Tensor) -> None:
    decoder = network(x.shape[1]).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    images, layer = Images(decoder), decoder.get_submodule(decoder.cam_layer)
    explain = _grad_cam(name, images, layer) if name in CAMS else _captum(name, images, layer)
    for some, classes in zip(x[:, None].split(BATCH), target.split(BATCH), strict=True):
        explain(some.clone(), classes)


def _captum(name: str, images: nn.Module, layer: nn.Module) -> Callable[[Tensor, Tensor], object]:
    import captum.attr

    if name == "GuidedGradCAM":
        method = captum.attr.GuidedGradCam(images, layer)
    elif name == "GradCAM":
        method = captum.attr.LayerGradCam(images, layer)
        enlarged = captum.attr.LayerAttribution.interpolate
        return lambda x, target: enlarged(method.attribute(x, target=target), x.shape[2:])
    else:
        method = getattr(captum.attr, name)(images)
    return lambda x, target: method.attribute(x.requires_grad_(), target=target)


def _grad_cam(name: str, images: nn.Module, layer: nn.Module) -> Callable[[Tensor, Tensor], object]:
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    method = getattr(pytorch_grad_cam, CAMS[name])(model=images, target_layers=[layer])
    return lambda x, target: method(x, [ClassifierOutputTarget(int(label)) for label in target])


def ours(name: str, x: Tensor, target: Tensor) -> None:
    attribute(name, network(), x, target)


def together(x: Tensor, target: Tensor) -> None:
    attribute_all(STUDY_METHODS, network(), x, target)


def seconds(way: Callable[..., None], *args: object) -> float:
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of hooks; grad-cam draws a progress bar for each trial
        start = time.perf_counter()
        way(*args)
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start


def measured(n_trials: int, n_rounds: int) -> dict[tuple[str, str], float]:
    """Median seconds by way and method."""
    x = torch.randn(n_trials, 62, 250, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    target = torch.arange(n_trials, device=DEVICE) % 4
    together(x[:1], target[:1])  # traces the network's layers, once a process
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(n_rounds):
        for name in STUDY_METHODS:
            for way in (published, ours):
                key = (way.__name__, name)
                times.setdefault(key, []).append(seconds(way, name, x, target))
        times.setdefault(("ours", TOGETHER), []).append(seconds(together, x, target))
    return {key: median(values) for key, values in times.items()}


def main(n_trials: int = N_TRIALS, n_rounds: int = N_ROUNDS) -> None:
    print(f"{n_trials} trials, {n_rounds} rounds, {DEVICE}, {torch.get_num_threads()} threads")
    result = measured(n_trials, n_rounds)
    print(f"{'method':20} {'published s':>12} {'ours s':>8} {'ratio':>6}")
    totals = {
        way: sum(result[way, name] for name in STUDY_METHODS) for way in ("published", "ours")
    }
    rows = [(name, result["published", name], result["ours", name]) for name in STUDY_METHODS]
    rows += [
        ("one after another", totals["published"], totals["ours"]),
        (TOGETHER, totals["published"], result["ours", TOGETHER]),
    ]
    for name, theirs, own in rows:
        print(f"{name:20} {theirs:12.2f} {own:8.2f} {theirs / own:6.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
