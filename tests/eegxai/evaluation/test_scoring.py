"""One table a map, and the tidy table of an evaluation."""

from itertools import chain, product

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from eegxai.evaluation import (
    CALIBRATED_HEADLINE,
    HEADLINE,
    SIMILARITIES,
    STUDY_METRICS,
    EvaluationSpec,
    evaluate,
    ground_truth_reference,
    score,
    scoring,
    similarity,
    swap_targets,
)
from eegxai.evaluation.controls.null_maps import NULL_MAPS
from eegxai.evaluation.maps.domains import DOMAINS, topography, topography_operator
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.modes import ONLY_METRICS
from eegxai.evaluation.score_rows import SCORE_COLUMNS
from eegxai.evaluation.scoring import MODES
from eegxai.head import montage_info
from eegxai.simulation import FEATURES

N_TRIALS, N_TIMES = 21, 20


@pytest.fixture(autouse=True)
def several_chunks(monkeypatch):
    monkeypatch.setattr(scoring, "TRIALS_AT_A_TIME", 16)


@pytest.fixture(scope="module")
def info():
    return montage_info(250.0)


def noise(seed, n_trials=N_TRIALS):
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(n_trials, 62, N_TIMES, generator=stream)


class Linear(nn.Module):
    """Logits that are inner products with one template a class."""

    def __init__(self, templates):
        super().__init__()
        self.dense = nn.Linear(62 * N_TIMES, len(templates), bias=False)
        self.dense.weight = nn.Parameter(templates.flatten(1).clone())

    def forward(self, x):
        return self.dense(x.flatten(1))


def weights(decoder, x, target):
    """Gradient of a linear decoder: its weights."""
    return decoder.dense.weight.detach()[target].view_as(x)


def input_x_gradient(decoder, x, target):
    return x * weights(decoder, x, target)


@pytest.fixture(scope="module")
def problem():
    """Trials of three classes, whose planted signal is a burst at some channels."""
    templates = torch.zeros(3, 62, N_TIMES)
    for label in range(3):
        templates[label, 20 * label : 20 * label + 10, 5:10] = 1.0
    target = torch.arange(3).repeat(20)
    truth = templates[target] * torch.linspace(1, 3, 60)[:, None, None]
    return Linear(templates), truth + 0.3 * noise(0, 60), target, truth


def run(problem, info, explain=input_x_gradient, n_trials=24, seed=0, **spec):
    decoder, x, target, truth = problem
    spec = EvaluationSpec(n_trials=n_trials, **spec)
    return evaluate(explain, decoder, x, target, truth, 3, info, seed, spec)


@pytest.fixture(scope="module")
def evaluated(problem, info):
    """The table of what :func:`run` evaluates without changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TRIALS_AT_A_TIME", 16)
        return run(problem, info)


def test_methods_are_evaluated_by_name(problem, evaluated, info):
    table = run(problem, info, ["InputXGradient", "controls"])
    assert list(table["method"].unique()) == ["InputXGradient", "RandomMap", "InputMagnitude"]
    alone = run(problem, info, "InputXGradient")
    assert alone.columns[0] == "method"
    first = table[table["method"] == "InputXGradient"].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, alone)
    assert list(alone.columns[1:]) == list(evaluated.columns)
    with pytest.raises(ValueError, match="did you mean 'DeepLift'"):
        run(problem, info, "DeepLft")


@pytest.mark.parametrize("domain", DOMAINS)
def test_score_has_a_row_a_trial_and_a_column_a_metric(domain, info):
    attribution, reference = noise(0), noise(1).abs()
    table = score(attribution, reference, domain=domain, info=info)
    assert table.shape == (N_TRIALS, 16)
    assert list(table.columns) == list(STUDY_METRICS)
    pair = (DOMAINS[domain](maps, info) for maps in (attribution, reference))
    expected = STUDY_METRICS["ssim_clipped"](*pair)
    np.testing.assert_allclose(table["ssim_clipped"], expected, rtol=1e-12)


def test_arrays_and_tensors_of_any_precision_give_the_same_scores():
    attribution, reference = noise(0), noise(1).abs()
    expected = score(attribution, reference)
    pd.testing.assert_frame_equal(score(attribution.numpy(), reference.numpy()), expected)
    differentiable = attribution.double().requires_grad_()
    pd.testing.assert_frame_equal(score(differentiable, reference.double()), expected)


def test_bad_input_is_named(info):
    maps = noise(0, 21)
    with pytest.raises(
        ValueError, match=r"attribution \(21, 62, 20\) and reference \(21, 62, 19\)"
    ):
        score(maps, maps[..., 1:])
    with pytest.raises(ValueError, match=r"must have the same shape \(trials, channels, times\)"):
        score(maps[0], maps[0])
    with pytest.raises(
        ValueError, match="domain 'topograhy' is unknown; did you mean 'topography'"
    ):
        score(maps, maps, domain="topograhy", info=info)
    with pytest.raises(ValueError, match=r"mode 'published' is unknown.*choices: .*paper"):
        score(maps, maps, mode="published")
    with pytest.raises(ValueError, match="info is missing"):
        score(maps, maps, domain="topography")


@pytest.mark.parametrize("threshold", [-0.1, 5, float("nan")])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ValueError, match="is not allowed: a share from 0 to 1 is needed"):
        ground_truth_reference(torch.ones(1, 2, 3), threshold)


def test_the_reference_of_a_ground_truth_is_its_magnitude_above_the_threshold():
    truth = torch.tensor([[[-4.0, 1.0, 0.3, -0.1]], [[0.0, 0.0, 0.0, 0.0]]])
    expected = torch.tensor([[[4.0, 1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]])
    assert torch.equal(ground_truth_reference(truth, 0.1), expected)
    assert torch.equal(ground_truth_reference(truth, 0.0), truth.abs())
    assert truth[0, 0, 0] == -4.0


def test_headlines_exist():
    for domain, metric in HEADLINE.values():
        assert domain in DOMAINS
        assert metric in STUDY_METRICS
    assert set(HEADLINE) == set(FEATURES)
    assert HEADLINE["p300"] == HEADLINE["temporal"]
    assert CALIBRATED_HEADLINE["p300"] == ("channel_time", "auprc_magnitude")
    assert set(HEADLINE) == set(FEATURES)


def test_the_spec_refuses_nonsense():
    for wrong in ({"n_trials": 0}, {"truth_threshold": 1.0}, {"truth_threshold": -0.1}, {"n": 1}):
        with pytest.raises(ValueError, match=r"threshold|n_trials|field 'n'"):
            EvaluationSpec(**wrong)


def test_the_table_is_tidy_and_complete(evaluated):
    table = evaluated
    assert list(table.columns) == SCORE_COLUMNS
    keys = ["check", "layer", "layers_randomized", "domain", "mode", "metric"]
    assert not table.duplicated(keys).any()
    against_truth = {"ground_truth", *NULL_MAPS}
    changes = {("target_swap", "", 0), ("cascade", "dense", 1)}
    changes |= {(check, "", 0) for check in ("surrogate", "noise", "noise_magnitude")}
    steps = {(check, "", 0) for check in against_truth} | changes
    used = table["mode"] == "used"
    assert set(table.loc[~used, keys[:3]].itertuples(index=False, name=None)) == steps
    maps = {*against_truth, "planted_signal", "split_half", "permuted_pieces"}
    expected = set(product(maps, ("channel", "window"), ("used_pearson", "used_spearman")))
    columns = ["check", "domain", "metric"]
    bands = table["domain"] == "band"  # of those who say something about frequency
    told = set(table.loc[used & ~bands, columns].itertuples(index=False, name=None))
    assert told == expected
    assert set(table.loc[bands, "check"]) == {"input_magnitude", "planted_signal", "split_half"}
    table = table[~used]
    names = [[*chain(*modes.values())] for modes in (MODES, SIMILARITIES)]
    for domain in DOMAINS:
        told = ONLY_METRICS.get(domain, (*names[0], *names[1]))
        n_metrics, n_similarities = (sum(name in told for name in group) for group in names)
        n_rows = len(against_truth) * n_metrics + len(changes) * n_similarities
        assert (table["domain"] == domain).sum() == n_rows
    assert set(table["domain"]) == set(DOMAINS)
    assert (table["n_trials"] == 24).all()


def test_a_perfect_explanation_of_a_linear_decoder_is_recognised(evaluated):
    mean = evaluated.set_index(["check", "domain", "metric"])["mean"]
    assert mean["ground_truth", "channel_time", "mass_clipped"] > 0.99
    assert mean["ground_truth", "topography", "cosine_clipped"] > 0.8
    assert abs(mean["target_swap", "channel_time", "pearson_raw"]) < 0.2
    assert abs(mean["cascade", "channel_time", "pearson_raw"]) < 0.2


@pytest.mark.slow
def test_the_table_holds_the_moments_of_the_scores(problem, info):
    decoder, x, target, truth = problem
    table = run(problem, info, explain=weights, n_trials=60, truth_threshold=0.5)
    table = table.set_index(["check", "domain", "metric"]).sort_index()
    original = weights(decoder, x, target)
    swapped = weights(decoder, x, swap_targets(target, 3, seed=0))
    expected = {
        ("ground_truth", "channel_time"): score(original, ground_truth_reference(truth, 0.5)),
        ("target_swap", "channel_time"): similarity(swapped, original),
        ("target_swap", "topography"): similarity(swapped, original, "topography", info=info),
    }
    for key, scores in expected.items():
        rows = table.loc[key].loc[scores.columns]
        np.testing.assert_allclose(rows["mean"], np.nanmean(scores, 0), rtol=1e-12)
        np.testing.assert_allclose(rows["std"], np.nanstd(scores, 0, ddof=1), atol=1e-12)


@pytest.mark.slow
def test_the_true_topography_is_a_magnitude_after_the_interpolation(problem, info):
    """The study's order: neither the sign nor the overshoot of the interpolation is left."""
    decoder, x, target, truth = problem
    scores = run((decoder, x, target, -truth), info, explain=lambda *_: truth, n_trials=60)
    cosine = scores.set_index(["check", "domain", "metric"])["mean"]
    _, head = topography_operator(info)
    signed = topography(truth, info)
    magnitude = ground_truth_reference(signed, 0.05)
    expected = STUDY_METRICS["cosine_clipped"](Maps(signed, head), Maps(magnitude, head)).mean()
    found = cosine["ground_truth", "topography", "cosine_clipped"]
    assert found == pytest.approx(float(expected))


def test_chance_is_zero_and_the_best_is_one(evaluated):
    table = evaluated.set_index(["check", "domain", "metric"])
    for check, level in (("ground_truth", "same_spectrum"), ("target_swap", "surrogate")):
        mean, chance = table.loc[check, "mean"], table.loc[level, "mean"]
        expected = (mean - chance) / (1 - chance)
        found = table.loc[check, "above_chance"]
        np.testing.assert_allclose(found, expected[found.index], rtol=1e-9)
    at_chance = table.loc[["same_spectrum", "surrogate"], "above_chance"].dropna()
    assert (at_chance == 0).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_undefined_trials_are_counted_and_left_out(problem, info):
    def half_empty(decoder, x, target):
        maps = input_x_gradient(decoder, x, target)
        maps[::2] = 0
        return maps

    table = run(problem, info, explain=half_empty)
    truth = table[(table["check"] == "ground_truth") & (table["mode"] == "paper")]
    assert (truth["n_valid"] == 12).all()
    assert truth[["mean", "std"]].notna().all(axis=None)
    nothing = run(problem, info, explain=lambda decoder, x, target: torch.zeros_like(x))
    own = nothing[nothing["check"].isin(["ground_truth", "target_swap", "cascade"])]
    own = own[own["metric"] != "density"]  # of the truth, whatever the map
    assert (own["n_valid"] == 0).all()
    assert (own["n_trials"] == 24).all()
    assert own[["mean", "std"]].isna().all(axis=None)


def test_only_correctly_classified_trials_are_scored(problem, info):
    decoder, x, target, truth = problem
    wrong = target.clone()
    wrong[:50] = (wrong[:50] + 1) % 3
    seen = []

    def spy(decoder, x, target):
        seen.append(x)
        return input_x_gradient(decoder, x, target)

    table = run((decoder, x, wrong, truth), info, explain=spy)
    assert (table["n_trials"] == 10).all()
    assert all(torch.equal(trials, x[50:]) for trials in seen)
    with pytest.raises(ValueError, match="none of 60 trials is classified correctly"):
        run((decoder, x, (target + 1) % 3, truth), info)


@pytest.mark.slow
def test_the_seed_chooses_trials_and_repeats(evaluated, problem, info):
    again, other = (run(problem, info, seed=seed) for seed in (0, 1))
    pd.testing.assert_frame_equal(evaluated, again)
    assert not evaluated["mean"].equals(other["mean"])
