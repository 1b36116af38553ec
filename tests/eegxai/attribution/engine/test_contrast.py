"""The decision in place of a logit: what is added to all logits changes no map."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from eegxai.attribution import METHODS, NotApplicable, attribute, find, validity
from eegxai.attribution.calling import expected_sum
from eegxai.attribution.engine.contrast import contrasts, with_contrasts
from eegxai.decoders import DECODERS
from tests.helpers import lively_decoder, random_trials

N_TRIALS = 2


class Added(nn.Module):
    """A decoder with a function of the trial added to all logits."""

    def __init__(self, decoder, function):
        super().__init__()
        self.decoder = decoder
        self.cam_layer = f"decoder.{decoder.cam_layer}"
        self.function = function

    def forward(self, x):
        return self.decoder(x) + self.function(x, self.decoder)[:, None]


def with_a_logit_added(decoder, times=3.0):
    """The same probabilities: a multiple of the first logit, added in the last layer."""
    last = [m for m in decoder.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        for value in last.parameters():
            value += times * value[:1]
    return decoder


def relative_change(maps, others):
    return float((maps - others).abs().max() / maps.abs().max())


def explained(name, decoder, output="contrast"):
    x, target = random_trials(N_TRIALS)
    return attribute(name, decoder, x, target, references=x.flip(0), output=output)


def test_a_contrast_is_the_logit_minus_the_mean_of_the_others():
    logits = torch.randn(5, 4, dtype=torch.float64)
    others = [
        [logits[i, [k for k in range(4) if k != c]].mean() for c in range(4)] for i in range(5)
    ]
    torch.testing.assert_close(contrasts(logits), logits - torch.tensor(others))
    torch.testing.assert_close(contrasts(logits[:, :1]), logits[:, :1])


@pytest.mark.parametrize("name", DECODERS)
def test_every_architecture_gives_contrasts(name):
    """By its last layer, whose weights are those of one output; no operation is added."""
    decoder, (x, _) = lively_decoder(name).eval(), random_trials(3)
    layers = [n for n, _ in decoder.named_modules() if "parametrizations" not in n]
    with torch.no_grad():
        expected = contrasts(decoder(x))
        changed = with_contrasts(decoder.requires_grad_(False), x)
        torch.testing.assert_close(changed(x), expected)
    assert [n for n, _ in changed.named_modules() if "parametrizations" not in n] == layers
    assert not changed._forward_hooks


@pytest.mark.parametrize("method", METHODS)
def test_a_multiple_of_a_logit_added_to_all_moves_no_map(method):
    try:
        before = explained(method, lively_decoder("deepnet"))
    except NotApplicable:
        pytest.skip("not applicable")
    after = explained(method, with_a_logit_added(lively_decoder("deepnet")))
    assert relative_change(before, after) < 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_any_function_added_to_all_logits_moves_no_map(method):
    """Whatever it is; where it is outside of the last layer, LRP's rules begin at the logits."""
    decoder = lively_decoder("deepnet")
    bare = Added(decoder, lambda x, _: x[:, 0].mean(1))
    added = Added(decoder, lambda x, inner: inner(x)[:, 1].square() + 5 * x[:, 2, 50:90].sum(1))
    try:
        maps = explained(method, bare), explained(method, added)
    except NotApplicable:
        pytest.skip("not applicable")
    assert relative_change(*maps) < 1e-8  # LRP's epsilon is 1e-9


# In dense layers alpha 1, beta 0 is not linear in the weights, so the two places differ.
DEPENDS_ON_THE_PLACE = {"LRP-Alpha1Beta0"}


@pytest.mark.parametrize("method", METHODS)
def test_what_is_added_may_be_inside_or_outside_of_the_last_layer(method):
    inside = lively_decoder("deepnet")
    outside = Added(lively_decoder("deepnet"), lambda x, inner: inner(x)[:, 1].square())
    try:
        maps = explained(method, inside), explained(method, outside)
    except NotApplicable:
        pytest.skip("not applicable")
    assert (relative_change(*maps) < 1e-8) == (method not in DEPENDS_ON_THE_PLACE)


@pytest.mark.parametrize("method", ["Gradient", "DeepLift", "LRP", "CentredGradCAM"])
def test_the_plain_logit_moves_with_what_is_added(method):
    before = explained(method, lively_decoder("deepnet"), "logit")
    after = explained(method, with_a_logit_added(lively_decoder("deepnet")), "logit")
    assert relative_change(before, after) > 0.1


def test_with_two_classes_the_other_class_has_the_mirror_image():
    decoder = lively_decoder("deepnet")
    last = [m for m in decoder.modules() if isinstance(m, nn.Linear)][-1]
    last.weight, last.bias = (
        nn.Parameter(value[:2].detach()) for value in (last.weight, last.bias)
    )
    x, target = random_trials(N_TRIALS)[0], torch.tensor([0, 1])
    for name in ("Gradient", "DeepLift", "CentredGradCAM", "ChannelOcclusion"):
        own, other = (
            attribute(name, decoder, x, c, output="contrast") for c in (target, 1 - target)
        )
        torch.testing.assert_close(own, -other)


def test_the_decoder_is_left_as_it_is():
    decoder, (x, target) = lively_decoder("eegnet").eval(), random_trials(N_TRIALS)
    before = {name: value.clone() for name, value in decoder.state_dict().items()}
    attribute("Gradient", decoder, x, target, output="contrast")
    assert not decoder._forward_hooks
    assert decoder.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_dict().items())


@pytest.mark.parametrize(
    "parametrized",
    [nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.orthogonal],
)
def test_a_parametrized_layer_still_runs_and_keeps_its_class(parametrized):
    """A copied layer shares its class with the original, whose weights are properties of it."""
    x, target = random_trials(N_TRIALS)
    layer = parametrized(nn.Linear(x[0].numel(), 4))
    decoder = nn.Sequential(nn.Flatten(), layer).to(x)
    logits, other = decoder(x), copy.deepcopy(decoder)
    expected = torch.autograd.grad(
        contrasts(other(x.requires_grad_())).gather(1, target[:, None]).sum(), x
    )[0]
    for _ in range(2):
        gradient = attribute("Gradient", decoder, x.detach(), target, output="contrast")
        torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(decoder(x.detach()), logits, rtol=0, atol=0)
    assert parametrize.is_parametrized(layer, "weight")


def test_every_architecture_runs_after_its_contrasts_were_explained():
    x, target = random_trials(N_TRIALS)
    for name in DECODERS:
        decoder = lively_decoder(name).eval()
        logits = decoder(x)
        attribute("Gradient", decoder, x, target, output="contrast")
        assert torch.equal(decoder(x), logits)


class AddedInPlace(Added):
    def forward(self, x):
        logits = self.decoder(x)
        logits += self.function(x, self.decoder)[:, None]
        return logits


@pytest.mark.parametrize("kind", [Added, AddedInPlace])
def test_what_is_added_may_be_zero_in_the_first_trial(kind):
    x, target = random_trials(N_TRIALS)
    x[0, 0] = -1.0
    decoder = lively_decoder("deepnet")
    added = kind(decoder, lambda x, _: 100 * x[:, 0].relu().sum(1))
    expected = explain(decoder, x, target)
    torch.testing.assert_close(explain(added, x, target), expected)


def explain(decoder, x, target):
    return attribute("Gradient", decoder, x, target, output="contrast")


def test_completeness_is_that_of_the_contrast():
    decoder, (x, target) = lively_decoder("deepnet"), random_trials(N_TRIALS)
    with torch.no_grad():
        gain = contrasts(decoder.eval()(x)) - contrasts(decoder(torch.zeros_like(x)))
    gain = gain.gather(1, target[:, None])[:, 0]
    torch.testing.assert_close(
        expected_sum("DeepLift", decoder, x, target, output="contrast"), gain
    )
    judged = validity("DeepLift", decoder, x, target, compare={}, output="contrast")
    assert judged.completeness == pytest.approx(1, abs=1e-6)


def test_an_unknown_output_is_named():
    with pytest.raises(ValueError, match="output"):
        explained("Gradient", lively_decoder("deepnet"), "probability")


LIBRARY = ["captum.DeepLift", "captum.LRP", "captum.FeatureAblation", "captum.LayerGradCam"]


@pytest.mark.parametrize("method", LIBRARY)
def test_methods_of_libraries_explain_the_contrast_too(method):
    find(method)
    before = explained(method, lively_decoder("deepnet"))
    after = explained(method, with_a_logit_added(lively_decoder("deepnet")))
    assert relative_change(before, after) < 1e-6


def test_a_decoder_with_a_parametrized_last_layer_is_left_as_it_is():
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Flatten(), nn.utils.parametrizations.weight_norm(nn.Linear(8, 3)))
    decoder = decoder.eval()
    x, target = torch.randn(2, 2, 4), torch.tensor([0, 2])
    before = decoder(x)
    explained = attribute("Gradient", decoder, x, target, output="contrast")
    assert torch.equal(decoder(x), before)
    weight = decoder[1].weight.detach()
    expected = 1.5 * (weight - weight.mean(0))[target].view_as(x)
    torch.testing.assert_close(explained, expected)
