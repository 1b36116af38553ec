"""Files of simulated EEG, read back by MNE, NumPy and mne-bids themselves."""

import dataclasses
import json
import re
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from eegxai.simulation import ClassSpec, FeatureSpec, Signal, files, simulate

EEG = simulate("spatial", snr_db=-3.5, seed=3, n_trials=12)
CLASSES = list(EEG.trials["class_name"])


def read_epochs(path):
    return mne.read_epochs(path, verbose="ERROR")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_volts(found, microvolts):
    # Float32 in the file, and a projection applied to what is average-referenced already.
    np.testing.assert_allclose(found, 1e-6 * microvolts.astype(float), rtol=1e-5, atol=1e-11)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "signal", "truth"),
    [
        ("demo-epo.fif", "demo-epo.fif", "demo-truth-epo.fif"),
        ("demo_epo.fif", "demo_epo.fif", "demo_truth_epo.fif"),
        ("demo.fif", "demo-epo.fif", "demo-truth-epo.fif"),
    ],
)
def test_fif_holds_epochs_and_ground_truth_in_volts(tmp_path, name, signal, truth):
    written = files.write_eeg(EEG, tmp_path / name)
    assert written == [tmp_path / signal, tmp_path / truth]
    assert names(tmp_path) == [signal, truth]
    assert_volts(read_epochs(tmp_path / signal).get_data(), EEG.x)
    assert_volts(read_epochs(tmp_path / truth).get_data(), EEG.ground_truth)


def test_fif_events_metadata_montage_and_reference(tmp_path):
    signal, _ = files.write_eeg(EEG, tmp_path / "demo-epo.fif")
    epochs = read_epochs(signal)
    assert epochs.event_id == {"left": 1, "right": 2}
    np.testing.assert_array_equal(epochs.events[:, 2] - 1, EEG.y)
    assert len(epochs["left"]) == CLASSES.count("left")
    # MNE stores metadata as JSON, where a column of NaN alone comes back as None.
    metadata = epochs.metadata.astype(EEG.trials.dtypes)
    pd.testing.assert_frame_equal(metadata, EEG.trials, check_names=False)
    assert epochs.times[0] == 0
    assert epochs.info["sfreq"] == EEG.info["sfreq"]
    assert json.loads(epochs.info["description"])["seed"] == 3
    positions = epochs.get_montage().get_positions()["ch_pos"]
    for channel, place in EEG.info.get_montage().get_positions()["ch_pos"].items():
        np.testing.assert_allclose(positions[channel], place, atol=1e-6)
    (reference,) = epochs.info["projs"]
    assert reference["active"]
    assert reference["desc"] == "Average EEG reference"


def test_npz_needs_no_pickle(tmp_path):
    assert files.write_eeg(EEG, tmp_path / "demo.npz") == [tmp_path / "demo.npz"]
    with np.load(tmp_path / "demo.npz", allow_pickle=False) as found:
        for name in ("x", "y", "ground_truth"):
            np.testing.assert_array_equal(found[name], getattr(EEG, name))
        assert list(found["ch_names"]) == EEG.info.ch_names
        assert list(found["class_names"]) == ["left", "right"]
        assert found["sfreq"] == 250
        np.testing.assert_allclose(found["times_ms"], np.arange(250) * 4)
        for name, column in EEG.trials.items():
            np.testing.assert_array_equal(found[f"trials_{name}"], column.to_list())
        assert json.loads(str(found["spec"]))["feature"] == "spatial"


def test_bids_is_read_by_mne_bids(tmp_path):
    mne_bids = pytest.importorskip("mne_bids")
    pytest.importorskip("pybv")
    root = tmp_path / "study"
    assert files.write_eeg(EEG, root) == [root]
    datasets = {root: EEG.x, root / "derivatives" / "ground-truth": EEG.ground_truth}
    for folder, microvolts in datasets.items():
        place = mne_bids.BIDSPath(root=folder, subject="seed3", task="spatial", datatype="eeg")
        raw = mne_bids.read_raw_bids(place, verbose="ERROR")
        assert_volts(raw.get_data(), np.hstack(microvolts))
        assert list(raw.annotations.description) == CLASSES
        np.testing.assert_allclose(raw.annotations.onset, np.arange(12.0))
        assert raw.get_montage().ch_names == EEG.info.ch_names
        epochs = mne.Epochs(raw, tmin=0, tmax=0.996, baseline=None, preload=True, verbose="ERROR")
        assert_volts(epochs.get_data(verbose="ERROR"), microvolts)
    kinds = [json.loads((folder / "dataset_description.json").read_text()) for folder in datasets]
    assert [kind["DatasetType"] for kind in kinds] == ["raw", "derivative"]
    (sidecar,) = root.glob("sub-*/eeg/*_eeg.json")
    assert json.loads(sidecar.read_text())["EEGReference"] == "average"


def test_bids_without_its_packages_says_what_to_install(tmp_path, monkeypatch):
    absent = dataclasses.replace(files.EEG_FORMATS[""], packages={"not_there": "mne-bids"})
    monkeypatch.setitem(files.EEG_FORMATS, "", absent)
    with pytest.raises(ValueError, match=r"pip install mne-bids$"):
        files.targets(tmp_path / "study")


@pytest.mark.parametrize(
    ("name", "present"),
    [("a-epo.fif", "a-epo.fif"), ("a-epo.fif", "a-truth-epo.fif"), ("a.npz", "a.npz")],
)
def test_nothing_is_overwritten(tmp_path, name, present):
    (tmp_path / present).write_text("precious")
    with pytest.raises(ValueError, match=f"{present} exists and is not overwritten"):
        files.write_eeg(EEG, tmp_path / name)
    assert names(tmp_path) == [present]
    assert (tmp_path / present).read_text() == "precious"


@pytest.mark.parametrize("name", ["a-epo.fif", "a.npz", "study"])
def test_a_crash_midway_leaves_nothing(tmp_path, name):
    if name == "study":
        pytest.importorskip("pybv")
    unknown = EEG.trials.assign(signal=object())  # nothing can store these
    broken = dataclasses.replace(EEG, ground_truth=EEG.ground_truth[:, :3], trials=unknown)
    if name != "a.npz":  # these fail at the ground truth, with the signal already written
        broken = dataclasses.replace(broken, trials=EEG.trials)
    with pytest.raises(ValueError):  # noqa: PT011 - three libraries, three messages
        files.write_eeg(broken, tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a;b", "目标", "5 €"])
def test_class_names_that_fif_cannot_hold_are_refused_for_it_alone(tmp_path, name):
    told = f"class {name!r} cannot be written to a .fif file"
    with pytest.raises(ValueError, match=re.escape(told)):
        files.targets(tmp_path / "a-epo.fif", class_names=(name, "z"))
    assert files.targets(tmp_path / "a.npz", class_names=(name, "z"))
    assert files.targets(tmp_path / "a-epo.fif", class_names=("ä: b/c", "z"))


def test_written_epochs_refuse_such_a_class_themselves(tmp_path):
    peak = Signal(name="p", kind="peak", latency_ms=400, width_ms=200, amplitude=10)
    classes = (ClassSpec(name="a;b", signals=(peak,)), ClassSpec(name="z"))
    eeg = simulate(FeatureSpec(name="own", classes=classes, dipoles=("cuneus",)), -3, 1, 4)
    with pytest.raises(ValueError, match=r"class 'a;b' cannot be written"):
        files.write_eeg(eeg, tmp_path / "a-epo.fif")
    assert names(tmp_path) == []


@pytest.mark.parametrize("path", ["", "/"])
def test_a_path_without_a_name(path):
    with pytest.raises(ValueError, match="does not name a file"):
        files.targets(Path(path))


@pytest.mark.parametrize("name", ["a" * 300 + ".npz", "a/" * 3000 + "x.npz", "a" * 250 + ".fif"])
def test_a_name_that_the_system_refuses(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be written: File name too long"):
        files.targets(tmp_path / name)
    assert names(tmp_path) == []


def test_unknown_suffix(tmp_path):
    with pytest.raises(ValueError, match=r"'\.mat'; allowed are \.fif, \.npz, and none for BIDS"):
        files.targets(tmp_path / "demo.mat")


def test_folders_are_made_but_not_below_a_file(tmp_path):
    files.write_eeg(EEG, tmp_path / "new" / "deep" / "demo.npz")
    assert names(tmp_path / "new" / "deep") == ["demo.npz"]
    with pytest.raises(ValueError, match=r"other\.npz' cannot be written: "):
        files.targets(tmp_path / "new" / "deep" / "demo.npz" / "other.npz")


def test_a_full_disk_is_told_before_the_simulation(tmp_path):
    with pytest.raises(
        ValueError, match=r"'.*a-epo\.fif' cannot be written: it takes 1,000,000,000 GB"
    ):
        files.targets(tmp_path / "a.fif", 1e18)
    assert names(tmp_path) == []
