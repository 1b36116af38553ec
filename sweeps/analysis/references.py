"""Each method against the three references: what was planted, what is ideal, what was used."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from eegxai.evaluation import CALIBRATED_HEADLINE, CHANCE, HEADLINE, Headlines, chance_corrected
from eegxai.evaluation.references.use_scores import SPLIT_HALF
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.evaluation.scoring import headlines_with
from sweeps.analysis.estimates import estimate, headline_scores
from sweeps.analysis.measured import MeasuredColumns, measured
from sweeps.scores.needed import Measured, metrics_of
from sweeps.scores.table import AXES


@dataclass(frozen=True)
class ReferenceScore:
    """A score against a reference, and the levels beside it.

    Attributes
    ----------
    headlines : Headlines
        Domain and metric by feature type.
    chance, ceiling : str
        Checks whose scores are the level of maps without any information, and the highest level to
        expect; no ceiling if empty.
    about : str
        What it is, for captions.
    unit : str
        What its numbers are, for axes.
    """

    headlines: Headlines
    chance: str
    ceiling: str
    about: str
    unit: str


# By the name of its column.
REFERENCE_SCORES = {
    "planted": ReferenceScore(
        CALIBRATED_HEADLINE,
        CHANCE,
        IDEAL_OBSERVER,
        "finds the planted signal (AUPRC; spectral: share of the relevance over frequency that "
        "lies in the band)",
        "AUPRC of |map| (spectral: share in the band); 1: best",
    ),
    "ideal": ReferenceScore(
        HEADLINE.with_metric("ideal_auprc_magnitude"),
        CHANCE,
        "",
        "finds what the ideal observer uses (AUPRC over channels and times, spatial: topography)",
        "AUPRC of |map|; 1: best",
    ),
    "used": ReferenceScore(
        headlines_with("used_pearson"),
        CHANCE,
        SPLIT_HALF,
        "agrees with what the decoder used of each channel (Pearson over channels)",
        "Pearson correlation over channels",
    ),
}
REFERENCE_COLUMNS: MeasuredColumns = {
    **{name: Measured(GROUND_TRUTH, score.headlines) for name, score in REFERENCE_SCORES.items()},
    **{
        f"{name}_{level}": Measured(check, score.headlines)
        for name, score in REFERENCE_SCORES.items()
        for level, check in {"chance": score.chance, "ceiling": score.ceiling}.items()
        if check
    },
}
REFERENCE_METRICS = metrics_of(REFERENCE_COLUMNS.values())


def references(tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Scores of each method against each reference, with their chance level and ceiling.

    Parameters
    ----------
    tidy : DataFrame
        Tidy scores (columns ``TIDY``).
    by : sequence of str
        Axes whose values have rows of their own, ``feature`` among them.

    Returns
    -------
    DataFrame
        Columns of ``by``, method, n_decoders; planted, ideal and used (see ``REFERENCE_SCORES``)
        and efficiency, the planted score where chance is 0 and the ideal observer 1, each with
        ``_low`` and ``_high``, its 95 % interval; then ``_chance`` of each, and planted_ceiling
        and used_ceiling.
    """
    groups = [*by, "method"]
    own = pd.DataFrame(estimate("efficiency", efficiency(tidy), groups))
    return measured(REFERENCE_COLUMNS, tidy, by).join(own, on=groups)


def efficiency(tidy: pd.DataFrame) -> pd.DataFrame:
    """The planted score of each decoder on the scale from chance, 0, to the ideal observer, 1.

    NaN where the ideal observer is no better than chance. Intervals over trials are those of the
    score alone: chance and ceiling count as known.
    """
    planted = REFERENCE_SCORES["planted"]
    checks = (GROUND_TRUTH, planted.chance, planted.ceiling)
    own, chance, ceiling = (
        headline_scores(tidy, check, planted.headlines)
        .set_index(list(AXES))[["mean", "half_width"]]
        .astype(float)
        for check in checks
    )
    low, high = (level["mean"].reindex(own.index) for level in (chance, ceiling))
    room = (high - low).where(high > low)
    mean = chance_corrected(own["mean"], low, high.where(high > low))
    return own.assign(mean=mean, half_width=own["half_width"] / room).reset_index()
