"""What a study claims, as data: read from a YAML file, checked before any work."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from eegxai.evaluation import SIMILARITY_NULLS
from eegxai.evaluation.metrics.names import metric_named
from eegxai.evaluation.score_rows import AGAINST_TRUTH
from eegxai.registry import lookup
from eegxai.spec import spec
from eegxai.statistics import Bounds
from sweeps.analysis.quantity import HEADLINES, KNOWN_CHECKS, KNOWN_METRICS, bounds_named
from sweeps.scores.table import CASCADE

EVALUATION_NAMES = ("study", "corrected")
FEWEST_RANKED = 3  # methods: of two, rankings are the same or reversed

Asks = Literal["at least", "above", "below"]
Axis = Literal["feature", "snr_db"]
Some = Annotated[tuple[str, ...], Field(min_length=1)]


class MeasureKey(NamedTuple):
    """What two measures share that are the same."""

    check: str
    metric: str
    steps: str
    less: str


@spec
class Measure:
    """A number that each trained decoder has for each method.

    Attributes
    ----------
    metric : str
        A metric of the tidy scores, or what people call it, on the domain of the feature type's
        headline; ``study`` and ``calibrated`` are the headline metrics.
    check : str
        Where it is read.
    steps : str
        ``last``, the check's last step (all weights random), or ``mean`` over all its steps.
    less : str
        A check whose value on the same decoder is subtracted; none if empty.
    """

    metric: str
    check: str = "ground_truth"
    steps: Literal["last", "mean"] = "last"
    less: str = ""

    @field_validator("metric")
    @classmethod
    def _metric_is_known(cls, name: str) -> str:
        metric = metric_named(name)
        lookup(KNOWN_METRICS, metric, "metric")
        return metric

    @field_validator("check", "less")
    @classmethod
    def _check_is_known(cls, name: str) -> str:
        if name:
            lookup(KNOWN_CHECKS, name, "check")
        return name

    @property
    def key(self) -> MeasureKey:
        """What is measured, whatever is asked of it."""
        return MeasureKey(self.check, self.metric, self.steps, self.less)

    @property
    def text(self) -> str:
        """In a few words."""
        metric = f"{self.metric} headline" if self.metric in HEADLINES else self.metric
        last = " (last step)" if self.check == CASCADE else ""
        steps = " (mean over the steps)" if self.steps == "mean" else last
        less = f" less that in {self.less}" if self.less else ""
        return f"{metric} in {self.check}{steps}{less}"

    @property
    def short(self) -> str:
        """In fewer words."""
        return self.text

    @property
    def checks(self) -> set[str]:
        """Checks that it is read from."""
        return {self.check, self.less} - {""}

    @property
    def is_similarity(self) -> bool:
        """Whether it compares a map with the map that it must differ from."""
        return self.check not in AGAINST_TRUTH

    @property
    def null_levels(self) -> list["Measure"]:
        """The same of maps without any information, where it is a similarity."""
        checks = SIMILARITY_NULLS if self.is_similarity else ()
        return [Measure(metric=self.metric, check=check) for check in checks]

    @property
    def metrics(self) -> set[str]:
        """Metrics of the tidy scores that it is read from."""
        if self.metric not in HEADLINES:
            return {self.metric}
        return {metric for _, metric in HEADLINES[self.metric].values()}

    @property
    def bounds(self) -> Bounds:
        """Values that it can have."""
        bounds = bounds_named(self.metric)
        return bounds.of_differences if self.less else bounds


@spec
class Condition(Measure):
    """What the interval of a measure must show.

    Attributes
    ----------
    asks : str
        Side of the threshold: ``at least``, ``above`` or ``below``.
    threshold : float, optional
        The study's where it is None.
    """

    asks: Asks
    threshold: float | None = None


@spec
class Agreement:
    """What the interval of the agreement of several rankings of the methods must show.

    Attributes
    ----------
    rankings : tuple of Measure
        What the methods are ranked by; see ``eegxai.statistics.ranking_agreement``.
    asks, threshold
        See ``Condition``.
    """

    rankings: Annotated[tuple[Measure, ...], Field(min_length=2)]
    asks: Asks
    threshold: float

    @property
    def text(self) -> str:
        """In a few words."""
        return f"agreement of the rankings by {', '.join(one.text for one in self.rankings)}"

    @property
    def short(self) -> str:
        """In fewer words."""
        return f"all {len(self.rankings)} rankings"

    @property
    def checks(self) -> set[str]:
        """Checks that it is read from."""
        return set().union(*(one.checks for one in self.rankings))

    @property
    def bounds(self) -> Bounds:
        """Values that it can have."""
        return Bounds(-1 / (len(self.rankings) - 1), 1)


@spec
class Evaluation:
    """The methods that a claim is about, and what they must show.

    Attributes
    ----------
    methods : tuple of str
        Names of methods.
    conditions : tuple of Condition
        On each method.
    agreements : tuple of Agreement
        On all of them together.
    """

    methods: Some
    conditions: tuple[Condition, ...] = ()
    agreements: tuple[Agreement, ...] = ()

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if not self.asked:
            raise ValueError("an evaluation has neither conditions nor agreements; give one")
        return self

    def check_methods(self, where: str) -> None:
        """Refuse what counts a method twice, or ranks one alone."""
        if len(set(self.methods)) < len(self.methods):
            raise ValueError(f"{where}: methods={self.methods} holds a method more than once")
        if self.agreements and len(self.methods) < FEWEST_RANKED:
            raise ValueError(
                f"{where}: methods={self.methods} are too few to be ranked, at least "
                f"{FEWEST_RANKED} are needed"
            )

    def check_thresholds(self, where: str) -> None:
        """Refuse a threshold that every value meets, or none."""
        for asked in self.asked:
            (low, high), value = asked.bounds, asked.threshold
            if value is not None and not low <= value <= high:
                raise ValueError(f"{where}: threshold={value:g} is not from {low:g} to {high:g}")

    @property
    def asked(self) -> tuple[Condition | Agreement, ...]:
        """Conditions and agreements."""
        return (*self.conditions, *self.agreements)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What the conditions and the rankings of the agreements are read from."""
        return (*self.conditions, *(one for each in self.agreements for one in each.rankings))


@spec
class Claim:
    """A claim and the rule that decides it.

    Attributes
    ----------
    id : str
        A number or a short name.
    statement : str
        The claim, in one sentence.
    source : str
        Where it is made.
    rule : str
        A name of ``sweeps.analysis.claims.rules.RULES``, which says what it needs.
    study : Evaluation
        What decides it with the study's methods and metrics.
    corrected : Evaluation, optional
        What decides it with corrected ones.
    by : tuple of str
        Axes whose values are judged apart: ``feature``, ``snr_db``. Over the others each seed's
        decoders are averaged.
    fewest : int
        Number of methods that are several.
    """

    id: Annotated[str, BeforeValidator(str)]
    statement: str
    source: str
    rule: str
    study: Evaluation
    corrected: Evaluation | None = None
    by: Annotated[tuple[Axis, ...], Field(min_length=1)] = ("feature",)
    fewest: int = Field(default=1, ge=1)

    def check(self) -> None:
        """Refuse what would count an axis or a method twice, whatever the rule."""
        if len(set(self.by)) < len(self.by):
            raise ValueError(f"claim {self.id}: by={self.by} holds an axis more than once")
        for name, evaluation in self.evaluations:
            evaluation.check_methods(f"claim {self.id}: {name}")
            evaluation.check_thresholds(f"claim {self.id}: {name}")

    @property
    def evaluations(self) -> Iterator[tuple[str, Evaluation]]:
        """Those that there are, by name."""
        found = ((name, getattr(self, name)) for name in EVALUATION_NAMES)
        return ((name, evaluation) for name, evaluation in found if evaluation)


@spec
class Study:
    """The claims of a study, and the cells on which they are decided.

    Attributes
    ----------
    title : str
        Authors, journal, year.
    features, snr_db : tuple
        Values of the axes; a claim needs those of the axes that it is judged ``by``.
    architecture : str
        The study's network: other decoders are left out.
    threshold : float
        Similarity at or above which a map is not specific.
    other_thresholds : tuple of float
        Two others, below and above it, with which claims are decided again.
    claims : tuple of Claim
    """

    title: str
    features: Some
    snr_db: tuple[float, ...] = ()
    architecture: str
    threshold: float = 0.5
    other_thresholds: tuple[float, float] = (0.3, 0.7)
    claims: Annotated[tuple[Claim, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _claims_can_be_decided(self) -> Self:
        lower, upper = self.other_thresholds
        if not lower < self.threshold < upper:
            raise ValueError(
                f"other_thresholds=({lower:g}, {upper:g}) must lie below and above the threshold "
                f"{self.threshold:g}"
            )
        for claim in self.claims:
            claim.check()
        ids = [claim.id for claim in self.claims]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise ValueError(f"claims: the id {twice[0]!r} is given more than once")
        if not self.snr_db and any("snr_db" in claim.by for claim in self.claims):
            raise ValueError("snr_db is empty, and a claim is judged by snr_db; name the levels")
        return self

    def only(self, ids: Sequence[str]) -> Self:
        """The same study with some of its claims; all where none are named.

        Raises
        ------
        ValueError
            When it has no claim of that name.
        """
        claims = {claim.id: claim for claim in self.claims}
        chosen = tuple(lookup(claims, one, "--claim") for one in dict.fromkeys(ids))
        return replace(self, claims=chosen or self.claims)

    def values(self, axis: str) -> Sequence[Any]:
        """Values of an axis that the study has."""
        return {"feature": self.features, "snr_db": self.snr_db}[axis]

    @property
    def measures(self) -> list[Measure]:
        """All that its claims measure, and the levels that similarities are held against."""
        evaluations = (one for claim in self.claims for _, one in claim.evaluations)
        asked = [measure for one in evaluations for measure in one.measures]
        return [*asked, *(level for measure in asked for level in measure.null_levels)]

    @property
    def metrics(self) -> set[str]:
        """Metrics of the tidy scores that any claim is decided by."""
        return set().union(*(one.metrics for one in self.measures))

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that any claim is about."""
        evaluations = (e for claim in self.claims for _, e in claim.evaluations)
        return tuple(dict.fromkeys(name for e in evaluations for name in e.methods))
