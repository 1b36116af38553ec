"""The study's twelve methods against captum and grad-cam, on every architecture, in float64.

grad-cam returns float32, whose rounding is 6e-8.
"""

from itertools import product

import pytest
import torch
from torch import nn

from eegxai.attribution import STUDY_METHODS, NotApplicable, attribute
from eegxai.decoders import DECODERS, initialised
from tests.helpers import N_CLASSES
from tests.parity.trained import relative_error, trained_decoder, trials

pytest.importorskip("captum", reason="captum is not installed")
pytest.importorskip("pytorch_grad_cam", reason="grad-cam is not installed")
from tests.parity.study import explained

WITHOUT_RELU = ("eegnet", "shallow_fbcsp", "deep4", "eegconformer", "atcnet", "deepsleepnet")
REFUSED = {  # here captum's map is the gradient or a part of it, and grad-cam's FullGrad fails
    **dict.fromkeys(product(("Deconvolution", "GuidedBackprop"), WITHOUT_RELU), "no"),
    **dict.fromkeys(product(["GuidedGradCAM"], WITHOUT_RELU), "no"),
    **dict.fromkeys(product(["FullGrad"], ("shallow_fbcsp", "deep4", "deep4_relu")), "conv_time'"),
}
# Where captum has no rule for a layer: it raises, or takes the layer's gradient for its difference.
NO_RULES = {
    *product(["LRP"], set(DECODERS) - {"deepnet"}),
    *product(["DeepLift"], ("shallow_fbcsp", "eegconformer", "atcnet", "deepsleepnet")),
}
EQUAL = [
    pair
    for pair in product(STUDY_METHODS, DECODERS)
    if pair not in REFUSED and pair not in NO_RULES
]


@pytest.mark.parametrize(("name", "decoder"), EQUAL)
def test_map_is_what_the_study_computes(name, decoder):
    module, (x, target) = trained_decoder(decoder), trials()
    ours = attribute(name, module, x, target)
    assert relative_error(ours, explained(name, module, x, target)) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_relevance_is_captums_in_every_trial_of_an_untrained_network(seed):
    """Where outputs of a layer are near zero, the epsilon of every layer counts, pools too."""
    module = initialised("deepnet", 17, 201, 4, 250.0, seed).double().eval()
    x = torch.randn(64, 17, 201, generator=torch.Generator().manual_seed(seed)).double()
    target = torch.arange(64) % 4
    ours, theirs = attribute("LRP", module, x, target), explained("LRP", module, x, target)
    errors = (ours - theirs).abs().amax((1, 2)) / theirs.abs().amax((1, 2))
    assert errors.max() < 1e-9


@pytest.mark.parametrize(("name", "decoder"), REFUSED)
def test_a_map_of_something_else_is_refused(name, decoder):
    with pytest.raises(NotApplicable, match=REFUSED[name, decoder]):
        attribute(name, trained_decoder(decoder), *trials())


def mean_step(maps, axis):
    return float(maps.diff(dim=axis).abs().mean())


@pytest.mark.parametrize("name", ["GradCAM", "GradCAM++", "ScoreCAM", "LayerCAM"])
def test_where_time_runs_along_a_layers_rows_the_map_shows_it_along_the_channels(name):
    """And the corrected ones show it along time."""
    decoder, (x, target) = trained_decoder("deep4"), trials()
    maps, centred = (attribute(n, decoder, x, target) for n in (name, f"Centred{name}"))
    assert mean_step(maps, 2) < 1e-6 < mean_step(maps, 1)
    assert mean_step(centred, 1) == 0 < mean_step(centred, 2)


# ------------------------------------------------------------------ networks of one's own


class Rows(nn.Module):
    """A network whose CAM layer has rows and columns of another size than the trial."""

    cam_layer = "convolution"

    def __init__(self, size, stride, n_channels, n_times):
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, size, stride)
        shape = self.convolution(torch.zeros(1, 1, n_channels, n_times)).shape
        self.output = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(shape.numel(), N_CLASSES))

    def forward(self, x):
        return self.output(self.convolution(x[:, None]))


@pytest.mark.parametrize(("size", "stride"), [((2, 3), 1), ((3, 9), (1, 5)), ((1, 2), (2, 2))])
@pytest.mark.parametrize("name", ["GradCAM", "GuidedGradCAM", "ScoreCAM", "FullGrad", "LayerCAM"])
def test_any_size_is_resized_as_the_libraries_do(name, size, stride):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(3, 7, 40, generator=generator).double()
    target = torch.arange(3) % N_CLASSES
    decoder = Rows(size, stride, 7, 40).double().eval().requires_grad_(False)
    ours = attribute(name, decoder, x, target)
    assert relative_error(ours, explained(name, decoder, x, target)) < 1e-6


class Times(nn.Module):
    """A network whose CAM layer has no axis for channels."""

    cam_layer = "convolution"

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(6, 4, 9, 4)
        self.output = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.LazyLinear(N_CLASSES))

    def forward(self, x):
        return self.output(self.convolution(x))


def test_captums_two_also_take_layers_without_channels():
    attr = pytest.importorskip("captum.attr")
    x, target = trials()
    decoder = Times().double().eval()
    decoder(x)
    inputs = x.clone().requires_grad_()
    columns = attr.LayerGradCam(decoder, decoder.convolution).attribute(inputs, target=target)
    maps = attr.LayerAttribution.interpolate(columns, x.shape[2:]).detach().expand_as(x)
    assert relative_error(attribute("GradCAM", decoder, x, target), maps) < 1e-12
    guided = attr.GuidedGradCam(decoder, decoder.convolution).attribute(inputs, target=target)
    assert relative_error(attribute("GuidedGradCAM", decoder, x, target), guided.detach()) < 1e-12
    with pytest.raises(NotApplicable, match=r"gives \(trials, 4, 48\), not \(trials, features"):
        attribute("LayerCAM", decoder, x, target)


class Biased(nn.Module):
    """A network that defines two layers with a bias and calls them in an order of its own."""

    def __init__(self, order, keeps_statistics=True):
        super().__init__()
        self.first = nn.Conv2d(1, 1, (1, 3))
        self.second = nn.BatchNorm2d(1, track_running_stats=keeps_statistics)
        self.order = order
        self.output = nn.Sequential(nn.Flatten(), nn.LazyLinear(N_CLASSES))

    def forward(self, x):
        features = x[:, None]
        for name in self.order:
            features = self.get_submodule(name)(features)
        return self.output(features)


@pytest.mark.parametrize(
    ("decoder", "reason"),
    [
        (Biased(["second", "first"]), "not called once each and as defined, 'first' is not"),
        (Biased(["first"]), "not called once each and as defined, 'second' is not"),
        (Biased(["first", "second", "first"]), "not called once each and as defined, 'first'"),
        (Biased(["first", "second"], keeps_statistics=False), "'second' keeps no statistics"),
    ],
)
def test_full_grad_is_refused_where_grad_cam_pairs_other_biases_or_fails(decoder, reason):
    x, target = trials()
    decoder = decoder.double().eval()
    decoder(x)
    with pytest.raises(NotApplicable, match=reason):
        attribute("FullGrad", decoder, x, target)


# ------------------------------------------------------------------ the study's experiment


def after_a_class_swap(name):
    """Median correlation of a map with that of another class."""
    decoder, (x, target) = trained_decoder("deepnet"), trials(30)
    maps = attribute(name, decoder, x, target)
    swapped = attribute(name, decoder, x, (target + 1) % N_CLASSES)
    pairs = zip(maps.flatten(1), swapped.flatten(1), strict=True)
    return float(torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs]).median())


def test_the_magnitude_of_the_gradient_hides_what_its_sign_tells_of_the_class():
    """Saliency looks the same for another class because it has no sign."""
    assert after_a_class_swap("Saliency") > 0.5
    assert after_a_class_swap("Gradient") < 0
