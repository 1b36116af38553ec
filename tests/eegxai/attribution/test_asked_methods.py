"""A method, a group, a list of both or a mapping to options: one reading wherever methods are."""

import pytest
import torch
from torch import nn

import eegxai
from eegxai.attribution import METHODS, STUDY_METHODS, asked_methods, find
from eegxai.registry import UnknownNameError

X, TARGET = torch.randn(4, 3, 8), torch.tensor([0, 1, 1, 0])


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(24, 2))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("DeepLift", ["DeepLift"]),
        ("study", list(STUDY_METHODS)),
        (["study", "Gradient", "DeepLift"], [*STUDY_METHODS, "Gradient"]),
        ("all", list(METHODS)),
        (("GradCAM++", "controls"), ["GradCAM++", "RandomMap", "InputMagnitude"]),
        ({"Saliency": {"chunk": 2}}, ["Saliency"]),
    ],
)
def test_names_and_groups(names, expected):
    assert list(asked_methods(names)) == expected


def test_options_are_kept_and_those_of_a_group_are_for_each_of_its_methods():
    assert asked_methods({"Saliency": {"chunk": 2}}) == {"Saliency": {"chunk": 2}}
    assert set(map(str, asked_methods({"controls": {"chunk": 2}}).values())) == {"{'chunk': 2}"}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("DeepLft", "method 'DeepLft' is unknown; did you mean 'DeepLift'?"),
        ("studdy", "method 'studdy' is unknown; did you mean 'study'?"),
        (["study", "GradCM++"], "did you mean 'GradCAM"),
        ([], "methods is empty"),
        (3, "methods=3 is not allowed: it must be a name of a method or a group"),
        ([3], r"methods=\[3\] is not allowed"),
    ],
)
def test_what_is_no_method_is_refused_everywhere(names, told, decoder):
    calls = [
        lambda: asked_methods(names),
        lambda: eegxai.attribute_all(names, decoder, X, TARGET),
        lambda: eegxai.validity(names, decoder, X, TARGET),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=told):
            call()


def test_maps_and_verdicts_of_a_lone_name_a_group_and_a_list(decoder):
    assert list(eegxai.attribute_all("Gradient", decoder, X, TARGET)) == ["Gradient"]
    maps = eegxai.attribute_all(["controls", "Gradient"], decoder, X, TARGET)
    assert list(maps) == ["RandomMap", "InputMagnitude", "Gradient"]
    several = eegxai.validity(["Saliency", "InputXGradient", "DeepLift"], decoder, X, TARGET)
    assert several["DeepLift"] == eegxai.validity("DeepLift", decoder, X, TARGET)
    assert several["DeepLift"].duplicate_of == "InputXGradient"
    assert list(eegxai.validity("controls", decoder, X, TARGET)) == ["RandomMap", "InputMagnitude"]
    assert list(eegxai.validity(["Saliency"], decoder, X, TARGET)) == ["Saliency"]


@pytest.mark.parametrize(
    ("registry", "name", "closest"),
    [
        ("METHODS", "Salency", "method 'Salency' is unknown; did you mean 'Saliency'?"),
        ("CONTROLS", "Random", "control 'Random' is unknown; did you mean 'RandomMap'?"),
        ("DECODERS", "deepnt", "decoder 'deepnt' is unknown; did you mean 'deepnet'?"),
        ("STUDY_METRICS", "rnk", "metric of the study 'rnk' is unknown; did you mean 'rank"),
        ("CALIBRATED_METRICS", "auroc", "did you mean 'auroc_"),
        ("FEATURES", "temporl", "feature 'temporl' is unknown; did you mean 'temporal'?"),
        ("HEADS", "spere", "head 'spere' is unknown; did you mean 'sphere'?"),
        ("SIMILARITIES", "calibratd", "did you mean 'calibrated'?"),
    ],
)
def test_a_registry_suggests_the_closest_name(registry, name, closest):
    entries = getattr(eegxai, registry)
    with pytest.raises(KeyError) as raised:
        entries[name]
    assert closest in str(raised.value)
    assert isinstance(raised.value, UnknownNameError)
    assert entries.get(name) is None
    assert name not in entries


def test_lists_and_groups_are_told_where_they_belong():
    with pytest.raises(ValueError, match=r"method=\['LRP'\] is not .*: it must be one name"):
        find(["LRP"])
    with pytest.raises(ValueError, match="'study' is a group of methods; attribute_all takes"):
        find("study")
    with pytest.raises(ValueError, match=r"give several as a list, \['DeepLift', 'LRP'\]"):
        asked_methods("DeepLift, LRP")
