"""What the channels of a recording are referenced to, as far as its data tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Of the root mean square of the channels: their mean, where their average is the reference. The
# steps of 16 bits and the mean over some twenty channels leave less than this.
ZERO_MEAN = 1e-2

Array = np.ndarray


class Reference(NamedTuple):
    """Electrodes whose mean was subtracted, none where that is not known, and a sentence on it."""

    electrodes: tuple[str, ...]
    told: str


UNKNOWN_REFERENCE = Reference((), "the file does not state the EEG reference of its channels")


@dataclass(frozen=True)
class JudgedChannels:
    """What stretches of a recording show of its channels.

    Parameters
    ----------
    flat : mapping of str to float
        Share of the stretches in which each good channel is flat.
    average : Reference
        All or all good channels where their mean is zero, else unknown.
    """

    flat: Mapping[str, float]
    average: Reference

    @property
    def silent(self) -> list[str]:
        """Good channels that hold nothing."""
        return [name for name, share in self.flat.items() if share == 1]


def judged_channels(volts: Mapping[str, Array], good: Sequence[str]) -> JudgedChannels:
    """Read off stretches of every channel (stretches, times) which are flat, and their mean."""
    flat = {name: _flat_share(volts[name]) for name in good}
    varying = {name: volts[name] for name in good if flat[name] < 1}
    for channels in (varying, volts):
        if _has_zero_mean(np.array(list(channels.values()))):
            average = Reference(tuple(channels), "the channels have the average reference")
            return JudgedChannels(flat, average)
    return JudgedChannels(flat, UNKNOWN_REFERENCE)


def reference_among(channels: Sequence[str], found: JudgedChannels, file: str) -> Reference:
    """What some channels are referenced to: what is flat beside them is no matter.

    Raises
    ------
    ValueError
        When several channels hold nothing, or one does for a while.
    """
    partly = [name for name, share in found.flat.items() if 0 < share < 1 and name in channels]
    if partly:
        raise ValueError(
            f"{file}: the channels {', '.join(partly)} are flat in a part of the "
            "recording; mark them as bad, or that part by an annotation called bad"
        )
    silent = found.silent
    if len(silent) > 1 and not set(silent).isdisjoint(channels):
        raise ValueError(f"{file}: the channels {', '.join(silent)} are flat; mark them as bad")
    if len(silent) == 1:
        told = f"channel {silent[0]} is flat, so it is taken for the EEG reference"
        return Reference((silent[0],), told)
    return found.average


def _flat_share(volts: Array) -> float:
    flat = np.ptp(volts, axis=-1) == 0
    return float(flat.mean()) if flat.size else 0.0


def _has_zero_mean(volts: Array) -> bool:
    """Whether channels (channels, ...) have a mean of zero at every sample, if there is any."""
    if not volts.size:
        return False
    varying = volts - volts.mean(axis=tuple(range(1, volts.ndim)), keepdims=True)
    of_mean, of_all = (np.sqrt(np.mean(part**2)) for part in (varying.mean(axis=0), varying))
    return bool(of_mean < ZERO_MEAN * of_all)
