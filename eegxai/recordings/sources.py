"""Trials of data in memory: MNE Epochs, datasets of braindecode, arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mne
import numpy as np

from eegxai.recordings.channels import (
    in_volts,
    list_of_names,
    placed,
    projection_notes,
    require_distinct,
    taken,
    with_eeg,
)
from eegxai.recordings.checks import as_array, require_finite, require_trials, shape_notes
from eegxai.recordings.labelled import LabelledTrials, Unit
from eegxai.recordings.labels import Labels, class_notes, event_labels, given_labels
from eegxai.recordings.units import in_microvolts, require_unit

LOWEST_SFREQ = 0.1  # Hz: lower rates are mistakes, such as of a period in s or of a unit

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Source:
    """What data in memory hold: numbers, channels, labels, start (s), and whether MNE has volts."""

    x: Array
    info: mne.Info
    labels: Labels
    tmin: float
    from_mne: bool


def as_labelled(
    data: Any,
    y: Any = None,
    *,
    sfreq: float | None = None,
    ch_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    unit: Unit | None = None,
    tmin: float | None = None,
    picks: str | Sequence[str] = "eeg",
    montage: str | None = None,
    drop_bads: bool = False,
) -> LabelledTrials:
    """Trials of data in memory, checked and with their unit decided.

    Parameters
    ----------
    data : mne.Epochs, braindecode dataset of windows, array or LabelledTrials
        Arrays have the shape (trials, channels, times). LabelledTrials are returned as they are,
        with other labels or names of classes where these are given.
    y : sequence of int or str, shape (trials,), optional
        Labels, in place of those of the data. Integers with a zero among them are positions of
        classes; others are codes, numbered in their order. Names are numbered as in
        ``class_names``, or else alphabetically.
    sfreq : float, optional
        Sampling frequency, Hz; required for arrays.
    ch_names : sequence of str, optional
        Names of the channels; required for arrays.
    class_names : sequence of str, optional
        Names of the classes in the order of the decoder's outputs. The default is the order of
        the event codes.
    unit : {"uV", "V", "as_given"}, optional
        What the numbers are. Volts become microvolts; ``"as_given"`` changes nothing. The default
        is volts for MNE objects; for others the size of the numbers decides, which is noted.
    tmin : float, optional
        Time of the first sample of an array, s, relative to the event; the default is 0.
    picks : str or sequence of str
        Type or names of the channels to take, or ``"all"``; others are dropped, which is noted.
    montage : str, optional
        Standard montage of MNE that gives the channels their positions. Without it, channels
        without positions get those of the 10-05 template, provided that it has all their names.
    drop_bads : bool
        Whether to drop channels that are marked as bad. By default they stay, since a decoder
        expects the channels that it was trained with, and are noted.

    Raises
    ------
    ValueError
        One sentence that names the field, the value and what is allowed.

    Examples
    --------
    >>> import numpy as np
    >>> x = 1e-5 * np.random.default_rng(0).standard_normal((6, 2, 50))
    >>> trials = as_labelled(x, ["left", "right"] * 3, sfreq=100, ch_names=["C3", "C4"])
    >>> trials.unit, trials.class_names, trials.y.tolist()
    ('uV', ('left', 'right'), [0, 1, 0, 1, 0, 1])
    """
    require_unit(unit)
    if isinstance(data, LabelledTrials):
        _require_same("unit", unit, data.unit)
        _require_same("sfreq", sfreq, data.sfreq)
        return _relabelled(data, y, class_names)
    if isinstance(data, mne.BaseEpochs):
        source = _source_of_epochs(data, y, class_names)
    elif _is_windows(data):
        source = _of_windows(data, y, class_names)
    else:
        _require_array(data)
        source = _of_array(data, y, class_names, sfreq, ch_names, tmin)
    _require_same("sfreq", sfreq, float(source.info["sfreq"]))
    _require_same("tmin", tmin, source.tmin)
    if ch_names is not None:
        _require_same("ch_names", list_of_names(ch_names, "ch_names"), source.info["ch_names"])
    return _labelled(source, unit, picks, montage, drop_bads)


def _labelled(
    source: Source,
    unit: Unit | None,
    picks: str | Sequence[str],
    montage: str | None,
    drop_bads: bool,
) -> LabelledTrials:
    """Trials of a source after all checks."""
    require_trials(source.x)
    typed, type_notes = with_eeg(source.info, picks)
    channels, channel_notes = taken(typed, picks, drop_bads)
    info = mne.pick_info(typed, channels)
    x = source.x if channels == list(range(source.x.shape[1])) else source.x[:, channels]
    require_finite(x, info["ch_names"])
    shapes = shape_notes(x, info["ch_names"])
    volts = source.from_mne and in_volts(mne.pick_info(source.info, channels))
    x, kept_unit, unit_note = in_microvolts(x, unit, volts)
    info, place_notes = placed(info, montage)
    return LabelledTrials(
        x=x,
        y=source.labels.y,
        class_names=source.labels.class_names,
        info=info,
        tmin=source.tmin,
        unit=kept_unit,
        notes=(
            f"the numbers are {unit_note}",
            *source.labels.notes,
            *class_notes(source.labels),
            *type_notes,
            *channel_notes,
            *projection_notes(info),
            *shapes,
            *place_notes,
        ),
        codes=source.labels.codes,
    )


def unlabelled(epochs: mne.BaseEpochs, **options: Any) -> LabelledTrials:
    """Trials of Epochs whose events mean nothing; options as in :func:`as_labelled`."""
    return _labelled(
        replace(_source_of_epochs(epochs, None, None), labels=Labels(None, ())), **options
    )


def _relabelled(
    trials: LabelledTrials, y: Any, class_names: Sequence[str] | None
) -> LabelledTrials:
    """The trials with other labels, or with their classes in another order or renamed."""
    if y is None and class_names is None:
        return trials
    if y is None:
        y = trials.y
        if y is not None and set(trials.class_names) <= set(class_names or ()):
            y = np.array(trials.class_names)[y]
    labels = given_labels(y, class_names or trials.class_names or None, len(trials.x))
    notes = (*trials.notes, "labels were replaced", *labels.notes, *class_notes(labels))
    return replace(
        trials, y=labels.y, class_names=labels.class_names, notes=notes, codes=labels.codes
    )


def _source_of_epochs(epochs: mne.BaseEpochs, y: Any, class_names: Sequence[str] | None) -> Source:
    """Source of MNE Epochs, whose events give the labels unless ``y`` does."""
    loaded = epochs if epochs.preload else epochs.copy().load_data()
    if not len(loaded):
        raise ValueError("no trial is left of these epochs; all were dropped")
    if y is None:
        labels = event_labels(loaded.events[:, 2], loaded.event_id, class_names)
    else:
        labels = given_labels(y, class_names, len(loaded))
    x = loaded.get_data(copy=False, verbose="ERROR")
    return Source(x, loaded.info, labels, float(loaded.tmin), from_mne=True)


def _is_windows(data: Any) -> bool:
    """Whether these are windows of braindecode, which is not imported to find out."""
    leaf = next(_single_data_sets(data), None)
    return hasattr(leaf, "crop_inds") and (hasattr(leaf, "windows") or hasattr(leaf, "raw"))


def _single_data_sets(data: Any) -> Iterator[Any]:
    """Data sets of single recordings in a concatenation or a subset of one."""
    if hasattr(data, "indices") and hasattr(data, "dataset"):
        yield from _single_data_sets(data.dataset)
    elif hasattr(data, "datasets"):
        for part in data.datasets:
            yield from _single_data_sets(part)
    else:
        yield data


def _of_windows(data: Any, y: Any, class_names: Sequence[str] | None) -> Source:
    """Source of windows as the data set gives them to a decoder, with its transforms."""
    leaves = list(_single_data_sets(data))
    infos = [(leaf.windows if hasattr(leaf, "windows") else leaf.raw).info for leaf in leaves]
    for other in infos[1:]:
        _require_alike(other, infos[0])
    items = [data[index] for index in range(len(data))]
    if not items:
        raise ValueError("data holds no windows")
    if y is None:
        y, class_names = [item[1] for item in items], class_names or _mapped_names(leaves)
    labels = given_labels(y, class_names, len(items))
    x = as_array([item[0] for item in items], "data")
    _require_channels(x, infos[0]["ch_names"])
    return Source(x, infos[0], labels, 0.0, from_mne=False)


def _require_alike(one: mne.Info, other: mne.Info) -> None:
    for field in ("ch_names", "sfreq"):
        if one[field] != other[field]:
            raise ValueError(
                f"recordings in data differ in {field}: {one[field]} and {other[field]}; allowed "
                "are recordings that have the same"
            )


def _mapped_names(leaves: Sequence[Any]) -> list[str] | None:
    """Names of the targets 0, 1, … where the windows of all recordings were made with the same."""
    calls = [dict(getattr(leaf, "window_kwargs", ())) for leaf in leaves]
    mappings = [call.get("create_windows_from_events", {}).get("mapping") for call in calls]
    first = mappings[0] or {}
    if any(mapping != first for mapping in mappings):
        return None
    names = sorted(first, key=first.__getitem__)
    return names if sorted(first.values()) == list(range(len(names))) and names else None


def _of_array(
    data: Any,
    y: Any,
    class_names: Sequence[str] | None,
    sfreq: float | None,
    ch_names: Sequence[str] | None,
    tmin: float | None,
) -> Source:
    x = as_array(data, "x")
    require_trials(x)
    x = x.astype(np.promote_types(x.dtype, np.float32), copy=False)
    rate = _finite_number(
        "sfreq",
        sfreq,
        "arrays need a sampling frequency above zero, Hz, as sfreq= or the key sfreq of an .npz",
    )
    if rate < LOWEST_SFREQ:
        raise ValueError(
            f"sfreq={sfreq!r} is not allowed: it has to be above zero, Hz, and at least "
            f"{LOWEST_SFREQ:g}"
        )
    start = _finite_number("tmin", 0.0 if tmin is None else tmin, "it is a time, s")
    if ch_names is None:
        raise ValueError(
            f"ch_names is missing: arrays need the names of their {x.shape[1]} channels"
        )
    names = list_of_names(ch_names, "ch_names")
    require_distinct(names)
    _require_channels(x, names)
    info = mne.create_info(names, rate, "eeg", verbose="ERROR")
    return Source(x, info, given_labels(y, class_names, len(x)), start, from_mne=False)


def _finite_number(field: str, value: Any, why: str) -> float:
    """A finite number."""
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise ValueError(f"{field}={value!r} is not allowed: {why}")
    return number


def _require_channels(x: Array, ch_names: Sequence[str]) -> None:
    if x.ndim == 3 and x.shape[1] != len(ch_names):
        raise ValueError(
            f"ch_names has {len(ch_names)} names and x has {x.shape[1]} channels: "
            f"its shape is {x.shape}, read as (trials, channels, times)"
        )


def _require_array(data: Any) -> None:
    """Refuse what is no data at all, with the way to make data of it."""
    if isinstance(data, mne.io.BaseRaw):
        raise ValueError(
            "data is a continuous recording; allowed are its mne.Epochs, and eegxai.recordings."
            "read_trials cuts a recording in a file"
        )
    if not (hasattr(data, "__array__") or isinstance(data, list | tuple)):
        raise ValueError(
            f"data is a {type(data).__name__}; allowed are mne.Epochs, windows of braindecode, "
            "and arrays (trials, channels, times)"
        )


def _require_same(field: str, given: Any, known: Any) -> None:
    if given is not None and not np.array_equal(given, known):
        raise ValueError(f"{field}={given!r} is not what the data have: {known!r}")
