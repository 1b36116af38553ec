"""Statistics over decoders: known answers, other libraries, and the rate of false alarms."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.formula.api import mixedlm, ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from eegxai.seeding import generator
from eegxai.statistics import (
    ALPHA,
    INTERVALS,
    UNBOUNDED,
    Bounds,
    axis_effect,
    bootstrap_interval,
    cliques,
    compare_ranks,
    complete_blocks,
    decoders_needed,
    equivalence_p,
    fewest_blocks,
    fewest_decoders,
    friedman_p,
    holm,
    kendall_w,
    leads_per_db,
    mean_ranks,
    nemenyi_difference,
    paired_differences,
    ranking_agreement,
    repeated_measures,
    signed_rank_p,
    signed_rank_pairs,
    student_interval,
    within_bounds,
)

METHODS = ["A", "B", "C", "D"]
N_NULL = 300
AXES = {"snr_db": [-3.5, -12.0, -19.0], "seed": range(5), "architecture": ["deepnet", "eegnet"]}


def null_scores(index, *stream, n_methods=4):
    """Scores of equal methods on decoders of different difficulty; not normal."""
    random = generator(0, "null", *stream)
    easy = random.normal(size=(len(index), 1))
    return pd.DataFrame(
        easy + random.exponential(size=(len(index), n_methods)), index, METHODS[:n_methods]
    )


def grid_of(axes=AXES):
    return pd.MultiIndex.from_product(axes.values(), names=list(axes))


def assert_rate(alarms, rate=ALPHA):
    """As many false alarms as the level allows, within their 99.9 % interval."""
    low, high = stats.binom.interval(0.999, len(alarms), rate)
    assert low <= sum(alarms) <= high


# Intervals


def test_students_interval_is_scipys():
    values = [0.2, 0.5, 0.9, 0.4]
    found = student_interval([*values, np.nan])
    test = stats.ttest_1samp(values, 0)
    assert found[1:3] == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert (found.mean, found.n) == (pytest.approx(0.5), 4)


@given(
    mean=st.floats(0.01, 0.99),
    half=st.floats(0.001, 3),
    low=st.floats(-2, 0),
    width=st.floats(1, 3),
)
def test_an_interval_within_two_bounds_is_symmetric_in_logits(mean, half, low, width):
    """Against logit and its slope; of numbers in -1 .. 1, half of it is Fisher's z."""
    found = within_bounds(low + width * mean, width * half, low, low + width)
    step = half / (mean * (1 - mean))
    expected = [low + width * special.expit(special.logit(mean) + s * step) for s in (-1, 1)]
    np.testing.assert_allclose(np.array(found), expected, atol=1e-9)
    r = 2 * mean - 1
    of_r = within_bounds(r, 2 * half, -1, 1)
    fisher = np.tanh(np.arctanh(r) + np.array([-1, 1]) * 2 * half / (1 - r**2))
    np.testing.assert_allclose(np.array(of_r), fisher, atol=1e-9)


@given(mean=st.floats(0.01, 100), half=st.floats(0.001, 100))
def test_an_interval_above_a_bound_is_symmetric_in_logarithms(mean, half):
    low, high = within_bounds(mean, half, 0, math.inf)
    with np.errstate(over="ignore"):
        expected = mean * np.exp(np.array([-1, 1]) * half / mean)
    np.testing.assert_allclose([low, high], expected, atol=1e-12 * mean)
    mirrored = within_bounds(-mean, half, -math.inf, 0)
    np.testing.assert_allclose([-end for end in mirrored[::-1]], [low, high])


def test_intervals_at_their_ends():
    low, high = within_bounds([0.3, 1.0, np.nan, 0.5], [0.1, 0.0, 0.1, np.nan], 0, 1)
    np.testing.assert_allclose(high[1:], [1, np.nan, np.nan])
    np.testing.assert_allclose(low[1:], [1, np.nan, np.nan])
    assert within_bounds(5, 7, *UNBOUNDED) == (-2, 12)
    assert Bounds(0, 1).of_differences == (-1, 1)
    assert student_interval([0.2, 1.0], Bounds(0, 1)).high <= 1 < student_interval([0.2, 1.0]).high


def test_the_bootstrap_interval_is_seeded_and_tends_to_the_normal_one():
    values = generator(0, "normal").normal(3, 2, 400)
    found = bootstrap_interval(values)
    assert found == bootstrap_interval(values)
    assert found != bootstrap_interval(values, seed=1)
    half = 1.96 * values.std(ddof=1) / 20
    mean = values.mean()
    assert found[:3] == pytest.approx((mean, mean - half, mean + half), abs=0.02)


def test_the_bootstrap_interval_of_skewed_values_leans_to_the_long_side():
    found = bootstrap_interval([0, 0, 0, 0.1, 0.1, 0.2, 0.3, 2.0])
    assert found.high - found.mean > 1.5 * (found.mean - found.low)


@pytest.mark.parametrize("interval", INTERVALS.values(), ids=INTERVALS)
def test_one_decoder_has_a_mean_and_no_interval(interval):
    np.testing.assert_equal(tuple(interval([np.nan, 0.3])), (0.3, np.nan, np.nan, 1))
    np.testing.assert_equal(tuple(interval([])), (np.nan, np.nan, np.nan, 0))
    assert tuple(interval([0.5, 0.5, 0.5])) == (0.5, 0.5, 0.5, 3)


def test_students_interval_covers_the_mean():
    random = generator(0, "coverage")
    found = [student_interval(random.normal(1, 3, 5)) for _ in range(N_NULL)]
    assert_rate([not low <= 1 <= high for _, low, high, _ in found])


# NaN


def test_methods_that_are_rarely_defined_leave_before_decoders_do():
    scores = null_scores(range(6))
    scores.loc[1:, "A"] = np.nan
    scores.loc[2, "B"] = np.nan
    found = complete_blocks(scores)
    assert (found.methods_left_out, found.decoders_left_out) == (["A"], [2])
    assert found.scores.shape == (5, 3)
    assert complete_blocks(scores, fewest=1).methods_left_out == ["A", "B"]
    assert complete_blocks(scores, fewest=0).decoders_left_out == [1, 2, 3, 4, 5]


def test_nothing_left_is_an_error():
    with pytest.raises(ValueError, match="none of 2 decoders has a score of every method"):
        complete_blocks(pd.DataFrame({"A": [1, np.nan], "B": [np.nan, 1]}))


def test_a_comparison_counts_what_it_left_out():
    scores = null_scores(range(8)).assign(E=np.nan)
    scores.loc[3, "A"] = np.nan
    found = compare_ranks(scores)
    assert (found.n_blocks, found.methods_left_out, found.decoders_left_out) == (7, ["E"], [3])


# Pairs


@settings(max_examples=5)  # statsmodels takes its time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p):
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def test_holm_leaves_out_what_was_not_tested():
    np.testing.assert_equal(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    np.testing.assert_equal(holm([np.nan]), [np.nan])


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=2, max_size=8, unique_by=abs))
def test_the_signed_rank_test_counts_all_signs(differences):
    """Exact: the share of the 2^n sign patterns with a rank sum as far from its mean."""
    n = len(differences)
    ranks = stats.rankdata(np.abs(differences))
    signs = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    far = np.abs(signs @ ranks - ranks.sum() / 2)
    observed = abs(ranks[np.array(differences) > 0].sum() - ranks.sum() / 2)
    assert signed_rank_p(differences) == pytest.approx((far >= observed - 1e-9).mean())


def test_differences_of_rounding_are_none():
    assert signed_rank_p([1e-8] * 12) == 1
    assert math.isnan(signed_rank_p([0.4, np.nan]))


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.05 / 66])
def test_fewer_decoders_cannot_reach_the_level(alpha):
    n = fewest_decoders(alpha)
    assert signed_rank_p(np.arange(1, n + 1)) <= alpha < signed_rank_p(np.arange(1, n))


def test_the_decoders_needed_give_the_power():
    """The signed-rank test on as many normal differences as are said to be needed."""
    n = decoders_needed([-0.4, 1.6])  # mean 0.6
    random = generator(0, "power")
    effect = 0.6 / np.std([-0.4, 1.6], ddof=1)
    found = [signed_rank_p(random.normal(effect, 1, int(n))) < ALPHA for _ in range(N_NULL)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize("effect", [0.05, 0.4, 1.1])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 66])
def test_the_decoders_needed_are_those_of_statsmodels(effect, alpha):
    differences = effect + np.tile([-1.0, 1.0], 500) * math.sqrt(0.999)
    pairs = TTestPower().solve_power(effect, alpha=alpha, power=0.8)
    assert decoders_needed(differences, alpha) == math.ceil(math.ceil(pairs) * math.pi / 3)


def test_the_decoders_needed_at_the_ends():
    assert decoders_needed([1, 2, -3]) == math.inf
    assert math.isnan(decoders_needed([1.0]))
    assert decoders_needed([1.0, 1.0]) == decoders_needed([5.0, 5.1]) == fewest_decoders() == 6


# Ranks


# Equality


@given(
    values=st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(lambda v: np.std(v) > 1e-3),
    margin=st.floats(0.001, 2),
)
def test_equality_is_tested_as_statsmodels_does(values, margin):
    expected, *_ = DescrStatsW(values).ttost_mean(-margin, margin)
    assert equivalence_p(values, margin) == pytest.approx(expected, abs=1e-12)


@given(
    values=st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(lambda v: np.std(v) > 1e-3)
)
def test_scores_are_equal_where_their_90_percent_interval_is_within_the_margin(values):
    half = stats.sem(values) * stats.t.ppf(0.95, len(values) - 1)
    farthest = abs(np.mean(values)) + half
    assert equivalence_p(values, 1.001 * farthest) < ALPHA < equivalence_p(values, 0.999 * farthest)


def test_equality_at_its_ends():
    assert math.isnan(equivalence_p([0.0], 0.05))
    assert math.isnan(equivalence_p([], 0.05))
    assert equivalence_p([0.0, math.nan, 0.0], 0.05) == 0
    assert equivalence_p([0.1, 0.1], 0.05) == 1
    with pytest.raises(ValueError, match="margin of equality: 0 is not above 0"):
        equivalence_p([0.0, 0.1], 0)


def test_differences_as_large_as_the_margin_are_seldom_called_equal():
    found = generator(0, "equality").normal(0.05, 0.02, size=(2000, 6))
    assert_rate([equivalence_p(differences, 0.05) < ALPHA for differences in found])


def test_friedman_is_its_formula():
    scores = null_scores(range(9))
    n, k = scores.shape
    ranks = scores.rank(axis=1).sum()
    chi2 = 12 / (n * k * (k + 1)) * (ranks**2).sum() - 3 * n * (k + 1)
    assert friedman_p(scores) == pytest.approx(stats.chi2.sf(chi2, k - 1))
    assert math.isnan(friedman_p(scores[["A", "B"]]))
    assert friedman_p(scores * 0) == 1


def test_nemenyis_difference_is_that_of_demsars_table():
    """q at 0.05 of his table 5, for infinitely many degrees of freedom."""
    for k, q in {2: 1.960, 5: 2.728, 10: 3.164}.items():
        expected = q * math.sqrt(k * (k + 1) / (6 * 30))
        assert nemenyi_difference(k, 30) == pytest.approx(expected, rel=1e-3)


def test_the_best_method_has_rank_one_and_equal_ones_share():
    ranks = mean_ranks(pd.DataFrame({"worst": [0, 0.1], "best": [0.9, 0.8], "also": [0.9, 0.8]}))
    assert ranks.to_dict() == {"best": 1.5, "also": 1.5, "worst": 3}


def test_a_method_that_always_wins_is_told_apart():
    scores = null_scores(range(14))
    found = compare_ranks(scores.assign(A=scores["A"] + 20))
    assert found.mean_ranks.index[0] == "A"
    assert found.mean_ranks["A"] == 1
    assert found.p < 1e-3
    assert [set(clique) for clique in found.cliques] == [{"B", "C", "D"}]
    first = found.pairs.set_index(["method_a", "method_b"]).loc[("A", "B")]
    assert first["p"] == pytest.approx(2**-13)
    assert first["difference"] == pytest.approx((scores["A"] + 20 - scores["B"]).mean())


@given(st.sets(st.sampled_from(list(combinations("abcdef", 2)))))
def test_cliques_are_the_largest_runs_without_a_pair_told_apart(apart):
    names = list("abcdef")
    pairs = pd.DataFrame(
        [(*pair, 0.01 if pair in apart else 0.5) for pair in combinations(names, 2)],
        columns=["method_a", "method_b", "p_holm"],
    )
    runs = [names[i:j] for i in range(6) for j in range(i + 2, 7)]
    runs = [set(run) for run in runs if not any(p in apart for p in combinations(run, 2))]
    expected = [run for run in runs if not any(run < other for other in runs)]
    found = cliques(pd.Series(range(6), names), pairs)
    assert [set(clique) for clique in found] == expected


# Agreement


def test_kendalls_w_is_one_for_one_ranking_and_zero_for_opposite_ones():
    order = np.arange(6.0)
    assert kendall_w(pd.DataFrame({"a": order, "b": order**3})) == 1
    assert kendall_w(pd.DataFrame({"a": order, "b": -order})) == 0
    assert math.isnan(kendall_w(pd.DataFrame({"a": [1, 1], "b": [2, 2]})))


@given(st.integers(2, 6), st.integers(3, 9), st.integers(0, 99))
def test_kendalls_w_follows_from_spearmans_correlations(m, k, seed):
    scores = pd.DataFrame(generator(seed, "w").normal(size=(k, m)))
    rho = [scores[a].corr(scores[b], method="spearman") for a, b in combinations(range(m), 2)]
    assert kendall_w(scores) == pytest.approx((1 + (m - 1) * np.mean(rho)) / m)
    assert ranking_agreement(scores) == pytest.approx(np.mean(rho))


def test_kendalls_w_with_ties_is_the_variance_of_mean_ranks_over_its_largest():
    """Cohen's form: sum of squares between methods over that of all ranks."""
    scores = pd.DataFrame({"a": [1, 1, 2, 3, 3], "b": [1, 2, 2, 2, 5], "c": [5, 4, 3, 2, 1]})
    ranks = scores.rank()
    between = 3 * ((ranks.mean(axis=1) - 3) ** 2).sum()
    assert kendall_w(scores) == pytest.approx(between / ((ranks - 3) ** 2).to_numpy().sum())


# Axes


def test_an_axis_that_changes_the_order_is_found():
    scores = null_scores(grid_of())
    scores["A"] -= 0.15 * scores.index.get_level_values("snr_db")
    found = axis_effect(scores, "snr_db")
    assert found.p == 0.001
    assert (found.share > 0.3, found.n_decoders) == (True, 30)
    assert axis_effect(scores, "architecture").p > 0.05


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.0, 1.0, 2.0)])
@pytest.mark.parametrize("n_seeds", [1, 2, 3])
def test_the_lowest_p_of_an_axis_is_that_of_all_orders(levels, n_seeds):
    """Of the most extreme scores: how many of all orders within the seeds are as extreme."""
    axes = {"snr_db": levels, "seed": range(n_seeds), "architecture": ["deepnet"]}
    scores = null_scores(grid_of(axes)).assign(A=0.0)
    profile = np.array([level**1.3 for level in levels])
    orders = list(product(permutations(range(len(levels))), repeat=n_seeds))
    sums = [sum(profile[list(order)] for order in chosen) for chosen in orders]
    as_large = [(one**2).sum() >= ((n_seeds * profile) ** 2).sum() - 1e-9 for one in sums]
    assert axis_effect(scores, "snr_db").lowest_p == pytest.approx(np.mean(as_large))


@pytest.mark.parametrize(("n_methods", "fewest"), [(3, 3), (4, 3), (12, 2)])
def test_friedmans_test_needs_so_many_blocks(n_methods, fewest):
    assert fewest_blocks(n_methods) == fewest
    same = pd.DataFrame([range(n_methods)] * fewest)
    assert friedman_p(same) < ALPHA
    assert fewest == 2 or friedman_p(same.iloc[1:]) >= ALPHA


def test_an_axis_that_only_makes_decoders_better_is_none():
    scores = null_scores(grid_of())
    easier = scores.index.get_level_values("snr_db").to_numpy()[:, None]
    assert axis_effect(scores + easier, "snr_db").p == axis_effect(scores, "snr_db").p
    assert axis_effect(scores * 0, "snr_db").p == 1


def test_effects_that_were_put_in_are_found():
    """An offset and a slope of one method; an architecture that lifts all methods alike."""
    scores = null_scores(grid_of({**AXES, "seed": range(15)}), 3)
    snr = scores.index.get_level_values("snr_db").to_numpy()
    eegnet = scores.index.get_level_values("architecture") == "eegnet"
    scores["B"] += 0.5 + 0.08 * snr
    found = repeated_measures(scores.add(3.0 * eegnet, axis=0))
    assert list(found.index) == ["method", "method:snr_db", "method:architecture"]
    assert found.loc["method:snr_db", "p"] < 0.01
    assert found.loc["method:architecture", "p"] > 0.05
    slopes = leads_per_db(scores)
    truth = pd.Series({"A": -0.02, "B": 0.06, "C": -0.02, "D": -0.02})  # the lead over the mean
    assert (slopes["low"] < truth).all()
    assert (slopes["high"] > truth).all()


@pytest.mark.filterwarnings("ignore:The design matrix is rank-deficient")
def test_repeated_measures_are_an_analysis_of_variance_with_decoders_as_a_factor():
    """Each term against the model without it; the slope of the mean is among the decoders'."""
    scores = null_scores(grid_of())
    long = long_of(scores)
    columns = {"method": "C(method)", "method:snr_db": "C(method):snr"}
    columns["method:architecture"] = "C(method):eegnet"
    found = repeated_measures(scores)["F"]
    full = ols("score ~ " + " + ".join(["C(decoder)", *columns.values()]), long).fit()
    for term in list(columns)[1:]:
        others = [column for name, column in columns.items() if name != term]
        reduced = ols("score ~ " + " + ".join(["C(decoder)", *others]), long).fit()
        assert found[term] == pytest.approx(anova_lm(reduced, full).loc[1, "F"], rel=1e-6)


def test_repeated_measures_have_the_f_values_of_the_mixed_model():
    scores = null_scores(grid_of())
    fitted = mixedlm("score ~ C(method) * snr", long_of(scores), groups="decoder").fit()
    estimates, covariance = fitted.fe_params, fitted.cov_params()
    own = [name for name in estimates.index if name.startswith("C(method)") and ":snr" in name]
    values = estimates[own].to_numpy()
    chi2 = values @ np.linalg.solve(covariance.loc[own, own].to_numpy(), values)
    one_architecture = scores.rename(index=dict.fromkeys(AXES["architecture"], "any"))
    found = repeated_measures(one_architecture)
    assert list(found.index) == ["method", "method:snr_db"]
    assert found.loc["method:snr_db", "F"] == pytest.approx(chi2 / 3, rel=1e-3)


def long_of(scores):
    long = scores.reset_index().melt(list(AXES), var_name="method", value_name="score")
    long["decoder"] = long[list(AXES)].astype(str).agg("-".join, axis=1)
    centred = long["snr_db"] - long["snr_db"].mean()
    return long.assign(snr=centred, eegnet=(long["architecture"] == "eegnet") - 0.5)


def test_degrees_of_freedom_are_full_for_alike_methods_and_fewer_for_twins():
    """Greenhouse & Geisser's epsilon: 1 at equal correlations, 1 / (k - 1) at its lowest."""
    index = grid_of({**AXES, "seed": range(200)})
    alike = repeated_measures(null_scores(index)).loc["method"]
    assert alike["df"] == pytest.approx(3, rel=0.02)
    assert alike["df_error"] == pytest.approx(3 * (len(index) - 3), rel=0.02)
    one = null_scores(index)["A"]
    twins = pd.DataFrame({"A": one, "B": one, "C": -one, "D": -one})
    assert repeated_measures(twins).loc["method", "df"] == pytest.approx(1)


def test_incomplete_tables_are_analysed_without_the_decoders_concerned():
    scores = null_scores(grid_of())
    scores.iloc[3, 1] = np.nan
    whole = repeated_measures(scores.drop(index=scores.index[3]))
    pd.testing.assert_frame_equal(repeated_measures(scores), whole)


def test_what_few_decoders_cannot_tell_is_nan_or_told():
    scores = null_scores(grid_of({**AXES, "seed": [0]}))
    for few in (scores.iloc[:1], scores.iloc[:3], scores * 0):
        assert repeated_measures(few)["p"].isna().all()
    with pytest.raises(ValueError, match=r"two values of snr_db"):
        leads_per_db(scores.iloc[:2])


# Pairs of sweeps


def test_paired_differences_are_over_the_decoders_that_both_have():
    a = null_scores(range(8))[["A", "B"]]
    b = (a + 0.5 + 0.1 * null_scores(range(8), 1)[["A", "B"]]).loc[2:].assign(C=1.0)
    b.loc[7, "A"] = np.nan
    found = paired_differences(a, b).set_index("method")
    assert list(found.index) == ["A", "B"]
    assert found["n_pairs"].tolist() == [5, 6]
    assert found[["unpaired_a", "unpaired_b"]].to_numpy().tolist() == [[3, 0], [2, 0]]
    test = stats.ttest_rel(b.loc[2:, "B"], a.loc[2:, "B"])
    row = found.loc["B"]
    assert (row["low"], row["high"]) == pytest.approx(tuple(test.confidence_interval()), abs=1e-6)
    assert row["difference"] == pytest.approx(row["mean_b"] - row["mean_a"], abs=1e-6)
    assert row["p"] == pytest.approx(2 * 2**-6)


# False alarms


def test_friedman_raises_few_false_alarms():
    assert_rate([friedman_p(null_scores(range(20), i)) < ALPHA for i in range(N_NULL)])


def test_the_signed_rank_test_raises_few_false_alarms():
    scores = [null_scores(range(20), i, n_methods=2) for i in range(N_NULL)]
    assert_rate([signed_rank_p(table["A"] - table["B"]) < ALPHA for table in scores])


def test_all_pairs_together_raise_no_more_false_alarms_than_one():
    pairs = [signed_rank_pairs(null_scores(range(12), i, n_methods=3)) for i in range(200)]
    alarms = sum((table["p_holm"] < ALPHA).any() for table in pairs)
    assert alarms <= stats.binom.ppf(0.999, len(pairs), ALPHA)


@pytest.mark.slow
def test_permutations_of_an_axis_raise_few_false_alarms():
    axes = {**AXES, "seed": range(3)}
    effects = [axis_effect(null_scores(grid_of(axes), i), "snr_db") for i in range(150)]
    assert_rate([effect.p <= ALPHA for effect in effects])


def test_repeated_measures_raise_few_false_alarms():
    """With methods of very different variance, to which the correction is owed."""
    spread = [1, 1, 1, 8]
    found = [repeated_measures(null_scores(grid_of(), i) * spread)["p"] for i in range(150)]
    for term in ("method:snr_db", "method:architecture"):
        assert_rate([table[term] < ALPHA for table in found])
