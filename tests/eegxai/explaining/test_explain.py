"""A decoder and trials of anyone: what is found, what is said, and what is never silent."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import eegxai
from eegxai.attribution import METHODS, attribute
from eegxai.attribution.validity import _decoder_digest
from eegxai.explaining import cross_checks, evidence, opening
from eegxai.explaining.api import DEFAULT_METHODS
from eegxai.explaining.evidence import ALWAYS
from eegxai.recordings import as_labelled
from tests.eegxai.explaining.small_case import (
    CHANNELS,
    CLASSES,
    N_TIMES,
    SFREQ,
    Reader,
    epochs,
    trials,
)

ARRAYS = {"sfreq": SFREQ, "ch_names": CHANNELS, "class_names": CLASSES}
FEW = {"methods": ["InputXGradient"], "checks": []}


@pytest.fixture(scope="module")
def result():
    x, y = trials()
    methods = ["Saliency", "InputXGradient", "DeepLift", "GradCAM"]
    return eegxai.explain(Reader(), epochs(x, y), methods=methods)


def said(result, beginning):
    (note,) = [note for note in result.notes if note.startswith(beginning)]
    return note


# ------------------------------------------------------------------ units


def test_volts_microvolts_and_epochs_of_the_same_trials_give_the_same_maps():
    x, y = trials()
    forms = [epochs(x, y)], [torch.from_numpy(x), y], [x.astype(float) * 1e-6, y]
    results = [
        eegxai.explain(Reader(), *form, **(ARRAYS if len(form) == 2 else {}), **FEW)
        for form in forms
    ]
    direct = attribute("InputXGradient", Reader(), x, y, output="contrast").numpy()
    for found in results:
        assert found.accuracy["accuracy"].item() > 0.9
        assert "so the decoder gets µV" in said(found, "unit:")
        expected = direct[found.explained]
        np.testing.assert_allclose(found.maps["InputXGradient"], expected, rtol=1e-3, atol=1e-6)


def test_a_decoder_trained_on_volts_gets_volts():
    x, y = trials()
    decoder = Reader(scale=1e6)
    results = [
        eegxai.explain(decoder, epochs(x, y), **FEW),
        eegxai.explain(decoder, x, y, **ARRAYS, **FEW),
        eegxai.explain(decoder, x, y, unit="V", **ARRAYS, **FEW),
    ]
    usual = eegxai.explain(Reader(), epochs(x, y), **FEW).maps["InputXGradient"]
    for found in results:
        np.testing.assert_allclose(found.maps["InputXGradient"], usual, rtol=1e-3, atol=1e-5)
        assert np.abs(found.trials.x).max() < 1e-3
    assert "so the decoder gets volts" in said(results[0], "unit:")
    assert "as requested" in said(results[2], "the decoder gets")


def test_the_asked_unit_is_taken_though_the_accuracy_suffers():
    x, y = trials()
    found = eegxai.explain(Reader(), epochs(x, y), unit="V", **FEW)
    assert found.accuracy["accuracy"].item() < 0.5
    assert not found.accuracy["above_chance"].item()


def test_what_no_unit_explains_is_said():
    x, y = trials()
    shuffled = np.random.default_rng(1).permutation(y)
    for decoder in (Reader(), Reader(scale=1e6)):
        found = eegxai.explain(decoder, epochs(x, shuffled), **FEW)
        told = said(found, "unit:")
        assert "neither above chance, so the unit is undecided and the decoder gets µV" in told
        assert "unit='V' or --unit V" in told
        assert set(found.trust["trust"]) <= {"doubtful", "do not use"}


def oddball():
    """Epochs with 12 targets and 108 standards, 32 of which look like targets."""
    y = np.repeat([1, 0], [12, 108])
    x = 5 * np.random.default_rng(0).standard_normal((120, len(CHANNELS), N_TIMES))
    x[:44, 0] += 8
    return epochs(x, y, ("standard", "target"))


class Oddball(nn.Module):
    """A target where the mean of the first channel exceeds 4 µV."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale
        self.readout = nn.Linear(len(CHANNELS) * N_TIMES, 2)
        with torch.no_grad():
            self.readout.weight.zero_()[1, :N_TIMES] = 1 / N_TIMES
            self.readout.bias.zero_()[0] = 4

    def forward(self, x):
        return self.readout(self.scale * x.flatten(1))


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "µV"), (1e6, "volts")])
def test_the_unit_of_an_oddball_is_the_one_in_which_targets_are_found(scale, unit):
    found = eegxai.explain(Oddball(scale), oddball(), n_trials=3, **FEW)
    assert found.confusion.to_numpy().tolist() == [[76, 32], [0, 12]]
    told = said(found, "unit:")
    assert f"0.85 with {unit}" in told
    assert told.endswith(f"so the decoder gets {unit}")
    assert found.above_chance
    assert found.accuracy["balanced_accuracy"].item() == pytest.approx((76 / 108 + 1) / 2)
    assert "balanced 0.85, above chance (0.50)" in found._repr_html_()


def test_a_decoder_that_normalises_its_input_is_indifferent_to_the_unit():
    class Normalising(Reader):
        def forward(self, x):
            return super().forward(8 * x / x.std((1, 2), keepdim=True))

    x, y = trials()
    found = eegxai.explain(Normalising(), epochs(x, y), **FEW)
    assert "predicts the same classes from µV and volts" in said(found, "unit:")


def test_without_labels_nothing_decides_the_unit():
    x, _ = trials()
    names = {"sfreq": SFREQ, "ch_names": CHANNELS}
    with pytest.raises(ValueError, match="unit is missing: without labels"):
        eegxai.explain(Reader(), x, **names, **FEW)
    found = eegxai.explain(Reader(), x, unit="uV", **names, **FEW)
    assert len(found.accuracy) == 0
    assert len(found.confusion) == 0
    assert found.class_names == ("output 0", "output 1", "output 2")
    with torch.no_grad():
        predicted = Reader()(torch.from_numpy(x)).argmax(1).numpy()
    np.testing.assert_array_equal(found.target, predicted[found.explained])


def test_standardised_trials_are_given_as_they_are():
    x, y = trials()
    standard = x / x.std((0, 2), keepdims=True)
    decoder = Reader(scale=float(x.std()))
    found = eegxai.explain(decoder, standard, y, **ARRAYS, **FEW)
    assert found.accuracy["accuracy"].item() > 0.9
    assert "as they were given" in said(found, "the decoder gets")


# ------------------------------------------------------------------ what is found


def test_three_lines_give_accuracy_maps_and_checks(result):
    assert result.accuracy["chance"].item() == pytest.approx(1 / 3)
    assert result.accuracy["above_chance"].item()
    assert result.confusion.to_numpy().sum() == 30
    assert result.methods == ("Saliency", "InputXGradient", "DeepLift")
    shape = (len(result.explained), *result.trials.x.shape[1:])
    assert all(maps.shape == shape for maps in result.maps.values())
    checks = {"target_swap", "cascade", "independent", "all_weights", "surrogate", "noise"}
    assert checks <= set(result.checks["check"])
    assert set(result.checks["domain"]) >= {"channel_time", "topography"}
    assert result.without_truth


def test_the_method_that_is_not_applicable_says_why(result):
    row = result.validity.set_index("method").loc["GradCAM"]
    assert row["status"] == "not_applicable"
    assert "CAM layer" in row["reason"]
    assert result.trust.set_index("method").loc["GradCAM", "trust"] == "no map"


def test_the_last_step_of_the_cascade_is_the_untrained_decoder(result):
    last = (
        result.checks[result.checks["check"] == "cascade"]
        .groupby("method")["step"]
        .transform("max")
    )
    rows = result.checks[result.checks["check"] == "cascade"]
    ends = rows[rows["step"] == last].set_index(["method", "domain", "metric"])["mean"]
    control = result.checks[result.checks["check"] == "all_weights"]
    control = control.set_index(["method", "domain", "metric"])["mean"]
    np.testing.assert_array_equal(ends.reindex(control.index), control)


def test_wrongly_classified_trials_are_left_out_and_counted():
    x, y = trials()
    y[:4] = (y[:4] + 1) % 3
    found = eegxai.explain(Reader(), epochs(x, y), **FEW)
    wrong = int(len(y) - np.trace(found.confusion.to_numpy()))
    assert wrong >= 4
    assert not set(range(4)) & set(found.explained)
    assert f"left out: {wrong}" in " ".join(found.notes)
    np.testing.assert_array_equal(found.target, y[found.explained])


def test_classes_without_trials_are_left_out_of_what_needs_some():
    x, y = trials()
    some = y < 2
    found = eegxai.explain(Reader(), x[some], y[some], **ARRAYS, **FEW)
    assert found.class_names == CLASSES
    assert list(found.topography("InputXGradient").index) == ["left", "feet"]
    assert set(found.patterns["model"]) == {"decoder"}
    assert said(found, "there are no patterns of a linear model")
    assert "curves" in found.figures()


def test_a_class_can_be_explained_in_all_trials():
    x, y = trials()
    by_name = eegxai.explain(Reader(), epochs(x, y), target="right", n_trials=12, **FEW)
    by_number = eegxai.explain(Reader(), epochs(x, y), target=2, n_trials=12, **FEW)
    assert set(by_name.target) == {2}
    np.testing.assert_array_equal(by_name.maps["InputXGradient"], by_number.maps["InputXGradient"])
    with pytest.raises(ValueError, match="target=3 is no output"):
        eegxai.explain(Reader(), epochs(x, y), target=3, **FEW)
    with pytest.raises(ValueError, match="did you mean 'right'"):
        eegxai.explain(Reader(), epochs(x, y), target="rihgt", **FEW)


def test_one_failing_method_loses_nothing_of_the_others(monkeypatch):
    def broken(decoder, x, target):
        raise KeyError("its own mistake")

    monkeypatch.setitem(METHODS, "Broken", replace(METHODS["Saliency"], function=broken))
    x, y = trials()
    names = ["Broken", "InputXGradient"]
    found = eegxai.explain(Reader(), epochs(x, y), methods=names, checks=[])
    rows = found.validity.set_index("method")
    assert rows["status"].to_dict() == {"Broken": "failed", "InputXGradient": "ok"}
    assert "its own mistake" in rows.loc["Broken", "reason"]
    assert found.methods == ("InputXGradient",)


def test_a_decoder_that_no_method_explains_says_so_for_each():
    class MixingTrials(Reader):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3, track_running_stats=False)

        def forward(self, x):
            return self.norm(super().forward(x))

    x, y = trials()
    found = eegxai.explain(MixingTrials(), epochs(x, y), methods=["Saliency", "DeepLift"])
    assert found.accuracy["accuracy"].item() > 0.9
    assert set(found.validity["status"]) == {"not_applicable"}
    assert all("BatchNorm 'norm' keeps no statistics" in why for why in found.trust["reason"])
    assert list(found.figures()) == ["confusion", "patterns"]
    assert "no map" in found._repr_html_()


def test_the_decoder_stays_as_it_is_and_the_seed_decides():
    x, y = trials()
    decoder = Reader().train()
    before, state = _decoder_digest(decoder), torch.get_rng_state()
    first, again, other = (
        eegxai.explain(decoder, epochs(x, y), methods=["Saliency"], n_trials=10, seed=seed)
        for seed in (0, 0, 1)
    )
    assert _decoder_digest(decoder) == before
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(first.maps["Saliency"], again.maps["Saliency"])
    assert first.checks.equals(again.checks)
    assert list(first.explained) != list(other.explained)


def test_two_classes_and_one_logit():
    class Lone(Reader):
        def forward(self, x):
            outputs = super().forward(x)
            return (outputs[:, 1] - outputs[:, 0]) + 0.1

    x, y = trials(n_classes=2)
    one = eegxai.explain(Lone(2), epochs(x, y, ("left", "feet")), methods=["InputXGradient"])
    two = eegxai.explain(Reader(2), epochs(x, y, ("left", "feet")), methods=["InputXGradient"])
    assert one.accuracy["accuracy"].item() == two.accuracy["accuracy"].item()
    assert one.trust["class_specific"].tolist() == ["not testable"]
    assert one.trust["model_specific"].tolist() == ["shown"]


def test_outputs_of_a_regression_are_explained_as_they_are():
    x, _ = trials()
    found = eegxai.explain(
        Reader(1), x, output="value", target=0, unit="uV", sfreq=SFREQ, ch_names=CHANNELS, **FEW
    )
    direct = attribute("InputXGradient", Reader(1), x, np.zeros(len(x), int), output="value")
    np.testing.assert_allclose(found.maps["InputXGradient"], direct.numpy(), atol=1e-6)
    assert len(found.accuracy) == 0


def test_progress_is_told_from_0_to_1():
    x, y = trials()
    heard = []
    eegxai.explain(Reader(), epochs(x, y), on_progress=lambda *said: heard.append(said), **FEW)
    shares = [share for _, share in heard]
    assert all(0 <= share <= 1 for share in shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    told = [what for what, _ in heard]
    assert told.index("InputXGradient: maps (1 of 1 methods)") < told.index(
        "InputXGradient: checks"
    )


def test_trials_without_positions_have_maps_and_checks_but_no_topographies():
    x, y = trials()
    found = eegxai.explain(
        Reader(), x, y, sfreq=SFREQ, ch_names=["one", "two", "three", "four"], **FEW
    )
    assert set(found.checks["domain"]) == {"channel_time"}
    assert "topographies" not in found.figures(["topographies"])


def test_a_method_without_channels_has_no_topography():
    x, y = trials()
    found = eegxai.explain(Reader(), epochs(x, y), **FEW)
    flat = replace(found, maps={"Flat": np.ones_like(found.maps["InputXGradient"]), **found.maps})
    (figure,) = flat.figures(["topographies"]).values()
    assert "not drawn: Flat" in figure.get_suptitle()
    assert len(figure.axes) == len(CLASSES) + 1


def test_copies_for_each_layer_of_a_large_decoder_are_not_made(monkeypatch):
    monkeypatch.setattr(evidence, "LARGEST_COPIES", 100)
    x, y = trials()
    found = eegxai.explain(Reader(), epochs(x, y), methods=["InputXGradient"])
    assert {"cascade", "independent"}.isdisjoint(found.checks["check"])
    assert {"target_swap", ALWAYS} <= set(found.checks["check"])
    assert "copies of the decoder would take" in said(found, "the check 'cascade' is left out")


def test_the_methods_by_default_are_there():
    assert set(DEFAULT_METHODS) <= set(METHODS)


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"methods": ["Salency"]}, "did you mean 'Saliency'"),
        ({"methods": 3}, "must be a name, a list of names"),
        ({"methods": []}, "methods is empty"),
        ({"methods": {"Saliency": {"steps": 3}}}, "option of Saliency 'steps' is unknown"),
        ({"unit": "mV"}, "unit 'mV' is unknown"),
        ({"n_trials": 0}, "n_trials=0"),
        ({"checks": ["cascad"]}, "did you mean 'cascade'"),
        ({"checks": ["label_retrain"]}, "permuted labels"),
    ],
)
def test_mistakes_are_told_in_a_sentence(changes, sentence):
    x, y = trials(6)
    with pytest.raises(ValueError, match=sentence):
        eegxai.explain(Reader(), epochs(x, y), **changes)


def test_nothing_correct_says_what_to_look_at():
    x, y = trials()
    order = "with feet, right, left in this order its accuracy would be 1.00"
    with pytest.raises(ValueError, match=rf"none of 30 trials correctly.*{order}.*target="):
        eegxai.explain(Reader(), epochs(x, (y + 1) % 3), **FEW)
    with pytest.raises(ValueError, match=r"none of 3 trials correctly.*order of its outputs"):
        eegxai.explain(Reader(), epochs(x[:3], (y[:3] + 1) % 3), unit="uV", **FEW)


def test_a_decoder_without_layers_keeps_what_needs_none():
    class Fixed(nn.Module):
        def forward(self, x):
            return x[:, :3].mean(2)

    x, y = trials()
    found = eegxai.explain(Fixed(), epochs(x, y), methods=["InputXGradient"], unit="uV")
    assert "target_swap" in set(found.checks["check"])
    assert "cascade" not in set(found.checks["check"])
    assert any(note.startswith("the check 'cascade' is left out") for note in found.notes)


def test_labelled_trials_are_taken_as_they_are():
    x, y = trials()
    given = as_labelled(x, y, unit="uV", **ARRAYS)
    for unit in (None, "as_given"):
        found = eegxai.explain(Reader(), given, unit=unit, **FEW)
        assert found.class_names == CLASSES
        np.testing.assert_array_equal(found.trials.x, given.x)


def test_labels_of_one_class_do_not_move_the_unit():
    x, y = trials()
    ones = y == 1
    found = eegxai.explain(
        Reader(), x[ones], y[ones], sfreq=SFREQ, ch_names=CHANNELS, **FEW, n_trials=4
    )
    assert found.accuracy["accuracy"].item() > 0.9
    assert "the unit is undecided and the decoder gets µV" in said(found, "unit:")
    assert set(found.target) == {1}


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("methods", [5, [len], [["Saliency"]], {"Saliency": [1]}]),
        ("weights", [{"a": 1}, 3]),
        ("sfreq", [np.ones(2), True, 1e-12, 0, np.nan]),
        ("ch_names", [16, [[1]], [None, "Cz"], ["", "Cz"], "C3"]),
        ("class_names", [3]),
        ("unit", [["uV"], 3]),
        ("n_trials", ["a", None, 1.5, True]),
        ("target", [[0], np.arange(2), 1.5, True]),
        ("output", ["foo", None, []]),
        ("cam_layer", [3]),
        ("arguments", [[1], {1: 2}]),
        ("checks", [None, 3, "cascade"]),
        ("seed", [None, "a", 1.5, -1]),
        ("device", [[], "nowhere"]),
        ("on_accuracy", [3]),
        ("on_progress", [3]),
    ],
)
def test_arguments_of_another_type_are_refused_in_a_sentence(argument, values):
    x, y = trials(4)
    for value in values:
        changes = {**ARRAYS, **FEW, argument: value}
        with pytest.raises(ValueError, match=rf"^{argument}\b") as refused:
            eegxai.explain(Reader(), x, y, **changes)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 250


def test_numbers_and_names_of_numpy_are_taken():
    x, y = trials()
    found = eegxai.explain(
        Reader(), torch.from_numpy(x).bfloat16(), y, sfreq=np.float32(SFREQ), unit="uV",
        ch_names=np.array(CHANNELS), class_names=np.array(CLASSES), methods=("Saliency",),
        checks=(), n_trials=np.int64(1), target=np.int64(1), seed=np.int64(1),
    )  # fmt: skip
    assert found.trials.ch_names == CHANNELS
    assert "only 1 trial is explained: means over so few are imprecise" in found.notes


def test_a_decoder_that_sets_the_default_type_leaves_it_as_it_was():
    class Setting(Reader):
        def forward(self, x):
            torch.set_default_dtype(torch.float64)
            return super().forward(x)

    x, y = trials(9)
    try:
        eegxai.explain(Setting(), epochs(x, y), unit="uV", methods=["Saliency"], n_trials=2)
        assert torch.get_default_dtype() == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_pictures_that_there_are_not_are_told(result):
    with pytest.raises(ValueError, match="picture 'foo' is unknown"):
        result.figures(["foo"])
    with pytest.raises(ValueError, match="names='confusion' is not allowed: a list"):
        result.figures("confusion")


class Broken(Reader):
    """NaN for the trials whose first number is 1000."""

    def forward(self, x):
        outputs = super().forward(x)
        return torch.where((x[:, :1, 0] == 1e3), torch.nan, outputs)


def test_outputs_that_are_no_numbers_are_said():
    x, y = trials()
    x[[3, 6], 0, 0] = 1e3
    found = eegxai.explain(Broken(), x, y, unit="uV", **ARRAYS, **FEW, n_trials=2)
    assert "NaN or infinite in 2 trials of 30" in said(found, "the decoder's outputs are NaN")
    whole = eegxai.explain(Reader(), x, y, unit="uV", **ARRAYS, **FEW, n_trials=2)
    assert not any("NaN" in note for note in whole.notes)


def test_a_lone_output_is_read_from_all_trials(monkeypatch):
    seen = []
    adapted = opening.adapted

    def spy(decoder, x, **options):
        seen.append(len(x))
        return adapted(decoder, x, **options)

    monkeypatch.setattr(opening, "adapted", spy)
    x, y = trials()
    eegxai.explain(Reader(), epochs(x, y), unit="uV", **FEW, n_trials=2)
    assert seen == [30]


def test_a_decoder_with_one_output_that_fails_on_one_trial_says_on_which():
    class Failing(Reader):
        def forward(self, x):
            if (x[:, 0, 0] == 1e3).any():
                raise ValueError("an odd batch")
            return super().forward(x)[:, :1]

    x, y = trials(n_classes=2)
    x[21, 0, 0] = 1e3
    with pytest.raises(ValueError, match=r"fails on trial 21: .*an odd batch"):
        eegxai.explain(Failing(), epochs(x, y, CLASSES[:2]), unit="uV", **FEW)


def test_patterns_of_many_large_trials_are_of_some_of_them(monkeypatch):
    x, y = trials(60)
    kept = eegxai.explain(Reader(), epochs(x, y), unit="uV", **FEW, n_trials=2)
    assert set(kept.patterns["n_trials"]) == {60}
    monkeypatch.setattr(cross_checks, "MOST_PATTERN_NUMBERS", 20 * x[0].size + 1)
    found = eegxai.explain(Reader(), epochs(x, y), unit="uV", **FEW, n_trials=2)
    assert set(found.patterns["n_trials"]) == {20}
    assert set(found.patterns["model"]) == {"decoder", "linear"}
    assert said(found, "the output patterns are of 20 of 60 trials, drawn at random")
