"""Trials of a recording as the rest of the package takes them, whatever they were read from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import mne
import numpy as np

from eegxai.recordings.channels import channel_position

Unit = Literal["uV", "V", "as_given"]  # what numbers may be said to be
KeptUnit = Literal["uV", "as_given"]  # what the numbers of LabelledTrials are

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LabelledTrials:
    """Epochs of a recording, their labels, and what was decided while they were read.

    Parameters
    ----------
    x : array, shape (trials, channels, times)
        The epochs, float32, in microvolts where ``unit`` is ``"uV"``.
    y : array, shape (trials,), or None
        Labels, int64: positions in ``class_names``. None without labels.
    class_names : tuple of str
        Names of the classes in the order of their labels; a class may be without trials. Empty
        where neither labels nor names are known.
    info : mne.Info
        Names, positions, bad channels and sampling frequency of the channels of ``x``.
    tmin : float
        Time of the first sample, s, relative to the event.
    unit : {"uV", "as_given"}
        What the numbers are: microvolts, or what was given, such as standardised numbers.
    notes : tuple of str
        What was decided or found, one sentence each.
    codes : tuple of int
        The classes as integers that were numbered in their order, since none is 0 and no names were
        given; for a decoder they may be numbers of outputs. Else empty.

    Examples
    --------
    >>> from eegxai.recordings import as_labelled
    >>> x = np.zeros((4, 2, 50)) + np.arange(50)
    >>> trials = as_labelled(x, [0, 1, 0, 1], sfreq=100, ch_names=["C3", "C4"], unit="uV")
    >>> trials
    <LabelledTrials: 4 trials, 2 channels, 50 samples at 100 Hz, uV; classes: 0, 1>
    """

    x: Array
    y: Array | None
    class_names: tuple[str, ...]
    info: mne.Info
    tmin: float
    unit: KeptUnit
    notes: tuple[str, ...]
    codes: tuple[int, ...] = ()

    def __repr__(self) -> str:
        n_trials, n_channels, n_times = self.x.shape
        return (
            f"<LabelledTrials: {n_trials} trials, {n_channels} channels, {n_times} samples at "
            f"{self.sfreq:g} Hz, {self.unit}; classes: {', '.join(self.class_names) or 'unknown'}>"
        )

    @property
    def sfreq(self) -> float:
        """Sampling frequency, Hz."""
        return float(self.info["sfreq"])

    @property
    def ch_names(self) -> tuple[str, ...]:
        """Names of the channels in the order of ``x``."""
        return tuple(self.info["ch_names"])

    @property
    def n_classes(self) -> int:
        """Number of classes, those without trials included."""
        return len(self.class_names)

    @property
    def times(self) -> Array:
        """Times of the samples, s, relative to the event."""
        return self.tmin + np.arange(self.x.shape[-1]) / self.sfreq

    @property
    def has_positions(self) -> bool:
        """Whether each channel has a position of its own, as topographies require."""
        places = [channel_position(channel) for channel in self.info["chs"]]
        return None not in places and len(set(places)) == len(places)

    def pick(self, ch_names: Sequence[str]) -> "LabelledTrials":
        """The same trials with these channels in this order.

        Raises
        ------
        ValueError
            When a channel is not among those of the trials.
        """
        if missing := [name for name in ch_names if name not in self.ch_names]:
            raise ValueError(
                f"channels {', '.join(missing)} are not among those of the trials: "
                f"{', '.join(self.ch_names)}"
            )
        order = [self.ch_names.index(name) for name in ch_names]
        return replace(self, x=self.x[:, order], info=mne.pick_info(self.info, order))

    def select(self, positions: Sequence[int] | Array) -> "LabelledTrials":
        """Some of the trials, by their positions or a mask; classes stay as they are."""
        positions = np.asarray(positions)
        y = None if self.y is None else self.y[positions]
        return replace(self, x=self.x[positions], y=y)

    def crop(self, first: int, n_times: int) -> "LabelledTrials":
        """The same trials, ``n_times`` samples from the sample ``first`` on."""
        x = np.ascontiguousarray(self.x[..., first : first + n_times])
        return replace(self, x=x, tmin=self.tmin + first / self.sfreq)
