import numpy as np
import pandas as pd
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.head import MONTAGE, montage_info
from eegxai.simulation import FEATURES, DataSpec, NoiseSpec, SimulatedEEG, simulate, simulate_spec
from eegxai.simulation.dataset import draw_trials, mixing_factors, sensor_noise, sensor_signal

STUDY_RATIOS = {-3.5: 0.4005, -12.0: 0.2007, -16.0: 0.1368, -19.0: 0.1009, -23.0: 0.0661}
every_feature = pytest.mark.parametrize("feature", FEATURES)


def data_spec(feature: str = "temporal", n_trials: int = 40, **changes: object) -> DataSpec:
    fields = {"feature": feature, "snr_db": -3.5, "n_trials": n_trials, "seed": 0} | changes
    return DataSpec(**fields)


@pytest.fixture(scope="module")
def simulated() -> dict[str, SimulatedEEG]:
    return {feature: simulate(feature, snr_db=-3.5, seed=0, n_trials=400) for feature in FEATURES}


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
    a, b = mixing_factors(signal, noise, snr_db)
    assert 20 * np.log10(norm(a * signal) / norm(b * noise)) == pytest.approx(snr_db, abs=1e-9)


@every_feature
def test_mixture_is_the_published_formula(feature):
    spec = data_spec(feature, n_trials=300, snr_db=-12.0)
    signal = sensor_signal(spec, draw_trials(spec)).astype(np.float64)
    noise = sensor_noise(spec).astype(np.float64)
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
        ({"n_trials": 3}, "n_trials 3 is too small: 'temporal' has 4 classes"),
        ({"seed": -1}, "seed"),
        ({"noise": {"n_dipoles": 0}}, "n_dipoles"),
        ({"noise": {"sensor_share": 1.0}}, "sensor_share"),
        ({"noise": {"pink": 1}}, "pink"),
        ({"trials": 3}, "trials"),
    ],
)
def test_errors_name_the_field(changes, message):
    with pytest.raises(ValueError, match=message):
        data_spec(**changes)


def test_specs_are_normalised():
    assert data_spec(snr_db=-12) == data_spec(snr_db=-12.0)
    assert data_spec(noise={"n_dipoles": 64}) == data_spec()
