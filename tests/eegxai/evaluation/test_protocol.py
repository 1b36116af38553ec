"""The evaluation of one method: every map is computed once, and the scores are those of each."""

from copy import deepcopy
from dataclasses import replace
from functools import cache, partial

import mne
import numpy as np
import pandas as pd
import pytest
import torch

from eegxai.attribution import attribute
from eegxai.evaluation import (
    EvaluationSpec,
    MapReferences,
    bottom_up,
    cascade,
    choose_explained,
    evaluate,
    evaluate_explained,
    evaluate_robustness,
    explanation,
    ideal_observer,
    source_truth,
    topography,
)
from eegxai.evaluation.controls.null_maps import INPUT_CONTROLS
from eegxai.evaluation.maps.domains import DOMAINS
from eegxai.evaluation.metrics.similarity import SIMILARITIES
from eegxai.evaluation.modes import ONLY_METRICS
from eegxai.evaluation.scoring import MODES, chunks, reference_maps, score_pairs
from eegxai.simulation import simulate
from tests.helpers import N_CLASSES, Layers


class Gradient:
    """Trial times gradient; remembers what it was asked to explain."""

    def __init__(self):
        self.calls = []

    def __call__(self, decoder, x, target):
        weights = {name: value.clone() for name, value in decoder.state_dict().items()}
        self.calls.append((weights, target))
        trials = x.detach().requires_grad_()
        logits = decoder(trials).gather(1, target[:, None]).sum()
        return x * torch.autograd.grad(logits, trials)[0]

    @property
    def different(self):
        """What it was asked for, without repetitions."""
        found = []
        for call in self.calls:
            if not any(map(same, found, [call] * len(found))):
                found.append(call)
        return found


def same(one, other):
    weights = all(torch.equal(value, other[0][name]) for name, value in one[0].items())
    return weights and torch.equal(one[1], other[1])


@pytest.fixture(scope="module")
def case():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=12)
    torch.manual_seed(0)
    x = torch.from_numpy(eeg.x)
    decoder = Layers(x[0].numel()).eval()
    with torch.no_grad():
        target = decoder(x).argmax(1)
    return decoder, x, target, torch.from_numpy(eeg.ground_truth), eeg.info


def scored(case, checks):
    decoder, x, target, truth, info = case
    method = Gradient()
    spec = EvaluationSpec(n_trials=6, checks=checks)
    table = evaluate(method, decoder, x, target, truth, N_CLASSES, info, 4, spec)
    explained = choose_explained(decoder, x, target, N_CLASSES, 4, 6)
    return method, table, explained


@pytest.fixture(scope="module")
def scored_once(case):
    """What :func:`scored` gives of the case, computed once for each choice of checks."""
    return cache(partial(scored, case))


CHECKS = {
    (): 2,  # the decoder itself and the untrained one
    ("target_swap",): 3,
    ("cascade",): 3,
    ("bottom_up",): 3,
    ("bottom_up", "target_swap", "cascade"): 5,
}


@pytest.mark.parametrize("checks", CHECKS)
def test_every_decoder_and_class_is_explained_once(scored_once, checks):
    method, table, _ = scored_once(checks)
    assert len(method.calls) == len(method.different) == CHECKS[checks]
    assert set(checks) < set(table["check"])


def moments(table, check, step, domain, mode):
    """Mean and std of each metric, as the table has them."""
    step_rows = table[(table["check"] == check) & (table["step"] == step)]
    found = step_rows[(step_rows["domain"] == domain) & (step_rows["mode"] == mode)]
    return found.set_index("metric")[["mean", "std"]].rename_axis(None)


def expected_moments(maps, references, domain, info, metrics):
    scores = score_pairs(chunks(maps, domain, info), references, metrics)
    return scores.agg(["mean", "std"]).T


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize(("name", "steps"), [("cascade", cascade), ("bottom_up", bottom_up)])
def test_the_untrained_decoder_scores_as_the_ends_of_both_cascades(
    case, scored_once, name, steps, domain
):
    """Computed apart, from decoders made apart, and compared to the last bit."""
    _, table, explained = scored_once((name,))
    info, truth = case[4], case[3][explained.trials]
    original = Gradient()(explained.decoder, explained.x, explained.target)
    *others, (layer, decoder) = steps(explained.decoder, explained.x, explained.seed)
    maps = Gradient()(decoder, explained.x, explained.target)
    references = {
        ("untrained", 0): (reference_maps(truth, domain, info, 0.05), MODES),
        (name, len(others) + 1): (list(chunks(original, domain, info)), SIMILARITIES),
    }
    for (check, step), (reference, modes) in references.items():
        for mode, metrics in modes.items():
            told = ONLY_METRICS.get(domain, metrics)
            metrics = {metric: score for metric, score in metrics.items() if metric in told}
            expected = expected_moments(maps, reference, domain, info, metrics)
            pd.testing.assert_frame_equal(
                moments(table, check, step, domain, mode), expected, check_exact=True
            )
    assert set(table[table["step"] == len(others) + 1]["layer"]) == {layer}


def test_maps_that_are_there_already_are_not_computed_again(case, scored_once):
    method, table, explained = scored_once(("cascade",))
    original = explanation(method, explained.decoder, explained.x, explained.target)
    again, spec = Gradient(), EvaluationSpec(n_trials=6, checks=("cascade",))
    references = MapReferences.of_explained(explained, case[3], case[4], spec)
    found = evaluate_explained(again, references, original)
    assert found.equals(table)
    assert len(again.calls) == 2


@pytest.mark.slow
def test_randomized_decoders_are_made_once_for_all_methods(case):
    _, _, explained = scored(case, ())
    for checks in (("cascade",), ("bottom_up",)):
        spec = EvaluationSpec(n_trials=6, checks=checks)
        references = MapReferences.of_explained(explained, case[3], case[4], spec)
        evaluate_explained(Gradient(), references)
    ends = [explained.changes(check)[-1].decoder for check in ("cascade", "bottom_up")]
    assert ends == [explained.untrained_decoder] * 2


def test_a_compiled_decoder_scores_as_the_one_it_was_made_from(case, scored_once):
    decoder, *others = case
    compiled = (torch.compile(decoder, backend="eager"), *others)
    assert scored(compiled, ("cascade",))[1].equals(scored_once(("cascade",))[1])


@pytest.fixture(scope="module")
def half_silent(case):
    """The same trials, of which the first eight have no planted signal."""
    decoder, x, target, truth, info = case
    truth = truth.clone()
    truth[:8] = 0
    return decoder, x, target, truth, info


def test_trials_with_a_planted_signal_are_explained_first(half_silent):
    decoder, x, target, truth, _ = half_silent
    for n_trials in (2, 4, 6):
        chosen = choose_explained(
            decoder, x, target, N_CLASSES, 4, n_trials, ground_truth=truth
        ).chosen
        planted = truth[chosen].flatten(1).any(1).sum()
        assert (len(chosen), planted) == (n_trials, min(n_trials, 4))
        assert torch.equal(chosen, chosen.sort().values)


def test_a_planted_signal_everywhere_changes_no_choice(case):
    decoder, x, target, truth, _ = case
    plain, told = (
        choose_explained(decoder, x, target, N_CLASSES, 4, 6, ground_truth=one).chosen
        for one in (None, truth)
    )
    assert torch.equal(plain, told)


def test_trials_without_a_signal_have_no_score_against_the_truth(half_silent):
    _, table, _ = scored(half_silent, ("target_swap",))
    against_truth = table["check"].isin(["ground_truth", "same_spectrum", "untrained"])
    assert (table["n_trials"] == 6).all()
    assert table.loc[against_truth, "n_valid"].max() == 4
    assert table.loc[table["check"] == "target_swap", "n_valid"].max() == 6


def test_nothing_planted_at_all_is_reported_and_fails_nothing(case):
    decoder, x, target, truth, info = case
    _, table, _ = scored((decoder, x, target, torch.zeros_like(truth), info), ())
    truth_rows = table[table["check"] == "ground_truth"]
    assert truth_rows["mean"].isna().all()
    assert (truth_rows["n_valid"] == 0).all()


def with_a_logit_added(decoder):
    """The same probabilities: a multiple of the first logit, added to all."""
    changed = deepcopy(decoder)
    with torch.no_grad():
        for value in changed.readout.parameters():
            value += 5 * value[:1]
    return changed


@pytest.mark.parametrize("output", ["contrast", "logit"])
def test_what_is_added_to_all_logits_moves_scores_of_the_logit_alone(case, output):
    decoder, x, target, truth, info = case
    spec = EvaluationSpec(n_trials=4, checks=("target_swap",))
    explain = partial(attribute, "InputXGradient", output=output)
    tables = [
        evaluate(explain, one, x, target, truth, N_CLASSES, info, 4, spec)
        for one in (decoder, with_a_logit_added(decoder))
    ]
    own = [table[table["check"].isin(["ground_truth", "target_swap"])] for table in tables]
    # The ranks of a few windows with nearly the same use are a matter of rounding.
    before, after = (table.loc[table["metric"] != "used_spearman", "mean"] for table in own)
    moved = (before - after).abs().max()
    assert moved < 1e-3 if output == "contrast" else moved > 0.1


def test_scores_are_means_over_draws_of_weights_whose_spread_is_told(case):
    decoder, x, target, truth, info = case
    once, twice = (
        evaluate(
            Gradient(), decoder, x, target, truth, N_CLASSES, info, 4,
            EvaluationSpec(n_trials=4, checks=("cascade", "target_swap"), weight_draws=draws),
        )
        for draws in (1, 2)
    )  # fmt: skip
    assert once["draws_std"].isna().all()
    cascade = once["check"] == "cascade"
    pd.testing.assert_frame_equal(
        once[~cascade].drop(columns="above_chance"), twice[~cascade].drop(columns="above_chance")
    )
    # Two draws are their spread over the root of 2 away from their mean.
    shift = (once["mean"] - twice["mean"]).abs()[cascade]
    expected = twice["draws_std"][cascade] / 2**0.5
    pd.testing.assert_series_equal(shift, expected, check_names=False)
    assert (expected > 0).any()


def test_two_classes_have_one_contrast():
    assert not EvaluationSpec().class_testable(2)
    assert EvaluationSpec().class_testable(3)
    assert EvaluationSpec(mode="study").class_testable(2)


def test_the_study_had_one_draw():
    with pytest.raises(ValueError, match="weight_draws=2"):
        EvaluationSpec(mode="study", weight_draws=2)


@pytest.fixture(scope="module")
def spatial():
    """Trials, evoked and oscillatory, whose explanation is the trial; what is scored of it."""
    eeg = simulate("spatial", snr_db=-3.5, seed=0, n_trials=12)
    x, truth = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    torch.manual_seed(0)
    decoder = Layers(x[0].numel()).eval()
    with torch.no_grad():
        target = decoder(x).argmax(1)
    explained = choose_explained(decoder, x, target, eeg.n_classes, 4, 12)
    known = source_truth(eeg, np.arange(12))
    return explained, truth, eeg, known


def the_trial(decoder, x, target):
    return x


def test_evoked_and_oscillatory_trials_have_rows_of_their_own(spatial):
    explained, truth, eeg, known = spatial
    spec = EvaluationSpec(n_trials=12, checks=())
    references = MapReferences.of_explained(explained, truth, eeg.info, spec, known)
    table = evaluate_explained(the_trial, references)
    assert not table.duplicated(["check", "step", "domain", "mode", "metric"]).any()
    chosen = explained.chosen.numpy()
    evoked = eeg.trials["low_hz"].isna().to_numpy()[chosen]
    assert 0 < evoked.sum() < len(evoked)
    rows = table[table["check"] == "ground_truth"].set_index(["domain", "mode", "metric"])
    for domain in ("topography", "topography_magnitude"):
        maps = chunks(explained.x, domain, eeg.info)
        reference = reference_maps(truth[chosen], domain, eeg.info, spec.truth_threshold)
        for mode, metric in (("paper", "cosine_clipped"), ("calibrated", "auprc_magnitude")):
            score = MODES[mode][metric]
            scores = score_pairs(maps, reference, {metric: score})[metric]
            maps = chunks(explained.x, domain, eeg.info)
            for kind, trials in (("evoked", evoked), ("oscillatory", ~evoked)):
                row = rows.loc[(f"{domain}_{kind}", mode, metric)]
                assert row["mean"] == pytest.approx(scores[trials].mean(), rel=1e-9)
                assert (row["n_trials"], row["n_zero_rows"]) == (trials.sum(), 0)


def test_a_trial_in_which_nothing_is_planted_is_neither_evoked_nor_oscillatory(spatial):
    explained, truth, eeg, known = spatial
    evoked = np.isnan(known.low_hz)
    assert 0 < evoked.sum() < len(evoked)
    spec = EvaluationSpec(n_trials=12, checks=())

    def kinds(nothing):
        silent, low_hz = truth.clone(), known.low_hz.copy()
        silent[nothing], low_hz[nothing] = 0, np.nan
        without = replace(known, low_hz=low_hz)
        return MapReferences.of_explained(explained, silent, eeg.info, spec, without)._kinds

    chosen = explained.chosen.numpy()
    first = np.arange(12) == chosen[evoked[chosen]][0]
    found = kinds(first)
    assert (found["evoked"] == (evoked & ~first)[chosen]).all()
    assert (found["oscillatory"] == (~evoked & ~first)[chosen]).all()
    assert not kinds(evoked)  # all that is planted is oscillatory


@pytest.mark.slow
def test_controls_of_the_input_are_the_same_scored_once_or_for_every_method(spatial):
    explained, truth, eeg, _ = spatial
    spec = EvaluationSpec(n_trials=12, checks=())
    once = MapReferences.of_explained(explained, truth, eeg.info, spec)
    assert set(INPUT_CONTROLS) < {each.where.check for each in once.shared_scores}
    alone = MapReferences.of_explained(explained, truth, eeg.info, spec)
    tables = [evaluate_explained(the_trial, each) for each in (once, once, alone)]
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other)


def test_the_study_scores_neither_new_controls_nor_new_domains(spatial):
    explained, truth, eeg, known = spatial
    spec = EvaluationSpec(n_trials=12, checks=(), mode="study")
    references = MapReferences.of_explained(explained, truth, eeg.info, spec, known)
    table = evaluate_explained(the_trial, references)
    assert set(table["domain"]) == {"channel_time", "topography"}
    assert not set(table["check"]) & {"class_mean", "sobel_time", "laplace_time"}


def test_a_topography_of_magnitudes_is_nowhere_negative(spatial):
    explained, _, eeg, _ = spatial
    maps = torch.zeros_like(explained.x)
    maps[:, 3] = -1.0  # one electrode, beside which the interpolation falls below zero
    (shown,) = chunks(maps, "topography_magnitude", eeg.info)
    assert shown.values.min() == 0
    assert shown.values.max() > 0.5
    assert topography(maps.abs(), eeg.info).min() < 0


@pytest.mark.parametrize("name", ["known", "ideal"])
def test_what_is_known_must_be_of_the_same_trials(spatial, name):
    explained, truth, eeg, _ = spatial
    few = {"known": source_truth, "ideal": ideal_observer}[name](eeg, np.arange(4))
    with pytest.raises(ValueError, match=f"{name} is of 4 trials, ground_truth of 12"):
        MapReferences.of_explained(explained, truth, eeg.info, EvaluationSpec(), **{name: few})


def test_without_a_ground_truth_rows_are_those_that_compare_with_the_original_map(case):
    _, table, explained = scored(case, ("target_swap", "cascade"))
    checks = ("target_swap", "cascade", "all_weights")
    alone = evaluate_robustness(Gradient(), explained, case[-1], checks)
    control = alone["check"] == "all_weights"
    expected = table[table["reference"] == "original"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone[~control], expected, check_dtype=False, check_exact=True)
    ends = alone[(alone["check"] == "cascade") & (alone["step"] == len(explained.layers))]
    assert ends["mean"].tolist() == alone.loc[control, "mean"].tolist()


def test_channels_without_positions_are_compared_without_topographies(case, scored_once):
    *_, explained = scored_once(())
    info = mne.create_info(len(case[-1].ch_names), 250.0, "eeg")
    alone = evaluate_robustness(Gradient(), explained, info, ("target_swap",))
    assert set(alone["domain"]) == {"channel_time"}
