"""Classes in another order than the outputs are told, and move no unit."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import eegxai
from eegxai.explaining.class_order import likely_order, order_note
from eegxai.explaining.declared import Declared, declared, of_its_own
from tests.eegxai.explaining.small_case import CHANNELS, CLASSES, SFREQ, Reader, trials


@given(st.permutations(range(4)))
def test_an_order_is_found_from_what_is_mistaken_for_what(order):
    y = np.arange(60) % 4
    predicted = np.argsort(order)[y]
    found = likely_order(y, predicted, 4)
    assert found == (tuple(order) if (y != predicted).mean() > 0.6 else found)
    assert likely_order(y, y, 4) is None


@pytest.mark.slow
def test_guesses_have_no_order():
    rng = np.random.default_rng(0)
    guesses = [likely_order(*rng.integers(0, 4, (2, 40)), 4) for _ in range(300)]
    assert sum(found is not None for found in guesses) <= 15  # 5 %


def test_the_order_of_an_oddball_is_found_though_most_are_of_one_class():
    y = np.repeat([0, 1], [108, 12])
    predicted = np.repeat([1, 0], [76, 44])  # all targets, 32 false alarms, in the other order
    assert likely_order(y, predicted, 2) == (1, 0)
    assert likely_order(y, 1 - predicted, 2) is None
    told = order_note(y, predicted, ("standard", "target"))
    assert "with target, standard in this order its accuracy would be 0.73, balanced 0.85" in told


def test_the_note_names_the_order():
    y = np.arange(20) % 2
    told = order_note(y, 1 - y, ("left", "right"))
    assert "with right, left in this order its accuracy would be 1.00, balanced 1.00" in told
    assert not order_note(y, y, ("left", "right"))


def test_swapped_classes_do_not_move_the_unit():
    x, y = trials(60)
    swapped = (y + 1) % len(CLASSES)
    known = {"sfreq": SFREQ, "ch_names": CHANNELS, "class_names": CLASSES}
    with torch.random.fork_rng():
        result = eegxai.explain(
            Reader(), x, y, methods=["Saliency"], checks=(), n_trials=3, **known
        )
        reason = "classifies none|another order"
        with pytest.raises(ValueError, match=reason):
            eegxai.explain(Reader(), x, swapped, methods=["Saliency"], checks=(), **known)
    assert float(result.accuracy["accuracy"].iloc[0]) > 0.9


def test_what_a_network_was_told_it_does_not_tell():
    said = declared(eegxai.build("eegnet", 4, 64, 3, 64.0))
    known = Declared(n_chans=4, n_times=64, sfreq=64.0, ch_names=("a", "b"), n_outputs=3)
    told = frozenset({"n_chans", "chs_info", "sfreq"})
    assert of_its_own(known, told) == Declared(None, 64, None, None, 3)
    assert of_its_own(said, frozenset()) == said


class Probable(Reader):
    """The probability of class 1, as trained with BCELoss."""

    def forward(self, x):
        lifted = self.hidden(self.scale * x.flatten(1))
        return torch.sigmoid(lifted[:, 1] - lifted[:, 0])


def test_a_lone_probability_is_decided_at_a_half():
    x, y = trials(40, n_classes=2)
    result = eegxai.explain(
        Probable(), x, y, methods=["Gradient"], checks=(), n_trials=3, sfreq=SFREQ,
        ch_names=CHANNELS, class_names=CLASSES[:2],
    )  # fmt: skip
    assert float(result.accuracy["accuracy"].iloc[0]) > 0.95
    assert result.maps["Gradient"].shape == (3, *x.shape[1:])
    assert any("probability p of class 1" in note for note in result.notes)
