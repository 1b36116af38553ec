"""What the SNR is the ratio of, and how far the signal of a single trial stands out."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eegxai.head import HeadSpec
from eegxai.simulation import (
    ClassSpec,
    DataSpec,
    FeatureSpec,
    NoiseSpec,
    Signal,
    simulate_spec,
    simulate_trials,
)
from eegxai.simulation.blocks import blocks
from eegxai.simulation.mixing import SNR_DEFINITIONS, mixing_factors, parts_of
from eegxai.simulation.noise import electrode_noise, sensor_noise
from eegxai.simulation.peak_snr import peak_snr_db
from eegxai.simulation.signal import columns, dipole_noise
from eegxai.simulation.spec import SnrDefinition
from eegxai.simulation.trials import draw_trials

P3B = Signal(name="P3b", kind="peak", latency_ms=(400, 60), width_ms=(300, 40), amplitude=(12, 4))
TARGET = ClassSpec(name="target", signals=(P3B,), dipoles=("precuneus",), probability=0.2)
SUPPRESSOR = Signal(name="s", kind="peak", latency_ms=500, width_ms=100, amplitude=(0, 20))
ODDBALL = {
    "feature": "p300",
    "definition": FeatureSpec(
        name="p300",
        classes=(TARGET, ClassSpec(name="standard")),
        distractor=ClassSpec(name="other", signals=(SUPPRESSOR,), dipoles=("cuneus",)),
    ),
    "sfreq": 200,
    "tmin": -0.2,
    "tmax": 0.805,
    "head": HeadSpec(montage="standard_1020"),
}
PARADIGMS = {
    **{name: {"feature": name} for name in ("temporal", "spectral", "spatial", "distractor")},
    "oddball": ODDBALL,
}
NAMES = get_args(SnrDefinition)
ROWS = slice(0, 32)
every_paradigm = pytest.mark.parametrize("paradigm", PARADIGMS)


def data_spec(paradigm: str = "temporal", n_trials: int = 75, **changes: object) -> DataSpec:
    fields = {"snr_db": -12, "n_trials": n_trials, "seed": 0, "snr_definition": "source_to_sensor"}
    return DataSpec(**(fields | PARADIGMS[paradigm] | changes))


def made(data: DataSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal, source and noise before mixing, float64."""
    parts = parts_of(data, draw_trials(data))
    signals = [parts.signal(rows) for rows in blocks(data.n_trials)]
    sources = [parts.source(r, s) for r, s in zip(blocks(data.n_trials), signals, strict=True)]
    noises = [parts.noise(rows) for rows in blocks(data.n_trials)]
    return tuple(np.concatenate(part).astype(np.float64) for part in (signals, sources, noises))


def norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array.astype(np.float64).ravel()))


def test_every_name_of_the_specification_is_defined():
    assert set(NAMES) == set(SNR_DEFINITIONS)


@every_paradigm
def test_the_source_is_mixed_with_sensor_noise_by_the_published_formula(paradigm):
    data = data_spec(paradigm)
    signal, source, noise = made(data)
    ratio = 10 ** (-12 / 20) / (1 + 10 ** (-12 / 20))
    mixed = ratio * source / norm(source) + (1 - ratio) * noise / norm(noise)
    scale = np.mean(np.abs([source, noise])) / np.mean(np.abs(mixed))
    eeg = simulate_spec(data)
    np.testing.assert_allclose(eeg.x, scale * mixed, rtol=1e-4, atol=1e-5)
    truth = scale * ratio * signal / norm(source)
    np.testing.assert_allclose(eeg.ground_truth, truth, rtol=1e-5, atol=1e-6)


@every_paradigm
def test_trials_made_alone_have_the_bits_of_the_whole(paradigm):
    data = data_spec(paradigm, noise=NoiseSpec(line_uv=5, blink_uv=100))
    eeg = simulate_spec(data)
    for start, stop in ((0, 75), (17, 18), (15, 49), (74, 75)):
        x, ground_truth = simulate_trials(data, start, stop)
        np.testing.assert_array_equal(x, eeg.x[start:stop])
        np.testing.assert_array_equal(ground_truth, eeg.ground_truth[start:stop])


def test_same_bits_for_any_number_of_threads(monkeypatch):
    found = []
    for threads in ("1", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(simulate_spec(data_spec("oddball")).x)
    np.testing.assert_array_equal(*found)


@every_paradigm
def test_more_trials_extend_the_same_streams(paradigm):
    for few, many in zip(made(data_spec(paradigm, 40)), made(data_spec(paradigm, 75)), strict=True):
        np.testing.assert_array_equal(few, many[:40])


@every_paradigm
def test_the_source_is_one_dipole_in_every_trial_with_a_signal_or_without(paradigm):
    _, source, _ = made(data_spec(paradigm))
    singular = np.linalg.svd(source, compute_uv=False)
    assert (singular[:, 0] > 0).all()
    assert (singular[:, 1] < 1e-5 * singular[:, 0]).all()


@pytest.mark.parametrize("level", [1.7, 3.0])
def test_the_dipole_s_noise_has_its_level_and_its_topography(level):
    data = data_spec("oddball", 1000, noise=NoiseSpec(source_amplitude=level))
    signal, source, _ = made(data)
    trials = draw_trials(data)
    noise = source - signal
    row = np.flatnonzero(trials["signal"] != "")[0]
    topography = np.linalg.svd(signal[row])[0][:, 0]
    np.testing.assert_allclose(np.abs(topography @ np.linalg.svd(noise[row])[0][:, 0]), 1)
    # A sample is near the waveform's peak, where it has its amplitude.
    per_unit = np.linalg.norm(signal[row], axis=0).max() / abs(trials["amplitude"][row])
    same = noise[trials["dipole"] == trials["dipole"][row]]
    rms = np.sqrt(np.mean((same**2).sum(axis=1)))
    assert rms / per_unit == pytest.approx(level, rel=0.1)


def test_trials_without_a_signal_have_the_noise_of_the_others_dipoles():
    data = data_spec("oddball", 200)
    noise = np.concatenate(
        [dipole_noise(data, columns(draw_trials(data)), rows) for rows in blocks(200)]
    )
    patterns = np.linalg.svd(noise.astype(float))[0][:, :, 0]
    silent = (draw_trials(data)["signal"] == "").to_numpy()
    alike = np.abs(patterns[silent] @ patterns[~silent].T)
    np.testing.assert_allclose(alike.max(axis=1), 1, atol=1e-4)
    places = len(data.definition.dipoles_of(TARGET))
    assert np.linalg.matrix_rank(patterns[silent], tol=1e-3) == places


def test_both_definitions_share_trials_signals_and_sensor_noise():
    first, second = (simulate_spec(data_spec(snr_definition=name)) for name in NAMES)
    assert first.trials.equals(second.trials)
    truths = [eeg.ground_truth / norm(eeg.ground_truth) for eeg in (first, second)]
    np.testing.assert_allclose(*truths, atol=1e-7)
    brain_alone, both = (
        sensor_noise(data_spec(noise=NoiseSpec(sensor_share=share), snr_definition=NAMES[0]), ROWS)
        for share in (0.0, 0.5)
    )
    np.testing.assert_allclose(both - brain_alone, electrode_noise(data_spec(), ROWS), atol=1e-4)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(snr_db=st.floats(-60, 60))
def test_the_whole_epoch_s_ratio_follows_from_the_share_of_the_signal_in_its_source(snr_db):
    """The formula of docs/simulation.md, with the parts taken as uncorrelated."""
    data = data_spec("temporal", 200, snr_db=snr_db)
    eeg, (signal, source, _) = simulate_spec(data), made(data)
    inside, ratio = norm(signal) / norm(source - signal), 10 ** (snr_db / 20)
    expected = inside * ratio / np.sqrt(1 + inside**2 + ratio**2)
    measured = norm(eeg.ground_truth) / norm(eeg.x - eeg.ground_truth)
    assert 20 * np.log10(measured) == pytest.approx(20 * np.log10(expected), abs=0.2)


@pytest.mark.parametrize("definition", NAMES)
@pytest.mark.parametrize("snr_db", [-60, 60])
@pytest.mark.parametrize("source", [1e-6, 1e6])
@pytest.mark.parametrize("noise", [1e-6, 1e6])
def test_the_limits_of_all_amplitudes_can_be_mixed(definition, snr_db, source, noise):
    signal = Signal(name="s", kind="peak", latency_ms=400, width_ms=300, amplitude=source)
    classes = (ClassSpec(name="a", signals=(signal,)), ClassSpec(name="b"))
    own = FeatureSpec(name="own", classes=classes, dipoles=("cuneus",))
    levels = NoiseSpec(source_amplitude=noise, line_uv=1e6, blink_uv=1e6)
    fields = {"feature": "own", "definition": own, "noise": levels, "n_trials": 4}
    eeg = simulate_spec(data_spec(**fields, snr_db=snr_db, snr_definition=definition))
    assert np.isfinite(eeg.x).all()
    assert eeg.ground_truth[eeg.y == 0].any(axis=(1, 2)).all()


@pytest.mark.parametrize("part", ["source", "noise"])
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e25])
def test_parts_without_a_norm_cannot_be_mixed(part, value):
    values = {"source": 1.0, "noise": 1.0, part: value}

    def parts(rows):
        return tuple(np.full((8, 2, 10), values[name], np.float32) for name in ("source", "noise"))

    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=f"the {part} before mixing"),
    ):
        mixing_factors(parts, 8, 0.0)


# ------------------------------------------------------------------ peak SNR of a trial


@given(
    peak=st.floats(0.01, 1e3),
    noise=st.floats(0.01, 1e3),
    sign=st.sampled_from([-1, 1]),
    channel=st.integers(0, 2),
)
def test_a_peak_in_noise_of_one_level_has_their_ratio(peak, noise, sign, channel):
    truth = np.zeros((2, 3, 10))
    truth[0, channel, 4] = sign * peak
    background = np.full((2, 3, 10), 1e6)  # of the other channels, which do not matter
    background[:, channel] = noise * np.resize([1, -1], 10)
    found = peak_snr_db(truth + background, truth)
    assert found[0] == pytest.approx(20 * np.log10(peak / noise), abs=1e-6)
    assert np.isnan(found[1])


def test_the_peak_snr_is_that_of_a_loop_over_trials():
    eeg = simulate_spec(data_spec("oddball", noise=NoiseSpec(blink_uv=100)))
    expected = []
    for x, truth in zip(eeg.x.astype(float), eeg.ground_truth.astype(float), strict=True):
        channel, time = np.unravel_index(np.abs(truth).argmax(), truth.shape)
        rms = np.sqrt(np.mean((x - truth)[channel] ** 2))
        expected.append(20 * np.log10(abs(truth[channel, time]) / rms) if truth.any() else np.nan)
    np.testing.assert_allclose(eeg.peak_snr_db(), expected)
    np.testing.assert_array_equal(np.isnan(eeg.peak_snr_db()), eeg.y == 1)


@settings(max_examples=10, deadline=None)
@given(snr_db=st.floats(-60, 60))
def test_the_peak_snr_rises_with_the_study_s_level_db_by_db(snr_db):
    base, other = (
        simulate_spec(data_spec(n_trials=8, snr_db=level, snr_definition="signal_to_noise"))
        for level in (0.0, snr_db)
    )
    np.testing.assert_allclose(other.peak_snr_db() - base.peak_snr_db(), snr_db, atol=0.01)
