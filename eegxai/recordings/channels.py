"""Channels of a recording: which are taken, and where their electrodes are."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import mne
import numpy as np

from eegxai.head.montage import TEMPLATE, require_channels, standard_montage
from eegxai.registry import lookup

IN_VOLTS = frozenset({"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"})  # in MNE

PLACE_DECIMALS = 4  # of a metre: nearer than 0.1 mm is the same place, as in eegxai.head

# Electrode names as files write them: "EEG Fp1-REF" (clinical EDF), "Fc5." (PhysioNet).
_DECORATION = re.compile(r"^eeg[ _-]+|[ _-]+(ref|le|re|avg|av|[am][12])$|\.+$", re.IGNORECASE)

Array = np.ndarray


def taken(
    info: mne.Info, picks: str | Sequence[str], drop_bads: bool
) -> tuple[list[int], list[str]]:
    """Positions of the channels to take, and sentences on those that are dropped or bad.

    Parameters
    ----------
    info : mne.Info
    picks : str or sequence of str
        Types, names, or ``"all"``. Names are taken in their order.
    drop_bads : bool
        Whether to leave out the channels of ``info["bads"]``.

    Raises
    ------
    ValueError
        When a name or type is not there, a channel is picked twice, or no channel is left.
    """
    chosen = [channel for pick in _picks_list(picks) for channel in _of_pick(info, pick)]
    if not chosen:
        raise ValueError(f"picks={picks!r} takes no channel; types and names of channels do")
    require_distinct([info["ch_names"][channel] for channel in chosen], "picks")
    bads = [info["ch_names"][i] for i in chosen if info["ch_names"][i] in info["bads"]]
    kept = [i for i in chosen if not (drop_bads and info["ch_names"][i] in bads)]
    if not kept:
        raise ValueError("no channel is left without the bad ones; drop_bads=False keeps them")
    notes = []
    if others := [name for i, name in enumerate(info["ch_names"]) if i not in chosen]:
        notes.append(f"channels that were not picked: {_with_types(info, others)}")
    if bads:
        done = "dropped" if drop_bads else "kept, as a decoder expects the channels it was fit on"
        notes.append(f"channels marked as bad are {done}: {', '.join(bads)}")
    return kept, notes


def with_eeg(info: mne.Info, picks: str | Sequence[str]) -> tuple[mne.Info, list[str]]:
    """Measurement info whose channels without a type are EEG where no channel is, and a sentence.

    Channels are without a type, which MNE calls ``"misc"``, where nobody stated any.

    Raises
    ------
    ValueError
        When EEG is to be taken, and there are channels of other types alone.
    """
    types = info.get_channel_types()
    if picks != "eeg" or "eeg" in types:
        return info, []
    untyped = [name for name, kind in zip(info["ch_names"], types, strict=True) if kind == "misc"]
    if not untyped:
        raise ValueError(
            f"no channel is EEG by its type; the types are {', '.join(sorted(set(types)))}: set "
            "them by set_channel_types of MNE, or give picks to eegxai.recordings.as_labelled"
        )
    info = info.copy()
    info.set_channel_types(dict.fromkeys(untyped, "eeg"), on_unit_change="ignore", verbose="ERROR")
    return info, [
        "no channel is EEG by its type: those without a type ('misc' in MNE) are taken as EEG"
    ]


def list_of_names(given: Any, field: str) -> list[str]:
    """Names as a list of text; integers may be names.

    Raises
    ------
    ValueError
        When it is no list, or holds what is no name.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ValueError(f"{field}={given!r} is not allowed: a list of names is")
    names = list(given)
    for name in names:
        number = isinstance(name, int | np.integer) and not isinstance(name, bool)
        if not (number or (isinstance(name, str) and name.strip())):
            raise ValueError(f"{field} holds {name!r}; allowed are names")
    return list(map(str, names))


def require_distinct(names: Sequence[str], field: str = "ch_names") -> None:
    """Refuse a list of names that has one of them twice."""
    if twice := [name for name, n in Counter(names).items() if n > 1]:
        raise ValueError(f"{field} holds {', '.join(map(repr, twice))} more than once")


def in_volts(info: mne.Info) -> bool:
    """Whether all channels are of types that MNE has in volts."""
    return set(info.get_channel_types()) <= IN_VOLTS


def placed(info: mne.Info, montage: str | None) -> tuple[mne.Info, list[str]]:
    """Measurement info with positions of all channels where they can be known, and sentences.

    Parameters
    ----------
    info : mne.Info
    montage : str or None
        Standard montage to take the positions from. None keeps the positions of the recording; if
        any is missing, all are those of the 10-05 template, provided it has all the names.

    Raises
    ------
    ValueError
        When the montage is unknown or lacks a channel.
    """
    info, notes = _with_places(info, montage)
    if alike := _at_one_place(info):
        notes.append(f"channels at the same position, so topographies are left out: {alike}")
    return info, notes


def _with_places(info: mne.Info, montage: str | None) -> tuple[mne.Info, list[str]]:
    if montage is not None:
        places = standard_montage(montage).get_positions()["ch_pos"]
        require_channels(info["ch_names"], places, f"the montage {montage}")
        same = {name: name for name in info["ch_names"]}
        return _info_at_electrodes(info, montage, same), [
            f"positions are those of the montage {montage}"
        ]
    missing = [channel["ch_name"] for channel in info["chs"] if channel_position(channel) is None]
    if not missing:
        return info, []
    electrodes = {name: electrode_of(name) for name in info["ch_names"]}
    if unknown := [name for name, electrode in electrodes.items() if electrode is None]:
        return info, [
            f"channels without a position: {', '.join(missing)}; topographies are left out, as "
            f"the 10-05 template has no {', '.join(unknown)}"
        ]
    named = {name: electrode for name, electrode in electrodes.items() if electrode}
    note = "positions are those of MNE's 10-05 template, by the names of the channels"
    return _info_at_electrodes(info, TEMPLATE, named), [note]


def _at_one_place(info: mne.Info) -> str:
    """Names of channels that have the position of another one."""
    of_place: dict[tuple[float, ...], list[str]] = {}
    for channel in info["chs"]:
        if (place := channel_position(channel)) is not None:
            of_place.setdefault(place, []).append(channel["ch_name"])
    return ", ".join(name for names in of_place.values() if len(names) > 1 for name in names)


def channel_position(channel: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Position of a channel of an mne.Info, m; None if it has none."""
    place = np.asarray(channel["loc"][:3])
    known = np.isfinite(place).all() and place.any()
    return tuple(np.round(place, PLACE_DECIMALS).tolist()) if known else None


def projection_notes(info: mne.Info) -> list[str]:
    """Sentences on the projections of a recording, such as an average reference."""
    words = {True: "are applied", False: "are in the file and not applied"}
    of_state = {
        active: [one["desc"] for one in info["projs"] if one["active"] == active]
        for active in words
    }
    return [f"projections that {words[at]}: {', '.join(of)}" for at, of in of_state.items() if of]


def electrode_of(name: str) -> str | None:
    """Electrode of the 10-05 template that a channel's name means; None if it has none.

    Examples
    --------
    >>> electrode_of("EEG FP1-REF"), electrode_of("Fc5."), electrode_of("E17")
    ('Fp1', 'FC5', None)
    """
    plain = _DECORATION.sub("", _DECORATION.sub("", name.strip()))
    folded = {known.lower(): known for known in standard_montage(TEMPLATE).ch_names}
    return folded.get(plain.lower())


def _info_at_electrodes(info: mne.Info, montage: str, electrodes: dict[str, str]) -> mne.Info:
    """A copy of the info whose channels are at these electrodes of a standard montage."""
    found = standard_montage(montage).get_positions()
    places = {name: found["ch_pos"][electrode] for name, electrode in electrodes.items()}
    frame = {key: found[key] for key in ("nasion", "lpa", "rpa", "coord_frame")}
    own = mne.channels.make_dig_montage(places, **frame)
    return info.copy().set_montage(own, on_missing="ignore", verbose="ERROR")


def _of_pick(info: mne.Info, pick: str) -> list[int]:
    """Positions of the channels that one pick means."""
    types = info.get_channel_types()
    of_type = {kind: [i for i, own in enumerate(types) if own == kind] for kind in types}
    of_name = {name: [i] for i, name in enumerate(info["ch_names"])}
    choices = {"all": list(range(len(types))), **of_type, **of_name}
    return lookup(choices, pick, "picks: channel or type of channels")


def _picks_list(picks: str | Sequence[str]) -> list[str]:
    return [picks] if isinstance(picks, str) else list_of_names(picks, "picks")


def _with_types(info: mne.Info, names: Sequence[str]) -> str:
    types = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
    return ", ".join(f"{name} ({types[name]})" for name in names)
