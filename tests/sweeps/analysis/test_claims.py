"""Claims of a study on made-up tables: each rule, each gap, each number."""

from dataclasses import replace
from itertools import product
from string import ascii_uppercase

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from eegxai.evaluation import CALIBRATED_METRICS, SIMILARITIES, STUDY_METRICS
from eegxai.evaluation.bounds import CORRELATION
from eegxai.statistics import student_interval
from sweeps.analysis.claims.evidence import Evidence, interval_shows
from sweeps.analysis.claims.rules import RULES, all_of, negated
from sweeps.analysis.claims.sentences import merged
from sweeps.analysis.claims.study import Claim, Measure, Study
from sweeps.analysis.claims.supply import overrides_that_decide
from sweeps.analysis.claims.verdicts import (
    CANNOT_BE_DECIDED,
    DOES_NOT_HOLD,
    HOLDS,
    decide,
    load_study,
)
from sweeps.analysis.quantity import HEADLINES
from sweeps.design.config_file import ConfigError, load
from sweeps.scores.selection import without_chance_decoders
from tests.paths import ROOT
from tests.tidy_tables import as_tidy

SWAP = {"check": "target_swap", "metric": "pearson_raw"}
ALIKE, SPECIFIC = {**SWAP, "asks": "at least"}, {**SWAP, "asks": "below"}
HIGH, LOW, BETWEEN = (0.79, 0.8, 0.81), (0.09, 0.1, 0.11), (0.2, 0.5, 0.8)
NO_SCORES = "no seed has pearson_raw in target_swap on all its cells for A"
ANSWERS = [True, None, False]


def scores(
    method, values, check="target_swap", metric="pearson_raw", step=1, feature="temporal",
    snr_db=-3.5, architecture="deepnet",
):  # fmt: skip
    """Scores of a method, one decoder for each seed."""
    domain = "topography" if feature == "spatial" else "channel_time"
    rows = [
        {"seed": seed, "mean": value, "feature": feature, "snr_db": snr_db, "fold": 0}
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(
        method=method, check=check, metric=metric, step=step, domain=domain,
        architecture=architecture,
    )  # fmt: skip


def study(rule="every", methods=("A",), conditions=(ALIKE,), features=("temporal",), **claim):
    evaluation = {"methods": list(methods), "conditions": list(conditions)}
    if "agreements" in claim:
        evaluation = {"methods": list(methods), "agreements": claim.pop("agreements")}
    fields = {"id": 1, "statement": "?", "source": "?", "rule": rule, "study": evaluation}
    claims = [{**fields, **claim}]
    return Study(
        title="?", features=features, snr_db=(-3.5, -12), architecture="deepnet", claims=claims
    )


def decided(asked, *parts):
    """The one claim of a study on scores."""
    return decide(asked, as_tidy(list(parts))).claims.iloc[0]


def test_what_maps_that_know_nothing_reach_stands_beside_a_similarity():
    nulls = [
        scores("A", values, check) for check, values in (("noise", LOW), ("surrogate", BETWEEN))
    ]
    found = decided(study(), scores("A", HIGH), *nulls)
    assert found["detail"] == "maps without any information reach 0.50"
    table = decide(study(), as_tidy([scores("A", HIGH), *nulls])).numbers
    assert table["null"].tolist() == [pytest.approx(0.5)]
    assert decided(study(), scores("A", HIGH))["detail"] == ""


def test_an_infinite_score_is_no_score():
    found = decided(study(), scores("A", (np.inf, 0.8, 0.81, 0.79)))
    assert (found["verdict"], found["n_seeds"]) == (HOLDS, 3)


@given(*[some.floats(-1, 1)] * 3)
def test_an_interval_shows_a_side_the_other_or_neither(one, other, threshold):
    low, high = sorted([one, other])
    expected = True if low >= threshold else False if high < threshold else None
    assert interval_shows("at least", low, high, threshold) is expected
    assert interval_shows("below", low, high, threshold) is negated(expected)
    above = True if low > threshold else False if high <= threshold else None
    assert interval_shows("above", low, high, threshold) is above
    assert interval_shows("below", np.nan, np.nan, threshold) is None


@given(some.lists(some.sampled_from(ANSWERS)))
def test_answers_are_joined_by_kleenes_logic(answers):
    rank = {False: 0, None: 1, True: 2}
    assert rank[all_of(answers)] == min(map(rank.get, answers), default=2)


@pytest.mark.parametrize(
    ("values", "verdict", "lacking"),
    [
        (HIGH, HOLDS, ""),
        (LOW, DOES_NOT_HOLD, ""),
        (BETWEEN, CANNOT_BE_DECIDED, "interval contains the threshold 0.5"),
        ((0.9,), CANNOT_BE_DECIDED, "needs at least 2 seeds with all their cells, has 1"),
        ((np.nan, np.nan), CANNOT_BE_DECIDED, NO_SCORES),
    ],
)  # fmt: skip
def test_every_is_decided_by_the_interval_over_seeds(values, verdict, lacking):
    row = decided(study(), scores("A", values))
    assert (row["verdict"], row["lacking"]) == (verdict, lacking)


@settings(max_examples=10, deadline=None)
@given(some.lists(some.floats(-1, 1).map(lambda value: round(value, 3)), min_size=2, max_size=6))
def test_the_number_is_students_interval_over_seeds(values):
    row = decided(study(), scores("A", values))
    mean, low, high, n = student_interval(values, CORRELATION)
    assert row["n_seeds"] == n
    found = row[["value", "low", "high"]].astype(float)
    np.testing.assert_allclose(found, [mean, low, high], atol=1e-12)
    if not np.isclose([low, high], 0.5).any():
        assert row["verdict"] == (
            HOLDS if low >= 0.5 else DOES_NOT_HOLD if high < 0.5 else CANNOT_BE_DECIDED
        )


@pytest.mark.parametrize(
    ("parts", "lacking"),
    [
        ([scores("B", HIGH)], "no cells of method A"),
        ([scores("A", HIGH, architecture="eegnet")], "no cells of architecture deepnet"),
        ([scores("A", HIGH)], "no cells of feature spatial"),
        ([scores("A", HIGH), scores("B", HIGH, feature="spatial")],
         "no cells of feature spatial for A"),
        ([scores("A", HIGH), scores("A", HIGH, feature="spatial", metric="ssim_minmax")],
         NO_SCORES),
    ],
)  # fmt: skip
def test_what_is_lacking_is_named(parts, lacking):
    row = decided(study(features=("temporal", "spatial")), *parts)
    assert (row["verdict"], row["lacking"]) == (CANNOT_BE_DECIDED, lacking)


def test_decoders_at_chance_decide_nothing_and_are_named():
    values = {-3.5: HIGH, -12.0: LOW}
    parts = [
        scores("A", mean, snr_db=snr_db).assign(at_chance=snr_db == -12, flags="")
        for snr_db, mean in values.items()
    ]
    tidy = as_tidy(parts)
    by_level, whole = study(by=["feature", "snr_db"]), study()
    assert decide(whole, without_chance_decoders(tidy)).claims["verdict"].tolist() == [HOLDS]
    assert decide(whole, tidy).claims["value"].iloc[0] == pytest.approx(0.45)
    row = decide(by_level, without_chance_decoders(tidy)).claims.iloc[0]
    assert row["verdict"] == CANNOT_BE_DECIDED
    assert row["lacking"] == "all decoders are at chance on temporal -12"


def test_one_feature_type_refutes_what_is_claimed_of_all():
    row = decided(study(features=("temporal", "spatial")), scores("A", LOW))
    assert (row["verdict"], row["lacking"]) == (DOES_NOT_HOLD, "")


def test_nothing_scored_decides_nothing():
    claims = decide(load_study(), as_tidy([])).claims
    assert (claims["verdict"] == CANNOT_BE_DECIDED).all()
    assert claims["lacking"].str.contains("no cells of architecture deepnet").all()


def test_the_study_and_the_corrected_evaluation_are_decided_apart():
    corrected = {"methods": ["B"], "conditions": [ALIKE]}
    asked = study(corrected=corrected)
    claims = decide(asked, as_tidy([scores("A", HIGH), scores("B", LOW)])).claims
    assert list(claims["evaluation"]) == ["study", "corrected"]
    assert list(claims["verdict"]) == [HOLDS, DOES_NOT_HOLD]


def test_seeds_that_lack_a_decoder_are_left_out():
    parts = [scores("A", (0.8, 0.9, 0.1)), scores("A", (0.6, 0.7), snr_db=-12)]
    row = decided(study(), *parts)
    assert row["value"] == pytest.approx(0.75)
    assert row["n_seeds"] == 2


def test_levels_are_judged_apart_where_that_is_asked():
    row = decided(study(by=["feature", "snr_db"]), scores("A", HIGH), scores("A", LOW, snr_db=-12))
    assert row["verdict"] == DOES_NOT_HOLD
    assert row["number"] == "pearson_raw in target_swap, A temporal -12 dB"
    alone = decided(study(by=["feature", "snr_db"]), scores("A", HIGH))
    assert (alone["verdict"], alone["lacking"]) == (CANNOT_BE_DECIDED, "no cells of snr_db -12")


def cascade(values_by_step, **fields):
    return [
        scores("A", values, check="cascade", step=step, **fields)
        for step, values in values_by_step.items()
    ]


def test_the_cascade_is_read_at_its_end_or_as_the_mean_over_its_steps():
    last = {"check": "cascade", "metric": "pearson_raw", "asks": "at least"}
    parts = cascade({1: HIGH, 2: LOW})
    assert decided(study(conditions=[last]), *parts)["value"] == pytest.approx(0.1)
    mean = study(conditions=[{**last, "steps": "mean"}])
    assert decided(mean, *parts)["value"] == pytest.approx(0.45)


def test_a_mean_over_steps_of_which_some_are_missing_is_not_known():
    condition = {"check": "cascade", "metric": "pearson_raw", "asks": "at least", "steps": "mean"}
    for steps in ({2: HIGH}, {1: HIGH, 3: HIGH}):
        row = decided(study(conditions=[condition]), *cascade(steps))
        assert row["verdict"] == CANNOT_BE_DECIDED
        assert "mean over the steps" in row["lacking"]


def test_a_margin_is_paired_on_each_decoder():
    truth = {"step": 0, "metric": "mass_clipped"}
    condition = {"metric": "study", "less": "same_spectrum", "asks": "above", "threshold": 0}
    row = decided(
        study(conditions=[condition]),
        scores("A", (0.2, 0.5, 0.8), check="ground_truth", **truth),
        scores("A", (0.1, 0.4, 0.7), check="same_spectrum", **truth),
    )
    assert row["verdict"] == HOLDS
    assert row["value"] == pytest.approx(0.1)
    equal = [scores("A", HIGH, check=check, **truth) for check in ("ground_truth", "same_spectrum")]
    assert decided(study(conditions=[condition]), *equal)["verdict"] == DOES_NOT_HOLD


@pytest.mark.parametrize(
    ("values", "fewest", "verdict", "number"),
    [
        ((HIGH, HIGH, LOW), 2, HOLDS, (2, 2, 2)),
        ((HIGH, LOW, LOW), 2, DOES_NOT_HOLD, (1, 1, 1)),
        ((HIGH, BETWEEN, LOW), 2, CANNOT_BE_DECIDED, (2, 1, 2)),
        ((HIGH, HIGH, BETWEEN), 2, HOLDS, (3, 2, 3)),
        ((HIGH, HIGH), 2, HOLDS, (2, 2, 3)),
        ((LOW, LOW), 2, DOES_NOT_HOLD, (0, 0, 1)),
    ],
)
def test_several_counts_the_methods_that_surely_miss_a_condition(values, fewest, verdict, number):
    asked = study("several", "ABC", [SPECIFIC], fewest=fewest)
    row = decided(asked, *(scores(name, own) for name, own in zip("ABC", values, strict=False)))
    assert row["verdict"] == verdict
    assert tuple(row[["value", "low", "high"]]) == number
    assert ("no cells of method C" in row["lacking"]) == (
        verdict == CANNOT_BE_DECIDED and len(values) < 3
    )


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((LOW, HIGH, HIGH), HOLDS),
        ((LOW, LOW, HIGH), DOES_NOT_HOLD),
        ((HIGH, HIGH, HIGH), DOES_NOT_HOLD),
        ((BETWEEN, HIGH, HIGH), CANNOT_BE_DECIDED),
        ((LOW, HIGH, BETWEEN), CANNOT_BE_DECIDED),
        ((LOW, HIGH), CANNOT_BE_DECIDED),
        ((LOW, LOW), DOES_NOT_HOLD),
    ],
)
def test_only_needs_the_first_method_and_the_failure_of_all_others(values, verdict):
    parts = [scores(name, own) for name, own in zip("ABC", values, strict=False)]
    assert decided(study("only", "ABC", [SPECIFIC]), *parts)["verdict"] == verdict


def evidence_of(answers):
    """One row per method, whose interval gives its answer to "below 0.5"."""
    bounds = {True: (0.0, 0.1), False: (0.8, 0.9), None: (0.4, 0.6)}
    low, high = np.array([bounds[answer] for answer in answers]).T
    table = pd.DataFrame(
        {"method": list(ascii_uppercase[: len(answers)]), "low": low, "high": high}
    )
    known = {"number": "?", "asks": "below", "threshold": np.nan, "n_seeds": 3, "lacking": ""}
    own = table.assign(mean=(low + high) / 2, null=np.nan, feature="temporal", **known)
    return Evidence(("feature",), own)


@settings(max_examples=30, deadline=None)
@given(some.lists(some.sampled_from(ANSWERS), min_size=1, max_size=5), some.integers(1, 3))
def test_rules_follow_from_the_answers_on_each_method(answers, fewest):
    asked = study(fewest=fewest)
    holds = {
        name: RULES[name].decide(evidence_of(answers), 0.5, asked.claims[0], asked).holds
        for name in ("every", "only", "several")
    }
    n_missed, n_open = answers.count(False), answers.count(None)
    several = True if n_missed >= fewest else False if n_missed + n_open < fewest else None
    assert holds["every"] is all_of(answers)
    assert holds["only"] is all_of([answers[0], *map(negated, answers[1:])])
    assert holds["several"] is several


@pytest.mark.parametrize(
    ("values", "verdict", "number"),
    [
        ((HIGH, LOW), HOLDS, (0, 0, 0)),
        ((HIGH, (0.39, 0.4, 0.41)), DOES_NOT_HOLD, (1, 1, 1)),
        ((HIGH, (0.28, 0.3, 0.32)), CANNOT_BE_DECIDED, (1, 0, 1)),
        ((HIGH,), CANNOT_BE_DECIDED, (0, 0, 1)),
    ],
)
def test_insensitive_looks_for_answers_between_the_other_thresholds(values, verdict, number):
    parts = [scores(name, own) for name, own in zip("AB", values, strict=False)]
    row = decided(study("insensitive", "AB", [SPECIFIC]), *parts)
    assert row["verdict"] == verdict
    assert tuple(row[["value", "low", "high"]]) == number
    assert row["at_0.3"] == row["at_0.7"] == ""
    n_low = sum(np.mean(own) < 0.3 for own in values)
    assert f"{n_low} at 0.3" in row["detail"]


def test_a_claim_is_decided_again_at_other_thresholds():
    row = decided(study(), scores("A", (0.59, 0.6, 0.61)))
    assert (row["at_0.3"], row["verdict"], row["at_0.7"]) == (HOLDS, HOLDS, DOES_NOT_HOLD)
    fixed = decided(study(conditions=[{**ALIKE, "threshold": 0.5}]), scores("A", HIGH))
    assert (fixed["at_0.3"], fixed["at_0.7"]) == ("", "")


TRUTH = {"check": "ground_truth", "step": 0}


def rankings(second):
    """Three methods ranked A, B, C by one metric and as told by another, on three seeds."""
    for place, method in enumerate("ABC"):
        yield scores(method, np.array(HIGH) - place, metric="mass_clipped", **TRUTH)
        yield scores(method, np.array(HIGH) - second.index(method), metric="rank", **TRUTH)


def agreement(asks="at least", second="rank"):
    two = [{"metric": "mass_clipped"}, {"metric": second}]
    return study(methods="ABC", agreements=[{"rankings": two, "asks": asks, "threshold": 0.5}])


def replace_methods(asked, methods):
    """A study of one claim, about other methods."""
    (claim,) = asked.claims
    evaluation = replace(claim.study, methods=tuple(methods))
    return replace(asked, claims=(replace(claim, study=evaluation),))


@pytest.mark.parametrize("second", ["ABC", "ACB", "CBA"])
def test_the_agreement_of_two_rankings_is_spearmans_correlation(second):
    row = decided(agreement(), *rankings(second))
    rho = stats.spearmanr(range(3), [second.index(method) for method in "ABC"]).statistic
    assert row["value"] == pytest.approx(rho)
    assert row["verdict"] == (HOLDS if rho >= 0.5 else DOES_NOT_HOLD)
    opposite = decided(agreement("below"), *rankings(second))
    assert {row["verdict"], opposite["verdict"]} == {HOLDS, DOES_NOT_HOLD}


def test_similarities_and_errors_rank_methods_upwards():
    parts = [
        *rankings("ABC"),
        *(scores(method, np.array(LOW) + place) for place, method in enumerate("ABC")),
    ]
    two = [{"metric": "mass_clipped"}, SWAP]
    asked = study(methods="ABC", agreements=[{"rankings": two, "asks": "below", "threshold": 0.5}])
    assert decided(asked, *parts)["value"] == pytest.approx(1)


def test_a_swap_between_two_classes_is_not_testable():
    tidy = as_tidy([scores("A", HIGH)]).assign(class_testable=False)
    row = decide(study(methods="A"), tidy).claims.iloc[0]
    assert row["verdict"] == CANNOT_BE_DECIDED
    assert row["lacking"] == "another class is not testable on temporal, of two classes"


def test_rankings_need_every_method_and_metric():
    lacks_a_method = [part for part in rankings("ABC") if part["method"].iloc[0] != "C"]
    assert decided(agreement(), *lacks_a_method)["lacking"] == "no cells of method C"
    row = decided(agreement(second="cosine_raw"), *rankings("ABC"))
    assert row["lacking"] == "no seed has all 2 rankings on all its cells for all 3 methods"


@pytest.mark.parametrize("undefined", [None, np.nan])
def test_methods_without_a_score_by_design_are_not_ranked(undefined):
    ranked = list(rankings("CBA"))
    fourth = [scores("D", HIGH, metric="mass_clipped", **TRUTH)]
    if undefined is not None:
        fourth.append(scores("D", [undefined] * 3, metric="rank", **TRUTH))
    asked = replace_methods(agreement(), "ABCD")
    found = decide(asked, as_tidy([*ranked, *fourth]))
    assert found.numbers["method"].tolist() == ["3 of 4 methods"]
    assert found.claims.iloc[0][["value", "verdict"]].tolist() == [pytest.approx(-1), DOES_NOT_HOLD]
    assert decided(asked, *ranked)["lacking"] == "no cells of method D"


def test_a_method_that_lacks_one_seed_is_ranked_on_the_others():
    fourth = [scores("D", HIGH, metric="mass_clipped", **TRUTH)]
    fourth.append(scores("D", [np.nan, 1.0, 1.0], metric="rank", **TRUTH))
    row = decided(replace_methods(agreement(), "ABCD"), *rankings("ABC"), *fourth)
    assert row["n_seeds"] == 2


def on_levels(parts, levels=(-3.5, -12.0)):
    """Scores on several levels, the same on each."""
    return [part.assign(snr_db=level) for part in parts for level in levels]


def without(parts, **of):
    """All rows but those of a method, metric, seed or level."""
    for part in parts:
        there = np.logical_and.reduce([part[axis] == value for axis, value in of.items()])
        yield part[~there]


FOUR = replace_methods(agreement(), "ABCD")
RANKED_APART = [  # D, which the two metrics rank first and last
    *rankings("ABC"),
    scores("D", np.array(HIGH) + 9, metric="mass_clipped", **TRUTH),
    scores("D", np.array(HIGH) - 9, metric="rank", **TRUTH),
]


@pytest.mark.parametrize("metric", ["mass_clipped", "rank", "both"])
def test_a_method_that_lacks_a_cell_on_each_seed_is_waited_for(metric):
    parts = on_levels(RANKED_APART)
    gaps = [{"seed": 0, "snr_db": -3.5}, {"seed": 1, "snr_db": -12.0}, {"seed": 2, "snr_db": -12.0}]
    for gap in gaps:
        own = {} if metric == "both" else {"metric": metric}
        parts = list(without(parts, method="D", **own, **gap))
    row = decided(FOUR, *parts)
    assert row["verdict"] == CANNOT_BE_DECIDED
    told = {"both": "not all cells of method D"}
    assert row["lacking"] == told.get(
        metric, "no seed has all 2 rankings on all its cells for all 4 methods"
    )


def test_methods_are_ranked_on_seeds_where_all_have_the_same_cells():
    parts = list(without(on_levels(RANKED_APART), method="D", seed=1, snr_db=-12.0))
    row = decided(FOUR, *parts)
    assert (row["n_seeds"], row["value"]) == (2, pytest.approx(-0.2))
    half = list(without(on_levels(RANKED_APART), method="D", snr_db=-12.0))
    assert decided(FOUR, *half)["lacking"] == "not all cells of method D"


def test_a_level_may_be_judged_over_all_features():
    levels = [
        part.assign(feature=feature)
        for part in on_levels(RANKED_APART)
        for feature in ("temporal", "spectral")
    ]
    (claim,) = FOUR.claims
    by_level = replace(FOUR, claims=(replace(claim, by=("snr_db",)),))
    numbers = decide(by_level, as_tidy(levels)).numbers
    assert numbers["n_seeds"].tolist() == [3, 3]
    assert numbers["mean"].tolist() == pytest.approx([-0.2, -0.2])


def test_two_methods_of_many_are_no_ranking():
    first = [part for part in rankings("ABC") if part["metric"].iloc[0] == "mass_clipped"]
    few = [*first, *(part for part in rankings("ABC") if part["method"].iloc[0] != "C")]
    row = decided(agreement(), *few)
    assert row["lacking"] == "no seed has all 2 rankings on all its cells for all 3 methods"


def test_all_numbers_are_in_the_second_table():
    asked = study(methods="AB", features=("temporal", "spatial"))
    numbers = decide(asked, as_tidy([scores("A", HIGH), scores("B", LOW)])).numbers
    assert list(zip(numbers["feature"], numbers["method"], strict=True)) == list(
        product(("temporal", "spatial"), "AB")
    )
    assert list(numbers["verdict"]) == [HOLDS, DOES_NOT_HOLD, CANNOT_BE_DECIDED, CANNOT_BE_DECIDED]


def test_reasons_that_differ_in_the_last_word_are_joined():
    reasons = ["no cells of method A", "", "too few seeds", "no cells of method B"]
    assert merged(reasons) == "no cells of method A, B; too few seeds"


def test_the_studys_claims_are_of_metrics_that_there_are():
    found = load_study()
    known = {*STUDY_METRICS, *CALIBRATED_METRICS, *HEADLINES}
    similar = {metric for group in SIMILARITIES.values() for metric in group}
    for claim in found.claims:
        assert claim.rule in RULES
        for _, evaluation in claim.evaluations:
            for asked in evaluation.asked:
                for one in getattr(asked, "rankings", [asked]):
                    randomized = one.check in ("target_swap", "cascade")
                    assert one.metric in (similar if randomized else known)
    assert [claim.id for claim in found.claims] == [str(number) for number in range(1, 9)]
    assert {len(claim.study.methods) for claim in found.claims} == {1, 12}


SIX_SEEDS = {"grid.seed": "[0,1,2,3,4,5]"}
LEVELS = {"grid.snr_db": "[-3.5,-12,-16,-19,-23]"}
CORRECTED = {"grid.method": "[study,corrected]"}
OTHER_MODE = {"evaluation.mode": "corrected"}


def undecided(lacking):
    """Verdicts on a claim in both evaluations."""
    return pd.DataFrame({"verdict": [CANNOT_BE_DECIDED] * 2, "lacking": [lacking] * 2})


@pytest.mark.parametrize(
    ("claim", "evaluation", "needed"),
    [
        ("1", "study", SIX_SEEDS),
        ("1", "corrected", SIX_SEEDS),
        ("3", "corrected", CORRECTED),
        ("4", "study", LEVELS),
        ("4", "corrected", LEVELS | OTHER_MODE),
        ("7", "study", OTHER_MODE),
        ("8", "study", SIX_SEEDS),
        ("8", "corrected", CORRECTED | OTHER_MODE),
    ],
)
def test_what_may_decide_a_claim_is_what_its_sweep_lacks(claim, evaluation, needed):
    config, asked = load(ROOT / "conf" / "study-small.yaml"), load_study().only([claim])
    open_ones = undecided("interval contains the threshold 0.5")
    found = overrides_that_decide(config, asked, open_ones, finished=True)
    assert found[evaluation == "corrected"] == needed
    first = {} if needed == SIX_SEEDS else needed
    unfinished = overrides_that_decide(config, asked, open_ones, finished=False)
    assert unfinished[evaluation == "corrected"] == first
    decided = pd.DataFrame({"verdict": [HOLDS, DOES_NOT_HOLD], "lacking": ["", ""]})
    assert overrides_that_decide(config, asked, decided, finished=True) == [None, None]
    load(ROOT / "conf" / "study-small.yaml", list(map("=".join, needed.items())))


def test_a_labelled_method_needs_the_options_that_its_label_stands_for():
    few, given = "captum.KernelShap@few", "attribution.per_method.captum.KernelShap@few"
    asked = study(methods=[few], conditions=[SPECIFIC])
    config = load(ROOT / "conf" / "study-small.yaml", ["grid.feature=temporal"])
    lacking = undecided("no scores").head(1)
    (needed,) = overrides_that_decide(config, asked, lacking, finished=True)
    assert needed["grid.method"].endswith(f",{few}]")
    assert needed[given] == "{OPTION: VALUE}"
    known = load(ROOT / "conf" / "study-small.yaml", [f"{given}={{n_samples: 9}}"])
    assert given not in overrides_that_decide(known, asked, lacking, finished=True)[0]
    with pytest.raises(ConfigError, match="OPTION"):
        load(ROOT / "conf" / "study-small.yaml", [f"{given}={needed[given]}"])


@pytest.mark.parametrize(
    ("lacking", "more"),
    [
        ("interval contains the threshold 0.5", True),
        ("no seed has all 2 rankings on all its cells for all 12 methods", False),
        ("another class is not testable on spatial, of two classes", False),
        ("no seed has A on all its cells; interval contains the threshold 0", True),
    ],
)
def test_more_seeds_are_asked_for_only_where_they_can_help(lacking, more):
    config, asked = load(ROOT / "conf" / "study-small.yaml"), load_study().only(["1"])
    found = overrides_that_decide(config, asked, undecided(lacking), finished=True)
    assert found == [SIX_SEEDS if more else None] * 2


@pytest.mark.parametrize(
    ("claim", "mode"),
    [("1", {"evaluation.mode": "study"}), ("3", {"evaluation.mode": "study"}), ("4", None)],
)
def test_a_swap_between_two_classes_is_tested_by_the_mode_that_explains_logits(claim, mode):
    given = ["evaluation.mode=corrected", "grid.method=[study,corrected]"]
    config = load(ROOT / "conf" / "study-small.yaml", [*given, "=".join(*LEVELS.items())])
    lacking = undecided("another class is not testable on spatial, of two classes")
    asked = load_study().only([claim])
    _, corrected = overrides_that_decide(config, asked, lacking, finished=True)
    assert corrected == mode


@pytest.mark.parametrize(
    ("override", "metric"),
    [
        ("evaluation.weight_draws=3", "pearson_raw"),
        ("evaluation.use_permutations=4", "pearson_raw"),
        ("evaluation.checks=[target_swap,independent]", "pearson_raw"),
        ("evaluation.n_trials=12", "used_pearson"),
        ("evaluation.n_trials=12", "latency_error_ms"),
    ],
)
def test_no_mode_is_named_that_the_sweep_cannot_have_or_that_lacks_a_metric(override, metric):
    given = ["evaluation.mode=corrected", "grid.feature=temporal", override]
    config = load(ROOT / "conf" / "study-small.yaml", given)
    truth = {"metric": metric, "asks": "above", "threshold": 0}
    conditions = [SPECIFIC, truth if metric != "pearson_raw" else SPECIFIC]
    asked = study(methods=["Saliency"], conditions=conditions)
    lacking = undecided("another class is not testable on temporal, of two classes").head(1)
    assert overrides_that_decide(config, asked, lacking, finished=True) == [None]


CONDITION = ("claims", 0, "study", "conditions", 0)


COUNTED = {"id": 2, "statement": "?", "source": "?", "rule": "several", "fewest": 2}
SEVERAL_OF_ONE = {**COUNTED, "study": {"methods": ["A"], "conditions": [dict(SPECIFIC)]}}
RANKED = [{"metric": "study"}, {"metric": "calibrated"}]
AGREEMENT = {"rankings": RANKED, "asks": "below", "threshold": 0.5}
COUNTED_AGREEMENT = {**COUNTED, "study": {"methods": ["A", "B", "C"], "agreements": [AGREEMENT]}}

RANKED_TWO = {**COUNTED_AGREEMENT, "study": {"methods": ["A", "B"], "agreements": [AGREEMENT]}}
ONE_RANKING = {
    **COUNTED_AGREEMENT,
    "study": {"methods": ["A"], "agreements": [{**AGREEMENT, "rankings": RANKED[:1]}]},
}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("claims", 0, "rule"), "evry", "claim 1: rule 'evry' is unknown; did you mean 'every'"),
        (("claims", 0, "statment"), "?", "did you mean 'statement'"),
        ((*CONDITION, "check"), "target_swp", "did you mean 'target_swap'"),
        ((*CONDITION, "asks"), "over", "claim 1: claims.study.conditions.asks='over'"),
        ((*CONDITION, "metric"), "pearson_row", "claim 1: metric 'pearson_row' is unknown"),
        ((*CONDITION, "metric"), "IoU", "claim 1: metric 'IoU' is not computed"),
        (("claims", 0), {"rule": "every"}, "claim number 1: claims.id is missing"),
        (("claims", 0), "every", "claim number 1: "),
        (("claims", 0, "study", "conditions"), [], "neither conditions nor agreements"),
        (("claims", 0, "by"), ["snr"], "'feature' or 'snr_db'"),
        (("claims", 0, "by"), ["feature", "feature"], "holds an axis more than once"),
        (("claims", 0, "study", "methods"), ["A", "A"], "holds a method more than once"),
        (("claims", 0, "rule"), "only", "claim 1: study: rule 'only' needs at least two methods"),
        (("claims", 0), SEVERAL_OF_ONE, "claim 2: study: fewest=2 is more than its 1 methods"),
        (("claims", 0), COUNTED_AGREEMENT, "rule 'several' takes conditions, not agreements"),
        (("claims", 0), RANKED_TWO, "methods=('A', 'B') are too few to be ranked, at least 3"),
        (("claims", 0), ONE_RANKING, "a list of at least 2 is needed"),
        ((*CONDITION, "threshold"), 5, "claim 1: study: threshold=5 is not from -1 to 1"),
        (("snr_db",), -3.5, "snr_db=-3.5 is not allowed: a list such as [-3.5] is needed"),
        (("snr_db",), [], "snr_db is empty"),
        (("other_thresholds",), [0.6, 0.7], "(0.6, 0.7) must lie below and above"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(tmp_path, place, value, message):
    evaluation = {"methods": ["A"], "conditions": [dict(SPECIFIC)]}
    claim = {"id": 1, "statement": "?", "source": "?", "rule": "every", "study": evaluation}
    fields = {"title": "?", "features": ["temporal"], "architecture": "deepnet", "snr_db": [-3.5]}
    fields["claims"] = [{**claim, "by": ["feature", "snr_db"]}]
    path = tmp_path / "claims.yaml"
    part = fields
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    path.write_text(yaml.safe_dump(fields))
    with pytest.raises(ValueError, match=r".") as refused:
        load_study(str(path))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["RMA", "relevance mass accuracy", "mass_clipped"])
def test_a_metric_goes_by_the_name_that_people_use(name):
    assert Measure(metric=name).metric == "mass_clipped"


def test_two_claims_with_one_id_and_unknown_files_are_refused(tmp_path):
    (claim,) = study().claims
    assert isinstance(claim, Claim)
    with pytest.raises(ValueError, match="'1' is given more than once"):
        replace(study(), claims=(claim, claim))
    with pytest.raises(ValueError, match="sujatha-ravindran-2023"):
        load_study("sujatha")
    with pytest.raises(ValueError, match=r"none\.yaml"):
        load_study(str(tmp_path / "none.yaml"))
