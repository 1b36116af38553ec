"""Units, channels and values: what is decided, noted and refused."""

import re

import mne
import numpy as np
import pytest

from eegxai.recordings import as_labelled
from eegxai.recordings.channels import electrode_of
from eegxai.recordings.units import in_microvolts, typical_size
from tests.recorded import CH_NAMES, MICROVOLTS, SFREQ, epochs_of, info_of

KNOWN = {"sfreq": SFREQ, "ch_names": CH_NAMES}


def noted(trials, words):
    return [note for note in trials.notes if words in note]


@pytest.mark.parametrize(
    ("factor", "unit", "told"),
    [
        (1, "uV", "taken as µV, since the typical standard deviation is 19"),
        (1e-6, "uV", "taken as volts, since the typical standard deviation is 1.9"),
        (1 / 20, "as_given", "since every channel has a standard deviation of about 1"),
        (1e5, "as_given", "as neither volts nor µV of EEG have"),
        (1e-3, "as_given", "as neither volts nor µV of EEG have"),  # millivolts
    ],
)
def test_the_unit_of_arrays_is_judged_by_their_size_and_noted(factor, unit, told):
    trials = as_labelled(factor * MICROVOLTS, **KNOWN)
    assert trials.unit == unit
    expected = MICROVOLTS if unit == "uV" else factor * MICROVOLTS
    np.testing.assert_allclose(trials.x, expected, rtol=1e-6)
    assert noted(trials, told)


@pytest.mark.parametrize(
    ("unit", "kept", "factor"), [("V", "uV", 1e6), ("uV", "uV", 1), ("as_given", "as_given", 1)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_unit_that_is_stated_is_not_judged(unit, kept, factor, dtype):
    x = (1e-6 * MICROVOLTS).astype(dtype)
    found, known, why = in_microvolts(x, unit, volts=True)
    np.testing.assert_array_equal(found, (factor * x.astype(float)).astype(np.float32))
    assert (known, found.dtype) == (kept, np.float32)
    assert why.split(", ")[-1 if kept == unit else 1] == "as stated"


def test_mne_objects_are_volts_unless_they_cannot_be():
    microvolts_in_mne = epochs_of(1e6 * MICROVOLTS)
    with pytest.raises(ValueError, match=r"of 19\.\d, which cannot be volts .* unit='uV'"):
        as_labelled(microvolts_in_mne)
    np.testing.assert_allclose(as_labelled(microvolts_in_mne, unit="uV").x, MICROVOLTS, rtol=1e-6)
    assert noted(as_labelled(epochs_of()), "taken as volts, as MNE has them")


def test_flat_stretches_and_offsets_do_not_change_the_typical_size():
    x = MICROVOLTS.copy()
    x[:, :2] = 0
    assert typical_size(x + 1e4) == pytest.approx(typical_size(MICROVOLTS[:, 2:]))
    assert typical_size(np.zeros((2, 2, 8))) == 0


def test_integers_and_half_precision_are_read_as_numbers():
    counts = as_labelled(np.round(MICROVOLTS).astype(np.int16), **KNOWN)
    np.testing.assert_array_equal(counts.x, np.round(MICROVOLTS).astype(np.float32))
    halves = as_labelled(MICROVOLTS.astype(np.float16), **KNOWN)
    np.testing.assert_array_equal(halves.x, MICROVOLTS.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(("value", "kind"), [(np.nan, "NaN"), (-np.inf, "an infinite number")])
def test_numbers_that_are_not_finite(value, kind):
    x = MICROVOLTS.copy()
    x[2, 1, 7] = x[5, 3, 0] = value
    told = rf"x holds {kind} in trial 2, channel C3, and is not finite in 2 of 36 pairs"
    with pytest.raises(ValueError, match=told):
        as_labelled(x, **KNOWN)
    eye = info_of(["Fp1", "EOG", "C4", "stage"], ["eeg", "eog", "eeg", "misc"])
    assert as_labelled(epochs_of(np.delete(x, [2, 5], 0), eye, [1, 2, 3] * 2 + [1])).x.shape[1] == 2


def test_flat_and_odd_channels_are_noted_and_kept():
    x = MICROVOLTS.copy()
    x[:, 0] = 3
    x[[1, 4], 2] = 0
    x[:, 3] *= 1000
    trials = as_labelled(x, unit="uV", **KNOWN)
    np.testing.assert_array_equal(trials.x, x.astype(np.float32))
    assert noted(trials, "channels that are flat in all trials: Fp1")
    assert noted(trials, "channels that are flat in some trials, 2 in all: C4")
    assert noted(trials, "more than 100 times larger or smaller than the others: O1")
    with pytest.raises(ValueError, match="constant over time in every trial and channel"):
        as_labelled(np.ones((2, 4, 10)), **KNOWN)


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (MICROVOLTS[0], r"x has the shape \(4, 64\); allowed is \(trials, channels, times\)"),
        (MICROVOLTS[:, None], r"x has the shape \(9, 1, 4, 64\); allowed"),
        (MICROVOLTS[:0], r"x has the shape \(0, 4, 64\); allowed"),
        (MICROVOLTS + 1j, "x holds numbers of the type complex128; allowed are real ones"),
        (MICROVOLTS.astype(str), "x holds numbers of the type <U"),
        ([MICROVOLTS[0], MICROVOLTS[1, :, :9]], r"trial 1 has the shape \(4, 9\) and trial 0 \(4,"),
        ([MICROVOLTS[0], MICROVOLTS[1, :3]], r"trial 1 has the shape \(3, 64\)"),
    ],
)
def test_arrays_that_are_refused(x, told):
    with pytest.raises(ValueError, match=told):
        as_labelled(x, **KNOWN)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sfreq": None}, "sfreq=None is not allowed: arrays need a sampling frequency above zero"),
        ({"sfreq": 0}, "sfreq=0 is not allowed: it has to be above zero, Hz"),
        ({"sfreq": np.inf}, "sfreq=inf is not allowed"),
        ({"tmin": "soon"}, "tmin='soon' is not allowed: it is a time, s"),
        ({"ch_names": None}, "ch_names is missing: arrays need the names of their 4 channels"),
        ({"ch_names": "abcd"}, "ch_names='abcd' is not allowed: a list of names is"),
        ({"ch_names": ["a", "b", "a", "c"]}, "ch_names holds 'a' more than once"),
        ({"ch_names": ["a", "b"]}, r"ch_names has 2 names and x has 4 channels: its shape is"),
        ({"unit": "mV"}, "unit='mV' is not allowed: 'uV', 'V' and 'as_given' are"),
        ({"picks": []}, r"picks=\[\] takes no channel"),
        ({"picks": "meg"}, "picks: channel or type of channels 'meg' is unknown"),
        ({"picks": ["C3", "C3"]}, "picks holds 'C3' more than once"),
        ({"montage": "GSN-HydroCel-32"}, "the montage GSN-HydroCel-32 lacks the channels 'Fp1', "),
        ({"montage": "biosemi17"}, "montage 'biosemi17' is unknown; did you mean"),
    ],
)
def test_settings_that_are_refused(changed, told):
    with pytest.raises(ValueError, match=told):
        as_labelled(MICROVOLTS, **(KNOWN | changed))


def test_bad_channels_stay_in_their_place_unless_they_are_to_go():
    info = info_of([*CH_NAMES, "EOG"], ["eeg"] * 4 + ["eog"])
    info["bads"] = ["C3", "EOG"]
    epochs = epochs_of(np.concatenate([MICROVOLTS, MICROVOLTS[:, :1]], axis=1), info)
    kept, dropped = as_labelled(epochs), as_labelled(epochs, drop_bads=True)
    np.testing.assert_allclose(kept.x, MICROVOLTS, rtol=1e-6)
    assert (kept.ch_names, kept.info["bads"]) == (tuple(CH_NAMES), ["C3"])
    assert noted(kept, "channels marked as bad are kept") == [kept.notes[-1]]
    np.testing.assert_allclose(dropped.x, MICROVOLTS[:, [0, 2, 3]], rtol=1e-6)
    assert noted(dropped, "channels marked as bad are dropped: C3")
    assert noted(kept, "channels that were not picked: EOG (eog)")
    with pytest.raises(ValueError, match="no channel is left without the bad ones"):
        as_labelled(epochs, picks=["C3"], drop_bads=True)


def test_picked_channels_come_in_the_order_asked_for():
    trials = as_labelled(epochs_of(), picks=["O1", "Fp1"])
    np.testing.assert_allclose(trials.x, MICROVOLTS[:, [3, 0]], rtol=1e-6)
    assert trials.ch_names == ("O1", "Fp1")


def test_channels_that_are_not_volts_in_mne_are_judged():
    info = info_of(CH_NAMES, "misc", placed=False)
    trials = as_labelled(epochs_of(1e6 * MICROVOLTS, info), picks="misc")
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=1e-6)
    assert noted(trials, "taken as µV, since")


def test_channels_without_a_type_are_eeg_where_no_channel_is():
    info = info_of([*CH_NAMES[:3], "STI"], ["misc"] * 3 + ["stim"], placed=False)
    trials = as_labelled(epochs_of(1e6 * MICROVOLTS, info))
    np.testing.assert_allclose(trials.x, MICROVOLTS[:, :3], rtol=1e-6)
    assert trials.has_positions
    assert noted(trials, "taken as µV, since")
    assert noted(trials, "no channel is EEG by its type: those without a type")
    assert noted(trials, "channels that were not picked: STI")
    others = info_of(CH_NAMES, "mag", placed=False)
    with pytest.raises(ValueError, match="no channel is EEG by its type; the types are mag: set"):
        as_labelled(epochs_of(info=others))


@pytest.mark.parametrize(
    ("ch_names", "has", "told"),
    [
        (CH_NAMES, True, "positions are those of MNE's 10-05 template, by the names of the"),
        (["EEG FP1-REF", "C3..", "c4", "O1-A2"], True, "by the names of the channels"),
        (["Fp1", "C3", "C4", "X"], False, "channels without a position: Fp1, C3, C4, X; topo"),
        (["Fp1", "T7", "T3", "O1"], False, "channels at the same position, so .*: T7, T3"),
    ],
)
def test_positions_by_the_names_of_channels(ch_names, has, told):
    trials = as_labelled(MICROVOLTS, sfreq=SFREQ, ch_names=ch_names)
    assert trials.has_positions == has
    assert trials.ch_names == tuple(ch_names)
    assert any(re.search(told, note) for note in trials.notes)


def test_positions_of_a_montage_that_is_named():
    names = ["A1", "A2", "A3", "B1"]
    trials = as_labelled(MICROVOLTS, sfreq=SFREQ, ch_names=names, montage="biosemi128")
    places = mne.channels.make_standard_montage("biosemi128").get_positions()["ch_pos"]
    info = mne.create_info(names, SFREQ, "eeg").set_montage("biosemi128")
    for own, other in zip(trials.info["chs"], info["chs"], strict=True):
        np.testing.assert_allclose(own["loc"][:3], other["loc"][:3])
        assert own["ch_name"] in places


@pytest.mark.parametrize(("name", "electrode"), [("eeg_cz", "Cz"), ("Fp1-F7", None), ("E17", None)])
def test_names_of_electrodes(name, electrode):
    assert electrode_of(name) == electrode


def test_projections_are_noted():
    epochs = epochs_of().set_eeg_reference(projection=True, verbose="ERROR")
    assert noted(as_labelled(epochs), "are in the file and not applied: Average EEG reference")
    applied = epochs.copy().apply_proj(verbose="ERROR")
    assert noted(as_labelled(applied), "that are applied: Average EEG reference")
