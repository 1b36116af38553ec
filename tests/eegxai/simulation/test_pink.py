"""Pink noise is a stretch of a longer recording: nothing in it gives the epoch's bounds away."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import scipy.signal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from eegxai.simulation import DataSpec, NoiseSpec, SimulatedEEG, pink_covariance, simulate
from eegxai.simulation import noise as noise_module
from eegxai.simulation.blocks import each_block
from eegxai.simulation.pink import RECORDING_EPOCHS, pink

lengths = pytest.mark.parametrize("n_times", [250, 251, 40])


def cut_from_recordings(n_epochs: int, n_times: int) -> np.ndarray:
    """Epochs (epochs, times) from random places of recordings, made in the plain way."""
    rng, n_recording = np.random.default_rng(7), RECORDING_EPOCHS * n_times
    spectrum = np.fft.rfft(rng.standard_normal((n_epochs, n_recording)))
    spectrum[:, 1:] /= np.sqrt(np.arange(1, spectrum.shape[1]))
    spectrum[:, 0] = 0
    recordings = np.fft.irfft(spectrum, n=n_recording)
    starts = rng.integers(n_recording - n_times + 1, size=n_epochs)
    epochs = recordings[np.arange(n_epochs)[:, None], starts[:, None] + np.arange(n_times)]
    return epochs / recordings.std()


def made(n_epochs: int, n_times: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return pink(rng.standard_normal((n_epochs // 50, 50, n_times))).reshape(n_epochs, n_times)


@cache
def brain_noise(seed: int) -> np.ndarray:
    """2,000 trials of brain noise (trials, channels, times), µV, without that of the sensors."""
    noise = NoiseSpec(sensor_share=0)
    data = DataSpec(feature="temporal", snr_db=-3.5, n_trials=2000, seed=seed, noise=noise)
    noise_module.prepare_noise(data)
    return np.concatenate(each_block(lambda rows: noise_module.sensor_noise(data, rows), 2000))


def test_the_recording_is_at_least_four_epochs_long():
    assert RECORDING_EPOCHS >= 4


@lengths
def test_covariance_is_the_sum_over_the_recording_s_frequencies(n_times):
    n_recording = RECORDING_EPOCHS * n_times
    k = np.arange(1, n_recording)
    power = 1 / np.minimum(k, n_recording - k)
    lag = np.subtract.outer(np.arange(n_times), np.arange(n_times))
    waves = np.cos(2 * np.pi * k * np.arange(n_times)[:, None] / n_recording)
    expected = (waves @ power / power.sum())[np.abs(lag)]
    np.testing.assert_allclose(pink_covariance(n_times), expected, atol=1e-12)


@lengths
def test_power_of_epoch_means_is_that_of_a_one_over_f_process(n_times):
    """An average is a filter whose gain is Dirichlet's kernel."""
    n_recording = RECORDING_EPOCHS * n_times
    k = np.arange(1, n_recording)
    power = 1 / np.minimum(k, n_recording - k)
    angle = np.pi * k / n_recording
    gain = np.sin(n_times * angle) / (n_times * np.sin(angle))
    expected = np.sum(power * gain**2) / power.sum()
    assert pink_covariance(n_times).mean() == pytest.approx(expected, rel=1e-9)


@lengths
def test_epochs_have_the_covariance_of_stretches_of_a_recording(n_times):
    expected = pink_covariance(n_times)
    for epochs in (made(20000, n_times), cut_from_recordings(20000, n_times)):
        np.testing.assert_allclose(epochs.T @ epochs / len(epochs), expected, atol=0.06)
        np.testing.assert_allclose(epochs.mean(axis=0), 0, atol=0.04)


def test_values_are_normal():
    """Their kurtosis too: a mixture of stretches of unequal power would have more."""
    values = made(20000, 250)[:, ::50]
    np.testing.assert_allclose(np.mean(values**4, axis=0), 3, atol=0.2)


@pytest.mark.parametrize("n_times", [250, 251])
def test_power_falls_as_one_over_f(n_times):
    epochs = made(4000, n_times).astype(np.float32)
    frequency, power = scipy.signal.periodogram(epochs, 250.0, detrend=False)
    inner = slice(1, -1)  # without mean and Nyquist
    slope = np.polyfit(np.log(frequency[inner]), np.log(power.mean(axis=0)[inner]), 1)[0]
    assert slope == pytest.approx(-1.0, rel=0.05)
    np.testing.assert_allclose(np.mean(epochs**2), 1, rtol=0.02)
    assert power.mean(axis=0)[0] * 2 > power.mean(axis=0)[1]  # 0 Hz has one side alone


def test_is_a_linear_filter_along_time_that_keeps_the_type():
    rng = np.random.default_rng(2)
    white, mixing = rng.standard_normal((3, 4, 250)), rng.standard_normal((5, 4))
    np.testing.assert_allclose(pink(mixing @ white), mixing @ pink(white), atol=1e-12)
    single = pink(white.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, pink(white), atol=1e-5)


def test_a_trial_has_the_same_bits_in_any_batch():
    white = np.random.default_rng(3).standard_normal((32, 62, 250)).astype(np.float32)
    whole = pink(white)
    for n_trials in (1, 2, 3, 17, 31):
        np.testing.assert_array_equal(pink(white[:n_trials]), whole[:n_trials])
        np.testing.assert_array_equal(pink(white[-n_trials:]), whole[-n_trials:])


@pytest.mark.parametrize("seed", [0, 1])
def test_first_and_last_sample_are_as_far_apart_as_they_look(seed):
    """Noise on the epoch's own frequencies is periodic: they correlated at 0.69, as neighbours."""
    noise = brain_noise(seed)
    covariance = pink_covariance(250)

    def correlation(a: int, b: int) -> float:
        one, other = noise[:, :, a], noise[:, :, b]
        return float(np.sum(one * other) / np.sqrt(np.sum(one**2) * np.sum(other**2)))

    for a, b in ((0, 249), (0, 200), (0, 1), (248, 249)):
        assert correlation(a, b) == pytest.approx(covariance[a, b], abs=0.05)
    assert abs(correlation(0, 249)) < 0.15


@pytest.mark.parametrize("seed", [0, 1])
def test_epoch_means_are_as_noisy_as_a_one_over_f_process_makes_them(seed):
    noise = brain_noise(seed)
    share = np.mean(noise.mean(axis=2) ** 2) / np.mean(noise**2)
    assert share == pytest.approx(pink_covariance(250).mean(), rel=0.1)
    power = np.mean(np.abs(np.fft.rfft(noise[:500])) ** 2, axis=(0, 1))
    assert power[0] > power[1]


def periodic(at_zero: float) -> Callable[[np.ndarray], np.ndarray]:
    """Pink noise on the epoch's own frequencies; 0 Hz has ``at_zero`` times the power of 1 Hz."""

    def synthesised(white: np.ndarray) -> np.ndarray:
        power = 1 / np.maximum(np.arange(white.shape[-1] // 2 + 1), 1)
        power[0] = at_zero
        two_sided = power[0] + 2 * power[1:-1].sum() + power[-1]
        weight = np.sqrt(power * white.shape[-1] / two_sided).astype(white.dtype)
        return np.fft.irfft(np.fft.rfft(white) * weight, n=white.shape[-1]).astype(white.dtype)

    return synthesised


def accuracies(eeg: SimulatedEEG) -> np.ndarray:
    """Accuracy (SNRs,) of LDA on the epoch means alone, at -3.5, -12 and -23 dB."""
    signal, noise = (part[:, :-1].mean(axis=2) for part in (eeg.ground_truth, eeg.x))
    noise -= signal
    half, y, scores = len(eeg.y) // 2, eeg.y, []
    for snr_db in (-3.5, -12.0, -23.0):
        means = 10 ** ((snr_db - eeg.spec.snr_db) / 20) * signal + noise
        fitted = LinearDiscriminantAnalysis().fit(means[:half], y[:half])
        scores.append(fitted.score(means[half:], y[half:]))
    return np.array(scores)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 7])  # of the first eight, the hardest and the easiest
def test_epoch_means_do_not_give_the_class_away(seed, monkeypatch):
    """They know no more than with noise at 0 Hz that is as strong as at 1 Hz."""
    ours = accuracies(simulate("temporal", -3.5, seed, n_trials=3000))
    monkeypatch.setattr(noise_module, "pink", periodic(at_zero=1.0))
    as_at_1_hz = accuracies(simulate("temporal", -3.5, seed, n_trials=3000))
    monkeypatch.setattr(noise_module, "pink", periodic(at_zero=0.0))
    without = accuracies(simulate("temporal", -3.5, seed, n_trials=3000))
    assert np.all(ours < as_at_1_hz + 0.02)
    assert ours[1] < without[1] - 0.15
