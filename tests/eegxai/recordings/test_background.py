"""Stretches of recordings: none shares a sample with another, and the reference is read."""

import mne
import numpy as np
import pytest
from scipy.io import savemat

from eegxai.recordings.background import content_digest, open_background
from tests.backgrounds import (
    CH_NAMES,
    N_STRETCHES,
    N_TIMES,
    SFREQ,
    microvolts,
    raw_of,
    write_epochs,
    write_raw,
)

X = microvolts()
CUT = X.reshape(len(CH_NAMES), N_STRETCHES, N_TIMES).swapaxes(0, 1)


def stretches_of(file, channels=CH_NAMES, first=0, n_times=N_TIMES):
    return open_background(file).stretches(channels, first, n_times)


def test_a_recording_is_cut_into_stretches_one_after_the_other(tmp_path):
    file = write_raw(tmp_path / "raw.fif", X)
    np.testing.assert_allclose(stretches_of(file), CUT, rtol=1e-6)
    two = stretches_of(file, channels=("Oz", "Fz"), n_times=2 * N_TIMES)
    assert two.shape == (N_STRETCHES // 2, 2, 2 * N_TIMES)
    np.testing.assert_allclose(two[1, 0], X[-1, 2 * N_TIMES : 4 * N_TIMES], rtol=1e-6)


def test_what_touches_an_annotation_called_bad_is_left_out(tmp_path):
    raw = raw_of(X)
    raw.set_annotations(mne.Annotations([1.5, 3.0, 5.2], [1.0, 1.0, 0.1], ["BAD_x", "bad", "go"]))
    raw.crop(0.5).save(tmp_path / "raw.fif", verbose="ERROR")  # onsets count from before the start
    background = open_background(str(tmp_path / "raw.fif"))
    kept = np.delete(np.arange(N_STRETCHES - 1), [1, 2, 3])
    np.testing.assert_array_equal(background.onsets_s(N_TIMES), kept)
    assert background.left_out(N_TIMES) == (
        f"3 of {N_STRETCHES - 1} stretches touch an annotation called bad and are left out"
    )


def test_of_epochs_that_overlap_the_first_is_taken(tmp_path):
    starts = np.array([0, 100, 128, 200, 300, 428])
    file = write_epochs(tmp_path / "a-epo.fif", X, starts, tmin=-0.25)
    background = open_background(file)
    np.testing.assert_allclose(background.onsets_s(N_TIMES), np.array([0, 128, 300, 428]) / SFREQ)
    assert background.left_out(N_TIMES).startswith("2 of 6 epochs overlap with one before")
    assert background.limits_s == (-0.25, 0.75)
    later = background.stretches(("Cz",), first=0, n_times=64)  # half of them: 32 samples later
    expected = [X[4, start + 32 : start + 96] for start in (0, 100, 200, 300, 428)]
    np.testing.assert_allclose(later[:, 0], expected, rtol=1e-6)


def test_epochs_of_which_nobody_knows_when_they_were_are_all_taken(tmp_path):
    file = write_epochs(tmp_path / "a-epo.fif", X, np.arange(5))
    background = open_background(file)
    assert len(background.places(N_TIMES)) == 5
    assert np.isnan(background.onsets_s(N_TIMES)).all()
    assert "may overlap" in background.left_out(N_TIMES)


@pytest.mark.parametrize(
    ("chosen", "n_epochs"),
    [
        (lambda epochs: epochs.drop([5, 20], verbose="ERROR"), 38),
        (lambda epochs: epochs[::2], 20),
        (lambda epochs: epochs[::-1], 40),
        (lambda epochs: mne.concatenate_epochs([epochs[:4]] * 6, verbose="ERROR"), 24),
    ],
)
def test_chosen_epochs_of_an_array_are_all_taken(tmp_path, chosen, n_epochs):
    epochs = mne.EpochsArray(1e-6 * CUT[:40], raw_of(X).info, tmin=0, verbose="ERROR")
    chosen(epochs).save(tmp_path / "a-epo.fif", verbose="ERROR")
    background = open_background(str(tmp_path / "a-epo.fif"))
    assert len(background.places(N_TIMES)) == n_epochs
    assert "may overlap" in background.left_out(N_TIMES)


def test_sliding_windows_overlap(tmp_path):
    file = write_epochs(tmp_path / "a-epo.fif", X, np.arange(12) * N_TIMES // 4)
    assert len(open_background(file).places(N_TIMES)) == 3


@pytest.mark.parametrize(
    ("change", "electrodes"),
    [
        (lambda x: x, CH_NAMES),
        (lambda x: x - x[4], ("Cz",)),
        (lambda x: x - x[:2].mean(0), ()),
        (lambda x: x + 1e4 * np.arange(len(x))[:, None], CH_NAMES),  # offsets of electrodes
    ],
)
def test_the_reference_is_read_from_the_data(tmp_path, change, electrodes):
    background = open_background(write_raw(tmp_path / "raw.fif", change(X)))
    assert background.reference_among(CH_NAMES).electrodes == electrodes


def test_an_average_with_or_without_the_bad_channels(tmp_path):
    raw = raw_of(X)
    raw.info["bads"] = ["Oz"]
    raw.save(tmp_path / "all.fif", verbose="ERROR")
    background = open_background(str(tmp_path / "all.fif"))
    assert background.reference_among(CH_NAMES).electrodes == CH_NAMES
    assert background.ch_names == CH_NAMES[:-1]
    raw.set_eeg_reference("average", verbose="ERROR").save(tmp_path / "good.fif", verbose="ERROR")
    good = open_background(str(tmp_path / "good.fif"))
    assert good.reference_among(CH_NAMES).electrodes == CH_NAMES[:-1]


def test_several_flat_channels_are_refused(tmp_path):
    flat = X.copy()
    flat[[1, 3]] = 0
    background = open_background(write_raw(tmp_path / "raw.fif", flat))
    for channels in (CH_NAMES, ("FC1", "Fz")):
        with pytest.raises(ValueError, match="channels FC1, C3 are flat; mark them as bad"):
            background.reference_among(channels)
    others = tuple(np.delete(CH_NAMES, [1, 3]))
    assert background.reference_among(others).electrodes == ()
    averaged = np.where(flat == 0, 0, X - X[[0, 2, *range(4, len(X))]].mean(0))
    background = open_background(write_raw(tmp_path / "average.fif", averaged))
    assert background.reference_among(others[:4]).electrodes == others


@pytest.mark.parametrize("lost", [slice(0, 40 * N_TIMES), slice(70 * N_TIMES, None)])
def test_a_channel_that_is_flat_for_a_while_is_no_reference(tmp_path, lost):
    x = X + np.random.default_rng(0).standard_normal(X.shape[1])
    x[3, lost] = 0
    background = open_background(write_raw(tmp_path / "raw.fif", x))
    with pytest.raises(ValueError, match="channels C3 are flat in a part of the recording; mark"):
        background.reference_among(CH_NAMES)
    assert background.reference_among(CH_NAMES[:3]).electrodes == ()


def test_the_digest_is_of_all_files_of_a_recording(tmp_path):
    header, data = tmp_path / "a.vhdr", tmp_path / "a.eeg"
    header.write_text("header")
    alone = content_digest(str(header))
    data.write_bytes(b"1")
    first = content_digest(str(header))
    data.write_bytes(b"23")
    assert len({alone, first, content_digest(str(header))}) == 3


def _split_recording(folder):
    data = np.random.default_rng(0).standard_normal((len(CH_NAMES), 60_000))
    raw_of(data).save(folder / "a_raw.fif", split_size="2MB", overwrite=True, verbose="ERROR")
    return folder / "a_raw.fif", folder / "a_raw-1.fif"


def _split_epochs(folder):
    data = np.random.default_rng(0).standard_normal((300, len(CH_NAMES), 200))
    epochs = mne.EpochsArray(data, mne.create_info(list(CH_NAMES), SFREQ, "eeg"), verbose="ERROR")
    epochs.save(folder / "a-epo.fif", split_size="2MB", overwrite=True, verbose="ERROR")
    return folder / "a-epo.fif", folder / "a-epo-1.fif"


def _brainvision(folder, field):
    header = folder / "a.vhdr"
    header.write_text(f"[Common Infos]\n{field}=other.part\n")
    (folder / "other.part").write_bytes(b"1")
    return header, folder / "other.part"


def _eeglab(folder):
    savemat(folder / "a.set", {"EEG": {"data": "other.fdt", "nbchan": 2}})
    (folder / "other.fdt").write_bytes(b"1")
    return folder / "a.set", folder / "other.fdt"


@pytest.mark.parametrize(
    "written",
    [
        _split_recording,
        _split_epochs,
        lambda folder: _brainvision(folder, "DataFile"),
        lambda folder: _brainvision(folder, "MarkerFile"),
        _eeglab,
    ],
)
def test_the_digest_is_of_files_of_other_names(tmp_path, written):
    header, part = written(tmp_path)
    before = content_digest(str(header))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert content_digest(str(header)) != before


@pytest.mark.parametrize("name", ["a.set", "a.fif", "a.vhdr", "a.edf"])
def test_files_that_hold_nothing_have_a_digest(tmp_path, name):
    (tmp_path / name).touch()
    assert len(content_digest(str(tmp_path / name))) == 64


def test_positions_are_the_files_or_those_of_a_template_by_names(tmp_path):
    own = open_background(write_raw(tmp_path / "own.fif", X))
    named = ("EEG FZ-REF", *(name.upper() for name in CH_NAMES[1:]))
    without = open_background(write_raw(tmp_path / "no.fif", X, ch_names=named, placed=False))
    (found, told), (by_name, said) = own.places_m(CH_NAMES, None), without.places_m(named, None)
    np.testing.assert_allclose(list(found.values()), list(by_name.values()), atol=2e-4)
    assert not told
    assert "10-05 template" in said[0]
    assert set(own.places_m((*CH_NAMES, "TP9"), None)[0]) == {*CH_NAMES, "TP9"}


def test_unknown_positions_are_told(tmp_path):
    names = ("E1", *CH_NAMES[1:])
    background = open_background(write_raw(tmp_path / "no.fif", X, ch_names=names, placed=False))
    with pytest.raises(ValueError, match="has no positions of E1"):
        background.places_m(names, None)
