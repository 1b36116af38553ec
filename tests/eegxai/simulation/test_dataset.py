import hashlib
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.head import MONTAGE, HeadSpec, montage_info
from eegxai.simulation import (
    FEATURES,
    DataSpec,
    NoiseSpec,
    SimulatedEEG,
    simulate,
    simulate_spec,
    simulate_trials,
)
from eegxai.simulation import noise as noise_module
from eegxai.simulation.blocks import BLOCK, blocks, each_block
from eegxai.simulation.mixing import mixing_factors
from eegxai.simulation.signal import columns
from eegxai.simulation.signal import sensor_distractor as distractor_of_a_block
from eegxai.simulation.signal import sensor_signal as signal_of_a_block
from eegxai.simulation.support import band_support, power_spectrum
from eegxai.simulation.trials import draw_distractors, draw_trials

STUDY_RATIOS = {-3.5: 0.4005, -12.0: 0.2007, -16.0: 0.1368, -19.0: 0.1009, -23.0: 0.0661}
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
every_feature = pytest.mark.parametrize("feature", FEATURES)


def data_spec(feature: str = "temporal", n_trials: int = 40, **changes: object) -> DataSpec:
    fields = {"feature": feature, "snr_db": -3.5, "n_trials": n_trials, "seed": 0} | changes
    return DataSpec(**fields)


@pytest.fixture(scope="module")
def simulated() -> dict[str, SimulatedEEG]:
    return {feature: simulate(feature, snr_db=-3.5, seed=0, n_trials=400) for feature in FEATURES}


def sensor_signal(spec: DataSpec, trials: pd.DataFrame) -> np.ndarray:
    drawn = columns(trials)
    return np.concatenate([signal_of_a_block(spec, drawn, r) for r in blocks(spec.n_trials)])


def sensor_noise(spec: DataSpec) -> np.ndarray:
    return np.concatenate([noise_module.sensor_noise(spec, r) for r in blocks(spec.n_trials)])


def sensor_distractor(spec: DataSpec) -> np.ndarray:
    drawn = columns(draw_distractors(spec))
    return np.concatenate([distractor_of_a_block(spec, drawn, r) for r in blocks(spec.n_trials)])


def unmixed_noise(spec: DataSpec) -> np.ndarray:
    """All that carries no label: the background and, where there is one, the distractor."""
    background = sensor_noise(spec)
    return background + sensor_distractor(spec) if spec.feature == "distractor" else background


def norm(array: np.ndarray) -> float:
    return float(np.sqrt(np.sum(array.astype(np.float64) ** 2)))


def time_course(ground_truth: np.ndarray) -> np.ndarray:
    """Each trial's time course (trials, times), at its strongest channel."""
    channel = np.abs(ground_truth).max(axis=2).argmax(axis=1)
    return ground_truth[np.arange(len(ground_truth)), channel]


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (c - c.mean(axis=1, keepdims=True) for c in (a.astype(float), b.astype(float)))
    return np.sum(a * b, axis=1) / np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1))


@every_feature
def test_shapes_types_and_labels(simulated, feature):
    eeg = simulated[feature]
    assert eeg.x.shape == eeg.ground_truth.shape == (400, 62, 250)
    assert eeg.x.dtype == eeg.ground_truth.dtype == np.float32
    assert eeg.y.shape == (400,)
    assert eeg.y.dtype == np.int64
    assert eeg.n_classes == len(eeg.class_names) == len(FEATURES[feature].classes)
    np.testing.assert_array_equal(eeg.y, np.arange(400) % eeg.n_classes)
    assert list(eeg.trials["class_name"]) == [eeg.class_names[label] for label in eeg.y]
    assert eeg.info.ch_names == list(MONTAGE)
    assert eeg.info["sfreq"] == montage_info(250.0)["sfreq"] == 250.0
    assert eeg.spec == data_spec(feature, n_trials=400)
    assert np.isfinite(eeg.x).all()


@every_feature
def test_levels_are_those_of_an_eeg(simulated, feature):
    assert 1 < simulated[feature].x.std() < 50  # µV


@every_feature
def test_everything_has_the_average_reference(simulated, feature):
    eeg = simulated[feature]
    np.testing.assert_allclose(eeg.x.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(eeg.ground_truth.mean(axis=1), 0, atol=1e-4)


@pytest.mark.parametrize(("snr_db", "ratio"), STUDY_RATIOS.items())
def test_the_study_s_ratios_give_its_decibels(snr_db, ratio):
    eeg = simulate("temporal", snr_db, seed=3, n_trials=300)
    measured = norm(eeg.ground_truth) / norm(eeg.x - eeg.ground_truth)
    assert 20 * np.log10(measured) == pytest.approx(snr_db, abs=0.01)
    assert measured / (1 + measured) == pytest.approx(ratio, abs=2e-4)


@settings(max_examples=10, deadline=None)
@given(st.floats(-60, 60))
def test_any_snr_is_met(snr_db):
    rng = np.random.default_rng(0)
    signal, noise = rng.random((2, 5, 3, 40))
    a, b = mixing_factors(lambda rows: (signal[rows], noise[rows]), 5, snr_db)
    assert 20 * np.log10(norm(a * signal) / norm(b * noise)) == pytest.approx(snr_db, abs=1e-5)


@every_feature
def test_mixture_is_the_published_formula(feature):
    spec = data_spec(feature, n_trials=300, snr_db=-12.0)
    signal = sensor_signal(spec, draw_trials(spec)).astype(np.float64)
    noise = unmixed_noise(spec).astype(np.float64)
    ratio = 10 ** (-12 / 20) / (1 + 10 ** (-12 / 20))
    clean = ratio * signal / np.linalg.norm(signal.ravel())
    mixed = clean + (1 - ratio) * noise / np.linalg.norm(noise.ravel())
    scale = np.mean(np.abs([signal, noise])) / np.mean(np.abs(mixed))
    eeg = simulate_spec(spec)
    np.testing.assert_allclose(eeg.ground_truth, scale * clean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(eeg.x, scale * mixed, rtol=1e-4, atol=1e-5)


def test_same_spec_same_bits_and_another_seed_other_data():
    first, again, other = (simulate("spatial", -12.0, seed, 30) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.ground_truth, again.ground_truth)
    pd.testing.assert_frame_equal(first.trials, again.trials)
    assert not np.allclose(first.x, other.x)
    assert not first.trials.equals(other.trials)


@every_feature
def test_more_trials_extend_the_same_streams(feature):
    few, many = data_spec(feature, n_trials=300), data_spec(feature, n_trials=530)
    some, all_ = draw_trials(few), draw_trials(many)
    assert len(some) == 300
    assert len(all_) == 530
    pd.testing.assert_frame_equal(some, all_.iloc[:300])
    np.testing.assert_array_equal(sensor_signal(few, some), sensor_signal(many, all_)[:300])
    np.testing.assert_array_equal(sensor_noise(few), sensor_noise(many)[:300])


@every_feature
def test_snr_changes_the_mixing_alone(feature):
    loud, faint = (simulate(feature, snr_db, seed=5, n_trials=24) for snr_db in (-3.5, -23.0))
    np.testing.assert_array_equal(loud.y, faint.y)
    pd.testing.assert_frame_equal(loud.trials, faint.trials)
    for part in (lambda eeg: eeg.ground_truth, lambda eeg: eeg.x - eeg.ground_truth):
        a, b = (part(eeg) / norm(part(eeg)) for eeg in (loud, faint))
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_feature_types_share_their_noise():
    np.testing.assert_array_equal(
        sensor_noise(data_spec("temporal")), sensor_noise(data_spec("spatial"))
    )


@every_feature
def test_ground_truth_is_one_dipole_a_trial(simulated, feature):
    eeg = simulated[feature]
    singular = np.linalg.svd(eeg.ground_truth[:40].astype(np.float64), compute_uv=False)
    assert (singular[:, 0] > 0).all()
    assert (singular[:, 1] < 1e-5 * singular[:, 0]).all()


@every_feature
def test_one_dipole_has_one_topography(simulated, feature):
    eeg = simulated[feature]
    patterns = np.linalg.svd(eeg.ground_truth.astype(np.float64))[0][:, :, 0]
    for _, rows in eeg.trials.groupby("dipole").indices.items():
        alike = np.abs(patterns[rows] @ patterns[rows[0]])
        np.testing.assert_allclose(alike, 1, atol=1e-5)


def test_temporal_ground_truth_is_the_peak_of_the_table(simulated):
    eeg = simulated["temporal"]
    trials = eeg.trials
    centre, sigma = (trials[c].to_numpy()[:, None] for c in ("latency_ms", "width_ms"))
    expected = np.exp(-0.5 * ((np.arange(250) * 4.0 - centre) / (sigma / 6)) ** 2)
    np.testing.assert_allclose(np.abs(correlation(time_course(eeg.ground_truth), expected)), 1)
    limits = {"P60": (52, 68), "P900": (895, 905)} | dict.fromkeys(
        ("N500 region 1", "N500 region 2"), (492, 508)
    )
    for name, rows in trials.groupby("class_name"):
        low, high = limits[name]
        assert rows["latency_ms"].between(low, high).all()
        assert (np.sign(rows["amplitude"]) == (1 if name.startswith("P") else -1)).all()
        assert rows["amplitude"].abs().between(1, 13).all()
        assert set(rows["dipole"]) == set(range(5, 10) if name == "N500 region 2" else range(5))


def test_temporal_sign_and_amplitude_reach_the_sensors(simulated):
    eeg = simulated["temporal"]
    for _, rows in eeg.trials.groupby("dipole").indices.items():
        latency = (eeg.trials["latency_ms"].to_numpy()[rows] / 4).round().astype(int)
        at_peak = eeg.ground_truth[rows, :, latency]
        ratio = at_peak / eeg.trials["amplitude"].to_numpy()[rows, None]
        np.testing.assert_allclose(ratio, ratio[:1].repeat(len(rows), axis=0), rtol=0.02, atol=0.02)


def test_spectral_ground_truth_is_the_tone_burst_of_the_table(simulated):
    eeg = simulated["spectral"]
    trials = eeg.trials
    for i in range(40):
        row = trials.iloc[i]
        assert row.low_hz <= row.frequency_hz <= row.high_hz
        width = int(row.width_ms / 4)
        start = int(row.latency_ms / 4) + 1 - -(-width // 2)
        burst = np.zeros(250)
        burst[start : start + width] = scipy.signal.windows.tukey(width, 0.5)
        burst *= np.sin(2 * np.pi * (row.frequency_hz * np.arange(250) / 250 + row.phase))
        match = correlation(time_course(eeg.ground_truth)[i : i + 1], burst[None])
        np.testing.assert_allclose(np.abs(match), 1, atol=1e-6)


def test_spectral_classes_have_their_power_in_their_bands(simulated):
    eeg = simulated["spectral"]
    frequency, power = scipy.signal.periodogram(eeg.ground_truth, 250.0, nfft=1000)
    assert eeg.class_names == ("theta", "alpha", "beta", "gamma")
    for label, (low, high) in enumerate([(3, 8), (8, 13), (14, 30), (30, 58)]):
        mean = power[eeg.y == label].mean(axis=(0, 1))
        # A burst of 250 ms spreads its line by some 4 Hz.
        inside = mean[(frequency >= low - 3) & (frequency <= high + 3)].sum()
        assert inside > 0.8 * mean.sum()
        assert low - 1 <= frequency[mean.argmax()] <= high + 1


def test_spatial_classes_differ_in_side_alone(simulated):
    trials = simulated["spatial"].trials
    left, right = (trials[trials["class_name"] == name] for name in ("left", "right"))
    assert set(left["side"]) == {"left", "midline"}
    assert set(right["side"]) == {"right"}
    assert set(left["dipole"]) == set(range(0, 14, 2))
    assert set(right["dipole"]) == set(range(1, 14, 2))
    kinds = {"P60", "P900", "N500", "theta", "alpha", "beta", "gamma"}
    assert set(left["signal"]) == set(right["signal"]) == kinds
    noisy = trials[trials["signal"].isin(["theta", "gamma"])]
    assert noisy["frequency_hz"].isna().all()
    assert noisy["latency_ms"].between(200, 500).all()


@every_feature
def test_metadata_places_are_the_feature_s_dipoles(simulated, feature):
    trials = simulated[feature].trials
    places = np.array(FEATURES[feature].dipoles_mni_mm)[trials["dipole"]]
    np.testing.assert_array_equal(trials[["x_mm", "y_mm", "z_mm"]], places)
    side = np.array(["midline", "right", "left"])[np.sign(places[:, 0]).astype(int)]
    np.testing.assert_array_equal(trials["side"], side)
    assert (trials["phase"].isna() == trials["frequency_hz"].isna()).all()


def test_sensor_noise_has_its_share_and_is_white():
    none, half = (
        sensor_noise(data_spec(n_trials=100, noise=NoiseSpec(sensor_share=share)))
        for share in (0.0, 0.5)
    )
    sensor = half - none
    assert norm(sensor) ** 2 / norm(half) ** 2 == pytest.approx(0.5, abs=0.03)
    power = scipy.signal.periodogram(sensor, 250.0, detrend=False)[1].mean(axis=(0, 1))[1:-1]
    np.testing.assert_allclose(power, power.mean(), rtol=0.1)
    correlations = np.corrcoef(sensor.transpose(1, 0, 2).reshape(62, -1)) - np.eye(62)
    assert np.abs(correlations).max() < 0.05


@pytest.mark.parametrize("channels", [("Fz", "Cz"), ("Fz", "Cz", "Pz"), MONTAGE[:6]])
def test_the_average_reference_leaves_sensor_noise_its_share(channels):
    none, half = (
        sensor_noise(
            data_spec(
                n_trials=200,
                head=HeadSpec(channels=channels),
                noise=NoiseSpec(sensor_share=share, n_dipoles=2),
            )
        )
        for share in (0.0, 0.5)
    )
    # Against the expected brain power, of which so few channels and trials realise little.
    topographies, _ = noise_module.noise_sources(
        data_spec(head=HeadSpec(channels=channels), noise=NoiseSpec(n_dipoles=2))
    )
    brain = np.mean(np.sum(topographies**2, axis=1))
    assert np.mean((half - none) ** 2) / brain == pytest.approx(1.0, rel=0.02)


def test_source_noise_has_rank_and_level_of_its_dipoles():
    quiet, loud = (
        sensor_noise(
            data_spec(noise=NoiseSpec(n_dipoles=5, source_amplitude=level, sensor_share=0))
        )
        for level in (1.0, 3.0)
    )
    np.testing.assert_allclose(loud, 3 * quiet, rtol=1e-4, atol=1e-4)
    singular = np.linalg.svd(quiet.transpose(1, 0, 2).reshape(62, -1), compute_uv=False)
    assert singular[5] < 1e-5 * singular[4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature": "temporel"}, "feature 'temporel' is unknown; did you mean 'temporal'"),
        ({"head": "spere"}, "head 'spere' is unknown; did you mean 'sphere'"),
        ({"snr_db": float("nan")}, "snr_db"),
        ({"snr_db": float("inf")}, "snr_db"),
        ({"snr_db": -60.5}, "is out of range; allowed are -60 to 60 dB"),
        ({"snr_db": 400}, "is out of range; allowed are -60 to 60 dB"),
        ({"sfreq": 1e300}, "sfreq"),
        ({"tmax": 1e300}, "tmax"),
        ({"snr_definition": "peak"}, "snr_definition"),
        (
            {"snr_definition": "source_to_sensor", "noise": {"sensor_share": 0}},
            "sensor_share=0 leaves no sensor noise",
        ),
        ({"n_trials": 3}, "n_trials 3 is too small: 'temporal' has 4 classes"),
        ({"seed": -1}, "seed"),
        ({"noise": {"n_dipoles": 0}}, "n_dipoles"),
        ({"noise": {"sensor_share": 1.0}}, "sensor_share"),
        ({"noise": {"pink": 1}}, "pink"),
        ({"noise": {"line_uv": -1}}, "line_uv"),
        ({"noise": {"line_hz": 125, "line_uv": 1}}, "line_hz=125 must be below 125"),
        ({"noise": {"blink_uv": -1}}, "blink_uv"),
        ({"noise": {"blink_uv": 1e308}}, r"blink_uv\W+.*out of range; allowed are 0 to 1e\+06 µV"),
        ({"noise": {"line_uv": 1e39}}, r"out of range; allowed are 0 to 1e\+06 µV"),
        ({"noise": {"source_amplitude": 1e18}}, r"out of range; allowed are 1e-06 to 1e\+06"),
        ({"noise": {"source_amplitude": 1e-30}}, r"out of range; allowed are 1e-06 to 1e\+06"),
        ({"noise": {"blink_probability": 1.5}}, "blink_probability"),
        ({"trials": 3}, "trials"),
    ],
)
def test_errors_name_the_field(changes, message):
    with pytest.raises(ValueError, match=message):
        data_spec(**changes)


def test_specs_are_normalised():
    assert data_spec(snr_db=-12) == data_spec(snr_db=-12.0)
    assert data_spec(noise={"n_dipoles": 64}) == data_spec()


@every_feature
def test_trials_made_alone_have_the_bits_of_the_whole(feature):
    spec = data_spec(feature, n_trials=75, noise=NoiseSpec(line_uv=5, blink_uv=100))
    eeg = simulate_spec(spec)
    for start, stop in ((0, 75), (0, 1), (17, 18), (15, 49), (BLOCK, 2 * BLOCK), (74, 75)):
        x, ground_truth = simulate_trials(spec, start, stop)
        np.testing.assert_array_equal(x, eeg.x[start:stop])
        np.testing.assert_array_equal(ground_truth, eeg.ground_truth[start:stop])


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 3), (0, 41)])
def test_trials_that_do_not_exist_are_refused(start, stop):
    with pytest.raises(ValueError, match=f"trials {start} to {stop} do not exist"):
        simulate_trials(data_spec(n_trials=40), start, stop)


def test_same_bits_for_any_number_of_threads(monkeypatch):
    made = []
    for threads in ("1", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        made.append(simulate("spatial", -12.0, seed=4, n_trials=100).x)
    np.testing.assert_array_equal(*made)


@pytest.mark.slow
def test_same_bits_in_a_process_with_other_thread_settings():
    code = (
        "import hashlib; from eegxai.simulation import simulate; "
        "print(hashlib.sha256(simulate('spectral', -12.0, 1, 90).x.tobytes()).hexdigest())"
    )
    environment = os.environ | dict.fromkeys(THREAD_SETTINGS, "3")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True
    )
    assert len(done.stdout.split()) == 1  # and MNE says nothing
    here = simulate("spectral", -12.0, 1, 90).x
    assert done.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_blocks_come_back_in_their_order():
    rows = each_block(lambda block: block, 3 * BLOCK + 1)
    assert rows == blocks(3 * BLOCK + 1)
    assert [r.stop - r.start for r in rows] == [BLOCK, BLOCK, BLOCK, 1]


ARTEFACTS = {"line_uv": 8.0, "line_hz": 60.0, "blink_uv": 150.0, "blink_probability": 0.5}


def artefacts(**levels: float) -> np.ndarray:
    """What the artefacts add to the same data without them."""
    with_, without = (
        simulate("temporal", -12.0, seed=2, n_trials=200, noise=noise)
        for noise in (NoiseSpec(**levels), NoiseSpec())
    )
    np.testing.assert_array_equal(with_.ground_truth, without.ground_truth)
    return (with_.x - without.x).astype(np.float64)


def test_line_noise_has_its_frequency_level_and_one_pattern():
    added = artefacts(line_uv=8.0, line_hz=60.0)
    frequency, power = scipy.signal.periodogram(added, 250.0)
    assert power[:, :, frequency == 60].sum() > 0.999 * power.sum()
    np.testing.assert_allclose(np.sqrt(np.mean(added**2)), 8 / np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(added.mean(axis=1), 0, atol=1e-3)
    singular = np.linalg.svd(added.transpose(1, 0, 2).reshape(62, -1), compute_uv=False)
    assert singular[1] < 1e-4 * singular[0]
    # The phase differs from trial to trial, so that the average vanishes.
    assert np.abs(added.mean(axis=0)).max() < 0.3 * np.abs(added).max()


def test_blinks_are_frontal_slow_and_as_frequent_and_large_as_told():
    added = artefacts(blink_uv=150.0, blink_probability=0.3)
    strength = np.abs(added).max(axis=(1, 2))
    with_blink = strength > 1
    assert with_blink.mean() == pytest.approx(0.3, abs=0.08)
    largest = np.abs(added[with_blink]).max(axis=2).argmax(axis=1)
    assert {MONTAGE[channel] for channel in largest} == {MONTAGE[largest[0]]}
    assert MONTAGE[largest[0]] in {"Fp1", "Fp2"}
    course = added[with_blink, largest[0]]
    inner = course[np.isin(course.argmax(axis=1), np.arange(60, 190))]
    assert inner.max(axis=1).mean() == pytest.approx(150, rel=0.15)
    duration_ms = 4 * (inner > inner.max(axis=1, keepdims=True) / 2).sum(axis=1)
    assert np.all((duration_ms > 80) & (duration_ms < 260))
    pattern = added[with_blink].transpose(1, 0, 2).reshape(62, -1)
    order = np.linalg.svd(pattern, full_matrices=False)[0][:, 0]
    rank = np.argsort(-order * np.sign(order[largest[0]]))
    assert {"Fp1", "Fp2", "AF7", "AF8"} >= {MONTAGE[channel] for channel in rank[:2]}
    assert {"O1", "O2", "Oz", "Iz"}.isdisjoint({MONTAGE[channel] for channel in rank[:30]})


def test_artefacts_do_not_touch_each_other_or_the_snr():
    both, line, blink = (
        artefacts(**{name: ARTEFACTS[name] for name in ARTEFACTS if name.startswith(kinds)})
        for kinds in (("line", "blink"), "line", "blink")
    )
    np.testing.assert_allclose(both, line + blink, atol=1e-3)


def test_the_distractor_is_in_every_trial_and_tells_nothing():
    spec = data_spec("distractor", n_trials=2000)
    classes, distractors = draw_trials(spec), draw_distractors(spec)
    assert set(distractors["signal"]) == {"suppressor"}
    assert set(classes["dipole"]).isdisjoint(distractors["dipole"])
    for column in ("amplitude", "latency_ms", "width_ms"):
        groups = [rows[column] for _, rows in distractors.groupby(classes["class_name"])]
        assert scipy.stats.f_oneway(*groups).pvalue > 0.001
    assert np.corrcoef(distractors["amplitude"], classes["amplitude"])[0, 1] == pytest.approx(
        0, abs=0.08
    )


def test_the_distractor_is_noise_to_the_ground_truth_and_helps_to_clean_the_signal():
    spec = data_spec("distractor", n_trials=400)
    eeg, plain = simulate_spec(spec), simulate_spec(data_spec("temporal", n_trials=400))
    np.testing.assert_allclose(
        eeg.ground_truth / norm(eeg.ground_truth),
        plain.ground_truth / norm(plain.ground_truth),
        atol=1e-7,
    )
    distractor = sensor_distractor(spec)
    at_500 = [part[:, :, 125] for part in (distractor, sensor_signal(spec, draw_trials(spec)))]
    loudest_distractor, loudest_signal = (np.abs(part).mean(axis=0).argmax() for part in at_500)
    # The channel of the distractor predicts what it does at the channel of the signal.
    assert loudest_distractor != loudest_signal
    at_both = distractor[:, [loudest_distractor, loudest_signal], 125]
    assert abs(np.corrcoef(at_both.T)[0, 1]) > 0.99
    assert np.std(at_both[:, 1]) > 0.1 * np.std(at_both[:, 0])


@every_feature
def test_time_support_holds_the_signal_and_little_more(simulated, feature):
    eeg = simulated[feature]
    support, power = eeg.time_support(), np.square(eeg.ground_truth.astype(float)).sum(axis=1)
    assert support.shape == power.shape == (400, 250)
    assert ((power * support).sum(axis=1) > 0.99 * power.sum(axis=1)).all()
    widths = np.minimum(eeg.trials["width_ms"], 2 * eeg.trials["latency_ms"]) / 4
    np.testing.assert_allclose(support.sum(axis=1), widths, atol=26)
    assert (support.sum(axis=1) <= widths + 1.5).all()


def test_band_support_is_where_the_tone_is(simulated):
    eeg = simulated["spectral"]
    frequency, support = eeg.band_support()
    np.testing.assert_allclose(frequency, np.arange(126))
    tone = eeg.trials["frequency_hz"].to_numpy()
    distance = np.abs(frequency - tone[:, None])
    assert support[distance <= 1].all()
    # The main lobe of a window of 200 ms ends within 1 / 0.1 s of its tone.
    assert not support[distance > 10].any()


def test_the_spectrum_keeps_the_power(simulated):
    epochs = simulated["spectral"].ground_truth[:20].astype(float)
    for n_times in (250, 249):
        frequency, power = power_spectrum(epochs[:, :, :n_times], 250.0)
        mean_square = np.square(epochs[:, :, :n_times]).mean(axis=2).sum(axis=1)
        np.testing.assert_allclose(power.sum(axis=1), mean_square, rtol=1e-10)
        np.testing.assert_allclose(frequency, np.fft.rfftfreq(n_times, 1 / 250))


def test_no_band_is_supported_where_there_is_no_signal():
    assert not band_support(np.zeros((2, 3, 10)), 250.0, 0.05)[1].any()
