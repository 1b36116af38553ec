"""What can be inferred from a sweep: whether methods differ, which, and on what it depends."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd

from eegxai.rounding import counted
from eegxai.statistics import (
    ALPHA,
    RankComparison,
    axis_effect,
    compare_ranks,
    complete_blocks,
    equivalence_p,
    fewest_blocks,
    fewest_decoders,
    holm,
    independent,
    repeated_measures,
)
from sweeps.analysis.compare import scores_of
from sweeps.analysis.quantity import Quantity
from sweeps.design.thresholds import Thresholds

FEWEST = 2  # seeds of a feature type, for any rank
AXES_TESTED = ("snr_db", "architecture")
AGAINST_BEST = ["difference", "p_holm", "n_needed"]


@dataclass(frozen=True)
class FeatureTests:
    """Tests of the methods on the decoders of one feature type.

    Attributes
    ----------
    feature : str
        The feature type.
    compared : RankComparison
        Friedman's test, mean ranks, pairs and cliques.
    methods : DataFrame
        Best first: method, mean (score over seeds), rank (mean rank), letters (methods that share
        one are not significantly different, which does not show that they are equal; empty where
        no pair can be tested); against the best method: difference (mean less the best one's),
        p_holm (NaN where no pair can be tested), n_needed (seeds needed for significance, see
        ``decoders_needed``), p_equal (of the hypothesis that they differ by the margin or more,
        see ``equivalence_p``, Holm-corrected).
    axes : DataFrame
        Of each axis with several values: axis, share (of the variance of the differences between
        methods), p (by permutation), lowest_p (that permutations allow), F, p_F (analysis of
        variance within decoders).
    margin : float
        Scores that differ by less are equal.
    """

    feature: str
    compared: RankComparison
    methods: pd.DataFrame
    axes: pd.DataFrame
    margin: float

    @property
    def fewest_seeds(self) -> int:
        """Seeds below which no pair of methods can be significantly different."""
        return _fewest_decoders_for_pairs(len(self.compared.mean_ranks))

    @property
    def best(self) -> str:
        """The method of the best mean rank."""
        return str(self.compared.mean_ranks.index[0])


def _fewest_decoders_for_pairs(n_methods: int) -> int:
    return fewest_decoders(ALPHA / max(comb(n_methods, 2), 1))


def compare_methods(
    tidy: pd.DataFrame, quantity: Quantity, margin: float = Thresholds().equality
) -> Iterator[FeatureTests | str]:
    """Of each feature type its tests, or a sentence on why there are none.

    Raises
    ------
    ValueError
        When the quantity is not among the scores.
    """
    for feature, rows in scores_of(tidy, quantity).groupby("feature", sort=False):
        known = rows.dropna(how="all").dropna(axis="columns", how="all").droplevel("feature")
        yield _untestable(str(feature), known) or _feature_tests(str(feature), known, margin)


def _untestable(feature: str, scores: pd.DataFrame) -> str:
    """Why nothing can be tested, and what is missing; empty where something can."""
    try:
        whole = complete_blocks(scores).scores
    except ValueError:
        whole = scores.iloc[:0]
    n_seeds, n_methods = whole.index.unique("seed").size, whole.shape[1]
    if n_methods == 1:
        return f"{feature}: nothing can be tested: only one method has enough scores"
    if n_seeds >= FEWEST:
        return ""
    all_pairs = f", all pairs of {n_methods} methods {_fewest_decoders_for_pairs(n_methods)}"
    return (
        f"{feature}: nothing can be tested with scores of {counted(n_seeds, 'seed')}: one pair "
        f"of methods needs at least {fewest_decoders()}{all_pairs * (n_methods > 2)}"
    )


def _feature_tests(feature: str, scores: pd.DataFrame, margin: float) -> FeatureTests:
    compared = compare_ranks(scores)
    methods = _method_table(scores[list(compared.mean_ranks.index)], compared, margin)
    return FeatureTests(feature, compared, methods, _axis_table(scores), margin)


def _method_table(scores: pd.DataFrame, compared: RankComparison, margin: float) -> pd.DataFrame:
    seeds = independent(complete_blocks(scores, 0).scores)
    against_best = _against(str(scores.columns[0]), compared.pairs)
    p_equal = _p_equal(seeds, margin)
    table = pd.DataFrame(
        {
            "mean": seeds.mean(),
            "rank": compared.mean_ranks,
            "letters": [_clique_letters(str(name), compared) for name in scores],
        },
        index=scores.columns,
    ).join([against_best, p_equal])
    if compared.n_blocks < _fewest_decoders_for_pairs(len(table)):
        table = table.assign(letters="", p_holm=np.nan)
    return table.rename_axis("method").reset_index()


def _p_equal(seeds: pd.DataFrame, margin: float) -> pd.Series:
    """P value of each method's equality with the first, by its name."""
    best, *others = seeds
    found = [equivalence_p(seeds[name] - seeds[best], margin) for name in others]
    return pd.Series(holm(found), others, name="p_equal")


def _clique_letters(method: str, compared: RankComparison) -> str:
    cliques = zip(ascii_lowercase, compared.cliques, strict=False)
    return "".join(letter for letter, clique in cliques if method in clique)


def _against(best: str, pairs: pd.DataFrame) -> pd.DataFrame:
    """The tests of the best method and each other one, by the other's name."""
    worse, better = (pairs[pairs[side] == best] for side in ("method_b", "method_a"))
    turned = better.assign(difference=-better["difference"])  # pairs hold a - b
    return pd.concat([worse.set_index("method_a"), turned.set_index("method_b")])[AGAINST_BEST]


def _axis_table(scores: pd.DataFrame) -> pd.DataFrame:
    """What each axis with several values does to the differences between methods."""
    varied = [axis for axis in AXES_TESTED if scores.index.unique(axis).size > 1]
    terms = repeated_measures(scores).reindex([f"method:{axis}" for axis in varied])
    effects = pd.DataFrame([axis_effect(scores, axis) for axis in varied], terms.index)
    table = effects.reindex(columns=["share", "p", "lowest_p"]).assign(F=terms["F"], p_F=terms["p"])
    table.insert(0, "axis", varied)
    return table.reset_index(drop=True)


def caveats(tests: FeatureTests) -> list[str]:
    """What was dropped, and whether any pair could have differed significantly at all."""
    compared = tests.compared
    lines = []
    if methods := compared.methods_left_out:
        lines.append(f"dropped, because they are defined on too few decoders: {', '.join(methods)}")
    if decoders := compared.decoders_left_out:
        lines.append(f"dropped: {len(decoders)} decoders on which a method is undefined")
    if compared.n_blocks < tests.fewest_seeds:
        lines.append(
            f"which methods differ cannot be tested: {counted(len(compared.pairs), 'pair')} of "
            f"methods {'needs' if len(compared.pairs) == 1 else 'need'} at least "
            f"{tests.fewest_seeds} seeds"
        )
    return lines


def summary_lines(tests: FeatureTests) -> list[str]:
    """Whether the methods differ, and what limits the answer."""
    compared = tests.compared
    return [
        f"{tests.feature}: {len(tests.methods)} methods on {compared.n_blocks} seeds; "
        f"{friedman_text(compared)}",
        *caveats(tests),
    ]


def friedman_text(compared: RankComparison) -> str:
    """What Friedman's test says of the methods, or why it says nothing."""
    n_methods, n_blocks, p = len(compared.mean_ranks), compared.n_blocks, compared.p
    if n_methods < 3:
        return "Friedman's test needs at least 3 methods"
    if n_blocks < (fewest := fewest_blocks(n_methods)):
        return f"whether they differ cannot be tested: Friedman's test needs {fewest} seeds"
    if p == 1:
        return "all have the same mean rank"
    tested = f"(Friedman's test of equal ranks: {p_text(p)})"
    return f"they differ {tested}" if p < ALPHA else f"no difference shown {tested}"


def p_text(p: float) -> str:
    """Such as ``p = 0.03``; of very small values only that they are."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def equality_line(tests: FeatureTests) -> str:
    """Which methods are shown to be equal to the best one."""
    table = tests.methods
    equal = ", ".join(table.loc[table["p_equal"] < ALPHA, "method"])
    return f"shown to be equal to {tests.best} within {tests.margin:g}: {equal or 'none'}"


def axis_lines(tests: FeatureTests) -> list[str]:
    """What each axis contributes to the differences between methods, one line each."""
    return [_axis_line(row) for row in tests.axes.to_dict("records")]


def _axis_line(row: Mapping[Hashable, Any]) -> str:
    axis, share = row["axis"], f"{100 * row['share']:.0f} % of variance"
    if row["share"] == 0:
        return f"differences by {axis}: none, the methods differ in the same way on all decoders"
    if row["lowest_p"] >= ALPHA:
        return (
            f"differences by {axis}: {share}; cannot be tested, because so few decoders allow no p "
            f"value below {row['lowest_p']:.2g}: add seeds or folds"
        )
    shown = "" if row["p"] < ALPHA else ", no effect shown"
    by_f = "" if pd.isna(row["p_F"]) else f", {p_text(row['p_F'])} (F)"
    return f"differences by {axis}: {share}, {p_text(row['p'])} (permuted){by_f}{shown}"


def tables_by_name(found: Sequence[FeatureTests]) -> dict[str, pd.DataFrame]:
    """The tables of all feature types by name: methods, pairs, axes."""
    kinds = {
        "methods": [one.methods for one in found],
        "pairs": [one.compared.pairs for one in found],
        "axes": [one.axes for one in found],
    }
    features = [one.feature for one in found]
    return {
        name: pd.concat(parts, keys=features, names=["feature"]).reset_index("feature")
        for name, parts in kinds.items()
    }
