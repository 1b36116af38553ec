"""Scores against the planted band: by hand, on the ideal multiplier, and as rows of the table."""

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from eegxai.attribution import attribute
from eegxai.attribution.engine.frequency import relevance_of_product
from eegxai.evaluation import (
    EvaluationSpec,
    SourceTruth,
    evaluate,
    frequency_profile,
    frequency_scores,
    same_spectrum,
    source_truth,
)
from eegxai.simulation import simulate


def truth(low, high, n_times=20, sfreq=20.0):
    low, high = np.array(low, float), np.array(high, float)
    nothing = np.zeros((len(low), 2, n_times))
    return SourceTruth(nothing, sfreq, np.zeros((len(low), 3)), low, high, None)


def test_scores_by_hand():
    relevance = np.zeros((4, 2, 11))  # 0 to 10 Hz
    relevance[0, :, 3] = 2, 1  # inside
    relevance[0, :, 9] = 1, -2  # -1 over the channels: nothing positive
    relevance[0, 0, 8] = 1
    relevance[1, 0, 9] = 1
    relevance[2] = -1
    relevance[3] = 1
    scores = frequency_scores(relevance, truth([2, 2, 2, np.nan], [4, 4, 4, np.nan]))
    np.testing.assert_allclose(scores["band_mass"], [0.75, 0, np.nan, np.nan])
    np.testing.assert_allclose(scores["band_error_hz"], [0, 5, np.nan, np.nan])
    assert scores["band_auprc"].isna().tolist() == [False, False, True, True]


def test_the_precision_is_that_of_scikit_learn():
    relevance = np.random.default_rng(0).normal(size=(5, 3, 11))
    scores = frequency_scores(relevance, truth([1, 2, 3, 0, 9], [3, 4, 8, 0, 10]))
    frequencies = np.arange(11)
    for profile, low, high, found in zip(
        frequency_profile(relevance), [1, 2, 3, 0, 9], [3, 4, 8, 0, 10],
        scores["band_auprc"], strict=True,
    ):  # fmt: skip
        inside = (frequencies >= low) & (frequencies <= high)
        assert found == pytest.approx(average_precision_score(inside, profile))


@pytest.fixture(scope="module")
def eeg():
    return simulate("spectral", -3.5, 0, 200)


def whitened(eeg, chosen):
    """Sigma^-1 s: noise of every trial is stationary, so frequencies are independent."""
    spectra = np.fft.rfft(eeg.x.astype(float) - eeg.ground_truth)
    covariance = np.einsum("nck,ndk->kcd", spectra, spectra.conj()) / len(spectra)
    signal = np.fft.rfft(eeg.ground_truth[chosen].astype(float)).transpose(2, 1, 0)
    inverse = np.linalg.pinv(covariance, rcond=1e-6, hermitian=True)
    return np.fft.irfft((inverse @ signal).transpose(2, 1, 0), eeg.x.shape[2])


def test_the_ideal_observer_finds_the_band_and_the_recording_does_not(eeg):
    chosen = np.arange(32)
    x, known = torch.from_numpy(eeg.x[chosen]).double(), source_truth(eeg, chosen)

    def mass(multiplier):
        relevance = relevance_of_product(x, torch.as_tensor(multiplier))
        return frequency_scores(relevance.numpy(), known)["band_mass"].mean()

    assert mass(whitened(eeg, chosen)) > 0.9
    assert mass(x) < 0.5
    assert mass(same_spectrum(x)) < 0.5


class Small(nn.Module):
    """One dense layer behind a nonlinearity."""

    def __init__(self, n_channels, n_times):
        super().__init__()
        torch.manual_seed(0)
        self.dense = nn.Linear(n_channels * n_times, 4)

    def forward(self, x):
        return self.dense(x.flatten(1).tanh())


def scored(eeg, name, passes=None, **of_evaluation):
    x, signal = (torch.from_numpy(a[:16]) for a in (eeg.x, eeg.ground_truth))
    decoder = Small(*x.shape[1:])

    def explain(decoder, x, target):
        if passes is not None:
            passes.append(name)
        return partial(attribute, name)(decoder, x, target)

    target = decoder(x).argmax(1)  # so that every trial counts as classified correctly
    spec = EvaluationSpec(n_trials=8, checks=(), **of_evaluation)
    known = source_truth(eeg, np.arange(16))
    return evaluate(explain, decoder, x, target, signal, 4, eeg.info, 0, spec, known=known)


def test_the_table_has_rows_over_frequency_at_no_further_pass(eeg):
    passes = []
    table = scored(eeg, "InputXGradient", passes)
    rows = table[table["domain"] == "channel_frequency"]
    assert set(rows["check"]) == {
        "ground_truth", "same_spectrum", "input_magnitude", "untrained", "class_mean",
    }  # fmt: skip
    assert set(rows["metric"]) == {"band_mass", "band_auprc", "band_error_hz", "emd_hz"}
    assert rows["mean"].notna().all()
    assert (rows.loc[rows["check"] == "same_spectrum", "above_chance"] == 0).all()
    assert len(passes) == 2  # own and untrained


@pytest.mark.parametrize(
    ("feature", "name", "mode"),
    [
        ("spectral", "Saliency", "corrected"),
        ("temporal", "InputXGradient", "corrected"),
        ("spectral", "InputXGradient", "study"),
    ],
)
def test_no_rows_without_a_band_a_kind_or_in_the_mode_of_the_study(eeg, feature, name, mode):
    data = eeg if feature == "spectral" else simulate(feature, -3.5, 0, 16)
    table = scored(data, name, mode=mode)
    of_method = table[table["check"].isin(["ground_truth", "untrained", "class_mean"])]
    assert "channel_frequency" not in set(of_method["domain"])
