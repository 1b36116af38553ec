"""What the verdict on a method asks of its numbers; no cell depends on it."""

from typing import Annotated

from pydantic import Field

from eegxai.evaluation.bounds import MOST_SIMILAR
from sweeps.design.data import Model

Share = Annotated[float, Field(gt=0, lt=1)]


class Thresholds(Model):
    """Levels that an interval must lie above, or below, for a property to be shown.

    Attributes
    ----------
    efficiency : float
        Least share of the ideal observer's score, where chance is 0 and the observer is 1.
    use_correlation : float
        Least correlation of a map with what the decoder used.
    similarity : float
        Most that a map may correlate with that of a wrong class or of random weights; the study's
        empirical threshold.
    equality : float
        Two scores are equal when their difference is shown to be smaller than this.
    """

    efficiency: Share = 0.5
    use_correlation: Share = 0.7
    similarity: Share = MOST_SIMILAR
    equality: Share = 0.05

    @property
    def changed(self) -> dict[str, float]:
        """Those that are not the standard ones."""
        fields = type(self).model_fields
        return {n: v for n, v in self.model_dump().items() if v != fields[n].default}

    @property
    def changed_stem(self) -> str:
        """Part of a file's name that says which levels are not the standard ones."""
        return "".join(f"-{name}-{value:g}" for name, value in self.changed.items())
