"""What a method says about frequency, heard as it explains, and what knows less than it."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution.engine.frequency import (
    FrequencyParts,
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
from eegxai.seeding import trial_generators

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
        By check, what it said; nothing where its maps say nothing about frequency.
    """

    explain: Explain
    explained: ExplainedTrials
    heard: dict[str, FrequencyParts] = field(default_factory=dict)

    def __call__(self, decoder: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        check = self._check(decoder, x, target)
        if check is None:
            return self.explain(decoder, x, target)
        with listening() as parts:
            maps = self.explain(decoder, x, target)
        if said := joined(parts):
            self.heard[check] = said
        return maps

    def _check(self, decoder: nn.Module, x: Tensor, target: Tensor) -> str | None:
        if x is not self.explained.x or target is not self.explained.target:
            return None
        if decoder is self.explained.decoder:
            return OWN
        return UNTRAINED if decoder is self.explained.untrained_decoder else None

    def relevances(self) -> dict[str, Tensor]:
        """Relevance over frequency by check: the method's own, and what knows less.

        ``same_spectrum`` is x times a random multiplier of the method's spectrum, or, where
        relevance is measured directly, it on frequencies that are shifted at random;
        ``input_magnitude`` is the power of x. Empty where the method says nothing.
        """
        if OWN not in self.heard:
            return {}
        x, own = self.explained.x, self.heard[OWN]
        known = {
            OWN: own.relevance,
            CHANCE: _random(x, own),
            "input_magnitude": relevance_of_product(x, x),
        }
        untrained = self.heard.get(UNTRAINED)
        return known | ({UNTRAINED: untrained.relevance} if untrained else {})


def _random(x: Tensor, own: FrequencyParts) -> Tensor:
    if own.multiplier is not None:
        return relevance_of_product(x, same_spectrum(own.multiplier).to(x.device))
    streams = trial_generators(own.relevance, "shifted frequencies")
    shifts = [stream.integers(own.relevance.shape[-1]) for stream in streams]
    rolled = [np.roll(r, s, -1) for r, s in zip(own.relevance.cpu().numpy(), shifts, strict=True)]
    return torch.from_numpy(np.stack(rolled))
