"""The mode ``study`` against a slow re-derivation of what the study's code computes."""

import numpy as np
import pytest
import torch

from eegxai.evaluation import (
    EvaluationSpec,
    cascade,
    choose_explained,
    evaluate,
    similarity,
    swap_targets,
)
from eegxai.evaluation.controls.null_maps import noise_maps
from eegxai.evaluation.maps.domains import topography
from eegxai.evaluation.modes import METHODS_ORIGINAL_FIRST
from eegxai.head import HeadSpec
from eegxai.simulation import simulate
from tests.helpers import N_CLASSES, Layers
from tests.plain_metrics import NAMES, study_scores

SEED = 4
HEAD = HeadSpec(
    channels=("Fz", "FC1", "FC2", "C3", "Cz", "C4", "CP1", "CP2", "Pz", "POz", "P3", "P4", "Oz")
)
STUDY = EvaluationSpec(mode="study", n_trials=6)


@pytest.fixture(scope="module")
def case():
    eeg = simulate("temporal", snr_db=-3.5, seed=0, n_trials=12, head=HEAD)
    torch.manual_seed(0)
    x = torch.from_numpy(eeg.x)
    decoder = Layers(x[0].numel()).eval()
    with torch.no_grad():
        target = decoder(x).argmax(1)
    return decoder, x, target, torch.from_numpy(eeg.ground_truth), eeg.info


def explainer(trained, target):
    """Input times gradient; the first map is zero, and the second and third have one sign."""

    def explain(decoder, x, asked):
        trials = x.detach().requires_grad_()
        decoder(trials).gather(1, asked[:, None]).sum().backward()
        maps = 1e4 * x * trials.grad  # scikit-image's sums of small values are rounded
        maps[0] = 0
        maps[1] = maps[1].abs()
        if decoder is trained and torch.equal(asked, target):
            maps[1] = -maps[1]  # an original map without a positive value: K = 0
            maps[2] = -maps[2].abs()
        return maps

    return explain


@pytest.fixture(scope="module")
def explained(case):
    decoder, x, target, truth, _ = case
    return choose_explained(decoder, x, target, N_CLASSES, SEED, 6, None, truth)


def topographies(maps, info):
    """Pictures with zeros outside the head; that they are MNE's has a test of its own."""
    return topography(torch.from_numpy(maps), info).numpy()


@pytest.fixture(scope="module")
def plainly(case, explained):
    """Of each check and domain the pairs (changed map, what it is compared with), as arrays."""
    truth, info = case[3][explained.chosen].double().numpy(), case[4]
    explain = explainer(explained.decoder, explained.target)
    decoder, x, target = explained.decoder, explained.x, explained.target
    original = explain(decoder, x, target)
    changed = {
        ("target_swap", 1): explain(decoder, x, swap_targets(target, N_CLASSES, SEED)),
        **{
            ("cascade", step): explain(other, x, target)
            for step, (_, other) in enumerate(cascade(decoder, x, SEED), start=1)
        },
        **{(name, 0): maps for name, maps in noise_maps(original, SEED).items()},
    }
    arrays = {key: maps.double().numpy() for key, maps in changed.items()}
    own = original.double().numpy()
    shown, drawn = topographies(own, info), topographies(truth, info)
    return {
        (("ground_truth", 0), "channel_time"): (own, abs(truth)),
        (("ground_truth", 0), "topography"): (shown, abs(drawn)),
        **{(key, "channel_time"): (maps, own) for key, maps in arrays.items()},
        **{(key, "topography"): (topographies(maps, info), shown) for key, maps in arrays.items()},
    }


def evaluated(case, method, spec=STUDY):
    decoder, x, target, truth, info = case
    chosen = choose_explained(decoder, x, target, N_CLASSES, SEED, spec.n_trials, None, truth)
    explain = explainer(decoder, chosen.target)
    return evaluate(explain, decoder, x, target, truth, N_CLASSES, info, SEED, spec, method=method)


@pytest.mark.parametrize("method", ["DeepLift", METHODS_ORIGINAL_FIRST[0]])
def test_every_number_is_what_the_study_would_have_computed(case, plainly, method):
    table = evaluated(case, method).set_index(["check", "step", "domain"]).sort_index()
    for (where, domain), (changed, other) in plainly.items():
        rows = table.loc[(*where, domain)].set_index("metric")
        turned = method != "DeepLift" and where[0] == "cascade" and domain == "channel_time"
        expected, n_skipped = study_scores(*((other, changed) if turned else (changed, other)))
        assert set(rows.index) == NAMES
        found = {name: (rows["mean"][name], rows["std"][name]) for name in NAMES}
        for name in NAMES:
            assert found[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-9), (
                where,
                domain,
                name,
            )
        assert (rows["n_zero_rows"] == n_skipped).all()
        assert (rows["n_trials"] == 6).all()


def test_the_made_up_maps_reach_every_special_case(plainly):
    changed, original = plainly[("cascade", 1), "channel_time"]
    pairs = zip(changed, original, strict=True)
    skipped = [not (one > 0).any() or not other.any() for one, other in pairs]
    without_k = [other.any() and not (other > 0).any() for other in original]
    assert skipped == [True] + [False] * 5
    assert without_k == [False, True, True, False, False, False]


def test_a_trial_without_a_planted_signal_is_a_row_of_zeros(case):
    decoder, x, target, truth, info = case
    silent = truth.clone()
    silent[:8] = 0
    table = evaluated((decoder, x, target, silent, info), "DeepLift")
    rows = table[table["check"] == "ground_truth"]
    assert (rows["n_valid"] == 6).all()
    assert (rows["n_zero_rows"] >= 2).all()


def test_the_corrected_mode_has_no_zero_rows(case):
    table = evaluated(case, "DeepLift", EvaluationSpec(n_trials=6))
    assert (table["n_zero_rows"] == 0).all()


def test_the_study_counts_every_value_that_is_not_zero():
    assert (STUDY.truth_threshold, EvaluationSpec().truth_threshold) == (0.0, 0.05)
    assert EvaluationSpec(mode="study", truth_threshold=0) == EvaluationSpec(mode="study")


@pytest.mark.parametrize(
    ("contradiction", "message"),
    [
        ({"truth_threshold": 0.05}, "truth_threshold=0.05 contradicts mode 'study'"),
        ({"checks": ("target_swap", "bottom_up")}, "'bottom_up' contradicts mode 'study'"),
        ({"use_permutations": 3}, "use_permutations"),
        ({"mode": "studdy"}, "mode"),
    ],
)
def test_settings_that_contradict_the_study_are_refused(contradiction, message):
    with pytest.raises(ValueError, match=message) as raised:
        EvaluationSpec(**{"mode": "study", **contradiction})
    assert "\n" not in str(raised.value)


def test_white_noise_has_no_correlation_and_its_magnitude_a_high_cosine(case):
    table = evaluated(case, "DeepLift").set_index(["check", "domain", "metric"])["mean"]
    maps = torch.ones(3, 62, 250) + 0.1 * torch.rand(3, 62, 250)
    noise = noise_maps(maps, 0)
    for kind in noise.values():
        assert abs(similarity(kind, maps)["pearson_raw"]).max() < 0.03
    assert (noise["noise_magnitude"] >= 0).all()
    assert torch.equal(noise["noise"], noise_maps(maps, 0)["noise"])
    assert np.isfinite(table["noise_magnitude", "channel_time", "cosine_raw"])
