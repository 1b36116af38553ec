"""What a decoder used: closed forms, brute force over all subsets, and the agreement of maps."""

from itertools import chain, combinations
from math import factorial

import mne
import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from eegxai.evaluation.maps.explanation import Explanation, product
from eegxai.evaluation.metrics.agreement import AGREEMENTS, use_agreement
from eegxai.evaluation.references.pieces import FAMILIES
from eegxai.evaluation.references.use import contrast, decoder_use
from eegxai.evaluation.references.use_scores import (
    permuted,
    piece_sums,
    planted_signal,
    split_half,
    use_scores,
)

N_CHANNELS, N_TIMES, N_CLASSES = 3, 50, 3
TWO_WINDOWS = 20  # samples at 100 Hz


def info_of(n_channels, sfreq=100.0):
    return mne.create_info(n_channels, sfreq, "eeg")


def decoder_of(n_channels, n_times, *, linear, dtype=torch.float64):
    torch.manual_seed(0)
    first = nn.Linear(n_channels * n_times, N_CLASSES if linear else 8)
    layers = [first] if linear else [first, nn.Tanh(), nn.Linear(8, N_CLASSES)]
    return nn.Sequential(nn.Flatten(), *layers).to(dtype).eval()


def trials_of(n_trials, n_channels=N_CHANNELS, n_times=N_TIMES, dtype=torch.float64):
    """Trials, their classes, and a planted signal that has a mean and every frequency."""
    torch.manual_seed(1)
    x, signal = torch.randn(2, n_trials, n_channels, n_times, dtype=dtype)
    return x, torch.arange(n_trials) % N_CLASSES, signal + 0.5


def contrast_of(decoder, x, label):
    logits = decoder(x[None])[0].detach().numpy()
    return logits[label] - np.delete(logits, label).mean()


@pytest.mark.parametrize("n_times", [50, 51, 7])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_pieces_of_a_signal_sum_to_it(name, n_times):
    _, _, signal = trials_of(1, n_times=n_times)
    family = FAMILIES[name](info_of(N_CHANNELS), n_times)
    pieces = family.split(signal[0])
    assert len(pieces) == len(family.names) == len(set(family.names))
    torch.testing.assert_close(pieces.sum(0), signal[0], rtol=0, atol=1e-14)
    if name == "band":
        squares = product(signal, signal)
        torch.testing.assert_close(family.sums(squares)[0], pieces.square().sum((1, 2)))
        assert family.sums(Explanation(signal)) is None
    else:
        torch.testing.assert_close(family.sums(Explanation(signal))[0], pieces.sum((1, 2)))


def test_a_rhythm_is_a_piece_of_its_band_and_a_window_is_named_by_its_time():
    info = info_of(1)
    tone = torch.sin(2 * np.pi * 10 * torch.arange(100, dtype=torch.float64) / 100)[None]
    family = FAMILIES["band"](info, 100)
    power = dict(zip(family.names, family.split(tone).square().sum((1, 2)), strict=True))
    assert power.pop("8-12 Hz") == pytest.approx(50)
    assert max(power.values()) < 1e-20
    assert family.names[0] == "0-4 Hz"
    assert family.names[-1] == "40 Hz and above"
    assert FAMILIES["window"](info, 100).names[1] == "100-200 ms"


@pytest.mark.parametrize("n_permutations", [0, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_linear_decoder_uses_its_weights_times_the_piece(name, n_permutations):
    x, target, signal = trials_of(4)
    decoder = decoder_of(N_CHANNELS, N_TIMES, linear=True)
    info = info_of(N_CHANNELS)
    found = decoder_use(decoder, x, target, signal, info, n_permutations)
    weights = decoder[1].weight.detach().reshape(N_CLASSES, N_CHANNELS, N_TIMES).numpy()
    pieces = [FAMILIES[name](info, N_TIMES).split(s).numpy() for s in signal]
    for i, label in enumerate(target.tolist()):
        w = weights[label] - np.delete(weights, label, 0).mean(0)
        expected = (w * pieces[i]).sum((1, 2))
        np.testing.assert_allclose(found.families[name].use[i], expected, atol=1e-10, rtol=0)
    np.testing.assert_allclose(found.families[name].error, 0, atol=1e-10)
    np.testing.assert_allclose(found.gap(name), 0, atol=1e-10)


def shapley(decoder, x, label, signal, pieces):
    """Over all subsets, as Shapley defined it."""
    n, found = len(pieces), np.zeros(len(pieces))

    def value(subset):
        planted = sum((pieces[p] for p in subset), torch.zeros_like(signal))
        return contrast_of(decoder, x - signal + planted, label)

    for p in range(n):
        others = [q for q in range(n) if q != p]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for subset in combinations(others, size):
                found[p] += weight * (value((*subset, p)) - value(subset))
    return found


def test_permutations_approach_the_shapley_value_and_know_their_error():
    x, target, signal = trials_of(2)
    decoder, info = decoder_of(N_CHANNELS, N_TIMES, linear=False), info_of(N_CHANNELS)
    found = decoder_use(decoder, x, target, 3 * signal, info, 400)
    use = found.families["channel"]
    split = FAMILIES["channel"](info, N_TIMES).split
    for i, label in enumerate(target.tolist()):
        exact = shapley(decoder, x[i], label, 3 * signal[i], split(3 * signal[i]))
        assert (np.abs(use.use[i] - exact) <= 4 * use.error[i] + 1e-12).all()
        assert (use.error[i] > 0).all()
        assert np.abs(use.use[i] - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("name", FAMILIES)
def test_permutations_sum_to_what_the_decision_owes_to_the_signal(name):
    x, target, signal = trials_of(3)
    decoder = decoder_of(N_CHANNELS, N_TIMES, linear=False)
    found = decoder_use(decoder, x, target, signal, info_of(N_CHANNELS), 4)
    expected = [
        contrast_of(decoder, *of) - contrast_of(decoder, of[0] - s, of[1])
        for of, s in zip(zip(x, target.tolist(), strict=True), signal, strict=True)
    ]
    np.testing.assert_allclose(found.total, expected, atol=1e-12)
    np.testing.assert_allclose(found.families[name].use.sum(1), expected, atol=1e-12)


def test_two_marginals_are_the_shapley_value_of_two_pieces():
    x, target, signal = trials_of(3, n_times=TWO_WINDOWS)
    decoder, info = decoder_of(N_CHANNELS, TWO_WINDOWS, linear=False), info_of(N_CHANNELS)
    found = decoder_use(decoder, x, target, signal, info)
    split = FAMILIES["window"](info, TWO_WINDOWS).split
    for i, label in enumerate(target.tolist()):
        exact = shapley(decoder, x[i], label, signal[i], split(signal[i]))
        np.testing.assert_allclose(found.families["window"].use[i], exact, atol=1e-12)
    np.testing.assert_allclose(found.gap("window"), 0, atol=1e-12)


@pytest.mark.parametrize("n_permutations", [0, 3])
def test_a_trial_has_the_same_bits_whatever_is_beside_it(n_permutations):
    x, target, signal = trials_of(5, dtype=torch.float32)
    decoder = decoder_of(N_CHANNELS, N_TIMES, linear=False, dtype=torch.float32)
    info = info_of(N_CHANNELS)
    whole = decoder_use(decoder, x, target, signal, info, n_permutations)
    some = decoder_use(decoder, x[3:], target[3:], signal[3:], info, n_permutations)
    assert np.array_equal(whole.total[3:], some.total)
    for name, use in some.families.items():
        assert np.array_equal(whole.families[name].use[3:], use.use)
        assert np.array_equal(whole.families[name].halves[:, 3:], use.halves)


class Shifted(nn.Module):
    """A decoder with the same function of the trial added to all logits."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, x):
        logits = self.decoder(x)
        return logits + 3 * logits[:, :1]


def test_what_is_added_to_all_logits_is_not_used():
    x, target, signal = trials_of(3)
    decoder, info = decoder_of(N_CHANNELS, N_TIMES, linear=False), info_of(N_CHANNELS)
    plain, shifted = (
        decoder_use(of, x, target, signal, info) for of in (decoder, Shifted(decoder))
    )
    for name, use in plain.families.items():
        np.testing.assert_allclose(shifted.families[name].use, use.use, atol=1e-12)


def test_with_two_classes_the_contrast_is_their_difference():
    logits = torch.tensor([[1.0, 4.0], [2.5, 0.5]])
    assert contrast(logits, torch.tensor([1, 1])).tolist() == [3, -2]


def test_a_lone_logit_is_its_own_contrast():
    logits = torch.tensor([[1.5], [-2.0]])
    assert contrast(logits, torch.tensor([0, 0])).tolist() == [1.5, -2]


def test_a_trial_without_a_signal_owes_it_nothing_and_has_no_agreement():
    x, target, signal = trials_of(3)
    signal[1] = 0
    decoder, info = decoder_of(N_CHANNELS, N_TIMES, linear=False), info_of(N_CHANNELS)
    use = decoder_use(decoder, x, target, signal, info)
    assert use.total[1] == 0
    sums = piece_sums(Explanation(x), info)
    assert set(sums) == {"channel", "window"}
    of_signal = piece_sums(planted_signal(signal), info)
    found = [use_scores(sums, use), use_scores(permuted(sums), use), split_half(use)]
    for scores in chain(*(each.values() for each in [*found, use_scores(of_signal, use)])):
        assert scores.notna().all(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize(("n_times", "sfreq"), [(350, 250.0), (35, 100.0), (70, 100.0)])
def test_a_band_begins_at_its_lower_edge_whatever_the_rounding(n_times, sfreq):
    """20 Hz is 19.999999999999996 Hz where it is computed as 28 / (350 / 250)."""
    info = mne.create_info(1, sfreq, "eeg")
    family = FAMILIES["band"](info, n_times)
    rhythm = np.cos(2 * np.pi * 20 * np.arange(n_times) / sfreq)
    pieces = family.split(torch.from_numpy(rhythm)[None])
    strongest = pieces.abs().amax((1, 2)).argmax()
    assert family.names[strongest] == "20-24 Hz"


def test_the_exact_contributions_to_a_linear_decision_agree_wholly():
    x, target, signal = trials_of(3)
    decoder, info = decoder_of(N_CHANNELS, N_TIMES, linear=True), info_of(N_CHANNELS)
    use = decoder_use(decoder, x, target, signal, info)
    weights = decoder[1].weight.detach().reshape(N_CLASSES, N_CHANNELS, N_TIMES)
    contrasts = 1.5 * weights[target] - weights.sum(0) / 2
    exact = use_scores(piece_sums(product(signal, contrasts), info), use)
    assert set(exact) == {"channel", "window", "band"}
    for scores in chain(exact.values(), split_half(use).values()):
        np.testing.assert_allclose(scores, 1, atol=1e-9)


def test_agreements_are_those_of_scipy():
    random = np.random.default_rng(0)
    sums, use = random.normal(size=(2, 6, 9))
    sums[:, 3:5] = 0.5  # ties
    found = use_agreement(sums, use)
    for name, reference in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        expected = [reference(*pair).statistic for pair in zip(sums, use, strict=True)]
        np.testing.assert_allclose(found[name], expected, atol=1e-12)


@pytest.mark.parametrize("measure", AGREEMENTS.values(), ids=list(AGREEMENTS))
def test_constant_maps_and_uses_have_no_agreement(measure):
    varied = np.arange(5.0)[None]
    for flat in (np.zeros((1, 5)), np.full((1, 5), 0.1)):
        assert np.isnan(measure(flat, varied)).all()
        assert np.isnan(measure(varied, flat)).all()
