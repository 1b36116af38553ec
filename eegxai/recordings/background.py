"""Anyone's EEG as a background: stretches of a file that do not overlap, and how it was recorded.

Its header is read first and its data only when they are asked for.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import mne
import numpy as np

from eegxai.head.models import file_digest
from eegxai.recordings.channels import channel_position, placed, projection_notes
from eegxai.recordings.opening import existing, opened_file
from eegxai.recordings.parts import parts
from eegxai.recordings.reference import JudgedChannels, Reference, judged_channels, reference_among
from eegxai.rounding import counted

MICROVOLT_PER_VOLT = 1e6
BAD_ANNOTATION = "bad"  # how the name of an annotation begins that MNE leaves out of epochs
# Of an epoch: a median spacing below it is of numbers that were made up, since sliding windows move
# by more.
NUMBERED = 0.1
N_JUDGED = 32  # stretches of which the reference is read, spread over the file

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Background:
    """A file of EEG. Stretches have no sample in common, so none is in two trials.

    Parameters
    ----------
    file : str
        Its name, for messages.
    source : mne.io.BaseRaw or mne.BaseEpochs
        Its content; the data may still be in the file.
    notes : tuple of str
        What was decided or found when it was opened, one sentence each.
    """

    file: str
    source: Any
    notes: tuple[str, ...] = ()

    @cached_property
    def ch_names(self) -> tuple[str, ...]:
        """EEG channels that are not marked as bad."""
        return tuple(name for name in self.all_channels if name not in self.bads)

    @cached_property
    def all_channels(self) -> tuple[str, ...]:
        """All EEG channels."""
        picks = mne.pick_types(self.source.info, eeg=True, exclude=())
        return tuple(self.source.ch_names[pick] for pick in picks)

    @property
    def bads(self) -> tuple[str, ...]:
        """EEG channels that are marked as bad."""
        return tuple(name for name in self.source.info["bads"] if name in self.all_channels)

    @property
    def sfreq(self) -> float:
        """Sampling frequency, Hz."""
        return float(self.source.info["sfreq"])

    @property
    def passband_hz(self) -> tuple[float, float]:
        """What filters have left, as the header has it, Hz."""
        return float(self.source.info["highpass"]), float(self.source.info["lowpass"])

    @property
    @abstractmethod
    def length_told(self) -> str:
        """How much there is."""

    @property
    @abstractmethod
    def limits_s(self) -> tuple[float, float] | None:
        """Start and end of the file's epochs, s; None where a recording is still to be cut."""

    @abstractmethod
    def places(self, n_times: int) -> Array:
        """Which stretches of a length there are: positions in the file, in their order."""

    @abstractmethod
    def onsets_s(self, n_times: int) -> Array:
        """When each stretch begins, s after the file does; NaN where the file does not say it."""

    @abstractmethod
    def left_out(self, n_times: int) -> str:
        """Which stretches are not used and why, in one sentence; empty where all are."""

    @abstractmethod
    def _read(self, places: Array, channels: Sequence[str], first: int, n_times: int) -> Array:
        """Stretches (places, channels, times) in volts."""

    def stretches(self, channels: Sequence[str], first: int, n_times: int) -> Array:
        """All stretches of a length, (stretches, channels, times) float32, µV.

        Parameters
        ----------
        channels : sequence of str
        first, n_times : int
            The first sample, counted from that at time zero, and the number of samples.
        """
        places = self.places(n_times)
        found = np.empty((len(places), len(channels), n_times), np.float32)
        for rows in _portions(len(places)):
            volts = self._read(places[rows], channels, first, n_times)
            found[rows] = MICROVOLT_PER_VOLT * volts
        return found

    def reference_among(self, channels: Sequence[str]) -> Reference:
        """What the channels are referenced to, as far as the data tell it.

        Parameters
        ----------
        channels : sequence of str
            Those that are used: what is flat beside them is no matter.

        Raises
        ------
        ValueError
            When several channels hold nothing, or one does for a while.
        """
        return reference_among(channels, self._judged, self.file)

    @cached_property
    def _judged(self) -> JudgedChannels:
        return judged_channels(self._judged_volts(), self.ch_names)

    def _judged_volts(self) -> dict[str, Array]:
        """Stretches of each channel (stretches, times), spread over the file."""
        n_times = max(2, round(self.sfreq)) if self.limits_s is None else len(self.source.times)
        first = 0 if self.limits_s is None else round(self.limits_s[0] * self.sfreq)
        places = self.places(n_times)
        spread = np.linspace(0, len(places) - 1, min(N_JUDGED, len(places))).round().astype(int)
        if not len(places):
            return {name: np.empty((0, n_times)) for name in self.all_channels}
        volts = self._read(places[spread], self.all_channels, first, n_times)
        return dict(zip(self.all_channels, np.moveaxis(volts, 1, 0), strict=True))

    def places_m(
        self, electrodes: Sequence[str], montage: str | None
    ) -> tuple[dict[str, tuple[float, ...]], list[str]]:
        """Positions of electrodes in MNE's head frame, m, and sentences on where they are from.

        Parameters
        ----------
        electrodes : sequence of str
            Channels, and electrodes of the reference, which need not be in the file.
        montage : str, optional
            As in :func:`eegxai.recordings.read_trials`.

        Raises
        ------
        ValueError
            When one is not known, or two are the same.
        """
        recorded = [name for name in electrodes if name in self.all_channels]
        others = [name for name in electrodes if name not in recorded]
        picks = [self.source.ch_names.index(name) for name in recorded]
        own, told = placed(mne.pick_info(self.source.info, picks), montage)
        further, _ = placed(mne.create_info(others, self.sfreq, "eeg"), montage)
        chs = (*own["chs"], *further["chs"])
        if unknown := [one["ch_name"] for one in chs if channel_position(one) is None]:
            raise ValueError(
                f"background {self.file!r} has no positions of {', '.join(unknown)}, nor has a "
                "template by these names; give a montage that has them, or write positions to it"
            )
        if len({channel_position(one) for one in chs}) < len(chs):
            raise ValueError(f"background {self.file!r}: {'; '.join(told)}")
        found = {one["ch_name"]: tuple(one["loc"][:3].tolist()) for one in chs}
        return found, told


class Recording(Background):
    """A continuous recording, cut into stretches one after the other."""

    @property
    def length_told(self) -> str:
        """See :attr:`Background.length_told`."""
        told = f"it lasts {self.source.n_times / self.sfreq:g} s"
        return f"{told}, a part of it annotated as bad" if self._unusable_samples else told

    @property
    def limits_s(self) -> None:
        """A recording is still to be cut."""
        return

    def places(self, n_times: int) -> Array:
        """First samples of stretches that touch no annotation called bad."""
        starts = self._grid(n_times)
        usable = np.ones(len(starts), bool)
        for begins, ends in self._unusable_samples:
            usable &= (starts + n_times <= begins) | (starts >= ends)
        return starts[usable]

    def onsets_s(self, n_times: int) -> Array:
        """See :meth:`Background.onsets_s`."""
        return self.places(n_times) / self.sfreq

    def left_out(self, n_times: int) -> str:
        """See :meth:`Background.left_out`."""
        n_all = len(self._grid(n_times))
        count = n_all - len(self.places(n_times))
        told = f"{count} of {n_all} stretches touch an annotation called bad and are left out"
        return told if count else ""

    def _grid(self, n_times: int) -> Array:
        return np.arange(self.source.n_times // n_times) * n_times

    @cached_property
    def _unusable_samples(self) -> list[tuple[float, float]]:
        """Where annotations called bad begin and end, in samples of the file."""
        return [
            (np.floor(begins * self.sfreq), np.ceil((begins + one["duration"]) * self.sfreq))
            for one in self.source.annotations
            if one["description"].lower().startswith(BAD_ANNOTATION)
            for begins in [one["onset"] - self.source.first_time]
        ]

    def _read(self, places: Array, channels: Sequence[str], first: int, n_times: int) -> Array:
        names = list(channels)
        cut = [self.source.get_data(names, place, place + n_times) for place in places.tolist()]
        return np.stack(cut)


class Epoched(Background):
    """A file of epochs; of those that overlap in time, only the first is used."""

    @property
    def length_told(self) -> str:
        """See :attr:`Background.length_told`."""
        return f"it has {counted(len(self.source.events), 'epoch')}"

    @property
    def limits_s(self) -> tuple[float, float]:
        """See :attr:`Background.limits_s`."""
        times = self.source.times
        return float(times[0]), float(times[-1]) + 1 / self.sfreq

    def places(self, n_times: int) -> Array:
        """Indices of epochs that begin after the one before has ended."""
        onsets = self.onsets_s(n_times=0)
        if np.isnan(onsets).all():
            return np.arange(len(onsets))
        kept, free_from = [], -np.inf
        for index in np.argsort(onsets, kind="stable"):
            if onsets[index] >= free_from - 0.5 / self.sfreq:
                kept.append(index)
                free_from = onsets[index] + n_times / self.sfreq
        return np.array(kept, int)

    def onsets_s(self, n_times: int) -> Array:
        """See :meth:`Background.onsets_s`; of all epochs where ``n_times`` is 0."""
        onsets = self.source.events[:, 0] / getattr(self.source, "_raw_sfreq", self.sfreq)
        if self._onsets_are_made_up(onsets):
            onsets = np.full(len(onsets), np.nan)
        return onsets[self.places(n_times)] if n_times else onsets

    def left_out(self, n_times: int) -> str:
        """See :meth:`Background.left_out`."""
        count = len(self.source.events) - len(self.places(n_times))
        if np.isnan(self.onsets_s(n_times=0)).all():
            return "the file does not state when its epochs were recorded, so they may overlap"
        told = f"{count} of {len(self.source.events)} epochs overlap with one before and are left "
        return f"{told}out" if count else ""

    def _onsets_are_made_up(self, onsets: Array) -> bool:
        """Whether epochs are numbered, as MNE does for an array, or are some of such epochs."""
        start, end = self.limits_s
        spacing = np.diff(np.sort(onsets))
        return len(spacing) > 0 and bool(np.median(spacing) < NUMBERED * (end - start))

    def _read(self, places: Array, channels: Sequence[str], first: int, n_times: int) -> Array:
        volts = self.source.get_data(list(channels), item=places, verbose="ERROR")
        begins = first - round(float(self.source.times[0]) * self.sfreq)
        return volts[:, :, begins : begins + n_times]


def open_background(file: str) -> Background:
    """A file of EEG that MNE reads, by its suffix; it stays open until its content changes.

    Raises
    ------
    ValueError
        When the suffix is unknown, or MNE cannot read the file, or it holds no EEG.
    """
    return _opened_background(str(file), content_digest(file))


def content_digest(file: str) -> str:
    """SHA-256 of the content of a recording: of its file, and of those that belong to it."""
    digests = [file_digest(str(part)) for part in parts(file)]
    return digests[0] if len(digests) == 1 else _joined_digest(digests)


@lru_cache(maxsize=2)
def _opened_background(file: str, digest: str) -> Background:
    if (path := existing(file)).suffix.lower() == ".npz":
        raise ValueError(f"background {file!r} holds arrays; recordings or epochs are needed")
    source, _, notes = opened_file(path)
    kind = Epoched if isinstance(source, mne.BaseEpochs) else Recording
    background = kind(file, source, (*notes, *projection_notes(source.info)))
    if len(background.ch_names) < 2:
        raise ValueError(
            f"background {file!r} has {len(background.ch_names)} usable EEG channels; "
            "at least 2 are needed"
        )
    return background


def _joined_digest(digests: Sequence[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _portions(count: int, size: int = 64) -> Iterator[slice]:
    """Rows that are read at a time: MNE reads in double precision."""
    return (slice(start, start + size) for start in range(0, count, size))
