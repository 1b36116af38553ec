import numpy as np
import pytest
import scipy.signal
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal.windows import tukey
from scipy.stats import norm

from eegxai.simulation import waveforms
from eegxai.simulation.feature_spec import Spread
from eegxai.simulation.waveforms import Epoch

EPOCH = Epoch(n_times=250, sfreq=250.0)


def normalised_density(latency_ms: float, width_ms: float, amplitude: float) -> np.ndarray:
    """SEREEGA's peak: a normal density over samples counted from 1, scaled to its maximum."""
    density = norm.pdf(np.arange(1, 251), latency_ms / 4 + 1, width_ms / 4 / 6)
    return density / density.max() * amplitude


@given(
    latency=st.floats(0, 990),
    width=st.floats(20, 300),
    amplitude=st.floats(-13, 13).filter(lambda value: abs(value) > 0.1),
)
def test_peak_is_the_normalised_density(latency, width, amplitude):
    shape = waveforms.gaussian_peak(EPOCH, np.array([latency]), np.array([width]))
    signal = waveforms.scale_to_peak(shape, np.array([amplitude]))[0]
    np.testing.assert_allclose(signal, normalised_density(latency, width, amplitude), atol=1e-10)


def test_peak_has_its_closed_form_width():
    shape = waveforms.gaussian_peak(EPOCH, np.array([500.0]), np.array([120.0]))[0]
    np.testing.assert_allclose(shape[125], 1.0)
    np.testing.assert_allclose(shape[[120, 130]], np.exp(-0.5))  # one sigma is 20 ms


def test_scaling_keeps_zero_rows_and_turns_the_sign():
    scaled = waveforms.scale_to_peak(np.array([[1.0, -4.0], [0.0, 0.0]]), np.array([-2.0, 3.0]))
    np.testing.assert_array_equal(scaled, [[-0.5, 2.0], [0.0, 0.0]])


@given(latency=st.integers(0, 249), width=st.integers(2, 120), taper=st.floats(0.05, 1.0))
def test_burst_is_a_tukey_window_around_its_latency(latency, width, taper):
    expected = np.zeros(250 + 400)
    first = 200 + latency + 1 - -(-width // 2)
    expected[first : first + width] = tukey(width, taper)
    # Half a sample more, because both round down.
    latency_ms, width_ms = np.array([4.0 * latency + 2]), np.array([4.0 * width + 2])
    window = waveforms.burst_window(EPOCH, latency_ms, width_ms, taper)[0]
    np.testing.assert_allclose(window, expected[200:450], atol=1e-10)


def test_sine_counts_phase_in_cycles():
    signal = waveforms.sine(EPOCH, np.array([10.0, 10.0]), np.array([0.0, 0.25]))
    angle = 2 * np.pi * 10 * np.arange(250) / 250
    np.testing.assert_allclose(signal, [np.sin(angle), np.cos(angle)], atol=1e-10)


@pytest.mark.parametrize("band", [(3.0, 8.0), (8.0, 13.0), (14.0, 30.0), (30.0, 58.0)])
def test_band_noise_has_its_power_in_the_band(band):
    low, high = band
    taps = waveforms.bandpass_taps(low, high, 1.0, 250.0)
    long = Epoch(n_times=5000, sfreq=250.0)
    noise = waveforms.band_noise(long, 20, taps, np.random.default_rng(0))
    frequency, power = scipy.signal.periodogram(noise, 250.0, window="hann")
    inside = (frequency > low - 1) & (frequency < high + 1)
    mean = power.mean(axis=0)
    assert mean[inside].sum() > 0.999 * mean.sum()
    # Flat in the passband: the power below and above its middle is in proportion to width.
    passband = (frequency > low) & (frequency < high)
    halves = np.array_split(mean[passband], 2)
    np.testing.assert_allclose(halves[0].mean(), halves[1].mean(), rtol=0.15)


def test_band_noise_is_white_noise_through_the_filter_and_stationary():
    taps = waveforms.bandpass_taps(8.0, 13.0, 1.0, 250.0)
    noise = waveforms.band_noise(EPOCH, 4000, taps, np.random.default_rng(3))
    white = np.random.default_rng(3).standard_normal((4000, 250 + len(taps) - 1))
    np.testing.assert_allclose(noise[7], np.convolve(white[7], taps, "valid"), atol=1e-10)
    np.testing.assert_allclose(noise.var(axis=0), np.sum(taps**2), rtol=0.15)


def test_white_noise_is_normal_white_and_a_prefix_of_more():
    values = waveforms.white(np.random.default_rng(5), (400, 8, 250))
    assert values.dtype == np.float32
    flat = values.ravel().astype(float)
    assert scipy.stats.kstest(flat, "norm").pvalue > 0.01
    np.testing.assert_allclose(
        [flat.mean(), flat.var(), scipy.stats.kurtosis(flat)], [0, 1, 0], atol=0.02
    )
    power = scipy.signal.periodogram(values, detrend=False)[1].mean(axis=(0, 1))[1:-1]
    np.testing.assert_allclose(power, power.mean(), rtol=0.1)
    # Box and Muller's pairs share a radius, but are independent.
    halves = values.reshape(400, 2, -1)
    squares = np.square(halves).reshape(400, 2, -1).transpose(1, 0, 2).reshape(2, -1)
    assert np.corrcoef(squares)[0, 1] == pytest.approx(0, abs=0.01)
    fewer = waveforms.white(np.random.default_rng(5), (7, 8, 250))
    np.testing.assert_array_equal(fewer, values[:7])


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(-20, 20))
def test_spread_stays_within_its_deviation(mean, deviation, normal):
    value = Spread(mean, deviation).at(normal)
    assert mean - deviation <= value <= mean + deviation
    if abs(normal) <= 3:
        assert value == pytest.approx(mean + deviation / 3 * normal)
