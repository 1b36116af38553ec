"""Pictures of a sweep's scores: which rows each shows, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from eegxai import figures
from eegxai.evaluation import CALIBRATED_HEADLINE, HEADLINE, SIMILARITY_NULLS, chance_corrected
from eegxai.evaluation.score_rows import AGAINST_TRUTH, GROUND_TRUTH
from eegxai.statistics import ALPHA, compare_ranks
from sweeps.analysis.estimates import estimate, headline_scores, highest_null, similarities
from sweeps.analysis.references import REFERENCE_SCORES, references
from sweeps.analysis.significance import FEWEST, friedman_text
from sweeps.analysis.summary import headline
from sweeps.report.picture import DroppedPicture, Picture, Pictures, ShownMaps
from sweeps.report.recordings import ESTIMATED_NAME, IDEAL_NAME
from sweeps.report.shown_decoders import as_sentences, marked, title_of
from sweeps.report.shown_methods import marked_methods
from sweeps.scores.table import AXES, CASCADE, SIMILARITY, SPECIFICITY_THRESHOLD

AXES_WITHIN_FEATURE = ["snr_db", "seed", "fold", "architecture"]  # of one feature type
INTERVALS_SHOWN = "95 % intervals over seeds (over trials where there is one)"
# Of the tidy checks those that compare with the planted signal or are a null, not a robustness.
NOT_ROBUSTNESS = (*AGAINST_TRUTH, *SIMILARITY_NULLS)


@dataclass(frozen=True)
class PlottedScore:
    """A score of the headline as pictures name it, and the columns of what it must beat."""

    label: str
    about: str
    rivals: Sequence[str]
    dotted: str


PLOTTED_SCORES: Mapping[str, PlottedScore] = {
    "calibrated": PlottedScore(
        "calibrated score",
        "AUPRC of |map|; spectral: share of the relevance in the band",
        ("calibrated_chance", "calibrated_input"),
        "the better of the recording itself and random maps of the same spectrum",
    ),
    "score": PlottedScore(
        "study's score",
        "share of the map's positive part on the signal; spatial: cosine of topographies",
        ("chance",),
        "random maps of the same spectrum",
    ),
}
# What the dashed level of a reference is, by what the ideal observer is called.
CEILING_LABELS: Mapping[str, str] = {
    IDEAL_NAME: "ceiling: the most to expect",
    ESTIMATED_NAME: "estimated ideal observer (planted), agreement of halves (used)",
}
SCORES_ARE = " ".join(
    f"{_each.label.capitalize()}: {_each.about}." for _each in PLOTTED_SCORES.values()
)
RANKED_BY = {"score": "study's score", "calibrated": "calibrated score"}


def check_heat_map(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    """Every method and check in one picture."""
    table = checks(tidy)
    title = title_of(f"Every check of every method, means over decoders. {SCORES_ARE}", tidy)
    yield Picture(
        "checks",
        figures.heat_map(marked(table, tidy), title),
        f"{as_sentences(title)} Scores: 0 at chance, 1 at their best. "
        "Other checks: correlation of the map with the map it must differ from, and the highest "
        "correlation with maps without any information (null). Blue is good everywhere; white is "
        f"{SPECIFICITY_THRESHOLD:g}, the study's threshold. A dash: no number, for example for a "
        "wrong class if there are only two classes, whose maps are mirror images.",
        f"Heat map of {table['method'].nunique()} methods by {table['check'].nunique()} checks "
        f"and {table['feature'].nunique()} feature types, its values written in the cells.",
    )


def checks(tidy: pd.DataFrame) -> pd.DataFrame:
    """Mean of each method, check and feature type: above chance, or similarity at the last step."""
    scores = headline(tidy)
    calibrated = chance_corrected(scores["calibrated"], scores["calibrated_chance"])
    parts = [
        scores.assign(check="calibrated", value=calibrated),
        scores.assign(check="score", value=scores["above_chance"]),
    ]
    for check in tidy.loc[tidy["metric"] == SIMILARITY, "check"].unique():
        if check not in NOT_ROBUSTNESS:
            means = similarities(tidy, check).groupby(["method", "feature"], sort=False)["mean"]
            parts.append(means.mean().rename("value").reset_index().assign(check=check))
    parts.append(scores.assign(check="null", value=scores["null_r"]))
    columns = ["method", "feature", "check", "value"]
    return pd.concat(parts, ignore_index=True)[columns]


def score_by_snr(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    """Both scores of the headline against SNR."""
    if tidy["snr_db"].nunique() < 2:
        yield from (DroppedPicture(f"{name}-by-snr", "one SNR only") for name in PLOTTED_SCORES)
        return
    table = headline(tidy, ("feature", "snr_db"))
    for name, score in PLOTTED_SCORES.items():
        title = title_of(
            f"{score.label.capitalize()} ({score.about}) against SNR, with {INTERVALS_SHOWN}.", tidy
        )
        shown = marked(with_floor(table, name), tidy)
        yield Picture(
            f"{name}-by-snr",
            figures.score_by_snr(shown, f"{score.label} (1: best)", score.dotted, title),
            f"{as_sentences(title)} Dotted: {score.dotted}, which are independent of the decoder; "
            "only above it does a method add information. Open markers: some of the decoders are "
            "no better than "
            "chance.",
            f"Line charts of the {score.label} against SNR, one for each method.",
        )


def with_floor(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A score of the headline with its interval, and the best that its rivals have.

    Beside it how many of the decoders are no better than chance.
    """
    columns = {f"{name}{end}": f"score{end}" for end in ("", "_low", "_high")}
    chosen = table[["feature", "snr_db", "method", "at_chance", *columns]].rename(columns=columns)
    return chosen.assign(floor=table[list(PLOTTED_SCORES[name].rivals)].max(axis=1))


def cascades(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    """Similarities while layers are randomized, one picture for each architecture."""
    rows = tidy[(tidy["check"] == CASCADE) & (tidy["metric"] == SIMILARITY)]
    rows = rows[rows["domain"] == HEADLINE.domains(rows["feature"])]
    if rows.empty:
        yield DroppedPicture("cascade", "the check cascade was not run")
    for architecture, part in rows.groupby("architecture", sort=False):
        of_architecture = tidy[tidy["architecture"] == architecture]
        null = highest_null(of_architecture, ("feature", "method"))
        table = estimated(part, ["feature", "method", "step"]).join(
            null["null_r"].rename("null"), on=["feature", "method"]
        )
        title = title_of(
            f"Correlation of each map of {architecture} with the original one while its layers "
            f"are randomized, from the output to the input, with {INTERVALS_SHOWN}.",
            of_architecture,
        )
        shown = marked(table, of_architecture)
        yield Picture(
            f"cascade-{architecture}",
            figures.cascade_curves(shown, SPECIFICITY_THRESHOLD, title),
            f"{as_sentences(title)} A method that explains the network ends below "
            f"{SPECIFICITY_THRESHOLD:g} (dotted), or below what maps without any information reach "
            "(dashed).",
            f"Line charts of similarity against randomized layers for "
            f"{table['method'].nunique()} methods on {architecture}.",
        )


def estimated(rows: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Mean over the decoders of each group with its 95 % interval, in the order of the rows."""
    order = rows.groupby(groups, sort=False).size().index
    return pd.DataFrame(estimate("mean", rows, groups)).reindex(order).reset_index()


def critical_differences(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    """Which methods differ significantly, one picture for each feature type."""
    scores = _calibrated(tidy)
    for feature, rows in scores.groupby("feature", sort=False):
        name = f"critical-difference-{feature}"
        of_feature = tidy[tidy["feature"] == feature]
        named = marked_methods(rows, of_feature)
        wide = named.pivot_table("calibrated", AXES_WITHIN_FEATURE, "method", sort=False)
        n_seeds = wide[wide.notna().any(axis=1)].index.unique("seed").size
        if n_seeds < FEWEST:
            yield DroppedPicture(name, "one seed only" if n_seeds else "no seed has scores")
            continue
        compared = compare_ranks(wide)
        title = title_of(
            f"{feature}: mean ranks by the calibrated score over {compared.n_blocks} seeds, "
            "1 is best.",
            of_feature,
        )
        yield Picture(
            name,
            figures.critical_difference(compared, title),
            f"{as_sentences(title)} A bar joins "
            "methods that are not significantly different in pairwise signed-rank tests with "
            f"Holm's correction at {ALPHA:g}; {friedman_text(compared)}.",
            f"Critical-difference diagram of {len(compared.mean_ranks)} methods, best first: "
            f"{', '.join(compared.mean_ranks.index)}.",
        )


def _calibrated(tidy: pd.DataFrame) -> pd.DataFrame:
    """The calibrated score of each cell, NaN where it has none: columns ``AXES`` and calibrated."""
    scores = headline_scores(tidy, GROUND_TRUTH, CALIBRATED_HEADLINE).set_index(list(AXES))["mean"]
    cells = tidy[list(AXES)].drop_duplicates()
    return cells.join(scores.astype(float).rename("calibrated"), on=list(AXES))


def two_rankings(tidy: pd.DataFrame, _maps: ShownMaps | None) -> Pictures:
    """The methods ranked by both scores of the headline."""
    means = headline(tidy)[["feature", "method", *PLOTTED_SCORES]].dropna()
    if means.empty:
        yield DroppedPicture(
            "rankings", "no method has both the study's score and a calibrated score"
        )
        return
    title = title_of(
        f"Methods ranked by two scores of the same maps, means over decoders. {SCORES_ARE}", tidy
    )
    left, right = RANKED_BY.values()
    named = marked(means.rename(columns=RANKED_BY), tidy)
    yield Picture(
        "rankings",
        figures.rankings(named, left, right, title),
        f"{as_sentences(title)} Orange: moved by {figures.MOVED} ranks or more.",
        f"Slope chart of the ranks of {means['method'].nunique()} methods by two scores.",
    )


def reference_scores(
    tidy: pd.DataFrame, _maps: ShownMaps | None, observer: str = IDEAL_NAME
) -> Pictures:
    """Each method against each of the references, and what the ideal observer is called."""
    rows = against_references(tidy)
    if rows["score"].isna().all():
        yield DroppedPicture("references", "no method has a score of the corrected evaluation")
        return
    title = title_of(f"Each method against each reference, with {INTERVALS_SHOWN}.", tidy)
    named = "; ".join(f"{name}: {score.about}" for name, score in REFERENCE_SCORES.items())
    yield Picture(
        "references",
        figures.reference_scores(marked(rows, tidy), title, CEILING_LABELS[observer]),
        f"{as_sentences(title)} {named}. Dotted: random maps. Dashed: {CEILING_LABELS[observer]}; "
        f"it is the {observer} (planted) or the "
        "agreement of two halves of the estimate (used).",
        f"Dot plots of {rows['method'].nunique()} methods against {len(REFERENCE_SCORES)} "
        "references.",
    )


def against_references(tidy: pd.DataFrame) -> pd.DataFrame:
    """The table of references, one row for each feature, method and reference."""
    table = references(tidy)
    parts = []
    for name in REFERENCE_SCORES:
        ends = {f"{name}{end}": f"score{end}" for end in ("", "_low", "_high")}
        levels = {f"{name}_{level}": level for level in ("chance", "ceiling")}
        own = table.reindex(columns=["feature", "method", *ends, *levels])
        named = own.rename(columns=ends | levels)
        parts.append(named.assign(reference=name, unit=REFERENCE_SCORES[name].unit))
    return pd.concat(parts, ignore_index=True)
