"""What a method says about frequency, heard as it explains, and what knows less than it."""

from dataclasses import dataclass, field

from torch import Tensor, nn

from eegxai.attribution.engine.frequency import (
    joined,
    listening,
    relevance_of_product,
)
from eegxai.evaluation.controls.null_maps import (
    CHANCE,
    UNTRAINED,
    Explain,
    same_spectrum,
)
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials

OWN = "ground_truth"


@dataclass(eq=False)
class FrequencyListener:
    """An explanation method whose relevance over frequency is kept, at no further pass.

    Attributes
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape.
    explained : ExplainedTrials
        It is heard as it explains these on their decoder and on the untrained one.
    heard : dict
        Relevance by check; empty where its maps say nothing about frequency.
    """

    explain: Explain
    explained: ExplainedTrials
    heard: dict[str, Tensor] = field(default_factory=dict)

    def __call__(self, decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        """Map of the trials; what is said about frequency is kept where it will be scored."""
        check = self._check(decoder, x, target)
        if check is None:
            return self.explain(decoder, x, target)
        with listening() as parts:
            maps = self.explain(decoder, x, target)
        if (relevance := joined(parts)) is not None:
            self.heard[check] = relevance
        return maps

    def _check(self, decoder: nn.Module, x: Tensor, target: Tensor) -> str | None:
        if x is not self.explained.x or target is not self.explained.target:
            return None
        if decoder is self.explained.decoder:
            return OWN
        return UNTRAINED if decoder is self.explained.untrained_decoder else None

    def relevances(self) -> dict[str, Tensor]:
        """Relevance over frequency by check: the method's own, and what knows less.

        ``same_spectrum`` is x times a random multiplier that has the spectrum of x: one with the
        spectrum of the method's own multiplier would know the band. ``input_magnitude`` is the
        power of x. Empty where the method says nothing.
        """
        if OWN not in self.heard:
            return {}
        x = self.explained.x
        nulls = {CHANCE: same_spectrum(x), "input_magnitude": x}
        return self.heard | {name: relevance_of_product(x, m) for name, m in nulls.items()}
