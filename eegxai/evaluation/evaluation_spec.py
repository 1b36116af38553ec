"""How explanations are evaluated: the settings, checked before any work."""

from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from eegxai.evaluation.controls.sanity_checks import CHECKS, STUDY_CHECKS
from eegxai.evaluation.modes import EVALUATION_MODES, EvaluationMode, MapComparison
from eegxai.registry import lookup
from eegxai.spec import spec


@spec
class EvaluationSpec:
    """How explanations are evaluated.

    Attributes
    ----------
    mode : str
        ``"corrected"``, or ``"study"`` for what the study's code computed: all sixteen metrics
        for every check, over whole pictures, with rows of zeros for trials that it skips. Not the
        mode of scores (docs/evaluation.md#two-modes-of-an-evaluation-and-of-scores).
    n_trials : int
        Most trials to score, drawn from those that the decoder classifies correctly; trials with
        a planted signal come first.
    truth_threshold : float
        Share of a trial's peak below which the ground truth counts as zero: 0.05 by default,
        and 0 in the mode ``"study"``, whose code counts every value that is not zero.
    weight_draws : int
        Draws of random weights in the checks that randomize weights: scores are means over them,
        and the column ``draws_std`` is their spread. Each costs as much as the checks with the
        first: all passes of the cascade, most of a cell's time.
    checks : tuple of str
        Robustness checks, names in ``CHECKS``; the study's by default.
    use_permutations : int
        Orders, 2 or more, from which the decoder's use of each planted piece is estimated; 0 for
        two marginals a piece. Each order costs half of that.
    """

    mode: EvaluationMode = "corrected"
    n_trials: PositiveInt = 256
    truth_threshold: float = Field(default=None, ge=0, lt=1)  # type: ignore[assignment]
    weight_draws: PositiveInt = 1
    checks: tuple[str, ...] = STUDY_CHECKS
    use_permutations: NonNegativeInt = 0

    @field_validator("checks")
    @classmethod
    def _checks_are_registered(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            lookup(CHECKS, name, "check")
        if len(set(names)) < len(names):
            raise ValueError(f"checks={names} holds a name more than once")
        return names

    @field_validator("use_permutations")
    @classmethod
    def _permutations_have_an_error(cls, number: int) -> int:
        if number == 1:
            raise ValueError(
                "use_permutations=1 gives no estimate of its error: take 0, or 2 and more"
            )
        return number

    @model_validator(mode="after")
    def _fits_its_mode(self) -> Self:
        if self.truth_threshold is None:
            object.__setattr__(self, "truth_threshold", self.comparison.truth_threshold)
        if self.mode == "study":
            self._check_study()
        return self

    def _check_study(self) -> None:
        """Refuse what the study's code did not do."""
        if self.truth_threshold != self.comparison.truth_threshold:
            raise ValueError(
                f"truth_threshold={self.truth_threshold:g} contradicts mode 'study', which counts "
                "every value that is not zero: leave it out, or set it to 0"
            )
        if self.weight_draws > 1:
            raise ValueError(
                f"weight_draws={self.weight_draws} contradicts mode 'study', which has one draw of "
                "random weights: leave it out, or set it to 1"
            )
        if self.use_permutations:
            raise ValueError(
                f"use_permutations={self.use_permutations} contradicts mode 'study', which does "
                "not ask what the decoder used: leave it out, or set it to 0"
            )
        if others := [name for name in self.checks if name not in STUDY_CHECKS]:
            raise ValueError(
                f"checks: {others[0]!r} contradicts mode 'study', whose checks are "
                f"{' and '.join(STUDY_CHECKS)}"
            )

    def class_testable(self, n_classes: int) -> bool:
        """Whether the map of a wrong class says anything: not of a contrast of two classes.

        The contrast of one is minus that of the other, so that the map is the mirror image by
        algebra, whatever the decoder does.
        """
        return n_classes > 2 or self.comparison.output != "contrast"

    @property
    def comparison(self) -> MapComparison:
        """How maps are compared in its mode."""
        return EVALUATION_MODES[self.mode]
