"""The pictures of a sweep: which rows each shows, what it says, and why one is left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from eegxai import figures
from eegxai.evaluation import HEADLINE
from eegxai.statistics import ALPHA, compare_ranks
from sweeps.headline import SIMILARITY, SPECIFICITY_THRESHOLD, headline
from sweeps.tidy import AXES, interval_half

CALIBRATED = "auprc_magnitude"  # beside the study's headline score
SIDES = {"paper": "paper: mass, cosine", "calibrated": "calibrated: AUPRC"}
DECODER = ["snr_db", "seed", "fold", "architecture"]  # of one feature type
INTERVAL = "95 % intervals over decoders (over trials where there is one)"


@dataclass(frozen=True)
class Picture:
    """A figure, and what is said of it.

    Attributes
    ----------
    name : str
        Stem of its file.
    figure : Figure
    caption : str
        What it shows and how it is read.
    alt : str
        What it is, for those who do not see it.
    """

    name: str
    figure: Figure
    caption: str
    alt: str


@dataclass(frozen=True)
class LeftOut:
    """A picture that the data do not allow, and why."""

    name: str
    reason: str


Drawn = Iterator[Picture | LeftOut]


def pictures(tidy: pd.DataFrame) -> Drawn:
    """All pictures of a sweep's tidy scores, one at a time, and those that are left out."""
    for draw in DRAWINGS:
        yield from draw(tidy)


def _heat_map(tidy: pd.DataFrame) -> Drawn:
    table = checks(tidy)
    yield Picture(
        "checks",
        figures.heat_map(table),
        "Every check of every method. Planted signal: the headline score, 0 at chance and 1 at "
        "its best. Other checks: correlation of the map with the one it must differ from. Blue "
        f"is good everywhere; white is {SPECIFICITY_THRESHOLD:g}, the study's threshold. Means "
        "over decoders.",
        f"Heat map of {table['method'].nunique()} methods by {table['check'].nunique()} checks "
        f"and {table['feature'].nunique()} feature types, its values written in the cells.",
    )


def checks(tidy: pd.DataFrame) -> pd.DataFrame:
    """Mean of each method, check and feature type: above chance, or similarity at the last step."""
    scores = headline(tidy).rename(columns={"above_chance": "value"}).assign(check="ground_truth")
    rows = _similarities(tidy)
    last = rows[rows["step"] == rows.groupby([*AXES, "check"])["step"].transform("max")]
    means = last.groupby(["check", "method", "feature"], sort=False)["mean"].mean()
    similar = means.rename("value").reset_index()
    columns = ["method", "feature", "check", "value"]
    return pd.concat([scores[columns], similar[columns]], ignore_index=True)


def _similarities(tidy: pd.DataFrame) -> pd.DataFrame:
    """Correlations with the original map on the domain of the headline."""
    domains = tidy["feature"].map({feature: domain for feature, (domain, _) in HEADLINE.items()})
    chosen = (tidy["metric"] == SIMILARITY) & (tidy["domain"] == domains)
    return tidy[chosen & ~tidy["check"].isin(NOT_CHECKS)]


# Correlations with the planted signal, and the null of those with the original map.
NOT_CHECKS = ("ground_truth", "same_spectrum", "input_magnitude", "untrained", "surrogate")


def _score_by_snr(tidy: pd.DataFrame) -> Drawn:
    if tidy["snr_db"].nunique() < 2:
        yield LeftOut("score-by-snr", "one SNR only")
        return
    table = headline(tidy, ("feature", "snr_db"))
    yield Picture(
        "score-by-snr",
        figures.score_by_snr(table),
        f"Headline score of each method against SNR, with {INTERVAL}. Dotted: what the best map "
        "reaches that knows no decoder (|x|, a random one); a method has told something only "
        "above it.",
        f"Line charts of score against SNR for {table['method'].nunique()} methods.",
    )


def _cascades(tidy: pd.DataFrame) -> Drawn:
    rows = _similarities(tidy)
    rows = rows[rows["check"] == "cascade"]
    if rows.empty:
        yield LeftOut("cascade", "the check cascade was not run")
    for architecture, part in rows.groupby("architecture", sort=False):
        table = _estimated(part, ["feature", "method", "step"])
        yield Picture(
            f"cascade-{architecture}",
            figures.cascade(table, SPECIFICITY_THRESHOLD),
            f"Correlation of each map of {architecture} with the original one while its layers "
            f"are randomized, from the output to the input, with {INTERVAL}. A method that "
            f"explains the network ends below {SPECIFICITY_THRESHOLD:g} (dotted).",
            f"Line charts of similarity against randomized layers for "
            f"{table['method'].nunique()} methods on {architecture}.",
        )


def _estimated(rows: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Mean over decoders and its 95 % interval, over trials where there is one decoder."""
    decoders = rows.groupby(groups, sort=False)
    mean, n = decoders["mean"].mean(), decoders["mean"].count()
    half = interval_half(decoders["mean"].std(), n).where(n > 1, decoders["half_width"].mean())
    return pd.DataFrame({"mean": mean, "low": mean - half, "high": mean + half}).reset_index()


def _critical_differences(tidy: pd.DataFrame) -> Drawn:
    scores = headline(tidy, ("feature", *DECODER))
    for feature, rows in scores.groupby("feature", sort=False):
        name = f"critical-difference-{feature}"
        try:
            compared = compare_ranks(rows.pivot_table("score", DECODER, "method", sort=False))
        except ValueError as error:
            yield LeftOut(name, str(error))
            continue
        if compared.n_decoders < 2:
            yield LeftOut(name, "one decoder only")
            continue
        title = f"{feature}: mean ranks over {compared.n_decoders} decoders"
        yield Picture(
            name,
            figures.critical_difference(compared, title),
            f"Mean rank of each method by the headline score, {feature}, 1 is best. A bar joins "
            f"methods that pairwise signed-rank tests with Holm's correction do not tell apart "
            f"at {ALPHA:g}; Friedman's test that all rank alike: p = {compared.p:.2g}.",
            f"Critical-difference diagram of {len(compared.mean_ranks)} methods, best first: "
            f"{', '.join(compared.mean_ranks.index)}.",
        )


def _paper_against_calibrated(tidy: pd.DataFrame) -> Drawn:
    scores = paper_and_calibrated(tidy)
    if scores.empty:
        yield LeftOut("rankings", "no method has both a paper and a calibrated score")
        return
    yield Picture(
        "rankings",
        figures.rankings(scores, *SIDES.values()),
        "Methods ranked by the study's headline score (left) and by the average precision of "
        "their magnitudes (right), the same maps; orange: moved by three ranks or more.",
        f"Slope chart of the ranks of {scores['method'].nunique()} methods by two scores.",
    )


def paper_and_calibrated(tidy: pd.DataFrame) -> pd.DataFrame:
    """Mean headline and calibrated score of each feature type and method."""
    truth = tidy[tidy["check"] == "ground_truth"]
    headlines = truth["feature"].map(HEADLINE)
    on_domain = truth[truth["domain"] == headlines.str[0]]
    wanted = {"paper": headlines.str[1], "calibrated": CALIBRATED}
    groups = ["feature", "method"]
    found = {
        SIDES[side]: on_domain[on_domain["metric"] == metric].groupby(groups, sort=False)["mean"]
        for side, metric in wanted.items()
    }
    return pd.DataFrame({side: rows.mean() for side, rows in found.items()}).dropna().reset_index()


DRAWINGS: tuple[Callable[[pd.DataFrame], Drawn], ...] = (
    _heat_map,
    _score_by_snr,
    _cascades,
    _critical_differences,
    _paper_against_calibrated,
)
