"""A quantity of the tidy scores: a metric in a check, what it is read on, and how to read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from eegxai.evaluation import (
    CALIBRATED_HEADLINE,
    CALIBRATED_METRICS,
    CHANCE,
    CHECKS,
    HEADLINE,
    SIMILARITIES,
    SIMILARITY_NULLS,
    STUDY_METRICS,
    Headlines,
)
from eegxai.evaluation.controls.null_maps import SURROGATE
from eegxai.evaluation.metrics.names import METRIC_ALIASES, metric_named
from eegxai.evaluation.metrics.physical import ERRORS
from eegxai.evaluation.modes import IDEAL_METRICS
from eegxai.evaluation.references.use_scores import SPLIT_HALF
from eegxai.evaluation.score_rows import AGAINST_TRUTH, GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.evaluation.scoring import DOMAIN_OF_METRIC, headlines_with
from eegxai.registry import unknown_name
from eegxai.statistics import Bounds
from sweeps.scores.needed import Measured
from sweeps.scores.table import AREA, FIRST_BELOW, bounds_of

# Names that stand for another metric and domain on each feature type.
HEADLINES = {"calibrated": CALIBRATED_HEADLINE, "study": HEADLINE}
KNOWN_CHECKS = dict.fromkeys((*AGAINST_TRUTH, *SIMILARITY_NULLS, *CHECKS))
KNOWN_METRICS = dict.fromkeys(
    (
        *HEADLINES, *STUDY_METRICS, *CALIBRATED_METRICS, *IDEAL_METRICS, *ERRORS, *DOMAIN_OF_METRIC,
        *(name for group in SIMILARITIES.values() for name in group), AREA, FIRST_BELOW,
    )
)  # fmt: skip
METRICS_PAGE = "docs/evaluation.md"
# Of a check, the one whose scores are its chance level; of all others, a map as smooth.
CHANCE_CHECKS = {GROUND_TRUTH: CHANCE}
# What the best map scores: with the decoder's use, no map can agree better than its own halves.
CEILING_CHECKS = {"used": SPLIT_HALF}
DOMAIN_TITLES = {
    "channel_time": "channels × times",
    "topography": "topographies",
    "topography_magnitude": "topographies of magnitudes",
    "channel_frequency": "channels × frequencies",
    "channel": "channels",
}


@dataclass(frozen=True)
class Quantity:
    """What is compared.

    Attributes
    ----------
    metric : str
        A metric of the tidy scores, or a name of ``HEADLINES``.
    check : str
        Where it is read, at its last step.
    """

    metric: str = "calibrated"
    check: str = GROUND_TRUTH

    @property
    def headlines(self) -> Headlines:
        """Domain and metric by feature type."""
        return headlines_named(self.metric)

    @property
    def rows(self) -> list[Measured]:
        """What of tidy scores it is read from, with its chance level and its ceiling."""
        levels = (self, self.chance, self.ceiling)
        return [Measured(one.check, one.headlines) for one in levels if one]

    @property
    def lower_is_better(self) -> bool:
        """Whether a good explanation has a small value: an error, or a map that had to change."""
        return self.metric in ERRORS or self.check in CHECKS

    @property
    def chance(self) -> "Quantity":
        """The same metric of maps without any information."""
        return Quantity(self.metric, CHANCE_CHECKS.get(self.check, SURROGATE))

    @property
    def ceiling(self) -> "Quantity | None":
        """The same metric of the best map there is; None for similarities to the original map."""
        if self.check != GROUND_TRUTH:
            return None
        kind = self.metric.partition("_")[0]
        return Quantity(self.metric, CEILING_CHECKS.get(kind, IDEAL_OBSERVER))

    def reading(self, feature: str) -> str:
        """How its numbers are read on a feature type, in a few words."""
        domain, metric = self.headlines[feature]
        direction = "lower" if self.lower_is_better else "higher"
        return f"{metric} on {DOMAIN_TITLES.get(domain, domain)}, {direction} is better"

    def require_known(
        self, metrics: Iterable[str] = KNOWN_METRICS, checks: Iterable[str] = KNOWN_CHECKS
    ) -> None:
        """Refuse a metric or a check that is none of these, naming the closest."""
        for kind, name, known in (("check", self.check, checks), ("metric", self.metric, metrics)):
            if name not in (choices := {*known}):
                misspelt = kind == "metric" and get_close_matches(name.lower(), METRIC_ALIASES, n=1)
                names = choices | METRIC_ALIASES if misspelt else choices
                raise ValueError(unknown_name(kind, name, names, METRICS_PAGE))


def quantity_named(metric: str, check: str = GROUND_TRUTH) -> Quantity:
    """Quantity of the names that a person gives.

    Parameters
    ----------
    metric : str
        A metric, a name of ``HEADLINES``, or what people call one, such as ``RMA``.
    check : str
        A check.

    Raises
    ------
    ValueError
        When it is a metric that is not computed; says which is nearest.
    """
    return Quantity(metric_named(metric), check)


def headlines_named(metric: str) -> Headlines:
    """Domain and metric by feature type of a metric of the tidy scores, or of ``HEADLINES``."""
    return HEADLINES.get(metric, headlines_with(metric))


def bounds_named(metric: str) -> Bounds:
    """Bounds of a metric of the tidy scores, or of all metrics of a name of ``HEADLINES``."""
    metrics = pd.Series([name for _, name in headlines_named(metric).values()])
    each = bounds_of(metrics)
    return Bounds(float(each["lowest"].min()), float(each["highest"].max()))
