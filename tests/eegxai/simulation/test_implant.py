"""Signals in recordings: what is planted is the truth, and the recordings tell no class."""

import shutil

import mne
import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import cross_val_score

from eegxai.head import HeadSpec
from eegxai.simulation import BackgroundSpec, DataSpec, files, implant, simulate, simulate_trials
from eegxai.simulation.implanting import background_notes, told_by_background
from eegxai.simulation.noise import recorded_noise
from eegxai.simulation.signal import dipole_topographies
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
CUT = X.reshape(len(CH_NAMES), N_STRETCHES, N_TIMES).swapaxes(0, 1).astype(np.float32)
MONTAGE = HeadSpec(channels=CH_NAMES)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_raw(tmp_path_factory.mktemp("rest") / "raw.fif", X)


@pytest.fixture(scope="module")
def planted(file):
    return implant("temporal", file, snr_db=-6, seed=1)


def rms(x):
    return np.sqrt(np.mean(np.square(x, dtype=float)))


def test_what_is_planted_is_the_truth_and_the_recordings_stay_as_they_are(planted):
    onsets = planted.trials["recorded_s"].to_numpy()
    assert sorted(onsets) == list(range(N_STRETCHES))  # each stretch once
    stretches = CUT[onsets.astype(int)]
    np.testing.assert_allclose(planted.x - planted.ground_truth, stretches, atol=1e-4)
    made = recorded_noise(planted.spec, slice(0, N_STRETCHES)) + planted.ground_truth
    np.testing.assert_array_equal(planted.x, made)
    assert (planted.spec.sfreq, planted.spec.n_trials) == (SFREQ, N_STRETCHES)
    assert planted.info.ch_names == list(CH_NAMES)


def test_the_truth_is_what_is_simulated_at_these_electrodes_but_for_a_factor(planted):
    same = simulate("temporal", -6, 1, N_STRETCHES, MONTAGE, sfreq=SFREQ)
    factor = rms(planted.ground_truth) / rms(same.ground_truth)
    np.testing.assert_allclose(planted.ground_truth, factor * same.ground_truth, atol=2e-2)
    np.testing.assert_array_equal(planted.y, same.y)


@pytest.mark.parametrize("offset_uv", [0.0, 300.0])
def test_the_level_is_the_ratio_of_root_mean_squares_whatever_the_offsets(tmp_path, offset_uv):
    offsets = offset_uv * np.arange(len(CH_NAMES))[:, None]
    file = write_raw(tmp_path / "raw.fif", X + offsets)
    eeg = implant("spectral", file, snr_db=-10, n_trials=50)
    background = eeg.x - eeg.ground_truth
    varying = background - background.mean(axis=(0, 2), keepdims=True)
    assert 20 * np.log10(rms(eeg.ground_truth) / rms(varying)) == pytest.approx(-10, abs=0.01)


def test_a_distractor_counts_as_noise(file):
    eeg = implant("distractor", file, snr_db=-6, n_trials=40)
    noise = eeg.x - eeg.ground_truth
    background = recorded_noise(eeg.spec, slice(0, 40))
    assert rms(noise - background) > 0.1
    varying = noise - noise.mean(axis=(0, 2), keepdims=True)
    assert 20 * np.log10(rms(eeg.ground_truth) / rms(varying)) == pytest.approx(-6, abs=0.01)


@pytest.mark.slow
def test_the_background_alone_tells_no_class(file):
    """By scikit-learn, and by the p values that a user is told."""
    accuracies, p_values = [], []
    for seed in range(20):
        eeg = implant("spatial", file, snr_db=0, seed=seed)
        background = eeg.x - eeg.ground_truth
        values = np.hstack([background.mean(2), np.log(background.var(2))])
        lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
        accuracies.append(cross_val_score(lda, values, eeg.y).mean())
        if seed < 4:
            p_values.append(told_by_background(eeg)[1])
    assert np.mean(accuracies) == pytest.approx(0.5, abs=0.04)
    assert 0.05 < np.mean(p_values) < 0.95


def test_a_background_that_tells_the_class_is_found(file):
    eeg = implant("temporal", file, snr_db=0)
    with_signal = type(eeg)(eeg.x, eeg.y, np.zeros_like(eeg.x), eeg.trials, eeg.info, eeg.spec)
    accuracy, p_value = told_by_background(with_signal)
    assert accuracy > 0.4
    assert p_value == 0.01


def test_fewer_trials_are_a_prefix_and_levels_share_their_stretches(file, planted):
    few = implant("temporal", file, snr_db=-20, seed=1, n_trials=40)
    np.testing.assert_allclose(
        few.x - few.ground_truth, (planted.x - planted.ground_truth)[:40], atol=1e-4
    )
    other = implant("temporal", file, snr_db=-6, seed=2)
    assert (other.trials["recorded_s"] != planted.trials["recorded_s"]).any()


@pytest.mark.parametrize("threads", ["1", "3"])
def test_bits_depend_neither_on_threads_nor_on_the_rest_of_the_trials(
    planted, threads, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    again = implant("temporal", planted.spec.background, snr_db=-6, seed=1)
    np.testing.assert_array_equal(again.x, planted.x)
    x, truth = simulate_trials(planted.spec, 30, 70)
    np.testing.assert_array_equal(x, planted.x[30:70])
    np.testing.assert_array_equal(truth, planted.ground_truth[30:70])


def scalp_of(electrodes):
    """µV per source unit in average reference of these electrodes, by the head itself."""
    head = HeadSpec(channels=electrodes)
    return dipole_topographies(
        DataSpec(feature="temporal", snr_db=0, n_trials=4, seed=1, head=head)
    )


def test_the_signal_has_the_reference_of_the_recordings(tmp_path):
    scalp = scalp_of((*CH_NAMES, "TP9", "TP10"))
    one = implant("temporal", write_raw(tmp_path / "cz.fif", X - X[4]), snr_db=-6, seed=1)
    np.testing.assert_allclose(
        dipole_topographies(one.spec), (scalp - scalp[4])[:-2], rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(one.ground_truth[:, 4], 0, atol=1e-6)
    assert one.spec.reference == "Cz"
    varied = X + np.random.default_rng(0).standard_normal(X.shape[1])
    ears = implant(
        "temporal", write_raw(tmp_path / "e.fif", varied), -6, 1, reference=("TP9", "TP10")
    )
    np.testing.assert_allclose(
        dipole_topographies(ears.spec), (scalp - scalp[-2:].mean(0))[:-2], rtol=1e-3, atol=1e-3
    )
    unknown = implant("temporal", tmp_path / "e.fif", -6, 1)
    np.testing.assert_allclose(dipole_topographies(unknown.spec).mean(0), 0, atol=1e-4)
    assert unknown.spec.reference == "unknown"
    assert "does not state the EEG reference" in " ".join(background_notes(unknown.spec))


def test_flat_channels_beside_those_that_are_used_are_no_matter(tmp_path):
    flat = X.copy()
    flat[[1, 3]] = 0
    file = write_raw(tmp_path / "flat.fif", flat)
    with pytest.raises(ValueError, match="FC1, C3 are flat"):
        implant("temporal", file, -6, channels=("Fz", "C3", "Cz"))
    eeg = implant("temporal", file, -6, n_trials=8, channels=("Fz", "Pz", "Cz"))
    assert eeg.info.ch_names == ["Fz", "Pz", "Cz"]


def test_epochs_that_are_written_keep_their_reference(tmp_path):
    eeg = implant("temporal", write_raw(tmp_path / "cz.fif", X - X[4]), snr_db=-6, n_trials=8)
    signal, truth = files.write_eeg(eeg, tmp_path / "planted-epo.fif")
    found = mne.read_epochs(signal, verbose="ERROR").get_data()
    np.testing.assert_allclose(1e6 * found, eeg.x, rtol=1e-4, atol=1e-4)
    found = mne.read_epochs(truth, verbose="ERROR").get_data()
    np.testing.assert_allclose(1e6 * found, eeg.ground_truth, rtol=1e-4, atol=1e-4)


def test_the_signal_keeps_to_what_the_channels_hold(tmp_path):
    """Else a decoder would find it free of noise in what was removed."""
    cleaned = X.copy()
    cleaned[2], cleaned[7] = cleaned[0] - cleaned[1], cleaned[5] + cleaned[6]
    raw = write_raw(tmp_path / "raw.fif", cleaned - cleaned.mean(0))
    eeg = implant("temporal", raw, snr_db=-6, seed=1)
    joined = np.concatenate([*eeg.ground_truth, *(eeg.x - eeg.ground_truth)], axis=1)
    power = np.linalg.eigvalsh(np.cov(joined.astype(float)))
    assert (power > 1e-6 * power[-1]).sum() == 8
    assert "hold only 8 independent ones" in " ".join(background_notes(eeg.spec))


def test_what_rounding_leaves_of_removed_directions_is_no_noise(tmp_path):
    """Files of integers hold a little of everything, far less than any electrode's noise."""
    cleaned = X + 10 * np.random.default_rng(2).standard_normal(X.shape)
    cleaned[2], cleaned[7] = (
        0.7 * cleaned[0] - 0.3 * cleaned[1],
        0.6 * cleaned[5] + 0.2 * cleaned[6],
    )
    eeg = implant("temporal", write_raw(tmp_path / "r.fif", 0.5 * np.round(2 * cleaned)), -6, 1)
    truth = np.concatenate(list(eeg.ground_truth), axis=1).astype(float)
    for channel, combined in (
        (2, 0.7 * truth[0] - 0.3 * truth[1]),
        (7, 0.6 * truth[5] + 0.2 * truth[6]),
    ):
        assert rms(truth[channel] - combined) < 1e-3 * rms(truth)
    assert "hold only 8 independent ones" in " ".join(background_notes(eeg.spec))


@pytest.mark.parametrize("n_removed", [0, 1])
def test_one_removed_direction_is_told_where_no_reference_explains_it(tmp_path, n_removed):
    cleaned = X + np.random.default_rng(2).standard_normal(X.shape)
    cleaned[:n_removed] = 0.7 * cleaned[4] + 0.1 * cleaned[6]
    eeg = implant("temporal", write_raw(tmp_path / "r.fif", cleaned), -6, n_trials=8)
    told = "hold only 9 independent ones" in " ".join(background_notes(eeg.spec))
    assert told == bool(n_removed)


def test_drifts_do_not_make_the_rest_a_rounding(tmp_path, planted):
    drift = 1e4 * np.sin(np.arange(X.shape[1]) / 5e3) * np.linspace(1, 2, len(X))[:, None]
    eeg = implant("temporal", write_raw(tmp_path / "r.fif", X + drift - drift.mean(0)), -6, 1)
    assert "independent ones" not in " ".join(background_notes(eeg.spec))


def test_electrodes_are_where_the_file_has_them(tmp_path, planted):
    moved = raw_of(X)
    for channel in moved.info["chs"]:
        channel["loc"][:3] *= [-1, 1, 1]  # left and right exchanged
    moved.save(tmp_path / "moved.fif", verbose="ERROR")
    eeg = implant("temporal", tmp_path / "moved.fif", snr_db=-6, seed=1)
    assert not np.allclose(
        dipole_topographies(eeg.spec), dipole_topographies(planted.spec), rtol=0.1
    )
    of_template = implant(
        "temporal", tmp_path / "moved.fif", -6, 1, montage="colin27_1005", n_trials=8
    )
    np.testing.assert_allclose(
        dipole_topographies(of_template.spec),
        dipole_topographies(planted.spec),
        rtol=1e-2,
        atol=1e-2,
    )


def test_epochs_have_their_own_times(tmp_path):
    starts = np.arange(60) * 256
    file = write_epochs(tmp_path / "a-epo.fif", X, starts, tmin=-0.5)
    with pytest.raises(ValueError, match="lasts from 50 to 650 ms, but the epoch from -500 to 500"):
        implant("spectral", file, snr_db=-6)
    with pytest.raises(ValueError, match=r"leave the epochs of background .* from -0.5 to 0.5 s"):
        implant("spectral", file, snr_db=-6, tmax=1.0)
    later = write_epochs(tmp_path / "b-epo.fif", X, starts, tmin=0.0)
    eeg = implant("spectral", later, snr_db=-6, tmax=0.75)
    assert eeg.x.shape == (60, len(CH_NAMES), 96)
    rows = (eeg.trials["recorded_s"] / 2).to_numpy().round().astype(int)
    expected = np.stack([X[:, start : start + 96] for start in starts[rows]])
    np.testing.assert_allclose(eeg.x - eeg.ground_truth, expected, atol=1e-4)


def test_notes_tell_drifts_and_filters(tmp_path, planted):
    assert " ".join(background_notes(planted.spec)).startswith(
        "positions are those of the recordings"
    )
    assert background_notes(DataSpec(feature="temporal", snr_db=0, n_trials=4, seed=0)) == ()
    drift = np.cumsum(np.random.default_rng(1).standard_normal(X.shape), axis=1)
    raw = raw_of(X + drift - drift.mean(0))
    with raw.info._unlock():
        raw.info["lowpass"], raw.info["highpass"] = 20.0, 2.0
    raw.save(tmp_path / "raw.fif", verbose="ERROR")
    told = " ".join(
        background_notes(implant("spectral", tmp_path / "raw.fif", -6, n_trials=40).spec)
    )
    assert "of the power of the recordings is slower than a trial" in told
    assert "lies outside the 2 to 20 Hz" in told


def test_where_a_file_lies_makes_no_difference_and_its_content_does(file, tmp_path):
    shutil.copy(file, tmp_path / "same.fif")
    here, there = BackgroundSpec(file=file), BackgroundSpec(file=str(tmp_path / "same.fif"))
    assert here == there
    assert hash(here) == hash(there)
    other = BackgroundSpec(file=write_raw(tmp_path / "other.fif", 2 * X))
    assert other != here
    with pytest.raises(ValueError, match="sha256 is 0, but the digest of"):
        BackgroundSpec(file=file, sha256="0")


def test_a_file_that_has_changed_is_refused(tmp_path):
    file = write_raw(tmp_path / "raw.fif", X)
    spec = BackgroundSpec(file=file)
    raw_of(3 * X).save(file, overwrite=True, verbose="ERROR")
    with pytest.raises(ValueError, match="but the digest of"):
        implant("temporal", spec, snr_db=-6)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"n_trials": 121}, "n_trials=121 is more than background .* holds: at most 120 trials"),
        ({"n_trials": 3}, "n_trials 3 is too small"),
        ({"tmax": 0.5}, "but the epoch from 0 to 500 ms"),
        ({"channels": ("Fz", "Czz")}, "lacks the channels 'Czz' .closest: 'Cz'"),
        ({"channels": ("Fz", "Fz")}, "names a channel more than once"),
        ({"channels": ("Fz",)}, "channels=.*a list of at least 2 is needed"),
        ({"reference": ("XX",)}, "has no positions of XX"),
        ({"reference": ()}, "reference=.*a list of at least 1 or 'average' is needed"),
        ({"montage": "biosemi16x"}, "montage 'biosemi16x' is unknown"),
        ({"tmax": float("nan")}, "tmin=0.0 and tmax=nan must be finite"),
        ({"head": MONTAGE}, "has the channels of its recordings"),
    ],
)
def test_mistakes_are_told_in_a_sentence(file, arguments, told):
    with pytest.raises(ValueError, match=told) as caught:
        implant("temporal", file, snr_db=-6, **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"sfreq": 250}, "sfreq=250 differs from the 128 Hz"),
        ({"noise": {"line_uv": 5}}, "noise and background are both given"),
        ({"snr_definition": "source_to_sensor"}, "needs simulated noise"),
    ],
)
def test_what_recordings_rule_out(file, fields, told):
    given = {"feature": "temporal", "snr_db": 0, "n_trials": 40, "seed": 0, "sfreq": SFREQ}
    with pytest.raises(ValueError, match=told):
        DataSpec(**{**given, **fields}, background=file)


def test_a_recording_shorter_than_a_trial_is_told(tmp_path):
    file = write_raw(tmp_path / "short.fif", X[:, :64])
    with pytest.raises(ValueError, match=r"holds no trial of 1 s: it lasts 0.5 s"):
        implant("temporal", file, snr_db=-6)


def test_files_that_are_no_recordings(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.fif").write_text("x")
    np.savez(tmp_path / "c.npz", x=CUT)
    for name, told in [
        ("no.fif", "does not exist"),
        ("c.npz", "holds arrays; recordings or epochs are needed"),
        ("a.txt", "has the suffix '.txt'"),
        ("b.fif", "b.fif"),
    ]:
        with pytest.raises(ValueError, match=told):
            implant("temporal", tmp_path / name, snr_db=-6)
    broken = X.copy()
    broken[3, 1000] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        implant("temporal", write_raw(tmp_path / "nan.fif", broken), snr_db=-6)
