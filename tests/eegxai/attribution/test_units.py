"""Volts where µV are usual: never silent, and silent wherever the unit is beyond doubt."""

import warnings

import numpy as np
import pytest
import torch

import eegxai
from eegxai.attribution import UnitWarning, attribute, attribute_all, frequency_relevance, validity
from tests.eegxai.explaining.small_case import CHANNELS, CLASSES, SFREQ, Reader, epochs, trials

VOLTS = r"^x has a typical standard deviation of 8\.04e-06, .* in volts .* x \* 1e6"
NAME = "InputXGradient"


def microvolts():
    x, y = trials(6)
    return torch.from_numpy(x), torch.from_numpy(y)


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


CALLS = {
    "attribute": lambda x, y, **more: attribute(NAME, Reader(), x, y, **more),
    "attribute_all": lambda x, y, **more: attribute_all([NAME], Reader(), x, y, **more),
    "frequency_relevance": lambda x, y, **more: frequency_relevance(NAME, Reader(), x, y, **more),
    "validity": lambda x, y, **more: validity(NAME, Reader(), x, y, compare={}, **more),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_volts_are_said_once(call):
    x, y = microvolts()
    with pytest.warns(UnitWarning, match=VOLTS) as said:
        call(x * 1e-6, y)
    assert len(said) == 1
    assert said[0].filename == __file__
    with pytest.warns(UnitWarning, match="^references has a typical"):
        call(x, y, references=x.numpy() * 1e-6)


UNDOUBTED = {
    "µV": lambda x: x,
    "µV with a flat channel": lambda x: x * torch.tensor([1.0, 0, 1, 1])[:, None],
    "noiseless µV": lambda x: x / 100,
    "standardised": lambda x: (x - x.mean((0, 2), True)) / x.std((0, 2), keepdim=True),
    "zero": torch.zeros_like,
    "one sample": lambda x: x[..., :1] * 1e-6 + torch.zeros(40),
}


@pytest.mark.parametrize("form", UNDOUBTED.values(), ids=UNDOUBTED)
def test_other_numbers_are_not_doubted(form, no_warnings):
    x, y = microvolts()
    attribute("Gradient", Reader(), form(x), y, references=torch.zeros_like(x))


def test_a_filter_says_that_volts_are_meant(no_warnings):
    x, y = microvolts()
    warnings.simplefilter("ignore", UnitWarning)
    maps = attribute(NAME, Reader(scale=1e6), x * 1e-6, y)
    torch.testing.assert_close(maps, attribute(NAME, Reader(), x, y), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_objects_of_mne_are_refused_with_what_to_give(call):
    x, y = microvolts()
    given = epochs(x.numpy(), y.numpy())
    for one in (given, given.average()):
        sentence = rf"^x is MNE {type(one).__name__}, .* x\.get_data\(picks='eeg'\) \* 1e6, or"
        with pytest.raises(ValueError, match=sentence):
            call(one, y)
    with pytest.raises(ValueError, match=r"^references is MNE EpochsArray"):
        call(x, y, references=given)
    maps = attribute(NAME, Reader(), given.get_data(picks="eeg") * 1e6, y).float()
    torch.testing.assert_close(maps, attribute(NAME, Reader(), x, y))


@pytest.mark.parametrize("unit", ["V", "as_given"])
def test_explain_has_decided_the_unit(unit, no_warnings):
    x, y = trials()
    names = {"sfreq": SFREQ, "ch_names": CHANNELS, "class_names": CLASSES}
    decoder, few = Reader(scale=1e6), {"methods": [NAME], "checks": [], "n_trials": 4}
    found = eegxai.explain(decoder, 1e-6 * x, y, unit=unit, **names, **few)
    assert np.abs(found.trials.x).max() < 1e-3
    assert not any("simplefilter" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["int8", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_targets_are_integers_of_any_size(kind):
    x, y = microvolts()
    maps = attribute(NAME, Reader(), x, y.numpy().astype(kind))
    torch.testing.assert_close(maps, attribute(NAME, Reader(), x, y))


@pytest.mark.parametrize(
    ("field", "values", "told"),
    [
        ("x", np.ma.masked_less(np.zeros((6, 4, 40)), 1), "x has masked values"),
        ("x", np.zeros((6, 4, 40), dtype=object), r"x must be numbers \(trials, channels, times\)"),
        ("target", ["left"] * 6, r"target must be numbers \(trials,\)"),
        ("references", np.zeros((2, 1, 40)), "references must be as large as the trials of x, 4 "),
    ],
)
def test_what_is_no_numbers_of_the_size_is_told(field, values, told):
    x, y = microvolts()
    given = {"x": x, "target": y, "references": x} | {field: values}
    with pytest.raises(ValueError, match=f"^{told}"):
        attribute(NAME, Reader(), **given)
