"""Decoders that do what a forward pass should not, or return what is not plainly logits."""

import random
import warnings
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from eegxai.attribution import (
    DecoderWarning,
    DegenerateMap,
    NotApplicable,
    adapted,
    attribute,
    validity,
)
from eegxai.attribution.calling import maps_or_reasons
from eegxai.decoders.tracing import weighted_layers
from eegxai.decoders.training import predict
from tests.eegxai.attribution.test_own_decoders import (
    C,
    Conv,
    K,
    Placed,
    Returning,
    T,
    built,
    same_map,
    trials,
)


class InPlace(Conv):
    def forward(self, x):
        x -= x.mean(2, keepdim=True)
        return super().forward(x)


class Centred(Conv):
    def forward(self, x):
        return super().forward(x - x.mean(2, keepdim=True))


@pytest.mark.parametrize("name", ["Gradient", "DeepLift", "captum.Saliency"])
@pytest.mark.parametrize("kind", [torch.as_tensor, np.asarray])
def test_a_decoder_that_works_in_place_leaves_the_trials_alone(kind, name):
    (x, target), given = trials(), kind(trials()[0] + 1)
    before = (x + 1).clone()
    found = attribute(name, built(InPlace), given, target)
    torch.testing.assert_close(found, attribute(name, built(Centred), before, target))
    assert torch.equal(torch.as_tensor(given), before)


# ------------------------------------------------------------------ one probability

PROBABILITIES = {
    "sigmoid": torch.sigmoid,
    "squeezed": lambda z: torch.sigmoid(z)[:, 0],
    "softmax": lambda z: torch.cat([-z / 2, z / 2], 1).softmax(1)[:, 1],
    "tanh": lambda z: (1 + torch.tanh(z / 2)) / 2,
}


@pytest.mark.parametrize("form", PROBABILITIES)
@pytest.mark.parametrize("name", ["Gradient", "DeepLift", "CentredGradCAM", "captum.Saliency"])
def test_one_probability_is_that_of_class_one(form, name):
    logit = built(Returning, lambda z: z, 1)
    decoder, (x, target) = built(Returning, PROBABILITIES[form], 1), trials()
    with pytest.warns(DecoderWarning, match=r"has one output, the probability p of class 1"):
        found = attribute(name, decoder, x, target, cam_layer="spatial")
    expected = attribute(name, logit, x, target, cam_layer="spatial")
    if (form, name) != ("tanh", "DeepLift"):  # the sum of 1 and tanh is another path
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    with pytest.warns(DecoderWarning, match="the class is decided at 0.5"):
        classes = adapted(decoder, x[:1], output="logit")(x).argmax(1)
    assert torch.equal(classes, (decoder(x).flatten() > 0.5).long())


def test_relevance_passes_a_last_sigmoid_as_that_of_its_logit():
    (x, target), pair = trials(), (torch.sigmoid, lambda z: z)
    of_probability, of_logit = (
        attribute("LRP", built(Returning, form, 1), x, target) for form in pair
    )
    torch.testing.assert_close(of_probability, of_logit, rtol=1e-3, atol=1e-5)


def test_a_small_logit_is_no_probability():
    decoder, (x, target) = built(Returning, lambda z: z / 1e3, 1), trials(1)
    x = x * torch.sign(decoder(x) - decoder(-x))[..., None]
    decoder.dense.bias.data += 1 - decoder(x).item()
    assert 0 <= decoder(x).item() <= 1
    with pytest.warns(DecoderWarning, match="the logit of class 1, and its negative"):
        attribute("Gradient", decoder, x, target)


def test_a_certain_probability_has_a_finite_logit():
    decoder, (x, _) = built(Returning, lambda z: torch.sigmoid(1e4 * z), 1), trials()
    outputs = adapted(decoder, x, output="logit")(x)
    assert outputs.isfinite().all()
    assert torch.equal(outputs.argmax(1), (decoder(x)[:, 0] > 0.5).long())


# ------------------------------------------------------------------ random numbers


class Generating(Conv):
    """Rarely changes its outputs, by numbers that it draws from a generator of its own."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def forward(self, x):
        return super().forward(x) * (2 if self.generator.random() < 0.02 else 1)


RARELY = {
    "Python": lambda z: z * (2 if random.random() < 0.02 else 1),
    "numpy": lambda z: z * (2 if np.random.rand() < 0.02 else 1),  # noqa: NPY002
    "torch": lambda z: z * (2 if torch.rand(()) < 0.02 else 1),
}
GENERATORS = {
    "a Generator": np.random.default_rng,
    "a RandomState": np.random.RandomState,
    "a Random": random.Random,
}


@pytest.mark.parametrize("case", RARELY | GENERATORS)
def test_a_decoder_that_is_rarely_random_is_so_for_every_method(case):
    make = (lambda: Generating(GENERATORS[case](0))) if case in GENERATORS else None
    decoder = built(make) if make else built(Returning, RARELY[case])
    for name in ("Gradient", "DeepLift", "TimeOcclusion"):
        with pytest.raises(NotApplicable, match="random: its outputs for the same trial differ"):
            attribute(name, decoder, *trials())


def drawn():
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002


def test_random_numbers_are_as_before_and_the_same_in_each_call():
    def noisy(z):
        return z + random.random() + np.random.rand() + torch.rand(())  # noqa: NPY002

    decoder, (x, target) = built(Returning, noisy), trials()
    seeds = random.seed, np.random.seed, torch.manual_seed
    found = []
    for call in (lambda: predict(decoder, x), lambda: attribute("Gradient", decoder, x, target)):
        for seed in seeds:
            seed(3)
        expected = drawn()
        for seed in seeds:
            seed(3)
        with suppress(NotApplicable):
            found.append(call())
        assert drawn() == expected
    assert torch.equal(found[0], predict(decoder, x))


def test_random_numbers_are_as_before_when_layers_are_traced():
    decoder, (x, _) = built(Returning, lambda z: F.dropout(z, 0.5, training=True)), trials()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert list(weighted_layers(decoder, x)) == ["temporal", "spatial", "dense"]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_buffer_that_a_pass_changes_is_named():
    class Counting(Conv):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            self.seen += 1
            return super().forward(x) * self.seen

    decoder, words = built(Counting), "Counting: its outputs for .* pass changes its buffer 'seen'"
    with pytest.raises(NotApplicable, match=words):
        attribute("Gradient", decoder, *trials())
    assert decoder.seen == 0


def test_the_callers_autocast_does_not_reach_methods():
    decoder, (x, target) = built(Conv), trials()
    expected = attribute("InputXGradient", decoder, x, target)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(attribute("InputXGradient", decoder, x, target), expected)
        assert torch.is_autocast_enabled("cpu")


def test_maps_that_do_not_fit_the_type_of_the_trials_are_refused():
    decoder, (x, target) = built(Conv), trials()
    half = x.half()
    assert attribute("Gradient", decoder, half, target).dtype == torch.float16
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter *= 1e6
    with pytest.raises(DegenerateMap, match="Gradient returned values too large for float16"):
        attribute("Gradient", decoder, half, target)
    assert attribute("Gradient", decoder, x, target).isfinite().all()


# ------------------------------------------------------------------ what modules keep


class Settings(Conv):
    def get_extra_state(self):
        return {"band": (8, 30), "names": ["a", "b"], "weights": torch.ones(2), "other": self}

    def set_extra_state(self, state):
        pass


def quantized():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's plans
        return torch.ao.quantization.quantize_dynamic(built(Conv), {nn.Linear})


def test_a_state_may_hold_anything():
    verdict = validity("Gradient", built(Settings), *trials(), compare={})
    assert verdict.status == "ok"
    assert verdict.state_before == verdict.state_after
    reason = validity("Gradient", quantized(), *trials(), compare={}).reason
    assert (
        "with the other trials of the batch" in reason
    )  # which a range that is found anew is taken from


class Keeping(nn.Module):
    """Its first parameter, or buffer, is not of the trials' type."""

    def __init__(self, first, as_buffer=False):
        super().__init__()
        if as_buffer:
            self.register_buffer("first", first)
        else:
            self.first = nn.Parameter(first, requires_grad=False)
        self.conv = Conv()

    def forward(self, x):
        return self.conv(x)


class Buffered(nn.Module):
    """No parameters: a montage of doubles."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n_calls", torch.tensor(0))
        self.register_buffer("montage", torch.randn(K, C, dtype=torch.float64))

    def forward(self, x):
        return (self.montage @ x).square().mean(2)


@pytest.mark.parametrize("first", [torch.ones(2, dtype=torch.complex64), torch.arange(2)])
def test_trials_take_the_type_of_the_first_real_values(first):
    expected = attribute("DeepLift", built(Conv), *trials())
    for as_buffer in (False, True):
        found = attribute("DeepLift", built(Keeping, first, as_buffer), *trials())
        torch.testing.assert_close(found, expected)
    assert attribute("DeepLift", built(Buffered), *trials()).any()


@pytest.mark.parametrize("name", ["Gradient", "DeepLift", "LRP", "captum.DeepLift"])
def test_hooks_of_gradients_are_not_the_methods(name):
    (x, target), decoder = trials(), built(Conv)
    expected = attribute(name, decoder, x, target)
    for module in decoder.modules():
        module.register_full_backward_hook(lambda *_: None)
        module.register_full_backward_pre_hook(lambda *_: None)
    torch.testing.assert_close(attribute(name, decoder, x, target), expected)
    assert all(module._backward_hooks for module in decoder.modules())


# ------------------------------------------------------------------ no map, but a sentence


class NoGradient(Conv):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


class Inference(Conv):
    @torch.inference_mode()
    def forward(self, x):
        return super().forward(x)


class ByNumpy(Conv):
    def features(self, x):
        return torch.from_numpy(super().features(x).numpy())


class Checkpointed(Conv):
    def forward(self, x):
        return checkpoint(super().forward, x, use_reentrant=True)


class Never(torch.autograd.Function):
    @staticmethod
    def forward(_ctx, z):
        return 2 * z

    @staticmethod
    def backward(_ctx, gradient):
        raise KeyError("no gradient here")


class Pairs(Conv):
    def forward(self, x):
        if len(x) < 2:
            raise ValueError("Expected more than 1 value per channel")
        return super().forward(x)


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.dense = nn.GRU(C, 3, batch_first=True), nn.Linear(3, K)

    def forward(self, x):
        lengths = [x.shape[2]] * len(x)
        packed = pack_padded_sequence(x.transpose(1, 2), lengths, batch_first=True)
        return self.dense(self.layer(packed)[1][-1])


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(C * T, K, dtype=torch.complex64)

    def forward(self, x):
        return self.dense(x.flatten(1).cfloat()).abs()


REASONS = {
    (NoGradient, "Gradient"): "no gradient reaches the trials",
    (Inference, "captum.Saliency"): "no gradient reaches the trials",
    (Inference, "LRP"): "cuts it off",
    (ByNumpy, "CentredGradCAM"): "leaves torch for numpy",
    (Checkpointed, "Gradient"): "its checkpoints are reentrant",
    (lambda: Returning(Never.apply), "Gradient"): "KeyError: 'no gradient here'",
    (Pairs, "CentredGradCAM"): "Expected more than 1 value per channel",
    (Packed, "CompleteFullGrad"): "such as a packed sequence",
    (Complex, "LRP"): "its weights or activations are complex",
}


@pytest.mark.parametrize("case", REASONS)
def test_what_a_decoder_keeps_from_a_method_is_a_reason(case):
    make, name = case
    for output in ("logit", "contrast"):
        found = maps_or_reasons({name: {}}, built(make), *trials(), output=output)[name]
        assert isinstance(found, torch.Tensor | NotApplicable)
        assert isinstance(found, torch.Tensor) or REASONS[case] in str(found)
    assert make is Pairs or isinstance(found, NotApplicable)


@pytest.mark.parametrize("form", [lambda z: z.argmax(1), lambda z: (10 * z).long()])
def test_numbers_of_classes_are_no_logits(form):
    with pytest.raises(ValueError, match=r"not whole or complex numbers .* as argmax gives them"):
        attribute("Gradient", built(Returning, form), *trials())


class Lazy(Conv):
    def __init__(self):
        super().__init__()
        self.dense = nn.LazyLinear(K)


def test_weights_without_values_are_named():
    with pytest.raises(ValueError, match=r"has not been run yet: 'dense.weight' of a lazy layer"):
        attribute("Gradient", built(Lazy), *trials())
    with pytest.raises(ValueError, match=r"on the device 'meta', where 'temporal.weight' has"):
        attribute("Gradient", built(Conv).to("meta"), *trials())


# ------------------------------------------------------------------ what goes in and comes out

NESTED = {
    "a dict: 'logits'": lambda z: {"aux": {"features": 2 * z}, "result": {"logits": z}},
    r"a tuple: its entry \[1\]": lambda z: (z.sum(), z),
    r"a tuple: its entry \[1\] ": lambda z: (z[..., None] + torch.zeros(5), z),
    "a dict: 'y_hat'": lambda z: {"loss": z.sum(), "y_hat": z},
}


@pytest.mark.parametrize("said", NESTED)
def test_what_is_no_table_is_skipped(said):
    decoder = built(Returning, NESTED[said])
    same_map(decoder, built(Conv), said=f"returns {said.strip()} is explained")
    x, target = trials(1)
    found = attribute("DeepLift", decoder, x, target)
    torch.testing.assert_close(found, attribute("DeepLift", built(Conv), x, target))


class TimesFirst(Conv):
    def forward(self, x):
        return super().forward(x.transpose(-1, -2))


class ImagesTimesFirst(Conv):
    def forward(self, x):
        assert x.ndim == 4
        return super().forward(x[:, 0].transpose(1, 2))


@pytest.mark.parametrize("make", [TimesFirst, ImagesTimesFirst])
@pytest.mark.parametrize("name", ["DeepLift", "CentredGradCAM"])
def test_channels_and_times_change_places_where_they_must(make, name):
    same_map(built(make), built(Conv), name, said="channels and times are exchanged")


def test_arguments_may_be_arrays():
    positions = np.zeros((1, C, 3))
    same_map(built(Placed), built(Conv), arguments={"positions": positions})


# ------------------------------------------------------------------ what is said of maps


class Normalised(Conv):
    """Without its convolutions' means, which alone the centred map of the last one has."""

    def features(self, x):
        h = F.instance_norm(self.spatial(self.temporal(x)))
        return self.pool(h).flatten(1)


def test_a_map_of_rounding_is_degenerate():
    decoder, (x, target) = built(Normalised), trials()
    for sizes in (1.0, 1e-3):
        verdict = validity("GradCAM", decoder, sizes * x, target, compare={}, cam_layer="spatial")
        assert verdict.status == "degenerate"
        assert "zero up to rounding" in verdict.reason
    small = built(Returning, lambda z: 1 + z / 1e7)
    assert validity("GradCAM", small, x, target, compare={}, cam_layer="spatial").status == "ok"


class Standardised(Conv):
    def forward(self, x):
        return super().forward((x - x.mean(2, keepdim=True)) / x.std(2, keepdim=True))


def test_a_layer_behind_a_normalisation_over_time_is_so_refused():
    for layer in (None, "temporal"):
        with pytest.raises(NotApplicable, match="as behind a normalisation over time"):
            attribute("GradCAM", built(Standardised), *trials(), cam_layer=layer)


class TwoPrecisions(Conv):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        for layer in (self.temporal, self.spatial, self.dense):
            layer.double()

    def forward(self, x):
        return super().forward((self.gain * x).double())


def test_layers_of_a_decoder_of_two_precisions_are_traced():
    same_map(built(TwoPrecisions), built(Conv), "CentredGradCAM", said="it is 'spatial'")


def test_a_last_softmax_is_why_relevance_stops():
    decoder = built(Returning, lambda z: z.softmax(1))
    with pytest.raises(NotApplicable, match=r"as constant, such as a softmax \(leave out the last"):
        attribute("LRP", decoder, *trials())


def test_hooks_of_others_are_said():
    decoder, plain = built(Conv), built(Conv)
    decoder.pool.register_forward_hook(lambda *_: None)
    same_map(decoder, plain, said=r"has hooks of others \('pool'\), which are called")
