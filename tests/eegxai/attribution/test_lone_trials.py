"""Decoders that cannot take a single trial: maps of any number of trials are those of a twin."""

from dataclasses import astuple

import numpy as np
import pytest
import torch
from torch import nn

from eegxai import explain
from eegxai.attribution import (
    METHODS,
    DecoderWarning,
    NotApplicable,
    attribute,
    attribute_all,
    frequency_relevance,
    validity,
)
from eegxai.decoders.lone_trials import sizes_of_parts
from eegxai.decoders.tracing import receptive_fields, weighted_layers
from tests.helpers import FEW_PASSES

pytestmark = pytest.mark.filterwarnings("ignore::eegxai.attribution.DecoderWarning")

C, T = 4, 32
X = torch.randn(9, C, T, generator=torch.Generator().manual_seed(1))
TARGET = torch.arange(9) % 2
FROM_LIBRARIES = ("captum.DeepLift", "captum.KernelShap", "captum.NoiseTunnel(Saliency)")


class Twin(nn.Module):
    """Takes any number of trials."""

    def __init__(self, n_outputs=2):
        super().__init__()
        self.temporal = nn.Conv2d(1, 3, (1, 5), padding=(0, 2))
        self.spatial = nn.Conv2d(3, 3, (C, 1))
        self.pool = nn.MaxPool2d((1, 4))
        self.dense = nn.Linear(3 * T // 4, n_outputs)
        self.cam_layer = "spatial"

    def features(self, x):
        return self.pool(self.spatial(self.temporal(x[:, None])).relu())

    def forward(self, x):
        return self.dense(self.features(x).flatten(1))


class Squeezing(Twin):
    def forward(self, x):
        return self.dense(self.features(x).squeeze().flatten(1))


class Refusing(Twin):
    def forward(self, x):
        if len(x) == 1:
            raise ValueError("a batch of one is refused")
        return super().forward(x)


def built(kind, *args):
    torch.manual_seed(0)
    return kind(*args).eval()


@pytest.mark.parametrize("kind", [Squeezing, Refusing])
@pytest.mark.parametrize("output", ["logit", "contrast"])
@pytest.mark.parametrize("n", [1, 2, 9])
def test_every_method_has_the_maps_of_the_twin(kind, output, n):
    """Nine are a chunk and one more."""
    names = {name: FEW_PASSES.get(name, {}) for name in METHODS}
    trials = X[:n], TARGET[:n]
    given = {"references": X[:1], "output": output}
    expected = attribute_all(names, built(Twin), *trials, **given)
    found = attribute_all(names, built(kind), *trials, **given)
    for name in names:
        torch.testing.assert_close(found[name], expected[name], msg=name)


@pytest.mark.parametrize("name", FROM_LIBRARIES)
@pytest.mark.parametrize("n", [1, 9])
def test_methods_of_libraries_too(name, n):
    expected = attribute(name, built(Twin), X[:n], TARGET[:n])
    torch.testing.assert_close(attribute(name, built(Squeezing), X[:n], TARGET[:n]), expected)


@pytest.mark.parametrize("chunk", [1, 2, 4])
def test_no_chunk_is_of_one_trial(chunk):
    expected = attribute("CentredGradCAM", built(Twin), X, TARGET)
    found = attribute("CentredGradCAM", built(Squeezing), X, TARGET, chunk=chunk)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", ["Gradient", "InputXGradient", "BandOcclusion"])
def test_relevance_over_frequency(name):
    for n in (1, 9):
        expected = frequency_relevance(name, built(Twin), X[:n], TARGET[:n])
        found = frequency_relevance(name, built(Squeezing), X[:n], TARGET[:n])
        torch.testing.assert_close(found, expected)


def test_a_lone_output_and_other_arguments():
    class WithArguments(Squeezing):
        def forward(self, x, gain):
            return super().forward(x) * gain

    class TwinWithArguments(Twin):
        def forward(self, x, gain):
            return super().forward(x) * gain

    for n in (1, 9):
        found, expected = (
            attribute("DeepLift", built(kind, 1), X[:n], TARGET[:n], arguments={"gain": gain})
            for kind in (WithArguments, TwinWithArguments)
            for gain in (torch.full((1, 1), 2.0),)
        )
        torch.testing.assert_close(found, expected)


def test_it_is_said_and_judged():
    with pytest.warns(DecoderWarning, match="takes no single trial .*: a single trial is passed"):
        judged = validity("DeepLift", built(Squeezing), X, TARGET)
    twin = validity("DeepLift", built(Twin), X, TARGET)
    assert "takes no single trial" in judged.reason
    assert judged.batch_dependence == pytest.approx(0, abs=1e-5)
    assert judged.flags == twin.flags == ()
    assert judged.status == "ok"


def test_it_is_explained():
    names = ["Fz", "Cz", "Pz", "Oz"]
    x, y = np.tile(X.numpy(), (4, 1, 1))[:33], np.arange(33) % 2  # predicted 32 at a time
    results = [
        explain(
            built(kind), x, y, sfreq=128, ch_names=names, unit="uV",
            methods=["InputXGradient"], checks=("cascade",), n_trials=9,
        )
        for kind in (Squeezing, Twin)
    ]  # fmt: skip
    (found, expected) = (result.maps["InputXGradient"] for result in results)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_layers_are_traced_by_pairs():
    assert weighted_layers(built(Squeezing), X[:1]) == weighted_layers(built(Twin), X[:1])
    for n_times in (32, 33):  # 16 samples are traced at a time
        refusing, plain = (
            receptive_fields(OnlyPairs(refuses), C, n_times)["temporal"]
            for refuses in (True, False)
        )
        for one, other in zip(astuple(refusing), astuple(plain), strict=True):
            np.testing.assert_array_equal(one, other)


class OnlyPairs(nn.Module):
    def __init__(self, refuses):
        super().__init__()
        self.temporal, self.refuses = nn.Conv1d(C, 2, 5), refuses

    def forward(self, x):
        assert not (self.refuses and len(x) == 1)
        return self.temporal(x)


@pytest.mark.parametrize(
    ("n", "most", "expected"),
    [(9, 8, [9]), (17, 8, [8, 9]), (18, 8, [8, 8, 2]), (5, 1, [2, 3]), (1, 8, [1]), (8, 8, [8])],
)
def test_parts(n, most, expected):
    assert sizes_of_parts(n, most) == expected


def test_a_reason_against_every_method_says_so():
    class Odd(Twin):
        """Fails on trials that are beside others than themselves."""

        def forward(self, x):
            if not torch.equal(x[0], x[-1]):
                raise RuntimeError("odd")
            return super().forward(x)

    with pytest.raises(NotApplicable, match=r"^no method is applicable to Odd: RuntimeError"):
        attribute("InputXGradient", built(Odd), X, TARGET)
