"""Epochs that are cut around the events of a recording."""

from collections import Counter

import mne
import numpy as np

from eegxai.recordings.events import Events, EventTable, event_classes
from eegxai.recordings.labelled import LabelledTrials
from eegxai.recordings.reading import foreign

# What MNE notes of an epoch that it drops; others are the names of annotations.
OUTSIDE = {"TOO_SHORT": "out of the recording's range", "NO_DATA": "out of the recording's range"}
FEWEST_EPOCH_SAMPLES = 2


def cut(
    raw: mne.io.BaseRaw, table: EventTable, tmin: float | None, tmax: float | None
) -> tuple[mne.Epochs, list[str]]:
    """Epochs around events, and sentences on how they were cut.

    The event codes are the labels, counted from 1 as 0 means no event in MNE.

    Parameters
    ----------
    raw : mne.io.Raw
    table : EventTable
        Its names are those of the classes.
    tmin, tmax : float or None
        As in :func:`eegxai.recordings.read_trials`.

    Raises
    ------
    ValueError
        When two events are at one sample, the times are missing or not allowed, or no epoch is
        within the recording.
    """
    sfreq = raw.info["sfreq"]
    table, notes = _without_remnant(table, raw.first_samp, sfreq)
    _require_apart(table)
    first, n_times = _window(table, tmin, tmax, sfreq)
    starts = table.samples - raw.first_samp + first
    if not ((starts >= 0) & (starts + n_times <= raw.n_times)).any():
        raise ValueError(
            f"tmin={first / sfreq:g} and tmax={(first + n_times) / sfreq:g} reach out of the "
            f"recording at every event; it lasts {raw.n_times / sfreq:g} s"
        )
    event_id = {name: label + 1 for label, name in enumerate(table.ordered)}
    codes = np.array([event_id[name] for name in table.names], dtype=int)
    events = np.column_stack([table.samples, np.zeros_like(codes), codes])
    with foreign("the data of the recording cannot be read", notes):
        epochs = mne.Epochs(
            raw,
            events[np.argsort(table.samples)],
            event_id,
            tmin=first / sfreq,
            tmax=(first + n_times - 1) / sfreq,
            baseline=None,
            picks="all",
            preload=True,
            on_missing="ignore",
        )
    return epochs, [
        f"trials were cut at the {table.source}: {n_times} samples, from {first / sfreq:.4g} s to "
        f"before {(first + n_times) / sfreq:.4g} s, without baseline correction",
        *notes,
        *dropped(epochs),
    ]


def dropped(epochs: mne.BaseEpochs) -> list[str]:
    """A sentence on the epochs that were dropped, if any.

    Raises
    ------
    ValueError
        When none is left.
    """
    logs = [log for log in epochs.drop_log if "IGNORED" not in log]
    counts = Counter(OUTSIDE.get(log[0], log[0]) for log in logs if log)
    reasons = ", ".join(f"{n} ({why})" for why, n in counts.items())
    if not len(epochs):
        raise ValueError(f"no trial is left of {len(logs)}; dropped: {reasons or 'none'}")
    if not counts:
        return []
    return [f"trials that were dropped, of {len(logs)}: {reasons}"]


def selected(
    epochs: mne.BaseEpochs, events: Events
) -> tuple[mne.BaseEpochs, list[str], tuple[str, ...]]:
    """Epochs of some events, the class of each, and the names of the classes in their order.

    Raises
    ------
    ValueError
        When an event is not there, and lists those that are, or when no trial has one of them.
    """
    name_of = {code: name for name, code in epochs.event_id.items()}
    classes = event_classes([name_of[code] for code in sorted(name_of)], events)
    names = [name_of[code] for code in epochs.events[:, 2]]
    kept = [trial for trial, name in enumerate(names) if name in classes]
    if not kept:
        raise ValueError(f"no trial has one of the events {', '.join(classes)}")
    ordered = tuple(dict.fromkeys(classes.values()))
    return epochs[kept], [classes[names[trial]] for trial in kept], ordered


def cropped(trials: LabelledTrials, tmin: float | None, tmax: float | None) -> LabelledTrials:
    """The samples from ``tmin`` to before ``tmax``, s; None for the end that there is.

    Raises
    ------
    ValueError
        When the times are not within the trials.
    """
    if tmin is None and tmax is None:
        return trials
    step = 1 / trials.sfreq
    start, stop = trials.tmin, trials.tmin + trials.x.shape[-1] * step
    asked = start if tmin is None else tmin, stop if tmax is None else tmax
    first, n_times = sample_range(asked[0] - start, asked[1] - start, trials.sfreq)
    if first < 0 or first + n_times > trials.x.shape[-1]:
        raise ValueError(
            f"tmin={asked[0]:g} and tmax={asked[1]:g} are not within the trials, which last from "
            f"{start:g} s to before {stop:g} s"
        )
    return trials.crop(first, n_times)


def sample_range(tmin: float, tmax: float, sfreq: float) -> tuple[int, int]:
    """First sample from tmin on, and the number of samples before tmax.

    Raises
    ------
    ValueError
        When there are fewer than two samples between them.

    Examples
    --------
    >>> sample_range(-0.2, 0.8, 250)
    (-50, 250)
    """
    if not np.isfinite([tmin, tmax]).all():
        raise ValueError(f"tmin={tmin} and tmax={tmax} are not allowed: times in s are")
    first, n_times = round(tmin * sfreq), round((tmax - tmin) * sfreq)
    if n_times < FEWEST_EPOCH_SAMPLES:
        raise ValueError(
            f"tmin={tmin:g} and tmax={tmax:g} leave {max(n_times, 0)} samples of a trial; allowed "
            f"are {FEWEST_EPOCH_SAMPLES} or more"
        )
    return first, n_times


def _without_remnant(
    table: EventTable, first_sample: int, sfreq: float
) -> tuple[EventTable, list[str]]:
    """The events without one that began before a recording that was cropped, and a sentence.

    MNE lets such an event begin with the recording, where it did not.
    """
    at_start = table.samples == first_sample
    if table.durations is None or not at_start.any() or at_start.all():
        return table, []
    whole = ~at_start | (table.durations > table.durations[~at_start].min() - 1 / sfreq)
    if whole.all():
        return table, []
    note = "an event at the start of the recording was dropped, as it is shorter than all others"
    return table.taken(np.flatnonzero(whole)), [note]


def _require_apart(table: EventTable) -> None:
    seen: dict[int, str] = {}
    for sample, name in zip(table.samples.tolist(), table.names, strict=True):
        if sample in seen:
            raise ValueError(
                f"events {seen[sample]!r} and {name!r} are both at sample {sample}; choose one of "
                "them with events"
            )
        seen[sample] = name


def _window(
    table: EventTable, tmin: float | None, tmax: float | None, sfreq: float
) -> tuple[int, int]:
    """First sample of the epochs relative to the event, and their number of samples."""
    stop = _common_duration(table, sfreq) if tmax is None else tmax
    if stop is None:
        raise ValueError(
            "tmax is missing: not all events have the same duration, so the end of the trials has "
            "to be given, s relative to the event"
        )
    return sample_range(0.0 if tmin is None else tmin, stop, sfreq)


def _common_duration(table: EventTable, sfreq: float) -> float | None:
    """How long all events last, s; None where they differ by a sample or last no time."""
    if table.durations is None or not len(table.durations):
        return None
    low, high = table.durations.min(), table.durations.max()
    return float(low) if high - low < 1 / sfreq and low * sfreq >= FEWEST_EPOCH_SAMPLES else None
