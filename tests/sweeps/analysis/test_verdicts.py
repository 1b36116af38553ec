"""Verdicts: a perfect explanation passes at every level, one that knows nothing never does."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from eegxai.attribution import Validity
from eegxai.evaluation import EvaluationSpec, evaluate, ideal_observer
from eegxai.evaluation.scoring import HEADLINE
from eegxai.seeding import torch_generator
from eegxai.simulation import simulate
from eegxai.simulation.feature_spec import ClassSpec, FeatureSpec, Signal, Spread
from sweeps.analysis.conditions import NO_SCORE, REFUTED, SHOWN, STATE_ORDER, UNDECIDED, UNTESTABLE
from sweeps.analysis.one_decoder import decoder_headline
from sweeps.analysis.summary import headline
from sweeps.analysis.verdicts import (
    DUPLICATE,
    FAILS,
    NOT_APPLICABLE,
    PASSES,
    PROPERTIES,
    TOLD,
    judged,
    verdict_on,
    verdict_text,
)
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.design.thresholds import Thresholds
from sweeps.report.verdict_tables import narrow_cell, property_cell
from sweeps.scores.table import tidy_scores
from sweeps.store.records import MethodScores
from tests.finished_cells import RECORD

LEVELS = (-3.5, -12.0, -16.0, -19.0, -23.0)
PLACES = {150: (-40, -21, 51), 500: (40, -21, 51), 850: (0, -50, 45)}  # ms, and where in MNI mm
N_TRIALS, N_EXPLAINED = 36, 14
ELECTRODES = "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2 FC1 FC2 CP1 CP2 Oz"
# From worst to best.
RANKS = {verdict: rank for rank, verdict in enumerate((FAILS, UNDECIDED, PASSES))}


class MatchedFilters(nn.Module):
    """The ideal observer of signals without jitter: a template of each class."""

    def __init__(self, templates, signals):
        super().__init__()
        self.filters = nn.Linear(templates[0].numel(), len(templates))
        with torch.no_grad():
            self.filters.weight.copy_(templates.flatten(1))
            self.filters.bias.copy_(-(templates * signals).flatten(1).sum(1) / 2)

    def forward(self, x):
        return self.filters(x.flatten(1))


def contributions(decoder, x, target):
    """What the decision for a class owes to each value: exact for matched filters."""
    return x * decoder.filters.weight[target].reshape(x.shape)


def random_maps(decoder, x, target):
    return torch.randn(x.shape, generator=torch_generator(0, "random maps"))


def magnitude(decoder, x, target):
    return x.abs()


def worse(share):
    """Contributions of which a share is noise."""

    def explain(decoder, x, target):
        good, noise = contributions(decoder, x, target), random_maps(decoder, x, target)
        return (1 - share) * good / good.std() + share * noise

    return explain


@cache
def observed(snr_db):
    """Trials at a level, the matched filters of their classes, and the same untrained."""
    classes = [
        ClassSpec(
            name=f"N{ms}",
            dipoles=(place,),
            signals=(
                Signal(
                    name=f"N{ms}",
                    kind="peak",
                    latency_ms=Spread(ms),
                    width_ms=Spread(120),
                    amplitude=Spread(7),
                ),
            ),
        )
        for ms, place in PLACES.items()
    ]
    feature = FeatureSpec(name="fixed", classes=tuple(classes))
    eeg = simulate(
        feature, snr_db, seed=0, n_trials=N_TRIALS, sfreq=100.0, montage=ELECTRODES.split()
    )
    ideal = ideal_observer(eeg, np.arange(N_TRIALS))
    first = [int(np.flatnonzero(eeg.y == label)[0]) for label in range(len(classes))]
    templates, signals = (torch.from_numpy(a[first]) for a in (ideal.template, eeg.ground_truth))
    trained, untrained = (MatchedFilters(templates, signals) for _ in range(2))
    with torch.no_grad():
        untrained.filters.reset_parameters()
    return eeg, ideal, trained.eval(), untrained.eval()


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    path = tmp_path_factory.mktemp("cell") / "one.yaml"
    path.write_text("name: one\ngrid: {feature: temporal, snr_db: 0, method: Gradient}\n")
    return next(method_cells(load(path)))


def tidy_of(cell, explain, snr_db, trained=True):
    """Scores of a way to explain the ideal observer, or a decoder that knows nothing."""
    eeg, ideal, *decoders = observed(snr_db)
    decoder = decoders[0 if trained else 1]
    x, signal = torch.from_numpy(eeg.x), torch.from_numpy(eeg.ground_truth)
    target = torch.from_numpy(eeg.y)
    of = (explain, decoder, x, target, signal, len(PLACES), eeg.info, 0)
    table = evaluate(*of, EvaluationSpec(n_trials=N_EXPLAINED), ideal=ideal)
    record = MethodScores(table=table, validity=Validity("ok"), accuracy=1.0, **RECORD)
    return tidy_scores([(cell, record)])


def verdict_row(cell, *case, **options):
    """The verdict on such scores."""
    return judged(headline(tidy_of(cell, *case, **options))).iloc[0]


@pytest.mark.parametrize("snr_db", LEVELS)
def test_the_ideal_observer_passes_at_every_level(cell, snr_db):
    row = verdict_row(cell, contributions, snr_db)
    states = {one.column: row[one.column] for one in PROPERTIES}
    assert (row["verdict"], row["verdict_on"]) == (PASSES, ""), states
    assert set(states.values()) == {SHOWN}
    assert row["efficiency"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("snr_db", [LEVELS[0], LEVELS[-1]])
@pytest.mark.parametrize("explain", [random_maps, magnitude], ids=lambda one: one.__name__)
def test_what_does_not_know_the_decoder_fails(cell, explain, snr_db):
    row = verdict_row(cell, explain, snr_db)
    assert row["verdict"] == FAILS
    assert row["finds_signal"] != SHOWN


@pytest.mark.parametrize("snr_db", [LEVELS[0], LEVELS[-1]])
def test_a_good_method_on_an_untrained_decoder_does_not_pass(cell, snr_db):
    row = verdict_row(cell, contributions, snr_db, trained=False)
    assert row["verdict"] != PASSES
    assert row["finds_signal"] != SHOWN


@pytest.mark.slow
def test_a_verdict_does_not_improve_when_maps_get_worse(cell):
    rows = [verdict_row(cell, worse(share), -16.0) for share in (0, 0.5, 0.8, 1)]
    ranks = [RANKS[row["verdict"]] for row in rows]
    assert ranks == sorted(ranks, reverse=True)
    assert (ranks[0], ranks[-1]) == (RANKS[PASSES], RANKS[FAILS])
    for name in ("finds_signal", "efficient", "faithful"):
        order = [STATE_ORDER[row[name]] for row in rows]
        assert order == sorted(order, reverse=True), name


def test_one_decoder_is_read_as_its_headline_has_it(cell):
    tidy = tidy_of(cell, worse(0.5), -12.0)
    row, expected = decoder_headline(tidy), judged(headline(tidy)).iloc[0]
    common = [name for name in row if name in expected]
    assert {"over_untrained_low", "efficiency_high", "used_r", "null_r", "n_layers"} < {*common}
    verdict = verdict_on(row)
    assert verdict_text(row | verdict) == verdict_text(expected)
    found = pd.Series({**{name: row[name] for name in common}, **verdict}, dtype=object)
    expected = expected[list(found.index)].astype(object)
    pd.testing.assert_series_equal(found, expected, check_names=False, check_exact=False)


GOOD = {
    "feature": "temporal", "method": "LRP", "n_decoders": 3, "n_seeds": 3, "flagged": 0,
    "n_unusable": 0, "n_duplicate": 0, "duplicate_of": "", "class_testable": True, "null_r": 0.1,
    "n_layers": 8,
}  # fmt: skip
NUMBERS = {
    "over_chance": 0.5, "over_untrained": 0.5, "over_input": 0.1, "study_over_chance": 0.2,
    "efficiency": 0.8, "input_efficiency": 0.3, "used_r": 0.9, "class_r": 0.1, "model_r": 0.1,
    "cascade_area": 0.3,
}  # fmt: skip


def made_up(thresholds=None, half=0.05, **changes):
    """The verdict on a made-up row of the headline; changes replace numbers or other columns."""
    numbers = {name: changes.get(name, number) for name, number in NUMBERS.items()}
    ends = {f"{name}_low": number - half for name, number in numbers.items()}
    ends |= {f"{name}_high": number + half for name, number in numbers.items()}
    row = {**GOOD, **numbers, **ends, **changes}
    return judged(pd.DataFrame([row]), thresholds or Thresholds()).iloc[0]


def test_a_method_that_shows_everything_passes():
    row = made_up()
    assert (row["verdict"], row["study_verdict"], row["beyond_input"]) == (PASSES, SHOWN, SHOWN)


@pytest.mark.parametrize(
    ("changes", "verdict", "on"),
    [
        ({"over_chance": -0.2}, FAILS, "finds the signal"),
        ({"over_untrained": 0.01}, UNDECIDED, "finds the signal"),
        ({"over_untrained": -0.06}, FAILS, "finds the signal"),
        ({"efficiency": 0.52}, UNDECIDED, "efficient"),
        ({"efficiency": 0.2, "used_r": 0.72}, FAILS, "efficient"),
        ({"used_r": 0.6}, FAILS, "faithful"),
        ({"class_r": 0.9}, FAILS, "class-specific"),
        ({"class_r": 0.9, "null_r": 0.96}, PASSES, ""),
        ({"class_r": np.nan, "class_testable": False}, PASSES, ""),
        ({"model_r": 0.1, "cascade_area": 0.7}, FAILS, "model-specific"),
        ({"cascade_area": 0.6, "n_layers": 1}, PASSES, ""),  # at least 0.5 with one layer
        ({"model_r": 0.52, "cascade_area": 0.2}, UNDECIDED, "model-specific"),
        ({"flagged": 1}, FAILS, "applicable"),
        ({"flagged": 3, "n_duplicate": 3, "duplicate_of": "Gradient"}, DUPLICATE, ""),
        ({"flagged": 3, "n_unusable": 3}, NOT_APPLICABLE, ""),
        ({"over_chance": np.nan, "over_untrained": np.nan}, NO_SCORE, ""),
        ({"used_r": np.nan}, UNDECIDED, "faithful"),
        ({"class_r": 0.0, "class_r_zero_rows": 1.0}, UNDECIDED, "class-specific"),
        ({"class_r": 0.0, "class_r_zero_rows": 0.9}, PASSES, ""),
        ({"over_input": -0.3}, PASSES, ""),  # information, no part of the verdict
    ],
)
def test_each_property_is_shown_refuted_or_undecided(changes, verdict, on):
    row = made_up(**changes)
    assert (row["verdict"], row["verdict_on"]) == (verdict, on)


def test_the_number_that_decides_is_beside_the_state():
    row = made_up(over_chance=0.5, over_untrained=0.2)
    found = [row[f"finds_signal{end}"] for end in ("", "_value", "_low", "_high", "_level")]
    assert found == [SHOWN, 0.2, pytest.approx(0.15), pytest.approx(0.25), 0]
    assert made_up(class_r=0.3, null_r=0.6)["class_specific_level"] == 0.6


@pytest.mark.parametrize(
    ("numbers", "told", "column", "letter"),
    [
        ({"over_chance": 0.2, "over_untrained": 0.3}, "finds_signal", "over_chance", ""),
        ({"over_chance": 0.3, "over_untrained": 0.2}, "finds_signal", "over_untrained", ""),
        ({"model_r": 0.2, "cascade_area": 0.9}, "model_specific", "cascade_area", "a"),
        ({"model_r": 0.9, "cascade_area": 0.2}, "model_specific", "model_r", ""),
    ],
)
def test_which_of_two_numbers_decides_is_named(numbers, told, column, letter):
    row = made_up(**numbers)
    assert row[f"{told}_number"] == column
    assert row[f"{told}_value"] == numbers[column]
    shown = f"{numbers[column]:.2f}"
    assert property_cell(row, TOLD[told]).text.endswith(f" {shown}{letter}")
    assert f"{shown[1:]}{letter}±.05" in narrow_cell(row, TOLD[told]).text


def test_thresholds_are_those_of_the_configuration():
    strict = Thresholds(efficiency=0.9, use_correlation=0.95, similarity=0.04)
    row = made_up(strict, null_r=0.0)
    assert row["verdict_on"] == "efficient, class-specific, model-specific"
    assert (row["verdict"], row["faithful"]) == (FAILS, UNDECIDED)
    assert row["study_verdict"] == SHOWN  # whose own stay


def test_the_recording_is_beaten_only_where_the_ideal_observer_beats_it():
    assert made_up(over_input=-0.2)["beyond_input"] == REFUTED
    row = made_up(over_input=-0.2, input_efficiency=0.97)
    assert (row["beyond_input"], row["beyond_input_decided_by"]) == (UNTESTABLE, "a lower SNR")
    assert made_up(over_input=0.2, input_efficiency=0.97)["beyond_input"] == SHOWN


@pytest.mark.parametrize(
    ("n_seeds", "efficiency", "advice"),
    [
        (3, 0.54, "about 5 seeds"),  # 0.05 / 0.04, squared, times 3
        (1, 0.54, "about 2 times the trials explained"),
        (1, 0.5001, "over 100 times the data: the number is too near its level"),
    ],
)
def test_what_would_decide_is_said(n_seeds, efficiency, advice):
    row = made_up(n_seeds=n_seeds, efficiency=efficiency)
    assert (row["efficient"], row["efficient_decided_by"]) == (UNDECIDED, advice)


def test_without_an_interval_nothing_is_shown_or_refuted():
    row = made_up(half=np.nan)
    assert (row["verdict"], row["efficient_decided_by"]) == (UNDECIDED, "more trials or seeds")
    assert made_up(n_layers=np.nan)["model_specific"] == UNDECIDED  # nor without a level


def test_the_headline_of_an_own_feature_type_is_the_one_of_temporal():
    assert HEADLINE["fixed"] == HEADLINE["temporal"]
