"""Two methods of a sweep: their numbers against scipy's, and the sentence for a paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from eegxai.statistics import Interval
from sweeps.analysis.method_pair import difference_over_trials, method_pairs, require_methods
from sweeps.analysis.quantity import Quantity
from sweeps.report.method_pair import pair_frame, pair_lines, paper_sentence
from tests.tidy_tables import tidy_table

METHODS = ("DeepLift", "GradCAM")
MASS = Quantity("mass_clipped")


def tidy(n_seeds=10, features=("temporal",)):
    return tidy_table(METHODS, features, snrs=(-12.0,), seeds=range(n_seeds))


def pair_of(table, quantity=MASS, margin=0.01):
    (pair,) = method_pairs(table, quantity, METHODS, margin)
    return pair


def seed_means(table, check="ground_truth", metric="mass_clipped"):
    rows = table[(table["check"] == check) & (table["metric"] == metric)]
    return rows.pivot_table("mean", "seed", "method")[list(METHODS)]


def test_the_numbers_are_those_of_scipy_over_seeds():
    table = tidy()
    pair, means = pair_of(table), seed_means(table)
    assert pair.means == pytest.approx(tuple(means.mean()))
    differences = means["DeepLift"] - means["GradCAM"]
    expected = stats.t.interval(0.95, 9, differences.mean(), stats.sem(differences))
    # Far from the bounds of a share's difference, within them is Student's.
    assert (pair.difference.low, pair.difference.high) == pytest.approx(expected, rel=1e-3)
    assert pair.p == pytest.approx(stats.wilcoxon(differences.round(6)).pvalue)
    assert pair.test == "Wilcoxon signed-rank test"
    tests = [stats.ttest_1samp(differences, end, alternative=side).pvalue
             for end, side in ((-0.01, "greater"), (0.01, "less"))]  # fmt: skip
    assert pair.p_equal == pytest.approx(max(tests))
    assert pair.chances == pytest.approx(tuple(seed_means(table, "same_spectrum").mean()))
    assert (pair.n_seeds, len(pair.decoders), pair.left_out) == (10, 20, 0)


def test_few_seeds_are_tested_by_the_t_test():
    table = tidy(4)
    differences = seed_means(table)["DeepLift"] - seed_means(table)["GradCAM"]
    pair = pair_of(table)
    assert pair.test == "paired t test"
    assert pair.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-3)


def test_decoders_without_a_score_of_both_are_left_out_and_counted():
    table = tidy()
    gone = (table["method"] == "GradCAM") & (table["architecture"] == "deepnet")
    undefined = gone & (table["seed"] == 0)
    table.loc[undefined, "mean"] = np.nan
    table = table.drop(table.index[gone & (table["seed"] == 1) & (table["check"] != "cascade")])
    pair = pair_of(table)
    assert (len(pair.decoders), pair.left_out, pair.n_seeds) == (18, 2, 10)


def test_a_feature_type_without_scores_of_both_is_told():
    table = tidy(features=("temporal", "spatial"))
    table.loc[(table["feature"] == "spatial") & (table["method"] == "GradCAM"), "mean"] = np.nan
    pair, told = method_pairs(table, Quantity("study"), METHODS, 0.05)
    assert pair.feature == "temporal"
    assert told == (
        "spatial: GradCAM has no score of 'cosine_clipped' on topography "
        "(its maps: ok on 20 decoders)"
    )


def test_nothing_in_common_is_refused():
    table = tidy()
    table.loc[table["method"] == "GradCAM", "mean"] = np.nan
    with pytest.raises(ValueError, match="nothing can be compared"):
        pair_of(table)


def test_methods_are_refused():
    with pytest.raises(ValueError, match="did you mean 'GradCAM'"):
        require_methods(("DeepLift", "gradcam"), list(METHODS))
    with pytest.raises(ValueError, match="compared with itself"):
        require_methods(("DeepLift", "DeepLift"), list(METHODS))


def found(difference=0.4, half=0.05, p=0.002, p_equal=1.0, margin=0.05, **further):
    interval = Interval(difference, difference - half, difference + half, 10)
    told = {"difference": interval, "p": p, "p_equal": p_equal, "margin": margin}
    return replace(pair_of(tidy()), means=(0.82, 0.42), chances=(0.12, 0.12), **told, **further)


def test_the_sentence_of_a_difference():
    assert paper_sentence(found(), MASS) == (
        "Over 10 seeds (20 decoders of temporal features at -12 dB), DeepLift scored 0.82 and "
        "GradCAM 0.42 in relevance mass accuracy (chance 0.12); the difference was 0.40 (95 % CI "
        "0.35 to 0.45; Wilcoxon signed-rank test, p = 0.002)."
    )


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ({"p": 0.3, "p_equal": 0.01}, "not significant, and is shown to be smaller than 0.05"),
        ({"p": 0.3, "p_equal": 0.4}, "nor are the two shown to be equal within 0.05"),
        ({"p": 0.3, "p_equal": math.nan}, "which does not show that the two are equal."),
        ({"p": 0.01, "p_equal": 0.01}, "), and is smaller than 0.05 (two one-sided t tests"),
    ],
)
def test_equality_is_claimed_only_where_it_is_shown(told, end):
    assert end in paper_sentence(found(**told), MASS)


def test_one_seed_is_told_in_words():
    pair = pair_of(tidy(1))
    text = "\n".join(pair_lines(pair, MASS))
    assert "one seed: no interval and no test over networks" in text
    assert "With a single seed (2 decoders of temporal features at -12 dB)" in text
    assert "nan" not in text
    assert "trial by trial: not tested" in text


def trials(n_trials=50, architectures=("deepnet", "eegnet_relu")):
    """Scores of both methods on each decoder, trial by trial."""
    random = np.random.default_rng(0)
    return {
        ("temporal", -12.0, 0, 0, architecture, method): score + random.normal(0, 0.1, n_trials)
        for architecture in architectures
        for method, score in zip(METHODS, (0.6, 0.5), strict=True)
    }


def one_seed(scores, table=None):
    pair = pair_of(tidy(1) if table is None else table)
    return replace(pair, over_trials=difference_over_trials(pair, scores))


def test_one_seed_has_a_paired_test_over_the_trials_of_its_decoder():
    table, scores = tidy(1), trials(architectures=["deepnet"])
    pair = one_seed(scores, table[table["architecture"] == "deepnet"])
    expected = stats.ttest_rel(*scores.values())
    interval, test, left_out = pair.over_trials
    assert (interval.n, left_out) == (50, 0)
    assert test.p == pytest.approx(expected.pvalue, rel=1e-3)
    assert interval[1:3] == pytest.approx(expected.confidence_interval(0.95), abs=2e-3)
    text = [*pair_lines(pair, MASS)]
    assert "one seed: no interval and no test over networks" in text[1]
    assert text[-1].endswith(
        " over 50 trials; paired t test over trials, p < 0.001). This is about this decoder and "
        "says nothing about other networks."
    )
    (row,) = pair_frame([pair], MASS).to_dict("records")
    assert (row["trials_p"], row["n_trials"], row["test"]) == (test.p, 50, "")
    assert math.isnan(row["p"])


def test_several_decoders_of_a_seed_are_told_and_missing_trials_counted():
    scores = trials()
    next(iter(scores.values()))[:3] = np.nan
    pair = one_seed(scores)
    assert (pair.over_trials.interval.n, pair.over_trials.left_out) == (97, 3)
    (line,) = [line for line in pair_lines(pair, MASS) if line.startswith("trial by trial: ")]
    told = "over 97 of 100 trials that have a score of both, counted for each decoder; paired t"
    assert told in line
    assert told in paper_sentence(pair, MASS)
    assert line.endswith("this is about these 2 decoders and says nothing about other networks")


def test_what_is_lacking_for_a_difference_over_trials_is_told():
    scores, (*_, last) = trials(), trials()
    decoder = "temporal -12 dB eegnet_relu seed 0 fold 0"
    shorter = one_seed({**scores, last: scores[last][1:]})
    assert shorter.over_trials == f"the methods have scores of 50 and 49 trials on {decoder}"
    del scores[last]
    text = "\n".join(pair_lines(one_seed(scores), MASS))
    assert f"not tested, GradCAM has no scores trial by trial in the store on {decoder}" in text
    assert "One seed gives no interval over networks." in text


def test_several_seeds_are_told_as_before():
    assert not any(line.startswith("trial by trial") for line in pair_lines(found(), MASS))


def test_errors_are_lower_better_and_have_no_margin():
    table = tidy().replace({"metric": {"mass_clipped": "latency_error_ms"}})
    latency = Quantity("latency_error_ms")
    pair = pair_of(table, latency)
    assert math.isnan(pair.p_equal)
    assert "in latency error in ms (lower is better; chance 0.050)" in paper_sentence(pair, latency)
    assert latency.reading("temporal").endswith("lower is better")


def test_similarities_are_lower_better_and_have_no_ceiling():
    end = Quantity("pearson_raw", "cascade")
    pair = pair_of(tidy(), end)
    assert math.isnan(pair.ceiling)
    assert "lower is better" in paper_sentence(pair, end)
    assert "ceiling" not in "\n".join(pair_lines(pair, end))
