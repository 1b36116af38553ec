"""Recordings as the background of a data set, and what follows from them: electrodes, reference.

The class signal is planted into stretches of the recordings, which stay as they are.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BeforeValidator,
    Field,
    SerializationInfo,
    ValidationInfo,
    field_serializer,
    field_validator,
)

from eegxai.head import Head, HeadSpec, ReferencedHead, SphereHead, open_head
from eegxai.head.montage import require_channels
from eegxai.recordings.background import Background, content_digest, open_background
from eegxai.recordings.reference import Reference
from eegxai.seeding import generator
from eegxai.simulation.waveforms import Epoch
from eegxai.spec import ORDERED, spec

IDENTITY = {"identity": True}  # context in which a spec is serialised for a key
# Of the largest power of a direction over channels: less is no noise but rounding.
EMPTY = 1e-7
# The power of a direction over that of the next weaker one, where that is no noise of electrodes
# but what a file of integers or a filter after it has left of a direction that was removed.
GAP = 100.0
AVERAGE_REFERENCE = "average"

Array = np.ndarray


ReferenceNames = Annotated[tuple[str, ...], ORDERED, Field(min_length=1)]


def _electrode_list(value: object) -> object:
    """Electrodes as a list, where YAML has only one."""
    return [value] if isinstance(value, str) and value != AVERAGE_REFERENCE else value


ReferenceField = Annotated[
    ReferenceNames | Literal["average"] | None, BeforeValidator(_electrode_list)
]


@spec
class BackgroundSpec:
    """A file of EEG to plant signals in.

    Parameters
    ----------
    file : str
        Recordings or epochs that MNE reads: .fif, .edf, .bdf, .set or .vhdr. Where the file lies
        is no part of its identity.
    channels : tuple of str, optional
        EEG channels of the file in the order wanted. By default all that are not marked as bad.
    reference : tuple of str or "average", optional
        Electrodes whose mean is the reference of the channels, or the average of the file's EEG
        channels. By default what the data tell: a flat channel, or a mean of zero.
    sha256 : str, optional
        Digest of the content, filled in by validation. One that is given must be that of the file.
    """

    file: str = dataclasses.field(compare=False)
    channels: Annotated[tuple[str, ...], ORDERED, Field(min_length=2)] | None = None
    reference: ReferenceField = None
    sha256: Annotated[str | None, Field(validate_default=True)] = None

    @field_validator("file")
    @classmethod
    def _exists(cls, file: str) -> str:
        if not Path(file).is_file():
            raise ValueError(f"background {file!r} does not exist or is not a file")
        return file

    @field_validator("sha256")
    @classmethod
    def _digest_of_its_file(cls, digest: str | None, given: ValidationInfo) -> str | None:
        file = given.data.get("file")
        actual = None if file is None else content_digest(file)
        if digest not in {None, actual}:
            raise ValueError(f"sha256 is {digest}, but the digest of {file!r} is {actual}")
        return actual

    @field_serializer("file")
    def _no_identity(self, file: str, info: SerializationInfo) -> str | None:
        return None if info.context == IDENTITY else file


def _background_fields(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


BackgroundField = Annotated[BackgroundSpec, BeforeValidator(_background_fields)]


def background_recording(background: BackgroundSpec) -> Background:
    """The file of a spec.

    Raises
    ------
    ValueError
        When it cannot be read, or has changed since the spec was made.
    """
    BackgroundSpec(**vars(background))  # checks the file against the digest of the spec
    return open_background(background.file)


def channels_of(background: BackgroundSpec) -> tuple[str, ...]:
    """Channels of a data set: those that the spec lists, else all good ones of the recordings.

    Raises
    ------
    ValueError
        When the recordings have no such channels, or one is listed twice.
    """
    recorded, listed = open_background(background.file), background.channels
    if listed is None:
        return recorded.ch_names
    require_channels(listed, recorded.all_channels, f"background {background.file!r}")
    if len(listed) > len(set(listed)):
        raise ValueError(f"background.channels={list(listed)} names a channel more than once")
    return listed


def reference_of(background: BackgroundSpec) -> Reference:
    """What the recordings are referenced to: what the spec says, else what the data tell."""
    recorded, said = open_background(background.file), background.reference
    if said is None:
        return recorded.reference_among(channels_of(background))
    electrodes = recorded.ch_names if said == AVERAGE_REFERENCE else tuple(said)
    return Reference(electrodes, "")


def reference_name(background: BackgroundSpec | None) -> str:
    """Reference of the channels: ``average``, electrodes as Fz,Cz, or ``unknown``."""
    if background is None:
        return AVERAGE_REFERENCE
    electrodes = reference_of(background).electrodes
    if set(electrodes) == set(channels_of(background)):
        return AVERAGE_REFERENCE
    return ",".join(electrodes) or "unknown"


def head_of(head: HeadSpec, background: BackgroundSpec | None) -> Head:
    """A head with the electrodes and the reference of a data set.

    With recordings, its electrodes are theirs. The spherical head takes their positions from the
    file if it has them and no ``montage`` is named, else from the template by their names; a head
    from a file has positions of its own.

    Raises
    ------
    ValueError
        When a position is not known.
    """
    return open_head(head) if background is None else _recorded_head(head, background)


@lru_cache(maxsize=8)
def _recorded_head(head: HeadSpec, background: BackgroundSpec) -> Head:
    channels, reference = channels_of(background), reference_of(background).electrodes
    electrodes = tuple(dict.fromkeys((*channels, *reference)))
    if head.model == "sphere":
        places, _ = open_background(background.file).places_m(electrodes, head.montage)
        with_all: Head = SphereHead(electrodes, tuple(places[name] for name in electrodes))
    else:
        with_all = open_head(replace(head, channels=electrodes))
    return ReferencedHead(with_all, channels, reference) if reference else with_all


def as_recorded(background: BackgroundSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a data set that are as in the recordings, where they are not given.

    Parameters
    ----------
    background : BackgroundSpec
    given : mapping
        Those of ``sfreq``, ``tmin``, ``tmax`` and ``n_trials`` that are given. A recording that is
        still to be cut has an epoch of 0 to 1 s; all stretches become trials.

    Raises
    ------
    ValueError
        When there is no stretch, or a time is not finite.
    """
    recorded = open_background(background.file)
    start, end = recorded.limits_s or (0.0, 1.0)
    fields = {"sfreq": recorded.sfreq, "tmin": start, "tmax": end, **given}
    if not np.isfinite([fields["tmin"], fields["tmax"]]).all():
        raise ValueError(f"tmin={fields['tmin']} and tmax={fields['tmax']} must be finite")
    n_times = Epoch.between(fields["tmin"], fields["tmax"], fields["sfreq"]).n_times
    n_trials = len(recorded.places(max(n_times, 1)))
    if not n_trials:
        raise ValueError(
            f"background {background.file!r} holds no trial of {n_times / fields['sfreq']:g} s: "
            f"{recorded.length_told}"
        )
    return {"n_trials": n_trials, **fields}


def require_recorded(
    background: BackgroundSpec, head: HeadSpec, epoch: Epoch, n_trials: int
) -> None:
    """Refuse what the recordings do not hold.

    Raises
    ------
    ValueError
        Names the field and what would fit.
    """
    if head.channels is not None:
        raise ValueError(
            f"channels {', '.join(head.channels)} of the head are given, but a data set with a "
            "background has the channels of its recordings; choose some by background.channels"
        )
    recorded = open_background(background.file)
    if epoch.sfreq != recorded.sfreq:
        raise ValueError(
            f"sfreq={epoch.sfreq:g} differs from the {recorded.sfreq:g} Hz of background "
            f"{background.file!r}; leave it out, or resample the file, for instance by MNE"
        )
    if recorded.limits_s and not _lies_within(epoch, *recorded.limits_s):
        start, end = recorded.limits_s
        raise ValueError(
            f"tmin={epoch.start_ms / 1e3:g} and tmax={epoch.end_ms / 1e3:g} leave the epochs of "
            f"background {background.file!r}, which last from {start:g} to {end:g} s"
        )
    if n_trials > (available := len(recorded.places(epoch.n_times))):
        raise ValueError(
            f"n_trials={n_trials} is more than background {background.file!r} holds: at most "
            f"{available} trials of {epoch.duration_ms / 1e3:g} s, or shorter ones"
        )
    channels_of(background)
    reference_of(background)


def _lies_within(epoch: Epoch, start_s: float, end_s: float) -> bool:
    whole = Epoch.between(start_s, end_s, epoch.sfreq)
    return whole.first <= epoch.first and epoch.first + epoch.n_times <= whole.first + whole.n_times


@lru_cache(maxsize=1)
def stretches(background: BackgroundSpec, epoch: Epoch) -> Array:
    """All stretches of the recordings, (stretches, channels, times) float32, µV, read-only."""
    found = background_recording(background).stretches(
        channels_of(background), epoch.first, epoch.n_times
    )
    if not np.isfinite(found).all():
        raise ValueError(f"background {background.file!r} holds values that are not finite")
    found.setflags(write=False)
    return found


def drawn(count: int, n_trials: int, seed: int) -> Array:
    """Which stretch each trial has, (trials,): at random, so that none tells the class.

    The labels do not depend on it, and fewer trials are a prefix of more.
    """
    return generator(seed, "stretches").permutation(count)[:n_trials]


@lru_cache(maxsize=8)
def covariance(background: BackgroundSpec, epoch: Epoch) -> Array:
    """Covariance (channels, channels) of the recordings at one sample, µV², float64, read-only."""
    found = stretches(background, epoch)
    mean = found.mean(axis=(0, 2), dtype=np.float64)[:, None]
    total = np.zeros((len(mean), len(mean)))
    for one in found:
        total += (one - mean) @ (one - mean).T
    total /= len(found) * epoch.n_times
    total.setflags(write=False)
    return total


def span(background: BackgroundSpec, epoch: Epoch) -> Array:
    """Orthonormal basis (channels, directions) of what the recordings contain.

    Where channels were interpolated or components removed there are fewer directions than
    channels. A signal outside of them would be without noise, and preprocessing would have
    removed it.
    """
    power, directions = np.linalg.eigh(covariance(background, epoch))
    held = power > EMPTY * power[-1]
    return directions[:, held][:, _n_of_rounding(power[held]) :]


def _n_of_rounding(power: Array) -> int:
    """How many of the directions, from weak to strong, lie below a gap; less than half of them.

    A gap above more is that of a few strong artefacts.
    """
    weak = power[: (len(power) + 1) // 2]
    return int(np.flatnonzero(weak[1:] > GAP * weak[:-1]).max(initial=-1)) + 1
