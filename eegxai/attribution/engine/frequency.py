"""What maps say about frequency: relevance behind a Fourier layer put before the decoder.

An inverse Fourier transform in front of the decoder is one more linear layer, through which the
rules of a method pass unchanged: a virtual inspection layer (Vielhaben et al., Pattern Recognition
150:110309, 2024, arXiv:2303.06365). X and M below are the discrete Fourier transforms of a trial
(or its difference from a baseline) and of the multiplier over its N samples.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor, nn

from eegxai.attribution.core.registry import FrequencyKind


class Heard(NamedTuple):
    """Relevance (trials, channels, frequencies) of some trials, and what kind it is of."""

    kind: FrequencyKind
    relevance: Tensor


# Relevance that a method tells of the trials it explains, and, for who listens, what all told.
_said: ContextVar[list[Tensor] | None] = ContextVar("said", default=None)
_heard: ContextVar[list[Heard] | None] = ContextVar("heard", default=None)


def sides(n_times: int) -> Tensor:
    """How often each frequency of rfft occurs in the whole transform: twice inside, (frequencies,).

    Those at the ends, zero and with an even number of samples half the sampling rate, occur once.
    """
    counts = torch.full((n_times // 2 + 1,), 2.0, dtype=torch.float64)
    counts[0] = 1
    if n_times % 2 == 0:
        counts[-1] = 1
    return counts


def relevance_of_product(difference: Tensor, multiplier: Tensor) -> Tensor:
    """Relevance of each frequency of a map ``difference * multiplier``: Re(conj(X) M) / N.

    By Parseval's theorem its sum over frequencies is the map's over time, in every channel.

    Parameters
    ----------
    difference, multiplier : Tensor (trials, channels, times)

    Returns
    -------
    Tensor (trials, channels, frequencies)
        Float64; frequencies inside the spectrum stand for their negative ones too.
    """
    n_times = difference.shape[-1]
    x, m = (torch.fft.rfft(part.detach().double()) for part in (difference, multiplier))
    return (x.conj() * m).real * sides(n_times).to(x.device) / n_times


def amplitude_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """Derivative with respect to the amplitude of each frequency, d f / d |X|, phases held.

    It is Re(conj(X) G) / (N |X|) with the gradient's transform G, and 0 where the amplitude is 0:
    there it has no derivative.

    Parameters
    ----------
    x, gradient : Tensor (trials, channels, times)

    Returns
    -------
    Tensor (trials, channels, frequencies)
        Float64, in the gradient's unit.
    """
    n_times = x.shape[-1]
    phase = torch.fft.rfft(x.detach().double()).sgn()
    g = torch.fft.rfft(gradient.detach().double())
    return (phase.conj() * g).real * sides(n_times).to(x.device) / n_times


def contributions(difference: Tensor, multiplier: Tensor) -> Tensor:
    """``difference * multiplier``, told to whoever listens to frequencies.

    A method that declares ``frequency="multiplier"`` makes every term of its map with it.
    """
    if (said := _said.get()) is not None:
        said.append(relevance_of_product(difference, multiplier))
    return difference * multiplier


def tell(relevance: Callable[[], Tensor]) -> None:
    """Tell whoever listens the relevance (trials, channels, frequencies) that was measured.

    A method that declares ``frequency="effect"`` calls it; it is computed only if someone listens.
    """
    if (said := _said.get()) is not None:
        said.append(relevance().detach().double())


@contextmanager
def listening() -> Iterator[list[Heard]]:
    """Hear what methods say about frequency inside the context, a few trials after the other."""
    heard: list[Heard] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def heard_map(
    kind: FrequencyKind | None,
    call: Callable[[nn.Module, Tensor, Tensor], Tensor],
    decoder: nn.Module,
    x: Tensor,
    target: Tensor,
) -> Tensor:
    """Map of a method of this kind; whoever listens hears what it says about frequency."""
    heard = _heard.get()
    if heard is None or kind is None:
        return call(decoder, x, target)
    said: list[Tensor] = []
    token = _said.set(said)
    try:
        result = call(decoder, x, target)
    finally:
        _said.reset(token)
    if kind == "gradient":
        said = [amplitude_gradient(x, result)]
    # Terms of one map, such as those of baselines; a lone trial may have been one of a pair.
    heard.append(Heard(kind, torch.stack(said).sum(0)[: len(x)]))
    return result


def joined_relevance(parts: list[Heard]) -> Heard | None:
    """Relevance of all trials, heard one after the other; None if nothing was, or several kinds."""
    kinds = {part.kind for part in parts}
    if len(kinds) != 1:
        return None
    return Heard(kinds.pop(), torch.cat([part.relevance for part in parts]))
