"""Trials in anyone's decoder: left as they are, of its type, and told where it fails."""

import numpy as np
import pytest
import torch
from torch import nn

from eegxai.explaining.matching import _unit_by_accuracy, as_input, outputs_of, predicted_classes
from eegxai.recordings import as_labelled
from tests.eegxai.explaining.small_case import CHANNELS, SFREQ, Reader, trials


class Centring(Reader):
    def forward(self, x):
        x -= x.mean((1, 2), keepdim=True)
        return super().forward(x)


def test_a_decoder_that_works_in_place_leaves_the_trials_as_they_are():
    x, _ = trials(6)
    before = x.copy()
    predicted_classes(Centring(), x)
    np.testing.assert_array_equal(x, before)


class Holding(nn.Module):
    def __init__(self, parameters, buffers=()):
        super().__init__()
        for number, dtype in enumerate(parameters):
            value = nn.Parameter(torch.zeros(1, dtype=dtype), requires_grad=False)
            self.register_parameter(f"p{number}", value)
        for number, dtype in enumerate(buffers):
            self.register_buffer(f"b{number}", torch.zeros(1, dtype=dtype))


@pytest.mark.parametrize(
    ("parameters", "buffers", "expected"),
    [
        ([torch.complex64, torch.float64], [], torch.float64),
        ([torch.int64, torch.float64], [], torch.float64),
        ([], [torch.int64, torch.float64], torch.float64),
        ([torch.int64], [], torch.float32),
        ([], [], torch.float32),
    ],
)
def test_trials_get_the_first_real_floating_type_of_the_decoder(parameters, buffers, expected):
    assert as_input(Holding(parameters, buffers), trials(2)[0]).dtype == expected


class Failing(Reader):
    def __init__(self, fails):
        super().__init__()
        self.fails = fails

    def forward(self, x):
        if self.fails(x):
            raise KeyError("no such thing")
        return super().forward(x)


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        (lambda x: bool((x[:, 0, 0] == 1e3).any()), "fails on trial 34: .*no such thing"),
        (lambda x: len(x) == 8, "fails on trials 32 to 39 together, and on none of them alone: "),
    ],
)
def test_a_decoder_that_fails_on_some_trials_says_on_which(fails, told):
    x, _ = trials(40)
    x[34, 0, 0] = 1e3
    with pytest.raises(ValueError, match=told):
        outputs_of(Failing(fails), x)


@pytest.mark.parametrize("n_trials", [20, 60])  # in one part of 32 trials, and in two
def test_outputs_with_classes_first_are_told_by_their_shape(n_trials):
    class ClassesFirst(Reader):
        def forward(self, x):
            return super().forward(x).T

    part = min(n_trials, 32)
    told = rf"gives outputs of the shape \(3, {part}\) for {part} trials, \({part}, outputs\) is "
    with pytest.raises(ValueError, match=told) as error:
        outputs_of(ClassesFirst(), trials(n_trials)[0])
    assert "fails" not in str(error.value)


def test_a_unit_in_which_one_class_is_always_predicted_is_not_chosen():
    x, y = trials(60)
    y = np.where(np.arange(60) < 50, 0, 1 + np.arange(60) % 2)

    class Guessing(nn.Module):  # in volts the largest class; in µV hardly any trial is right
        def forward(self, x):
            classes = torch.zeros(len(x)).long()
            if x.abs().max() > 1e-2:
                classes = 1 + (x[:, 0, 0] > 0).long()
            return torch.eye(3)[classes]

    given = as_labelled(x, y, unit="uV", sfreq=SFREQ, ch_names=CHANNELS)
    unit, sentence = _unit_by_accuracy(given, Guessing())
    assert unit == "uV"
    assert "the unit is undecided" in sentence


def test_units_whose_accuracies_differ_clearly_are_said_to():
    x, y = trials(40)[0], (np.arange(40) < 2).astype(int)

    class Told(nn.Module):
        def forward(self, x):
            ones = (x[:, 3, 0] > 0).float() if x.abs().max() < 1e-2 else x[:, 3, 1] % 2
            return torch.stack([1 - ones, ones], 1)

    x[:, 3, 0] = np.where(y, 5, -5)
    x[:, 3, 1] = np.arange(40) % 2
    given = as_labelled(x, y, unit="uV", sfreq=SFREQ, ch_names=CHANNELS)
    unit, sentence = _unit_by_accuracy(given, Told())
    assert unit == "V"
    assert "1.00 with volts" in sentence
    assert sentence.endswith("so the decoder gets volts")
    assert "nothing decides" not in sentence
