"""What a method says of trials: maps over channels and times, and relevance over frequency."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from eegxai.attribution.core.registry import FrequencyKind
from eegxai.attribution.engine.frequency import joined_relevance, listening, relevance_of_product

Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]


class Explanation(NamedTuple):
    """Maps of trials, and what they say about frequency.

    Attributes
    ----------
    maps : Tensor (trials, channels, times)
        Signed, of any scale.
    frequency : Tensor (trials, channels, frequencies) or None
        As ``frequency_relevance`` gives it; None where maps say nothing about frequency.
    kind : str
        What kind of relevance that is, see ``Method.frequency``.
    """

    maps: Tensor
    frequency: Tensor | None = None
    kind: FrequencyKind = "multiplier"

    def of(self, trials: slice) -> "Explanation":
        """That of some of the trials."""
        frequency = None if self.frequency is None else self.frequency[trials]
        return self._replace(maps=self.maps[trials], frequency=frequency)


def explanation(explain: Explain, decoder: nn.Module, x: Tensor, target: Tensor) -> Explanation:
    """A method's maps, and what it says about frequency as it makes them, at no further pass.

    Parameters
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape; what :func:`attribute` calls is heard, if
        it makes one map of each trial.
    decoder, x, target
        Arguments of it.
    """
    with listening() as parts:
        maps = explain(decoder, x, target)
    heard = joined_relevance(parts)
    if heard is None or len(heard.relevance) != len(maps):
        return Explanation(maps)  # or several maps were made of a trial, or some that failed
    return Explanation(maps, heard.relevance, heard.kind)


def product(x: Tensor, multiplier: Tensor) -> Explanation:
    """The explanation ``x * multiplier``, trials (trials, channels, times)."""
    return Explanation(x * multiplier, relevance_of_product(x, multiplier))
