"""Activation patterns: closed forms, and the implementations of MNE and scikit-learn."""

import mne
import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from torch import nn

from eegxai.evaluation.evidence.linear_model import _discriminant, discriminant_outputs
from eegxai.evaluation.evidence.patterns import (
    activation_patterns,
    output_patterns,
    pattern_agreement,
    pattern_table,
    patterns,
)

N_CHANNELS, N_TIMES = 3, 8


def linear(n_classes, seed=0):
    torch.manual_seed(seed)
    layer = nn.Linear(N_CHANNELS * N_TIMES, n_classes)
    return nn.Sequential(nn.Flatten(), layer).double().eval()


def trials_of(n_trials, n_classes, seed=1):
    """Trials whose class moves two channels, with noise that all channels share."""
    random = np.random.default_rng(seed)
    y = np.arange(n_trials) % n_classes
    x = random.standard_normal((n_trials, N_CHANNELS, N_TIMES))
    x += random.standard_normal((n_trials, 1, N_TIMES))
    x[:, 0] += 2 * y[:, None]
    x[:, 1, 4:] -= y[:, None]
    return x, y


def test_the_pattern_of_one_output_is_its_covariance_with_the_trials_over_its_variance():
    x, _ = trials_of(40, 2)
    output = x[:, 0].mean(1, keepdims=True) - x[:, 1].mean(1, keepdims=True)
    found = activation_patterns(x, output)
    flat, own = x.reshape(40, -1), output[:, 0]
    expected = [np.cov(value, own)[0, 1] / own.var(ddof=1) for value in flat.T]
    np.testing.assert_allclose(found[0].ravel(), expected, atol=1e-12)


def test_patterns_of_independent_sources_are_the_columns_of_the_mixture():
    """With x = A s and outputs s, whatever the covariance of s."""
    random = np.random.default_rng(0)
    mixture = random.standard_normal((N_CHANNELS * N_TIMES, 2))
    outputs = random.standard_normal((30, 2)) @ np.array([[1.0, 0.7], [0.0, 1.0]])
    found = activation_patterns((outputs @ mixture.T).reshape(30, N_CHANNELS, N_TIMES), outputs)
    np.testing.assert_allclose(found.reshape(2, -1), mixture.T, atol=1e-12)


def test_the_contrasts_of_two_classes_have_opposite_patterns():
    x, y = trials_of(40, 2)
    found = patterns(linear(2), torch.from_numpy(x), torch.from_numpy(y)).decoder.patterns
    np.testing.assert_allclose(found[0], -found[1], atol=1e-12)
    output = linear(2)(torch.from_numpy(x)).detach().numpy() @ [-1, 1]
    # x is regressed on two outputs that are one another's negative: each explains half of it.
    np.testing.assert_allclose(found[1], activation_patterns(x, output[:, None])[0] / 2, atol=1e-9)


def test_patterns_are_those_of_mne():
    """MNE divides by the covariance of the targets, which a model without error returns."""
    x, _ = trials_of(60, 2)
    flat = x.reshape(len(x), -1)
    targets = flat @ np.random.default_rng(0).standard_normal((flat.shape[1], 2))
    model = mne.decoding.LinearModel(LinearRegression()).fit(flat, targets)
    expected = mne.decoding.get_coef(model, "patterns_").reshape(-1, N_CHANNELS, N_TIMES)
    found = activation_patterns(x, model.predict(flat))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_patterns_of_a_discriminant_are_those_of_scikit_learn_over_the_variance_of_its_output():
    x, y = trials_of(60, 2)
    flat = x.reshape(len(x), -1)
    model = mne.decoding.LinearModel(LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1))
    pattern = mne.decoding.get_coef(model.fit(flat, y), "patterns_").ravel()
    output = model.decision_function(flat)
    found = activation_patterns(x, output[:, None])[0].ravel()
    np.testing.assert_allclose(found, pattern / output.var(ddof=1), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_discriminant_is_that_of_the_covariance_which_scikit_learn_shrinks(n_classes):
    x, y = trials_of(15, n_classes)  # fewer trials than values
    flat = x.reshape(len(x), -1)
    means = np.stack([flat[y == label].mean(0) for label in range(n_classes)])
    covariance = LedoitWolf(assume_centered=True).fit(flat - means[y]).covariance_
    weights = np.linalg.solve(covariance, means.T).T
    priors = np.bincount(y) / len(y)
    expected = flat @ weights.T - (means * weights).sum(1) / 2 + np.log(priors)
    found = _discriminant(flat, y, flat)
    np.testing.assert_allclose(
        found - found.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), rtol=1e-7
    )


def test_outputs_are_of_trials_that_the_discriminant_has_not_seen():
    random = np.random.default_rng(0)
    x, y = random.standard_normal((60, 200)), np.arange(60) % 2
    accuracy = (discriminant_outputs(x, y).argmax(1) == y).mean()
    assert 0.25 < accuracy < 0.75  # of noise, which it knows by heart
    assert (_discriminant(x, y, x).argmax(1) == y).mean() == 1


def test_reliability_tells_a_pattern_from_noise():
    x, y = trials_of(200, 2)
    trials = torch.from_numpy(np.where(np.arange(N_CHANNELS)[:, None] < 2, x, 0.1 * x))
    found = patterns(linear(2), trials, torch.from_numpy(y))
    assert found.linear.accuracy > 0.9
    noise = np.random.default_rng(5).standard_normal((200, 2))
    silent = output_patterns(np.random.default_rng(6).standard_normal(x.shape), noise)
    assert np.abs(silent.reliability).max() < 0.5 < found.linear.reliability.min()
    assert np.isnan(silent.accuracy)
    assert np.isnan(patterns(linear(2), trials).agreement).all()


def test_maps_like_the_pattern_agree_with_it_and_constant_ones_are_undefined():
    x, y = trials_of(40, 2)
    info = mne.create_info(N_CHANNELS, 20.0, "eeg")
    target = torch.from_numpy(y)
    found = patterns(linear(2), torch.from_numpy(x), target).linear
    like = torch.from_numpy(np.abs(found.patterns))[target]
    table = pattern_agreement({"like": like, "none": 0 * like}, target, found, info)
    values = table.set_index(["method", "domain"])["value"]
    assert values["like"].to_numpy() == pytest.approx(1)
    assert values["none"].isna().all()
    assert (table["ceiling"] <= 1).all()


def test_the_table_names_the_peak_of_each_pattern():
    x, y = trials_of(40, 2)
    x[:, 2, 5] += 9 * y
    info = mne.create_info(["F1", "C1", "P1"], 20.0, "eeg")
    found = patterns(linear(2), torch.from_numpy(x), torch.from_numpy(y))
    table = pattern_table(found, info, ("left", "right"), tmin=-0.1)
    assert list(table["model"] + " " + table["class"]) == [
        "decoder left", "decoder right", "linear left", "linear right",
    ]  # fmt: skip
    peak = table.iloc[3]
    assert (peak["peak_channel"], peak["peak_s"]) == ("P1", pytest.approx(0.15))
    assert peak["peak"] == found.linear.patterns[1, 2, 5] > 0
    assert len(pattern_table(patterns(linear(2), torch.from_numpy(x)), info)) == 2


def test_one_class_or_too_few_trials_are_named():
    x, _ = trials_of(6, 2)
    with pytest.raises(ValueError, match="two classes or more"):
        patterns(linear(2), torch.from_numpy(x), torch.zeros(6, dtype=torch.long))
    with pytest.raises(ValueError, match="3 trials"):
        patterns(linear(2), torch.from_numpy(x[:3]))
