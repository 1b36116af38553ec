"""Events of a recording or of epochs, by name, and the classes that they stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import mne
import numpy as np

from eegxai.recordings.labels import is_number
from eegxai.registry import unknown_name

Events = Mapping[str, str] | Sequence[str]

# Marks of recorders and editors that are no events of an experiment.
NOT_EVENTS = frozenset({"New Segment/", "SyncStatus/Sync On", "boundary"})
MARKER_TYPES = ("Stimulus", "Response", "Comment")  # of BrainVision, before a slash

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class EventTable:
    """Events of a recording.

    Parameters
    ----------
    source : str
        Where they are from, as a sentence has it.
    samples : array, shape (events,)
    names : list of str, one for each event
    durations : array, shape (events,), or None
        How long each lasts, s; None where that is not known.
    ordered : tuple of str
        The different names in the order of their codes, or of the classes.
    """

    source: str
    samples: Array
    names: list[str]
    durations: Array | None
    ordered: tuple[str, ...]

    def taken(self, rows: Sequence[int] | Array) -> "EventTable":
        """Some of the events."""
        durations = None if self.durations is None else self.durations[rows]
        names = [self.names[row] for row in rows]
        return replace(self, samples=self.samples[rows], names=names, durations=durations)

    def renamed(self, classes: Mapping[str, str]) -> "EventTable":
        """The events that have a class, named by it."""
        rows = [row for row, name in enumerate(self.names) if name in classes]
        names = [classes[self.names[row]] for row in rows]
        return replace(
            self.taken(rows), names=names, ordered=tuple(dict.fromkeys(classes.values()))
        )


def class_events(
    raw: mne.io.BaseRaw, codes: Mapping[str, int] | None, events: Events | None
) -> EventTable:
    """Events of a recording that are taken, named by their classes.

    They are the annotations, or else those of the stim channel: the first that has all events
    that are asked for.

    Parameters
    ----------
    raw : mne.io.Raw
    codes : mapping of str to int, or None
        Codes of the annotations; None for those that MNE gives them.
    events : mapping or sequence of str, or None
        As in :func:`eegxai.recordings.read_trials`.

    Raises
    ------
    ValueError
        When there are no events or one that is asked for is not there.
    """
    refusals = []
    for table in (_annotated(raw, codes), _triggered(raw)):
        try:
            classes = event_classes(table.ordered, events) if table.names else {}
        except ValueError as error:
            refusals.append(f"{error} among the {table.source}")
            continue
        if classes:
            return table.renamed(classes)
    none = (
        "the recording has no events, neither annotations nor in a stim channel; "
        "eegxai.recordings.read_windows cuts recordings without events"
    )
    raise ValueError("; ".join(refusals) or none)


def event_classes(names: Sequence[str], events: Events | None) -> dict[str, str]:
    """Class of each event that is taken, in the order of the classes.

    Parameters
    ----------
    names : sequence of str
        Events that there are, in the order of their codes.
    events : mapping or sequence of str, or None
        What is asked for; an event may be named without BrainVision's type of marker.

    Raises
    ------
    ValueError
        When an event is not there; lists those that are.

    Examples
    --------
    >>> event_classes(["Stimulus/S  1", "Stimulus/S  2"], {"S 2": "right", "S 1": "left"})
    {'Stimulus/S  2': 'right', 'Stimulus/S  1': 'left'}
    """
    if events is None:
        return _names_without_marker([name for name in names if name not in NOT_EVENTS])
    if isinstance(events, str) or not events:
        raise ValueError(f"events={events!r} is not allowed: a mapping or list of names is")
    wanted = events if isinstance(events, Mapping) else {name: name for name in events}
    return {_matching_event(str(name), names): str(shown) for name, shown in wanted.items()}


def _annotated(raw: mne.io.BaseRaw, codes: Mapping[str, int] | None) -> EventTable:
    asked = "auto" if codes is None else dict(codes)
    try:
        events, event_id = mne.events_from_annotations(raw, event_id=asked, verbose="ERROR")
    except ValueError:  # what MNE raises where all annotations are marks of bad stretches
        events, event_id = np.empty((0, 3), dtype=int), {}
    described = raw.annotations.description
    rows = [row for row, name in enumerate(described) if name in event_id]
    names = [str(described[row]) for row in rows]
    # MNE's codes follow the alphabet, in which 10 comes before 2.
    by_number = codes is None and all(map(is_number, names))
    key = int if by_number else event_id.__getitem__
    ordered = tuple(sorted(set(names), key=key))
    return EventTable(
        "events of the annotations", events[:, 0], names, raw.annotations.duration[rows], ordered
    )


def _triggered(raw: mne.io.BaseRaw) -> EventTable:
    found = np.empty((0, 3), dtype=int)
    if "stim" in raw.get_channel_types():
        found = mne.find_events(raw, shortest_event=1, verbose="ERROR")
    codes = found[:, 2].tolist()
    ordered = tuple(str(code) for code in sorted(set(codes)))
    return EventTable(
        "events of the stim channel", found[:, 0], [str(code) for code in codes], None, ordered
    )


def _matching_event(name: str, names: Sequence[str]) -> str:
    """The event that is meant: by its name, or by what follows BrainVision's type of marker."""
    alike = [
        known for known in names if name == known or _without_marker_type(known) == _spaced(name)
    ]
    if name not in names and len(alike) != 1:
        raise ValueError(unknown_name("event", name, names))
    return name if name in names else alike[0]


def _names_without_marker(names: Sequence[str]) -> dict[str, str]:
    """Classes named without BrainVision's types of markers, where they then still differ."""
    short = {name: _without_marker_type(name) for name in names}
    return short if len(set(short.values())) == len(short) else {name: name for name in names}


def _without_marker_type(name: str) -> str:
    """A marker without its type.

    Examples
    --------
    >>> _without_marker_type("Stimulus/S  1"), _without_marker_type("auditory/left")
    ('S 1', 'auditory/left')
    """
    kind, _, rest = name.partition("/")
    return _spaced(rest if rest and kind in MARKER_TYPES else name)


def _spaced(name: str) -> str:
    return " ".join(name.split())
