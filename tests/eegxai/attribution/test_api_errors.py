"""Calling methods: options, references, several at once, passes computed once."""

from typing import Literal

import pytest
import torch

from eegxai.attribution import (
    METHODS,
    STUDY_METHODS,
    DegenerateMap,
    NotApplicable,
    attribute,
    attribute_all,
    attribution,
    options_of,
)
from eegxai.attribution.calling import expected_sum, maps_or_reasons
from eegxai.attribution.engine.shared_passes import shared
from tests.helpers import lively_decoder, random_trials


@pytest.fixture
def register():
    """Register functions as methods for one test."""
    names = set(METHODS)
    yield lambda name, function, **stated: attribution(name, **stated)(function)
    for name in set(METHODS) - names:
        del METHODS[name]


@pytest.fixture(scope="module")
def decoder():
    return lively_decoder("deepnet")


def scaled(decoder, x, target, *, factor: int = 2, kind: Literal["plain", "squared"] = "plain"):
    return factor * (x if kind == "plain" else x**2)


# ------------------------------------------------------------------ options


def test_options_are_the_keyword_only_parameters_and_the_chunk(register, decoder):
    register("scaled", scaled)
    x, target = random_trials(2)
    assert options_of("scaled") == {"chunk": 8, "factor": 2, "kind": "plain"}
    assert options_of("scaled", {"factor": 5})["factor"] == 5
    result = attribute("scaled", decoder, x, target, factor=3, kind="squared")
    assert torch.equal(result, 3 * x**2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"facter": 3}, "option of scaled 'facter' is unknown; did you mean 'factor'"),
        (
            {"factor": "many"},
            "factor='many' of scaled is not allowed: a whole number is needed",
        ),
        (
            {"kind": "cubed"},
            "kind='cubed' of scaled is not allowed: 'plain' or 'squared' is needed",
        ),
        ({"chunk": 0}, "chunk=0 of scaled is not allowed: a number above 0 is needed"),
        ({"chunk": True}, "chunk=True of scaled is a truth value and not a number"),
        ({"factor": True}, "factor=True of scaled is a truth value"),
        ({"references": 1}, "option of scaled 'references' is unknown"),
    ],
)
def test_a_wrong_option_is_named(register, options, message):
    register("scaled", scaled)
    with pytest.raises(ValueError, match=message):
        options_of("scaled", options)


def test_every_option_of_every_method_has_a_default():
    for name in METHODS:
        assert options_of(name)["chunk"] >= 1


# ------------------------------------------------------------------ references and promises


def test_references_reach_the_method_that_asks_for_them(register, decoder):
    x, target = random_trials(3)
    register("against", lambda decoder, x, target, *, references: x - references.mean(0))
    result = attribute("against", decoder, x, target, references=x[:2])
    torch.testing.assert_close(result, x - x[:2].mean(0))
    with pytest.raises(ValueError, match="against needs references"):
        attribute("against", decoder, x, target)
    with pytest.raises(ValueError, match="references must be a floating-point tensor"):
        attribute("against", decoder, x, target, references=x[0])


def test_a_promise_is_told_with_the_methods_options(register, decoder):
    def sums(decoder, x, target, *, factor, kind):
        return factor * x.sum((1, 2))

    x, target = random_trials(2)
    register("scaled", scaled, completeness_target=sums)
    expected = 3 * x.sum((1, 2))
    torch.testing.assert_close(expected_sum("scaled", decoder, x, target, factor=3), expected)
    assert expected_sum("Saliency", decoder, x, target) is None


# ------------------------------------------------------------------ several methods at once


def test_several_methods_at_once_give_the_maps_of_each_alone(decoder):
    x, target = random_trials(5)
    maps = attribute_all({name: {"chunk": 2} for name in STUDY_METHODS}, decoder, x, target)
    assert list(maps) == list(STUDY_METHODS)
    for name, result in maps.items():
        expected = attribute(name, decoder, x, target)
        scale = float(expected.abs().max())
        torch.testing.assert_close(result / scale, expected / scale, rtol=0, atol=1e-9)


def test_methods_keep_their_own_options_when_called_together(register, decoder):
    register("scaled", scaled)
    x, target = random_trials(3)
    asked = {"scaled": {"factor": 4, "chunk": 1}, "Saliency": {}}
    maps = attribute_all(asked, decoder, x, target)
    assert torch.equal(maps["scaled"], 4 * x)
    assert torch.equal(maps["Saliency"], attribute("Saliency", decoder, x, target))


def test_a_shared_pass_is_computed_once_a_chunk(register, decoder):
    calls = []

    @shared
    def one_pass(decoder, x, target):
        calls.append(len(x))
        return 2 * x

    register("one", lambda decoder, x, target: one_pass(decoder, x, target))
    register("two", lambda decoder, x, target: 3 * one_pass(decoder, x, target))
    register("other", lambda decoder, x, target: one_pass(decoder, x + 1, target))
    x, target = random_trials(5)
    maps = attribute_all(["one", "two"], decoder, x, target)
    assert calls == [5]
    assert torch.equal(maps["two"], 6 * x)
    attribute_all({"one": {"chunk": 3}, "two": {"chunk": 3}}, decoder, x, target)
    assert calls == [5, 3, 2]
    maps = attribute_all(["one", "other"], decoder, x, target)  # other trials, another pass
    assert torch.equal(maps["other"], 2 * (x + 1))
    attribute("one", decoder, x, target)
    attribute("one", decoder, x, target)
    assert calls[-2:] == [5, 5]  # nothing outlives a call


def test_one_methods_fault_is_not_the_others(register, decoder):
    def refused(decoder, x, target):
        raise NotApplicable("not for this decoder")

    register("scaled", scaled)
    register("short", lambda decoder, x, target: x[:, :1])
    register("refused", refused)
    x, target = random_trials(2)
    found = maps_or_reasons({"short": {}, "scaled": {}, "refused": {}}, decoder, x, target)
    assert isinstance(found["short"], DegenerateMap)
    assert isinstance(found["refused"], NotApplicable)
    assert torch.equal(found["scaled"], 2 * x)
    with pytest.raises(DegenerateMap, match="short returned a map of shape"):
        attribute_all(["scaled", "short"], decoder, x, target)
