"""What can be inferred from a sweep: whether methods differ, which, and on what it depends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import pandas as pd

from eegxai.statistics import (
    ALPHA,
    RankComparison,
    axis_effect,
    compare_ranks,
    complete_blocks,
    fewest_decoders,
    independent,
    repeated_measures,
)
from sweeps.analysis.compare import scores_of
from sweeps.analysis.quantity import Quantity

FEWEST = 2  # seeds of a feature type, for any test
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
        Best first: method, mean (score over seeds), rank (mean rank), tied (letters: methods that
        share one are not significantly different); against the best method: difference (mean less
        the best one's), p_holm, n_needed (seeds needed for significance, see ``decoders_needed``).
    axes : DataFrame
        Of each axis with several values: axis, share (of the variance of the differences between
        methods), p (by permutation), F, p_F (analysis of variance within decoders).
    """

    feature: str
    compared: RankComparison
    methods: pd.DataFrame
    axes: pd.DataFrame


def compare_methods(tidy: pd.DataFrame, quantity: Quantity) -> Iterator[FeatureTests | str]:
    """Of each feature type its tests, or a sentence on why there are none.

    Raises
    ------
    ValueError
        When the quantity is not among the scores.
    """
    for feature, rows in scores_of(tidy, quantity).groupby("feature", sort=False):
        known = rows.dropna(how="all").droplevel("feature")
        n_seeds = known.index.unique("seed").size
        if n_seeds < FEWEST:
            yield f"{feature}: {n_seeds} seed, tests need {FEWEST}: add seeds to the grid"
        else:
            yield _inference(str(feature), known)


def _inference(feature: str, scores: pd.DataFrame) -> FeatureTests:
    compared = compare_ranks(scores)
    return FeatureTests(feature, compared, _method_table(scores, compared), _axis_table(scores))


def _method_table(scores: pd.DataFrame, compared: RankComparison) -> pd.DataFrame:
    ranks = compared.mean_ranks
    table = pd.DataFrame(
        {"mean": independent(complete_blocks(scores).scores).mean(), "rank": ranks}
    )
    tied = [_clique_letters(str(name), compared) for name in ranks.index]
    against_best = _against(str(ranks.index[0]), compared.pairs)
    return table.loc[ranks.index].assign(tied=tied).join(against_best).reset_index(names="method")


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
    terms = repeated_measures(scores)
    rows = []
    for axis in varied:
        effect, term = axis_effect(scores, axis), terms.loc[f"method:{axis}"]
        rows.append((axis, effect.share, effect.p, term["F"], term["p"]))
    return pd.DataFrame(rows, columns=["axis", "share", "p", "F", "p_F"])


def caveats(tests: FeatureTests) -> list[str]:
    """What was dropped, and whether any pair could have differed significantly at all."""
    compared = tests.compared
    n_pairs = max(len(compared.pairs), 1)
    fewest = fewest_decoders(ALPHA / n_pairs)
    lines = []
    if methods := compared.methods_left_out:
        lines.append(f"dropped, defined on too few decoders: {', '.join(methods)}")
    if decoders := compared.decoders_left_out:
        lines.append(f"dropped: {len(decoders)} decoders on which a method is undefined")
    if compared.n_blocks < fewest:
        lines.append(
            f"{n_pairs} pairs are tested: none can be significantly different below {fewest} seeds"
        )
    return lines


def summary_lines(tests: FeatureTests) -> list[str]:
    """Whether the methods differ, and what limits the answer."""
    compared = tests.compared
    return [
        f"{tests.feature}: {len(tests.methods)} methods on {compared.n_blocks} seeds; "
        f"all equal: p = {compared.p:.2g}",
        *caveats(tests),
    ]


def axis_lines(tests: FeatureTests) -> list[str]:
    """What each axis contributes to the differences between methods, one line each."""
    return [
        f"differences by {row['axis']}: {100 * row['share']:.0f} % of variance, "
        f"p = {row['p']:.2g} (permuted), {row['p_F']:.2g} (F)"
        for row in tests.axes.to_dict("records")
    ]


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
