"""Decoders as people build them: a map, or a reason, and what was understood is said."""

from collections import namedtuple
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eegxai.attribution import (
    METHODS,
    DecoderWarning,
    NotApplicable,
    adapted,
    attribute,
    attribute_all,
    frequency_relevance,
    validity,
)
from eegxai.attribution.calling import expected_sum, maps_or_reasons
from tests.helpers import FEW_PASSES

C, T, K = 4, 32, 3


def trials(n=3):
    x = torch.randn(n, C, T, generator=torch.Generator().manual_seed(1))
    return x, torch.arange(n) % 2


def built(make, *args):
    torch.manual_seed(0)
    return make(*args).eval()


class Conv(nn.Module):
    def __init__(self, n_outputs=K):
        super().__init__()
        self.temporal = nn.Conv2d(1, 3, (1, 5), padding=(0, 2))
        self.spatial = nn.Conv2d(3, 3, (C, 1))
        self.pool = nn.AvgPool2d((1, 4))
        self.dense = nn.Linear(3 * T // 4, n_outputs)

    def features(self, x):
        return self.pool(F.relu(self.spatial(self.temporal(x)))).flatten(1)

    def forward(self, x):
        return self.dense(self.features(x[:, None]))


class Returning(Conv):
    def __init__(self, form, n_outputs=K):
        super().__init__(n_outputs)
        self.form = form

    def forward(self, x):
        return self.form(super().forward(x))


def same_map(decoder, plain, name="DeepLift", said=None, sign=1.0, **options):
    """The decoder's map is the plain one's, and what is said of it holds the words."""
    x, target = trials()
    with pytest.warns(DecoderWarning, match=said) if said else nullcontext():
        found = attribute(name, decoder, x, target, **options)
    torch.testing.assert_close(found, sign * attribute(name, plain, x, target))


# ------------------------------------------------------------------ what goes in


class Images(Conv):
    def forward(self, x):
        assert x.ndim == 4, "expected (trials, 1, channels, times)"
        return self.dense(self.features(x))


class UncheckedImages(Conv):
    """Torch takes trials without the axis for one image with a feature map a trial."""

    def forward(self, x):
        return self.dense(self.features(x))


class TrailingAxis(Conv):
    def forward(self, x):
        return self.dense(self.features(x.permute(0, 3, 1, 2)))


@pytest.mark.parametrize("make", [Images, UncheckedImages, TrailingAxis])
def test_the_axis_that_a_decoder_wants_is_added(make):
    same_map(built(make), built(Conv), said="the axis of one entry is added")


class Named(Conv):
    def forward(self, x, ch_names):
        assert len(ch_names) == C
        return super().forward(x)


class Placed(Conv):
    def forward(self, x, positions):
        assert len(positions) == len(x)
        return super().forward(x + positions.sum(2, keepdim=True))


def test_other_arguments_of_forward_are_given_or_asked_for():
    x, target = trials()
    with pytest.raises(ValueError, match=r"forward needs ch_names besides .* arguments="):
        attribute("Saliency", built(Named), x, target)
    same_map(built(Named), built(Conv), arguments={"ch_names": list("abcd")})
    positions = torch.zeros(1, C, 3)
    same_map(built(Placed), built(Conv), arguments={"positions": positions})
    given = {"compare": {}, "arguments": {"positions": positions}}
    assert validity("LRP", built(Placed), x, target, **given).status == "ok"


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((C - 1, T), ["3 channels and 32 samples", "4 channels:"]),
        ((C + 2, T), ["6 channels", "4 channels:", "'dense' expects 24 features, given 72"]),
        ((C, T - 8), ["24 samples", "32 to 35 samples", "expects 24 features, given 18"]),
    ],
)
@pytest.mark.parametrize("make", [Conv, Images])
def test_a_wrong_size_is_told_by_what_is_expected(make, shape, words):
    with pytest.raises(ValueError, match="does not take trials") as told:
        attribute("Saliency", built(make), torch.randn(2, *shape), torch.tensor([0, 1]))
    assert all(word in str(told.value) for word in words), str(told.value)


class MayBeNamed(Conv):
    def forward(self, x, ch_names=None):
        if ch_names is None:
            raise ValueError("which channels?")
        return super().forward(x)


def test_arguments_that_a_decoder_may_take_are_told():
    with pytest.raises(ValueError, match=r"which channels\? .*also takes arguments: ch_names"):
        attribute("Saliency", built(MayBeNamed), *trials())
    same_map(built(MayBeNamed), built(Conv), arguments={"ch_names": list("abcd")})


def test_a_decoders_own_sizes_are_told():
    decoder = built(Conv)
    decoder.n_chans, decoder.n_times = C, T
    with pytest.raises(ValueError, match="it was built for 4 channels and 32 samples"):
        attribute("Saliency", decoder, torch.randn(2, C - 1, T - 9), torch.tensor([0, 1]))


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint8])
def test_numpy_and_other_integers_are_taken(kind):
    decoder, (x, target) = built(Conv), trials()
    given = x.numpy()[::-1], target.numpy()[::-1].astype(kind)
    expected = attribute("DeepLift", decoder, x.flip(0), target.flip(0))
    assert torch.equal(attribute("DeepLift", decoder, *given), expected)
    assert torch.equal(attribute_all(["DeepLift"], decoder, *given)["DeepLift"], expected)
    assert frequency_relevance("DeepLift", decoder, *given).shape == (3, C, T // 2 + 1)
    assert expected_sum("DeepLift", decoder, *given).shape == (3,)
    assert validity("DeepLift", decoder, *given, compare={}).status == "ok"
    shap = attribute("DeepLiftSHAP", decoder, *given, references=x.numpy()[:2])
    assert torch.equal(shap, attribute("DeepLiftSHAP", decoder, *given, references=x[:2]))


# ------------------------------------------------------------------ what comes out


@dataclass
class Answer:
    logits: torch.Tensor
    hidden: object = None


class Computed:
    """Logits that are a property."""

    def __init__(self, z):
        self._z = z

    logits = property(lambda self: self._z)


Pair = namedtuple("Pair", "hidden logits")
FORMS = {
    r"a tuple: its entry \[0\]": lambda z: (z, 2 * z),
    r"a list: its entry \[1\]": lambda z: [None, z],
    "a dict: 'logits'": lambda z: {"hidden": 2 * z, "logits": z},
    "a dict: 'classes'": lambda z: {"classes": z},
    "a Pair: 'logits'": lambda z: Pair(2 * z, z),
    "an Answer: 'logits'": Answer,
    "a Computed: 'logits'": Computed,
    r"a tuple: its entry \[0\] ": lambda z: ({"logits": z}, 2 * z),
}


@pytest.mark.parametrize("said", FORMS)
def test_logits_are_found_in_what_a_decoder_returns(said):
    said, decoder = f"returns {said.strip()} is explained", built(Returning, FORMS[said])
    same_map(decoder, built(Conv), said=said)


def test_an_output_without_logits_is_described():
    x, target = trials()
    dense = lambda z: z[..., None] + x[0, 0]  # noqa: E731
    many = (lambda z: {"a": z, "b": z}, lambda z: (), lambda z: None, dense)
    for form in many:
        with pytest.raises(ValueError, match="decoder must return logits"):
            attribute("Saliency", built(Returning, form), x[:2], target[:2])


def test_squeezed_logits_are_unfolded():
    decoder, (x, target) = built(Returning, torch.squeeze), trials(1)
    expected = attribute("DeepLift", built(Conv), x, target)
    assert torch.equal(attribute("DeepLift", decoder, x, target), expected)
    same_map(built(Returning, lambda z: z[:, :, None, None]), built(Conv))


@pytest.mark.parametrize("form", [lambda z: z, torch.squeeze, lambda z: z[:, 0]])
@pytest.mark.parametrize("name", ["Gradient", "DeepLift", "GradCAM", "captum.Saliency"])
def test_one_logit_is_that_of_two_classes(form, name):
    decoder, (x, target) = built(Returning, form, 1), trials()
    plain = attribute(name, decoder, x, 0 * target, output="value", cam_layer="spatial")
    with pytest.warns(DecoderWarning, match="has one output"):
        found = attribute(name, decoder, x, target, cam_layer="spatial")
    sign = 2 * target[:, None, None] - 1
    expected = plain if name == "captum.Saliency" else sign * plain
    torch.testing.assert_close(found, expected)
    both = attribute(name, decoder, x, target, output="contrast", cam_layer="spatial")
    torch.testing.assert_close(both, 2 * found)


def test_outputs_of_a_regression_are_numbered():
    decoder, (x, _) = built(Conv, 5), trials()
    maps = attribute("Gradient", decoder, x, [4, 0, 2], output="value")
    trial = x[:1].clone().requires_grad_()
    decoder(trial)[0, 4].backward()
    torch.testing.assert_close(maps[:1], trial.grad)
    with pytest.raises(ValueError, match="holds the class 5, the decoder knows 0 to 4"):
        attribute("Gradient", decoder, x, [5, 0, 0], output="value")


@pytest.mark.parametrize(
    ("form", "said"),
    [(lambda z: z.log_softmax(1), "log-probabilities"), (lambda z: z.softmax(1), "probabilities")],
)
def test_distributions_are_said(form, said):
    decoder, (x, target) = built(Returning, form), trials()
    with pytest.warns(DecoderWarning, match=f"returns {said}, each of which depends on all"):
        verdict = validity("DeepLift", decoder, x, target, compare={})
    assert verdict.status == "ok"
    assert said in verdict.reason
    assert verdict.completeness == pytest.approx(1, abs=1e-3)


# ------------------------------------------------------------------ no outputs of one's own


def rarely(z):
    return z + (torch.rand(len(z), 1) < 0.2)


RANDOM = {
    "dropout": lambda z: F.dropout(z, 0.5, training=True),
    "numpy": lambda z: z + np.random.rand(),  # noqa: NPY002 (as people do)
    "rarely": rarely,
}


@pytest.mark.parametrize("case", RANDOM)
def test_random_decoders_are_flagged(case):
    torch.manual_seed(3)
    decoder, (x, target) = Returning(RANDOM[case]), trials()
    with pytest.raises(NotApplicable, match="random: its outputs for the same trial differ"):
        attribute("Saliency", decoder, x, target)
    assert "random" in validity("Saliency", decoder, x, target, compare={}).flags[0]


class NoStatistics(Conv):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3 * T // 4, track_running_stats=False)

    def features(self, x):
        return self.norm(super().features(x))


@pytest.mark.parametrize("make", [NoStatistics, lambda: Returning(lambda z: z - z.mean(0))])
def test_decoders_that_mix_trials_are_refused_by_every_method(make):
    found = maps_or_reasons({name: {} for name in METHODS}, built(make), *trials(), trials()[0])
    for reason in found.values():
        assert isinstance(reason, NotApplicable)
        assert "with the other trials of the batch" in str(reason)
    assert make is not NoStatistics or "'norm' keeps no statistics" in str(reason)


# ------------------------------------------------------------------ modules of all kinds


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("norm", [nn.utils.weight_norm, nn.utils.spectral_norm])
def test_modules_that_keep_computed_weights_are_copied(norm):
    decoder, (x, target) = built(Conv), trials()
    decoder.spatial = norm(decoder.spatial)
    decoder.last = [decoder.train()(x)]  # people keep things, too
    found = attribute("DeepLift", decoder.eval(), x, target)
    total = expected_sum("DeepLift", decoder, x, target)
    torch.testing.assert_close(found.sum((1, 2)), total, rtol=1e-3, atol=1e-4)
    assert isinstance(validity("CentredGradCAM", decoder, x, target, compare={}).reason, str)


class Recurrent(nn.Module):
    def __init__(self, layer, bias=True):
        super().__init__()
        self.layer = layer
        self.dense = nn.Linear(3 * (1 + layer.bidirectional), K, bias=bias)

    def forward(self, x):
        steps = x.transpose(1, 2) if self.layer.batch_first else x.permute(2, 0, 1)
        return self.dense(self.layer(steps)[0].mean(1 if self.layer.batch_first else 0))


class Cells(nn.Module):
    def __init__(self, cell, bias=True):
        super().__init__()
        self.cell = cell
        self.dense = nn.Linear(3, K, bias=bias)

    def forward(self, x):
        state = None
        for step in x.unbind(2)[:8]:
            state = self.cell(step, state)
        return self.dense(state[0] if isinstance(state, tuple) else state)


RECURRENT = {
    "LSTM": lambda **o: Recurrent(nn.LSTM(C, 3, 2, batch_first=True, bidirectional=True, **o), **o),
    "GRU": lambda **o: Recurrent(nn.GRU(C, 3, 2, batch_first=True, bidirectional=True, **o), **o),
    "GRU, time first": lambda **o: Recurrent(nn.GRU(C, 3, **o), **o),
    "RNN": lambda **o: Recurrent(nn.RNN(C, 3, batch_first=True, **o), **o),
    "RNN, relu": lambda **o: Recurrent(nn.RNN(C, 3, 2, nonlinearity="relu", **o), **o),
    "LSTMCell": lambda **o: Cells(nn.LSTMCell(C, 3, **o), **o),
    "GRUCell": lambda **o: Cells(nn.GRUCell(C, 3, **o), **o),
    "RNNCell": lambda **o: Cells(nn.RNNCell(C, 3, **o), **o),
}


class Spectrum(nn.Module):
    def __init__(self, of_spectrum, bias=True):
        super().__init__()
        self.of_spectrum = of_spectrum
        self.dense = nn.Linear(C * (T // 2 + 1), K, bias=bias)

    def forward(self, x):
        return self.dense(self.of_spectrum(torch.fft.rfft(x)).flatten(1))


SPECTRA = {
    "log modulus": lambda z: torch.log1p(z.abs()),
    "modulus": torch.abs,
    "power": lambda z: z.abs() ** 2,
    "parts": lambda z: z.real**2 + z.imag**2,
}
COMPLEX = {name: lambda f=f, **o: Spectrum(f, **o) for name, f in SPECTRA.items()}


@pytest.mark.parametrize("case", RECURRENT | COMPLEX)
def test_recurrent_and_spectral_decoders_have_complete_maps(case):
    make, (x, target) = (RECURRENT | COMPLEX)[case], trials()
    x = x.double()[..., : 12 if case in RECURRENT else T]
    x[0, 1] = 0  # a flat channel: the modulus has no derivative there
    decoders = {"DeepLift": built(make), "LRP": built(lambda: make(bias=False))}
    for name, decoder in decoders.items():
        total = expected_sum(name, decoder.double(), x, target)
        maps = attribute(name, decoder, x, target)
        torch.testing.assert_close(maps.sum((1, 2)), total, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", ["LSTM", "GRU"])
def test_full_gradients_of_recurrent_decoders_are_complete(case):
    decoder, (x, target) = built(RECURRENT[case]), trials()
    maps = attribute("CompleteFullGrad", decoder, x[..., :12], target)
    total = expected_sum("CompleteFullGrad", decoder, x[..., :12], target)
    torch.testing.assert_close(maps.sum((1, 2)), total)


class LogCovariance(nn.Module):
    def __init__(self, loading=0.0):
        super().__init__()
        self.loading = loading
        self.dense = nn.Linear(C * C, K)

    def forward(self, x):
        values, vectors = torch.linalg.eigh(x @ x.mT + self.loading * torch.eye(C))
        logarithm = vectors @ torch.diag_embed(values.log()) @ vectors.mT
        return self.dense(logarithm.flatten(1))


class Raising(Conv):
    """Raises where a trial is not as it was given, as decompositions of matrices do."""

    def forward(self, x):
        if (x == 0).any():
            raise torch.linalg.LinAlgError("linalg.eigh: failed to converge")
        return super().forward(x)


@pytest.mark.parametrize("make", [LogCovariance, lambda: LogCovariance(0.01), Raising])
def test_every_method_has_a_map_or_a_reason(make):
    methods = {name: FEW_PASSES.get(name, {}) for name in METHODS}
    methods["TimeOcclusion"] = {"window": 16, "stride": 16}
    found = maps_or_reasons(methods, built(make), *trials(), trials()[0])
    assert list(found) == list(METHODS)
    assert isinstance(found["InputXGradient"], torch.Tensor)
    for result in found.values():
        assert isinstance(result, torch.Tensor) or str(result)
    if make is Raising:
        assert "LinAlgError: linalg.eigh" in str(found["ChannelOcclusion"])
        assert found["ChannelOcclusion"].status == "degenerate"


# ------------------------------------------------------------------ the CAM layer


class Branches(Conv):
    def __init__(self):
        super().__init__()
        self.other = nn.Conv2d(1, 3, (C, 3), padding=(0, 1))

    def features(self, x):
        return super().features(x) + self.pool(self.other(x)).flatten(1)


def test_a_cam_layer_is_given_proposed_or_asked_for():
    x, target = trials()
    named = built(Conv)
    named.cam_layer = "spatial"
    expected = attribute("GradCAM", named, x, target)
    assert torch.equal(attribute("GradCAM", built(Conv), x, target, cam_layer="spatial"), expected)
    with pytest.warns(DecoderWarning, match="it is 'spatial', its last convolution"):
        assert torch.equal(attribute("GradCAM", built(Conv), x, target), expected)
    other = attribute("GradCAM", named, x, target, cam_layer="temporal")
    assert not torch.equal(other, expected)
    with pytest.raises(ValueError, match="cam_layer 'spatiel' is unknown; did you mean 'spatial'"):
        attribute("GradCAM", named, x, target, cam_layer="spatiel")
    with pytest.raises(NotApplicable, match=r"cam_layer may be 'temporal', 'spatial', .*'other'"):
        attribute("GradCAM", built(Branches), x, target)


def test_an_adapted_decoder_is_one_for_every_other_function():
    decoder, (x, target) = built(Returning, lambda z: {"logits": z}), trials()
    with pytest.warns(DecoderWarning, match="'logits' is explained"):
        plain = adapted(decoder, x, cam_layer="temporal")
    torch.testing.assert_close(plain(x), built(Conv)(x))
    expected = attribute("GradCAM", built(Conv), x, target, cam_layer="temporal")
    torch.testing.assert_close(attribute("GradCAM", plain, x, target), expected)
