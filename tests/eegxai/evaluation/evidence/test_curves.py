"""Deletion and insertion: closed forms of linear decoders, fillings, and mistakes of users."""

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eegxai.evaluation.evidence.curves import (
    BOTH,
    MEASURED_ORDER,
    RANDOM_ORDER,
    SHARES,
    curve_areas,
    deletion_curves,
    trial_areas,
    whole_change,
    window_sums,
    windows_of,
)
from eegxai.evaluation.evidence.donors import donors_of
from eegxai.evaluation.evidence.fillings import (
    FILLINGS,
    channel_covariance,
    filled,
    window_of_sample,
)
from eegxai.evaluation.evidence.replacement import replacement_agreement, replacement_use

N_CHANNELS, N_TIMES, SFREQ = 4, 50, 100.0
INFO = mne.create_info(N_CHANNELS, SFREQ, "eeg")
N_PIECES = N_CHANNELS * 5


def linear(seed=0):
    torch.manual_seed(seed)
    layer = nn.Linear(N_CHANNELS * N_TIMES, 3)
    return nn.Sequential(nn.Flatten(), layer).double().eval()


def trials_of(n_trials, seed=1):
    torch.manual_seed(seed)
    x = torch.randn(n_trials, N_CHANNELS, N_TIMES, dtype=torch.float64)
    return x, torch.arange(n_trials) % 3


def weights_of(decoder, target):
    """Weights of each trial's contrast, (trials, channels, times)."""
    rows = decoder[1].weight.detach()
    own = rows[target] - (rows.sum(0) - rows[target]) / 2
    return own.unflatten(1, (N_CHANNELS, N_TIMES))


def by_hand(contributions, order, shares=SHARES):
    """What is left of the sum of contributions as pieces are replaced by zeros in an order."""
    counts = [int(np.floor(share * len(order) + 0.5)) for share in shares]
    return np.array([contributions.sum() - contributions[order[:n]].sum() for n in counts])


def test_curves_of_a_linear_decoder_are_sums_of_its_contributions():
    decoder, (x, target) = linear(), trials_of(3)
    contributions = window_sums("it", weights_of(decoder, target) * x, x, 5)
    constant = decoder(0 * x)[0].detach().numpy()
    curves = deletion_curves(
        decoder, x, target, {"it": weights_of(decoder, target) * x}, INFO, filling="zero"
    )
    for trial, own in enumerate(contributions):
        offset = constant[target[trial]] - np.delete(constant, target[trial]).mean()
        order = np.argsort(-own)
        rows = curves[(curves["method"] == "it") & (curves["trial"] == trial)]
        fall, rise = (rows[rows["curve"] == name] for name in ("deletion", "insertion"))
        np.testing.assert_allclose(fall["decision"], offset + by_hand(own, order))
        np.testing.assert_allclose(rise["decision"], offset + by_hand(own, order[::-1])[::-1])
        np.testing.assert_allclose(rise["random"].to_numpy(), fall["random"].to_numpy()[::-1])


def test_exact_contributions_reach_the_ceiling_and_random_orders_are_at_chance():
    decoder, (x, target) = linear(), trials_of(12)
    exact = weights_of(decoder, target) * x
    maps = {"exact": exact, "opposite": -exact, "none": torch.zeros_like(x)}
    curves = deletion_curves(decoder, x, target, maps, INFO, filling="zero", n_orders=16)
    areas = curve_areas(curves).set_index(["method", "curve"])
    assert areas.loc["exact", "area"].to_numpy() == pytest.approx(areas.loc["exact", "ceiling"])
    assert (areas.loc["exact", "low"] > 0).all()
    assert (areas.loc["opposite", "high"] < 0).all()
    assert areas.loc[(RANDOM_ORDER, BOTH), "low"] < 0 < areas.loc[(RANDOM_ORDER, BOTH), "high"]
    assert areas.loc["none", "area"].isna().all()
    assert (areas.loc["none", "n_valid"] == 0).all()
    assert set(trial_areas(curves)["method"]) == {*maps, RANDOM_ORDER, MEASURED_ORDER}


def test_areas_are_shares_of_the_change_from_the_trials_to_what_replaces_them():
    decoder, (x, target) = linear(), trials_of(5)
    curves = deletion_curves(decoder, x, target, {"input": x}, INFO, filling="zero")
    change = (weights_of(decoder, target) * x).sum((1, 2))
    assert whole_change(curves) == pytest.approx(float(change.square().mean().sqrt()))
    own = curves[(curves["method"] == "input") & (curves["trial"] == 3)]
    fall = own[own["curve"] == "deletion"]
    gained = np.trapezoid(fall["random"] - fall["decision"], fall["share"]) / whole_change(curves)
    areas = trial_areas(curves).set_index(["method", "trial", "curve"])["area"].sort_index()
    assert areas["input", 3, "deletion"] == pytest.approx(gained)
    both = [areas["input", 3, curve] for curve in ("deletion", "insertion")]
    assert areas["input", 3, BOTH] == pytest.approx(np.mean(both))
    still = curves.assign(decision=1.0, random=1.0)
    assert trial_areas(still)["area"].isna().all()


@pytest.mark.parametrize("filling", FILLINGS)
def test_curves_start_at_the_trial_and_end_at_what_replaces_it(filling):
    decoder, (x, target) = linear(), trials_of(6)
    curves = deletion_curves(decoder, x, target, {"input": x}, INFO, filling=filling, n_donors=1)
    fall = curves[curves["curve"] == "deletion"].groupby(["trial", "share"])
    assert (fall["decision"].std().unstack()[[0.0, 1.0]] < 1e-12).all(axis=None)
    logits = decoder(x).detach()
    own = logits.gather(1, target[:, None])[:, 0]
    np.testing.assert_allclose(fall["decision"].mean()[:, 0.0], 1.5 * (own - logits.mean(1)))


def test_a_trial_has_the_same_numbers_beside_other_methods_and_trials():
    decoder, (x, target) = linear(), trials_of(4)
    pool, few = x.flip(0), {"input": x[:2]}
    alone = deletion_curves(decoder, x[:2], target[:2], few, INFO, pool=pool)
    both = deletion_curves(decoder, x, target, {"other": -x, "input": x}, INFO, pool=pool)
    kept = both[(both["method"] != "other") & (both["trial"] < 2)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, kept)


def test_missing_channels_are_what_gaussian_regression_expects():
    covariance = torch.tensor([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 1.0]]).double()
    trial, other = torch.randn(2, 3, 4, dtype=torch.float64)
    kept = torch.tensor([[[1, 1], [0, 1], [1, 0]]], dtype=torch.bool)
    found = filled(trial, other, kept, covariance)[0]
    o, m = [0, 2], [1]
    factor = covariance[m][:, o] @ torch.linalg.inv(covariance[o][:, o])
    expected = other[m, :2] + factor @ (trial - other)[o, :2]
    torch.testing.assert_close(found[m, :2], expected)
    torch.testing.assert_close(found[o, :2], trial[o, :2])
    last = (
        other[2, 2:]
        + covariance[2, :2] @ torch.linalg.inv(covariance[:2, :2]) @ (trial - other)[:2, 2:]
    )
    torch.testing.assert_close(found[2, 2:], last)


def test_conditional_fillings_of_gaussian_trials_keep_their_covariance():
    torch.manual_seed(0)
    factor = torch.randn(3, 3, dtype=torch.float64)
    x, other = (factor @ torch.randn(2000, 3, 1, dtype=torch.float64) for _ in range(2))
    kept = torch.tensor([[[True], [False], [True]]])
    covariance = factor @ factor.T
    drawn = torch.cat([filled(a, b, kept, covariance) for a, b in zip(x, other, strict=True)])
    found = channel_covariance(drawn)
    assert (found - covariance).abs().max() < 0.1 * covariance.diagonal().mean()


@given(n_times=st.integers(1, 60), n_windows=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_every_sample_is_in_the_window_that_sums_it(n_times, n_windows):
    of = window_of_sample(n_times, min(n_windows, n_times))
    x = torch.arange(n_times, dtype=torch.float64)[None, None]
    found = window_sums("it", x, x, min(n_windows, n_times))[0]
    expected = [x[0, 0, of == window].sum() for window in range(min(n_windows, n_times))]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("n_channels", "n_times", "expected"), [(22, 250, 10), (62, 250, 5), (400, 250, 1), (2, 3, 1)]
)
def test_windows_are_longer_where_channels_are_many(n_channels, n_times, expected):
    assert windows_of(mne.create_info(n_channels, 250.0, "eeg"), n_times) == expected


def test_the_use_by_replacement_of_a_linear_decoder_is_exact():
    decoder, (x, target) = linear(), trials_of(5)
    use = replacement_use(decoder, x, target, INFO, n_donors=4)
    donors = donors_of(x, x, 4).mean(1)
    exact = weights_of(decoder, target) * (x - donors)
    np.testing.assert_allclose(use.families["channel"].use, exact.sum(2), atol=1e-12)
    np.testing.assert_allclose(use.gap("window"), 0, atol=1e-12)
    np.testing.assert_allclose(use.families["band"].halves.mean(0), use.families["band"].use)
    table = replacement_agreement({"exact": exact}, use, INFO)
    assert table["value"].to_numpy() == pytest.approx(1)
    assert (table["ceiling"] < 1).all()


def test_what_a_user_may_get_wrong_is_named():
    decoder, (x, target) = linear(), trials_of(3)
    with pytest.raises(ValueError, match="filling 'zeros' is unknown; did you mean 'zero'"):
        deletion_curves(decoder, x, target, {"input": x}, INFO, filling="zeros")
    with pytest.raises(ValueError, match=r"maps\['input'\] has shape \(3, 4, 49\)"):
        deletion_curves(decoder, x, target, {"input": x[..., 1:]}, INFO)
    with pytest.raises(ValueError, match="pool has 2 trials that can take the place"):
        deletion_curves(decoder, x, target, {"input": x}, INFO, n_donors=3)
    with pytest.raises(ValueError, match="n_donors is 1"):
        replacement_use(decoder, x, target, INFO, n_donors=1)
