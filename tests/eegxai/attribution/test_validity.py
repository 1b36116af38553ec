"""A method's validity on a decoder, on methods whose faults are known."""

import dataclasses
from importlib import import_module

import pytest
import torch
from torch import nn

from eegxai.attribution import METHODS, Validity, attribution, compared_maps, validity
from eegxai.decoders import build


@pytest.fixture
def mine():
    """Name of a method that exists for one test and is this function of the trials."""
    names = set(METHODS)

    def register(function, **stated):
        attribution("mine", **stated)(lambda decoder, x, target: function(x))
        return "mine"

    yield register
    for name in set(METHODS) - names:
        del METHODS[name]


def trials(n_trials=3):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n_trials, 6, 160, generator=generator)
    return x, torch.arange(n_trials) % 3


def decoder(name):
    torch.manual_seed(0)
    return build(name, 6, 160, 3, 250.0)


@pytest.mark.parametrize("name", ["Saliency", "GradCAM", "FullGrad", "Gradient", "RandomMap"])
def test_a_map_that_varies_is_ok(name):
    result = validity(name, decoder("deepnet"), *trials())
    assert (result.status, result.reason, result.flags) == ("ok", "", ())


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Deconvolution", "it has no ReLU"), ("CentredGuidedGradCAM", "it has no ReLU")],
)
def test_a_missing_requirement_is_given_as_the_reason(name, reason):
    result = validity(name, decoder("eegnet"), *trials())
    assert result.status == "not_applicable"
    assert reason in result.reason


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: 0 * x, "zero everywhere"),
        (lambda x: x.mean(2, keepdim=True).expand_as(x), "constant over times"),
        (lambda x: x.mean(1, keepdim=True).expand_as(x), "constant over channels"),
        (lambda x: 1 + 1e-8 * x, "constant over times"),
        (lambda x: x[:, :, :0], "shape"),
        (lambda x: x / 0, "not finite"),
    ],
)
def test_a_map_that_says_nothing_is_degenerate(mine, function, reason):
    result = validity(mine(function), decoder("deepnet"), *trials())
    assert result.status == "degenerate"
    assert reason in result.reason


def test_a_map_of_one_channel_is_not_constant_over_channels(mine):
    network = nn.Sequential(nn.Flatten(), nn.Linear(8, 2))
    x = torch.randn(2, 1, 8)
    assert validity(mine(lambda x: x), network, x, torch.arange(2), compare={}).status == "ok"


def test_a_fault_of_some_trials_is_not_the_methods(mine):
    name = mine(lambda x: x * torch.tensor([0.0, 0.0, 1.0])[: len(x), None, None])
    assert validity(name, decoder("deepnet"), *trials()).status == "ok"


@pytest.mark.parametrize("name", ["CentredGradCAM", "CentredScoreCAM", "CentredLayerCAM"])
def test_a_layer_without_channels_is_a_declared_limit(name):
    result = validity(name, decoder("shallow_fbcsp"), *trials())
    assert result.status == "ok"
    assert result.reason == "no channel resolution: the CAM layer 'bnorm' has none"


@pytest.mark.parametrize("name", ["GradCAM", "ScoreCAM", "LayerCAM"])
def test_the_libraries_maps_are_judged_by_what_they_show(name):
    """Columns of eegnet's layer are times; those of shallow_fbcsp's are one, so times are equal."""
    result = validity(name, decoder("eegnet"), *trials())
    assert result.status == "ok"
    assert result.reason == "no channel resolution: the CAM layer 'bnorm_1' has none"
    result = validity(name, decoder("shallow_fbcsp"), *trials())
    assert (result.status, result.reason) == (
        "degenerate",
        f"{name}'s maps are constant over times",
    )


def test_a_corrected_method_may_equal_one_of_the_study_and_an_extended_one_either(mine):
    x, target = trials()
    network = decoder("deepnet")
    compare = {"Saliency": x, "Gradient": x.flip(2)}
    mine(lambda x: 2 * x.flip(2), group="extended")
    result = validity("mine", network, x, target, compare=compare)
    assert result.reason == "mine equals Gradient of the group corrected (r = 1.0000)"
    compare = {"Saliency": x, "Gradient": x}
    assert validity("Gradient", network, x, target, compare=compare).duplicate_of == "Saliency"
    assert validity("Saliency", network, x, target, compare=compare).status == "ok"


def test_a_map_of_zeros_alone_and_together_does_not_depend_on_the_batch(mine):
    x, target = trials()
    name = mine(lambda x: x * (x.amax((1, 2), keepdim=True) > x[0].amax()))
    result = validity(name, decoder("deepnet"), torch.cat([0 * x[:1], x]), target[[0, 0, 1, 2]])
    assert result.batch_dependence == 0


def test_an_unknown_method_is_an_error_not_a_verdict():
    with pytest.raises(ValueError, match="did you mean 'Saliency'"):
        validity("Salience", decoder("deepnet"), *trials())


# ------------------------------------------------------------------ evidence


def test_lrp_equals_input_x_gradient_on_relus_and_max_pools():
    result = validity("LRP", decoder("deepnet"), *trials())
    assert (result.status, result.duplicate_of) == ("duplicate", "InputXGradient")
    assert result.similarity == pytest.approx(1, abs=1e-6)
    assert result.flags[0] == "LRP equals InputXGradient of the group study (r = 1.0000)"
    assert validity("InputXGradient", decoder("deepnet"), *trials()).duplicate_of == ""


def test_a_duplicate_is_one_in_every_trial(mine):
    x, target = trials()
    compare = {"Saliency": x}
    name = mine(lambda x: 2 * x)
    assert validity(name, decoder("deepnet"), x, target, compare=compare).duplicate_of == "Saliency"
    compare = {"Saliency": torch.cat([x[:2], x[2:].flip(2)])}
    assert validity(name, decoder("deepnet"), x, target, compare=compare).status == "ok"


def test_the_same_empty_map_is_the_same_map(mine):
    x, target = trials()
    name = mine(lambda x: torch.cat([0 * x[:1], x[1:]]))
    for first, original in ((0 * x[:1], "Saliency"), (x[:1], "")):
        compare = {"Saliency": torch.cat([first, x[1:]])}
        found = validity(name, decoder("deepnet"), x, target, compare=compare)
        assert found.duplicate_of == original


@pytest.mark.parametrize(
    ("promised", "median", "worst", "flags"),
    [
        ([1.0, 1.0, 1.0], 1.0, 1.0, ()),
        ([1.0, 0.97, 1.02], 1.0, 1 / 0.97, ()),
        ([1.0, 0.5, 1.02], 1.0, 2.0, ("1 .. 2 of the promised sum",)),
        ([1.0, 0.0, 1.0], 1.0, 1.0, ()),  # nothing to divide by
    ],
)
def test_completeness_is_the_sum_over_the_promise(mine, promised, median, worst, flags):
    x, target = trials()
    kept = torch.where(x > 1, x, 0.0)
    sums = kept.sum((1, 2)) * torch.tensor(promised)
    name = mine(
        lambda x: torch.where(x > 1, x, 0.0), completeness_target=lambda *_args, **_options: sums
    )
    result = validity(name, decoder("deepnet"), x, target)
    assert result.completeness == pytest.approx(median, abs=1e-6)
    assert result.completeness_worst == pytest.approx(worst, abs=1e-6)
    assert result.flags == flags


def test_a_map_that_depends_on_the_other_trials_is_flagged(mine):
    x, target = trials()
    result = validity(mine(lambda x: x - x.mean(0) / 2), decoder("deepnet"), x, target)
    both = x[0] - x.mean(0) / 2
    expected = float((x[0] / 2 - both).abs().max() / both.abs().max())
    assert result.batch_dependence == pytest.approx(expected)
    assert result.flags[0].startswith("depends on the batch")


def test_the_state_of_the_decoder_is_told_before_and_after():
    module = decoder("eegnet")
    result = validity("Saliency", module, *trials())
    assert result.state_before == result.state_after != ""
    with torch.no_grad():
        next(module.parameters()).add_(1)
    assert validity("Saliency", module, *trials()).state_before != result.state_before
    module.train()
    changed = dataclasses.replace(result, state_after="other")
    assert changed.flags == ("changes the decoder",)


def test_every_verdict_survives_json():
    result = validity("LRP", decoder("deepnet"), *trials())
    assert Validity(**dataclasses.asdict(result)) == result


def test_a_method_that_breaks_takes_no_other_with_it(mine):
    def broken(x):
        raise RuntimeError("broken on purpose")

    mine(broken, group="study")
    assert "Saliency" in compared_maps(decoder("deepnet"), *trials())
    assert validity("Saliency", decoder("deepnet"), *trials()).status == "ok"
    with pytest.raises(RuntimeError, match="broken on purpose"):
        validity("mine", decoder("deepnet"), *trials())


@pytest.mark.parametrize(("options", "passes"), [({}, 1), ({"cam_placement": "stretch"}, 2)])
def test_maps_that_are_known_are_not_computed_again(options, passes, monkeypatch):
    """One pass more is the trial alone; other options are another map."""
    network = decoder("eegnet")
    known = dict(compared_maps(network, *trials()))
    expected = validity("CentredGradCAM", network, *trials(), **options)
    explained = methods_explained(monkeypatch)
    assert validity("CentredGradCAM", network, *trials(), compare=known, **options) == expected
    assert explained == ["CentredGradCAM"] * passes


def methods_explained(monkeypatch):
    """Names of the methods that are asked for maps from now on."""
    module, names = import_module("eegxai.attribution.validity"), []  # behind the function

    def noted(methods, *args, plain=module.maps_or_reasons, **options):
        names.extend(methods)
        return plain(methods, *args, **options)

    monkeypatch.setattr(module, "maps_or_reasons", noted)
    return names


def test_no_map_is_made_that_nothing_is_compared_with(monkeypatch):
    """A method is compared with those before it, a control with none; each is made once."""
    network, explained = decoder("deepnet"), methods_explained(monkeypatch)
    known = compared_maps(network, *trials())
    validity("RandomMap", network, *trials(), compare=known)
    assert set(explained) == {"RandomMap"}
    explained.clear()
    validity("InputXGradient", network, *trials(), compare=known)
    before = list(METHODS)[: list(METHODS).index("InputXGradient")]
    assert set(explained) <= {*before, "InputXGradient"}
    explained.clear()
    validity("InputXGradient", network, *trials(), compare=known)
    assert explained == ["InputXGradient"]  # of a trial alone
