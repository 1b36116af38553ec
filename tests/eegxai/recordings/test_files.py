"""Round trips: what MNE and the simulation write is read with the same µV, labels and names."""

import dataclasses
import shutil

import mne
import numpy as np
import pytest

from eegxai.recordings import read_trials, read_windows
from eegxai.simulation import files, simulate
from tests.recorded import (
    CH_NAMES,
    CLASSES,
    MICROVOLTS,
    N_TIMES,
    N_TRIALS,
    SFREQ,
    epochs_of,
    info_of,
    recording,
)

EEG = simulate("temporal", snr_db=-3.5, seed=3, n_trials=8, tmin=-0.2, tmax=1)
# How exactly formats hold µV: float32 of volts, or integers of 16 and 24 bits over the range.
FLOAT32, BITS_16, BITS_24 = 1e-5, 200 / 2**16, 200 / 2**24 + 1e-5


def export(name, packages, tmp_path, data):
    for package in packages:
        pytest.importorskip(package)
    path = tmp_path / name
    if ".fif" in name:
        data.save(path, verbose="ERROR")
    elif isinstance(data, mne.io.BaseRaw):
        mne.export.export_raw(path, data, verbose="ERROR")
    else:
        mne.export.export_epochs(path, data, verbose="ERROR")
    return path


@pytest.mark.parametrize(
    ("name", "packages", "precision"),
    [
        ("own_raw.fif", [], FLOAT32),
        ("own_raw.fif.gz", [], FLOAT32),
        ("own.edf", ["edfio"], BITS_16),
        ("own.bdf", ["edfio"], BITS_24),
        ("own.set", ["eeglabio"], FLOAT32),
        ("own.vhdr", ["pybv"], FLOAT32),
    ],
)
def test_recordings_give_the_same_microvolts_labels_and_names(tmp_path, name, packages, precision):
    path = export(name, packages, tmp_path, recording())
    trials = read_trials(path)
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=0, atol=precision)
    assert trials.x.dtype == np.float32
    assert trials.y.dtype == np.int64
    assert [trials.class_names[label] for label in trials.y] == CLASSES
    assert trials.class_names == ("left", "rest", "right")  # the order of MNE's codes
    assert (list(trials.ch_names), trials.sfreq, trials.unit) == (CH_NAMES, SFREQ, "uV")
    assert (trials.tmin, trials.n_classes, trials.has_positions) == (0, 3, True)
    np.testing.assert_allclose(trials.times, np.arange(N_TIMES) / SFREQ)


@pytest.mark.parametrize(("name", "packages"), [("own-epo.fif", []), ("own.set", ["eeglabio"])])
def test_epochs_give_the_same_microvolts_labels_and_names(tmp_path, name, packages):
    trials = read_trials(export(name, packages, tmp_path, epochs_of(tmin=-0.25)))
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=0, atol=FLOAT32)
    assert [trials.class_names[label] for label in trials.y] == CLASSES
    coded = ("left", "right", "rest")  # EEGLAB has no codes
    assert trials.class_names == (coded if name.endswith(".fif") else tuple(sorted(coded)))
    assert (trials.ch_names, trials.sfreq, trials.tmin) == (tuple(CH_NAMES), SFREQ, -0.25)


@pytest.mark.filterwarnings("ignore")  # the exporter speaks of the events of other epochs
def test_epochs_of_eeglab_are_labelled_by_the_event_at_time_zero(tmp_path):
    events = mne.events_from_annotations(recording(), verbose="ERROR")
    longer = mne.Epochs(
        recording(), *events, tmin=-0.125, tmax=1, baseline=None, preload=True, verbose="ERROR"
    )
    path = export("own.set", ["eeglabio"], tmp_path, longer)
    trials = read_trials(path, tmin=0, tmax=0.5)
    np.testing.assert_allclose(trials.x, MICROVOLTS[1:-2], rtol=0, atol=FLOAT32)
    assert [trials.class_names[label] for label in trials.y] == CLASSES[1:-2]
    assert len(mne.read_epochs_eeglab(path, verbose="ERROR").event_id) > 3


def test_positions_of_a_file_are_kept_and_missing_ones_are_those_of_the_template(tmp_path):
    moved = info_of()
    moved["chs"][0]["loc"][:3] += 0.01
    kept = read_trials(export("own-epo.fif", [], tmp_path, epochs_of(info=moved)))
    found = read_trials(export("no-epo.fif", [], tmp_path, epochs_of(info=info_of(placed=False))))
    for trials, info in [(kept, moved), (found, info_of())]:
        places = [channel["loc"][:3] for channel in trials.info["chs"]]
        expected = [channel["loc"][:3] for channel in info["chs"]]
        np.testing.assert_allclose(places, expected, atol=1e-6)
    assert not [note for note in kept.notes if "position" in note]
    assert "10-05 template, by the names of the channels" in found.notes[-1]


@pytest.mark.parametrize("name", ["own-epo.fif", "own.npz", "own"])
def test_what_the_simulation_writes(tmp_path, name):
    if name == "own":
        pytest.importorskip("mne_bids")
        pytest.importorskip("pybv")
    files.write_eeg(EEG, tmp_path / name)
    trials = read_trials(tmp_path / name, tmin=-0.2, tmax=1)
    np.testing.assert_allclose(trials.x, EEG.x, rtol=0, atol=FLOAT32)
    np.testing.assert_array_equal(trials.y, EEG.y)
    assert trials.class_names == EEG.class_names
    assert trials.class_names != tuple(sorted(EEG.class_names))  # so the codes decide
    assert trials.ch_names == tuple(EEG.info.ch_names)
    assert (trials.unit, trials.sfreq, trials.has_positions) == ("uV", 250, True)
    assert trials.tmin == pytest.approx(-0.2)


def test_a_bids_data_set_by_its_root_its_folders_and_its_file(tmp_path):
    mne_bids = pytest.importorskip("mne_bids")
    pytest.importorskip("pybv")
    for subject in ("01", "02"):
        place = mne_bids.BIDSPath(root=tmp_path, subject=subject, task="own", datatype="eeg")
        raw = recording()
        raw.info["bads"] = ["C3"]
        mne_bids.write_raw_bids(
            raw,
            place,
            event_id={"left": 7, "right": 5, "rest": 3},
            format="BrainVision",
            allow_preload=True,
            verbose="ERROR",
        )
    file = tmp_path / "sub-02" / "eeg" / "sub-02_task-own_eeg.vhdr"
    for path in (file, tmp_path / "sub-02", tmp_path / "sub-02" / "eeg"):
        trials = read_trials(path)
        np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=0, atol=FLOAT32)
        assert trials.class_names == ("rest", "right", "left")  # the codes of events.tsv
        assert [trials.class_names[label] for label in trials.y] == CLASSES
        assert trials.info["bads"] == ["C3"]  # of channels.tsv
    with pytest.raises(ValueError, match=r"has 2 recordings .* such as .*sub-01_task-own\S*; they"):
        read_trials(tmp_path)
    shutil.rmtree(tmp_path / "sub-01")
    shutil.rmtree(tmp_path / "sub-02")
    with pytest.raises(ValueError, match="has no recording of EEG"):
        read_trials(tmp_path)


def test_npz_with_all_keys_and_with_the_fewest(tmp_path):
    labels = {"y": np.array(CLASSES), "class_names": ["rest", "left", "right"]}
    known = {"x": 1e-6 * MICROVOLTS, "sfreq": [SFREQ], "ch_names": CH_NAMES}
    np.savez(tmp_path / "all.npz", **known, **labels, unit="V", tmin=-0.5)
    np.savez(tmp_path / "few.npz", x=MICROVOLTS)
    trials = read_trials(tmp_path / "all.npz")
    np.testing.assert_allclose(trials.x, MICROVOLTS, rtol=0, atol=FLOAT32)
    assert [trials.class_names[label] for label in trials.y] == CLASSES
    assert (trials.class_names, trials.tmin) == (("rest", "left", "right"), -0.5)
    few = read_trials(tmp_path / "few.npz", sfreq=SFREQ, ch_names=CH_NAMES)
    np.testing.assert_array_equal(few.x, MICROVOLTS.astype(np.float32))
    assert (few.y, few.class_names, few.sfreq, few.tmin) == (None, (), SFREQ, 0)


def test_names_of_classes_of_a_user_come_before_those_of_the_file(tmp_path):
    known = {"x": MICROVOLTS, "sfreq": SFREQ, "ch_names": CH_NAMES, "y": [0, 1, 2] * 3}
    np.savez(tmp_path / "own.npz", **known, class_names=["a", "b", "c"])
    assert read_trials(tmp_path / "own.npz").class_names == ("a", "b", "c")
    for names, labels in [("ABC", [0, 1, 2] * 3), ("cabd", [1, 2, 0] * 3)]:
        named = read_trials(tmp_path / "own.npz", class_names=list(names))
        assert (named.class_names, named.y.tolist()) == (tuple(names), labels)


def test_windows_of_a_recording_need_no_events(tmp_path):
    raw = recording().set_annotations(None)
    raw.set_annotations(mne.Annotations([0.1], [0.1], ["bad blink"]))
    path = export("own_raw.fif", [], tmp_path, raw)
    trials = read_windows(path, N_TIMES / SFREQ)
    np.testing.assert_allclose(trials.x, MICROVOLTS[1:], rtol=0, atol=FLOAT32)
    assert (trials.y, trials.class_names) == (None, ())
    assert f"trials that were dropped, of {N_TRIALS}: 1 (bad blink)" in trials.notes
    for duration in (99, 0, -1, np.nan):
        told = f"duration={duration} is not allowed: windows have 0.015625 to 4.5 s, the length"
        with pytest.raises(ValueError, match=told):
            read_windows(path, duration)
    with pytest.raises(ValueError, match="holds epochs, which are not cut again"):
        read_windows(export("own-epo.fif", [], tmp_path, epochs_of()), 0.1)


def test_channels_listed_as_eeg_get_the_type_of_their_name(tmp_path):
    pytest.importorskip("edfio")
    names = ["C3", "EOG1", "ECG"]
    path = export("own.edf", [], tmp_path, recording(MICROVOLTS[:, :3], info_of(names)))
    trials = read_trials(path)
    assert trials.ch_names == ("C3",)
    told = "channels that are listed as EEG but named otherwise: EOG1 (eog), ECG (ecg)"
    assert told in trials.notes
    assert "channels that were not picked: EOG1 (eog), ECG (ecg)" in trials.notes
    everything = read_trials(path, picks="all")
    np.testing.assert_allclose(everything.x, MICROVOLTS[:, :3], rtol=0, atol=BITS_16)


def test_damaged_and_foreign_files_end_in_one_sentence(tmp_path):
    recording().save(tmp_path / "whole_raw.fif", verbose="ERROR")
    epochs_of().save(tmp_path / "whole-epo.fif", verbose="ERROR")
    np.savez(tmp_path / "whole.npz", x=MICROVOLTS, sfreq=SFREQ, ch_names=CH_NAMES)
    for whole in sorted(tmp_path.glob("whole*")):
        content = whole.read_bytes()
        for share in (0, 0.02, 0.5, 0.9):
            path = tmp_path / f"cut{whole.name[5:]}"
            path.write_bytes(content[: int(share * len(content))])
            told = r"cannot be read: |is no \.npz file|MNE: Invalid tag"
            with pytest.raises(ValueError, match=told):
                read_trials(path)
    for suffix in (".edf", ".bdf", ".set", ".vhdr", ".fif", ".npz"):
        path = tmp_path / f"noise{suffix}"
        path.write_bytes(np.random.default_rng(0).bytes(5000))
        with pytest.raises(ValueError, match=r"cannot be read: |is no \.npz file") as error:
            read_trials(path)
        assert "\n" not in str(error.value)


def test_a_part_of_an_edf_file_is_read_and_said(tmp_path):
    pytest.importorskip("edfio")
    path = export("own.edf", [], tmp_path, recording())
    content = path.read_bytes()
    path.write_bytes(content[: int(0.9 * len(content))])
    assert any("does not match the file size" in note for note in read_trials(path).notes)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("absent.fif", r"absent\.fif does not exist"),
        ("own.mat", r"'\.mat'; allowed are \.fif, \.edf, \.bdf, \.set, \.vhdr, \.npz, and BIDS"),
        ("folder", r"folder is no BIDS folder: there is no dataset_description\.json"),
    ],
)
def test_paths_that_are_not_read(tmp_path, name, told):
    (tmp_path / "own.mat").write_text("no")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=told):
        read_trials(tmp_path / name)


def test_bids_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("eegxai.recordings.bids.find_spec", lambda _name: None)
    with pytest.raises(ValueError, match=r"pip install mne-bids$"):
        read_trials(tmp_path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"x": None, "X": MICROVOLTS}, r"has no array 'x' .*; it holds .*X, and the keys that"),
        ({"y": np.array(["a", 1], dtype=object)}, "holds Python objects, which are not read"),
        ({"sfreq": None}, r"sfreq=None is not allowed: arrays need a sampling frequency"),
        ({"sfreq": "fast"}, "sfreq='fast' is not allowed"),
        ({"sfreq": [1.0, 2.0]}, r"sfreq has the shape \(2,\); allowed is a single value"),
        ({"ch_names": None}, "ch_names is missing: arrays need the names of their 4 channels"),
        ({"ch_names": CH_NAMES[:3]}, "ch_names has 3 names and x has 4 channels"),
        ({"unit": "mV"}, "unit='mV' is not allowed: 'uV', 'V' and 'as_given' are"),
        ({"y": np.zeros(4, int)}, r"y has the shape \(4,\); allowed is one label for each"),
    ],
)
def test_npz_files_that_lack_something(tmp_path, changed, told):
    known = {"x": MICROVOLTS, "sfreq": SFREQ, "ch_names": CH_NAMES} | changed
    held = {key: value for key, value in known.items() if value is not None}
    np.savez(tmp_path / "own.npz", **held)
    with pytest.raises(ValueError, match=told):
        read_trials(tmp_path / "own.npz")


def test_what_a_file_says_is_not_overruled(tmp_path):
    epochs_of().save(tmp_path / "own-epo.fif", verbose="ERROR")
    np.savez(tmp_path / "own.npz", x=MICROVOLTS, sfreq=SFREQ, ch_names=CH_NAMES)
    for name in ("own-epo.fif", "own.npz"):
        with pytest.raises(ValueError, match=r"sfreq=250 is not what .* 128\.0"):
            read_trials(tmp_path / name, sfreq=250)
    with pytest.raises(ValueError, match="unit='mV' is not allowed"):
        read_trials(tmp_path / "own-epo.fif", unit="mV")
    with pytest.raises(ValueError, match=r"events applies to recordings and epochs"):
        read_trials(tmp_path / "own.npz", events=["left"])


def test_trials_of_a_read_file_are_values(tmp_path):
    trials = read_trials(export("own-epo.fif", [], tmp_path, epochs_of()))
    with pytest.raises(dataclasses.FrozenInstanceError):
        trials.y = None


@pytest.mark.parametrize("path", [3, None])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match=f"path={path} is not allowed: the path of a file"):
        read_trials(path)


def test_an_empty_file_is_called_so(tmp_path):
    (tmp_path / "empty-epo.fif").write_bytes(b"")
    with pytest.raises(ValueError, match="cannot be read: it is empty, damaged or of another type"):
        read_trials(tmp_path / "empty-epo.fif")
