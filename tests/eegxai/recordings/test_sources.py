"""Data in memory: Epochs of MNE, data sets of braindecode, arrays, and trials themselves."""

import mne
import numpy as np
import pytest
import torch

from eegxai.recordings import as_labelled
from tests.recorded import CH_NAMES, CLASSES, MICROVOLTS, SFREQ, epochs_of, info_of, recording

KNOWN = {"sfreq": SFREQ, "ch_names": CH_NAMES}


def test_epochs_arrays_tensors_and_lists_are_the_same_trials():
    names = ["left", "right", "rest"]
    kinds = [
        as_labelled(epochs_of()),
        as_labelled(MICROVOLTS, CLASSES, class_names=names, **KNOWN),
        as_labelled(list(MICROVOLTS), [0, 1, 2] * 3, class_names=names, **KNOWN),
        as_labelled(
            torch.tensor(MICROVOLTS, requires_grad=True),
            torch.tensor([0, 1, 2] * 3, dtype=torch.int32),
            class_names=names,
            **KNOWN,
        ),
    ]
    for trials in kinds:
        np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=1e-6)
        assert [trials.class_names[label] for label in trials.y] == CLASSES
        assert (trials.class_names, trials.ch_names) == (tuple(names), tuple(CH_NAMES))
        assert (trials.unit, trials.sfreq, trials.has_positions) == ("uV", SFREQ, True)


def test_epochs_that_are_not_loaded_stay_so():
    events = mne.events_from_annotations(recording(), verbose="ERROR")
    lazy = mne.Epochs(recording(), *events, tmin=0, tmax=63 / SFREQ, baseline=None, verbose="ERROR")
    np.testing.assert_allclose(as_labelled(lazy).x, MICROVOLTS, rtol=1e-6)
    assert not lazy.preload
    lazy.drop(range(9), verbose="ERROR")
    with pytest.raises(ValueError, match="no trial is left of these epochs"):
        as_labelled(lazy)


def test_labels_of_a_user_come_before_the_events():
    trials = as_labelled(epochs_of(), ["a"] * 8 + ["b"])
    assert (trials.class_names, trials.y.tolist()) == (("a", "b"), [0] * 8 + [1])
    with pytest.raises(ValueError, match=r"y has the shape \(8,\)"):
        as_labelled(epochs_of(), ["a"] * 8)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"sfreq": 250}, r"sfreq=250 is not what the data have: 128\.0"),
        ({"ch_names": CH_NAMES[::-1]}, r"ch_names=\['O1', .* is not what the data have"),
        ({"sfreq": np.ones(2)}, r"sfreq=array.* is not what the data have: 128\.0"),
        ({"tmin": 1.0}, r"tmin=1\.0 is not what the data have: 0\.0"),
    ],
)
def test_what_epochs_say_is_not_overruled(options, told):
    with pytest.raises(ValueError, match=told):
        as_labelled(epochs_of(), **options)
    same = as_labelled(epochs_of(), sfreq=128, ch_names=tuple(CH_NAMES), tmin=0)
    assert same.sfreq == SFREQ


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (recording(), "data is a continuous recording; allowed are its mne.Epochs, and"),
        ("own.fif", "data is a str; allowed are mne.Epochs, windows of braindecode, and arrays"),
        (None, "data is a NoneType; allowed are"),
        ({"x": MICROVOLTS}, "data is a dict; allowed are"),
    ],
    ids=["raw", "str", "none", "dict"],
)
def test_data_that_are_refused(data, told):
    with pytest.raises(ValueError, match=told):
        as_labelled(data)


def test_trials_come_back_as_they_are_relabelled_or_renamed():
    trials = as_labelled(epochs_of())
    assert as_labelled(trials) is trials
    assert as_labelled(trials, unit="uV", sfreq=SFREQ) is trials
    other = as_labelled(trials, [2, 1, 0] * 3)
    assert (other.class_names, other.y.tolist()) == (trials.class_names, [2, 1, 0] * 3)
    turned = as_labelled(trials, class_names=["rest", "left", "right", "up"])
    assert [turned.class_names[label] for label in turned.y] == CLASSES
    renamed = as_labelled(trials, class_names=["a", "b", "c"])
    assert (renamed.class_names, renamed.y.tolist()) == (("a", "b", "c"), [0, 1, 2] * 3)
    for options, told in [({"unit": "V"}, "unit='V' is not what"), ({"sfreq": 1}, "sfreq=1 is")]:
        with pytest.raises(ValueError, match=told):
            as_labelled(trials, **options)


def test_trials_can_be_picked_selected_and_cropped():
    trials = as_labelled(epochs_of(tmin=-0.25))
    picked = trials.pick(["O1", "C3"])
    np.testing.assert_array_equal(picked.x, trials.x[:, [3, 1]])
    assert (picked.ch_names, picked.info["ch_names"]) == (("O1", "C3"), ["O1", "C3"])
    some = trials.select([4, 0])
    np.testing.assert_array_equal(some.x, trials.x[[4, 0]])
    assert (some.y.tolist(), some.class_names) == ([1, 0], trials.class_names)
    np.testing.assert_array_equal(trials.select(trials.y == 2).x, trials.x[2::3])
    short = trials.crop(8, 16)
    np.testing.assert_array_equal(short.x, trials.x[..., 8:24])
    assert short.tmin == pytest.approx(-0.25 + 8 / SFREQ)
    with pytest.raises(ValueError, match="channels Cz are not among those of the trials: Fp1, C3"):
        trials.pick(["Cz", "C3"])


@pytest.fixture(scope="module")
def braindecode():
    datasets = pytest.importorskip("braindecode.datasets")
    preprocessing = pytest.importorskip("braindecode.preprocessing")

    def windows(*raws, **options):
        """Windows of recordings, each of one trial, with a data set for each recording."""
        parts = [datasets.RawDataset(raw, description={"run": i}) for i, raw in enumerate(raws)]
        whole = datasets.BaseConcatDataset(parts)
        return preprocessing.create_windows_from_events(whole, preload=True, **options)

    return windows


def with_eog():
    info = info_of([*CH_NAMES, "EOG"], ["eeg"] * 4 + ["eog"])
    return recording(np.concatenate([MICROVOLTS, MICROVOLTS[:, :1]], axis=1), info)


@pytest.mark.parametrize("mapping", [None, {"left": 0, "right": 1, "rest": 2}])
@pytest.mark.parametrize("use_mne_epochs", [False, True])
def test_windows_of_braindecode(braindecode, mapping, use_mne_epochs):
    data = braindecode(with_eog(), with_eog(), mapping=mapping, use_mne_epochs=use_mne_epochs)
    trials = as_labelled(data)
    np.testing.assert_allclose(trials.x, np.concatenate([MICROVOLTS] * 2), rtol=1e-6)
    assert [trials.class_names[label] for label in trials.y] == CLASSES * 2
    assert trials.class_names == tuple(mapping or sorted(set(CLASSES)))
    assert (trials.ch_names, trials.unit) == (tuple(CH_NAMES), "uV")
    for part, count in [(data.split("run")["1"], 9), (data.datasets[0], 9)]:
        assert as_labelled(part).x.shape[0] == count
    some = as_labelled(torch.utils.data.Subset(data, [10, 3]), picks="all")
    assert some.x.shape == (2, 5, 64)
    assert [some.class_names[label] for label in some.y] == ["right", "left"]


def test_windows_of_arrays_have_channels_without_a_type():
    datasets = pytest.importorskip("braindecode.datasets")
    data = datasets.create_from_X_y(
        MICROVOLTS, [0, 1, 2] * 3, drop_last_window=False, sfreq=SFREQ, ch_names=list(CH_NAMES),
        window_size_samples=64, window_stride_samples=64,
    )  # fmt: skip
    trials = as_labelled(data)
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=1e-5)
    assert (trials.ch_names, trials.unit) == (tuple(CH_NAMES), "uV")


def test_windows_are_taken_as_their_data_set_gives_them(braindecode):
    data = braindecode(recording())
    data.transform = lambda x: 1e6 * x / 20
    trials = as_labelled(data, ["a", "b", "c"] * 3)
    np.testing.assert_allclose(trials.x, MICROVOLTS / 20, rtol=1e-5)
    assert (trials.unit, trials.class_names) == ("as_given", ("a", "b", "c"))


def test_windows_that_are_refused(braindecode):
    other = recording().reorder_channels(CH_NAMES[::-1])
    with pytest.raises(ValueError, match=r"recordings in data differ in ch_names: \['O1', "):
        as_labelled(braindecode(recording(), other))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ch_names": 16}, "ch_names=16 is not allowed: a list of names is"),
        ({"ch_names": [[1], [2]]}, r"ch_names holds \[1\]; allowed are names"),
        ({"ch_names": [None, "Cz"]}, "ch_names holds None; allowed are names"),
        ({"ch_names": ["", "Cz"]}, "ch_names holds ''; allowed are names"),
        ({"sfreq": True}, "sfreq=True is not allowed"),
        ({"sfreq": 1e-12}, "sfreq=1e-12 is not allowed"),
        ({"unit": ["uV"]}, r"unit=\['uV'\] is not allowed"),
        ({"sfreq": np.ones(2)}, r"sfreq=array\(\[1\., 1\.\]\) is not allowed"),
        ({"tmin": np.ones(2)}, r"tmin=array\(\[1\., 1\.\]\) is not allowed"),
        ({"picks": 3}, "picks=3 is not allowed: a list of names is"),
    ],
)
def test_arguments_of_another_type_are_refused(changes, told):
    x = np.random.default_rng(0).normal(size=(3, 2, 20))
    with pytest.raises(ValueError, match=told):
        as_labelled(x, [0, 1, 0], **{"sfreq": 50, "ch_names": ["C3", "C4"], **changes})


def test_arrays_of_names_and_numbers_as_names_are_taken():
    x = np.random.default_rng(0).normal(size=(3, 2, 20))
    assert as_labelled(x, sfreq=50, ch_names=np.array(["C3", "C4"])).ch_names == ("C3", "C4")
    assert as_labelled(x, sfreq=50, ch_names=[0, 1]).ch_names == ("0", "1")
    assert as_labelled(epochs_of(), ch_names=np.array(CH_NAMES)).ch_names == tuple(CH_NAMES)


def test_masked_values_are_refused_and_bfloat16_is_taken():
    x = np.random.default_rng(0).normal(size=(3, 2, 20)).astype(np.float32)
    known = {"sfreq": 50, "ch_names": ["C3", "C4"], "unit": "uV"}
    with pytest.raises(ValueError, match="x has masked values"):
        as_labelled(np.ma.masked_less(x, 0), **known)
    np.testing.assert_allclose(as_labelled(torch.tensor(x).bfloat16(), **known).x, x, rtol=1e-2)
