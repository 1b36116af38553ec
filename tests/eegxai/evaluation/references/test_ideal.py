"""The ideal observer against brute force, simulated noise, and the simulator's own factors."""

from dataclasses import replace

import mne
import numpy as np
import pytest
import torch

from eegxai.evaluation import EvaluationSpec, evaluate, ideal_observer
from eegxai.evaluation.references.ideal import (
    N_FITTED_TRIALS,
    NoiseCovariance,
    mixing_of,
    noise_covariance,
)
from eegxai.simulation import (
    ClassSpec,
    FeatureSpec,
    NoiseSpec,
    Signal,
    implant,
    pink_covariance,
    simulate,
)
from eegxai.simulation.mixing import streamed_factors
from tests.helpers import N_CLASSES, Layers

MONTAGE = ["Fz", "Cz", "Pz", "Oz", "C3", "C4"]


def explicit(covariance):
    n_channels, n_times = len(covariance.sources_uv), covariance.n_times
    sources, reference = covariance.sources_uv, np.eye(n_channels) - 1 / n_channels
    brain = np.kron(sources @ sources.T, pink_covariance(n_times))
    return brain + covariance.electrode_uv**2 * np.kron(reference, np.eye(n_times))


def test_the_filter_is_that_of_brute_force():
    rng = np.random.default_rng(0)
    sources, signal = rng.standard_normal((5, 7)), rng.standard_normal((3, 5, 20))
    sources, signal = sources - sources.mean(0), signal - signal.mean(1, keepdims=True)
    covariance = NoiseCovariance(sources, 0.7, 20)
    expected = np.linalg.pinv(explicit(covariance), hermitian=True) @ signal.reshape(3, -1).T
    found = covariance.whitened_twice(signal).reshape(3, -1).T
    assert np.linalg.norm(found - expected) < 1e-10 * np.linalg.norm(expected)


@pytest.mark.parametrize("definition", ["signal_to_noise", "source_to_sensor"])
def test_factors_are_the_simulators(definition):
    eeg = simulate("temporal", -12, seed=1, n_trials=40, snr_definition=definition, montage=MONTAGE)
    np.testing.assert_allclose(mixing_of(eeg), streamed_factors(eeg.spec), rtol=1e-5)


@pytest.mark.parametrize("definition", ["signal_to_noise", "source_to_sensor"])
def test_whitened_noise_of_the_simulator_has_the_power_it_should(definition):
    """The statistic's variance is d'^2 in noise alone, and its mean with the signal."""
    eeg = simulate(
        "temporal", -12, seed=1, n_trials=400, snr_definition=definition, montage=MONTAGE
    )
    observer = ideal_observer(eeg, np.arange(400))
    score = observer.contributions.sum((1, 2), dtype=float)
    standard = (score - observer.detectability) / np.sqrt(observer.detectability)
    assert abs(standard.mean()) < 0.2
    assert abs(standard.std() - 1) < 0.15


def test_rounding_of_the_signal_is_no_evidence_at_high_snrs():
    """With one source, of signal and noise, the template has its topography and no other."""
    eeg = simulate(
        "temporal", 60, seed=0, n_trials=8, snr_definition="source_to_sensor", montage=MONTAGE
    )
    template = ideal_observer(eeg, np.arange(8)).template.astype(float)
    for trial, signal in zip(template, eeg.ground_truth.astype(float), strict=True):
        topography = np.linalg.svd(signal)[0][:, 0]
        beside = trial - np.outer(topography, topography @ trial)
        assert np.linalg.norm(beside) < 1e-5 * np.linalg.norm(trial)


def test_the_covariance_is_that_of_simulated_noise():
    eeg = simulate("temporal", -12, seed=2, n_trials=3000, montage=MONTAGE, tmax=1.0, sfreq=100)
    noise = (eeg.x - eeg.ground_truth)[:, :, ::10].reshape(3000, -1)
    model = explicit(noise_covariance(eeg.spec, mixing_of(eeg), -1))
    n_times = eeg.x.shape[2]
    kept = (np.arange(len(MONTAGE))[:, None] * n_times + np.arange(n_times)[::10]).ravel()
    model = model[np.ix_(kept, kept)]
    error = np.linalg.norm(noise.T @ noise / 3000 - model)
    # Of 3000 Gaussian trials the mean square of this error is (tr(Sigma)^2 + |Sigma|^2) / 3000.
    expected = np.hypot(np.trace(model), np.linalg.norm(model)) / np.sqrt(3000)
    assert 0.8 < error / expected < 1.2


def test_what_it_cannot_know_is_absent_or_named():
    eeg = simulate("distractor", -12, seed=0, n_trials=8, noise=NoiseSpec(blink_uv=50))
    observer = ideal_observer(eeg, np.arange(8))
    assert observer.left_out == ("the distractor", "blinks")
    assert observer.knowledge.endswith("noise; it leaves out the distractor and blinks.")
    assert len(repr(observer)) < 100
    eeg.x[:] = eeg.x[:, ::-1]
    assert ideal_observer(eeg, np.arange(8)) is None
    silent = simulate("temporal", -12, seed=0, n_trials=8, noise=NoiseSpec(sensor_share=0))
    assert ideal_observer(silent, np.arange(8)) is None


@pytest.mark.slow
def test_the_table_has_the_ceiling_and_the_efficiency():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=12)
    x, truth = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    torch.manual_seed(0)
    decoder = Layers(x[0].numel()).eval()
    target = decoder(x).argmax(1)
    ideal = ideal_observer(eeg, np.arange(12))
    case = (decoder, x, target, truth, N_CLASSES, eeg.info, 4)
    spec = EvaluationSpec(n_trials=4, checks=("target_swap",))
    table = evaluate(lambda d, x, t: x, *case, spec, ideal=ideal)
    plain = evaluate(lambda d, x, t: x, *case, spec)
    key = ["check", "step", "domain", "mode", "metric"]
    assert not table.duplicated(key).any()
    assert set(table["reference"]) == {"planted", "ideal", "used", "original"}
    own = table[(table["check"] == "ideal_observer") & table["efficiency"].notna()]
    np.testing.assert_allclose(own["efficiency"], 1)
    assert plain["efficiency"].isna().all()
    old = table[(table["check"] != "ideal_observer") & (table["mode"] != "ideal")]
    columns = [*key, "mean", "above_chance"]
    assert old[columns].reset_index(drop=True).equals(plain[columns])


def test_no_filter_of_the_noise_and_no_unit_goes_unseen_at_high_levels():
    """Where the noise is a hundredth of the recording, what was done to it is, too."""
    eeg = simulate("temporal", 40, seed=0, n_trials=8, montage=MONTAGE)
    noise = eeg.x - eeg.ground_truth
    smooth = (noise + np.roll(noise, 1, axis=2)) / 2
    assert mixing_of(eeg) is not None
    assert mixing_of(replace(eeg, x=eeg.ground_truth + smooth)) is None
    assert mixing_of(replace(eeg, x=eeg.x * np.float32(1e-6))) is None
    assert mixing_of(replace(eeg, ground_truth=np.roll(eeg.ground_truth, 5, axis=2))) is None


def test_first_trials_without_a_signal_are_no_reason_to_refuse():
    peak = Signal(name="peak", kind="peak", latency_ms=300, width_ms=100, amplitude=5)
    classes = (
        ClassSpec(name="standard", probability=0.98),
        ClassSpec(name="deviant", signals=(peak,), probability=0.02),
    )
    own = FeatureSpec(name="oddball", classes=classes, dipoles=((0, -40, 40),))
    eeg = simulate(own, -12, seed=0, n_trials=60, montage=MONTAGE)
    assert not eeg.ground_truth[:N_FITTED_TRIALS].any()
    observer = ideal_observer(eeg, np.arange(60))
    assert observer is not None
    assert (observer.detectability > 0).tolist() == eeg.ground_truth.any((1, 2)).tolist()


def as_recordings(path, eeg):
    """The noise of a simulation as a file of epochs."""
    samples = np.arange(len(eeg.y)) * eeg.x.shape[-1]
    events = np.column_stack([samples, np.zeros_like(samples), np.ones_like(samples)])
    noise = 1e-6 * (eeg.x - eeg.ground_truth).astype(float)
    mne.EpochsArray(noise, eeg.info, events, verbose="ERROR").save(path, verbose="ERROR")
    return str(path)


@pytest.mark.parametrize("feature", ["temporal", "spectral"])
def test_of_recordings_it_is_nearly_the_one_that_knows_their_covariance(tmp_path, feature):
    """Share of the exact observer's d'^2 that a linear one w has: (w s)^2 / (w Sigma w)."""
    eeg = simulate(feature, -10, seed=1, n_trials=300, montage=MONTAGE, sfreq=128)
    planted = implant(feature, as_recordings(tmp_path / "a-epo.fif", eeg), snr_db=-10)
    observer = ideal_observer(planted, np.arange(20))
    assert "the recordings, as estimated" in observer.knowledge
    exact = noise_covariance(eeg.spec, mixing_of(eeg), -1)
    signal, weights = planted.ground_truth[:20].astype(float), observer.template.astype(float)
    best = exact.whitened_twice(signal)
    channels, times, power = exact._basis
    noise = np.sum((channels.T @ weights @ times) ** 2 * power, axis=(1, 2))
    share = np.sum(weights * signal, axis=(1, 2)) ** 2 / noise / np.sum(best * signal, axis=(1, 2))
    assert (share <= 1 + 1e-6).all()
    assert np.median(share) > 0.85
    similar = [
        np.corrcoef(mine.ravel(), theirs.ravel())[0, 1]
        for mine, theirs in zip(observer.contributions, planted.x[:20] * best, strict=True)
    ]
    assert np.median(similar) > 0.95


def test_it_is_not_defined_with_few_stretches_to_estimate_from(tmp_path):
    eeg = simulate("temporal", -10, seed=1, n_trials=110, montage=MONTAGE, sfreq=128)
    planted = implant("temporal", as_recordings(tmp_path / "a-epo.fif", eeg), snr_db=-10)
    assert ideal_observer(planted, np.arange(10)) is not None
    assert ideal_observer(planted, np.arange(11)) is None
