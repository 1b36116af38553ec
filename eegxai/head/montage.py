"""Electrodes: the study's montage, MNE's standard ones, and the head frame they are in."""

import difflib
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

import mne
import numpy as np

from eegxai.registry import lookup

# The 64-channel actiCAP in SEREEGA's order (utl_get_montage.m), without TP9 and TP10, which the
# New York Head lacks (Sujatha Ravindran & Contreras-Vidal 2023).
MONTAGE: tuple[str, ...] = (
    "Fp1", "Fz", "F3", "F7", "FT9", "FC5", "FC1", "C3", "T7", "CP5", "CP1",
    "Pz", "P3", "P7", "O1", "Oz", "O2", "P4", "P8", "CP6", "CP2", "Cz",
    "C4", "T8", "FT10", "FC6", "FC2", "F4", "F8", "Fp2", "AF7", "AF3", "AFz",
    "F1", "F5", "FT7", "FC3", "C1", "C5", "TP7", "CP3", "P1", "P5", "PO7",
    "PO3", "POz", "PO4", "PO8", "P6", "P2", "CPz", "CP4", "TP8", "C6", "C2",
    "FC4", "FT8", "F6", "AF8", "AF4", "F2", "Iz",
)  # fmt: skip

# MNE's 10-05 template; its fiducials are those of fsaverage, so both share one head frame.
TEMPLATE = "colin27_1005"

RENAMED_IN_MNE = ("standard_", "colin27_")  # prefixes before and since 1.13; both are accepted
SAME_PLACE_MM = 0.1

Array = np.ndarray


def montage_info(sfreq: float) -> mne.Info:
    """MNE measurement info of :data:`MONTAGE` with template electrode positions.

    Parameters
    ----------
    sfreq : float
        Sampling frequency, Hz.
    """
    return template_info(MONTAGE, sfreq)


def template_info(channels: Sequence[str], sfreq: float) -> mne.Info:
    """MNE measurement info of any electrodes of the template; ``sfreq`` in Hz."""
    return info_with(channels, sfreq, standard_montage(TEMPLATE))


def info_with(channels: Sequence[str], sfreq: float, montage: mne.channels.DigMontage) -> mne.Info:
    """MNE measurement info of EEG channels at the positions of a montage; ``sfreq`` in Hz."""
    info = mne.create_info(list(channels), sfreq, "eeg", verbose="ERROR")
    return info.set_montage(montage, verbose="ERROR")


def known_montage(name: str) -> str:
    """Name of a standard montage as MNE has it now.

    Raises
    ------
    ValueError
        When MNE has no such montage; suggests the closest name.
    """
    builtin = mne.channels.get_builtin_montages()
    old, new = RENAMED_IN_MNE
    current = {known: known for known in builtin}
    current |= {known.replace(new, old): known for known in builtin}
    return lookup(current, name, "montage")


@cache
def standard_montage(name: str) -> mne.channels.DigMontage:
    """Positions of the electrodes of a standard montage of MNE."""
    return mne.channels.make_standard_montage(known_montage(name))


@cache
def _rounded_positions(name: str) -> dict[str, tuple[float, ...]]:
    """Position of each electrode of a standard montage, in steps of :data:`SAME_PLACE_MM`."""
    places = standard_montage(name).get_positions()["ch_pos"]
    return {label: tuple(np.round(1e3 * at / SAME_PLACE_MM)) for label, at in places.items()}


def is_electrode(name: str) -> bool:
    """Whether the template has an electrode of this name."""
    return name in _rounded_positions(TEMPLATE)


@cache
def electrodes(name: str) -> tuple[str, ...]:
    """Electrodes of a standard montage; one that has two names counts once, under the first."""
    first: dict[tuple[float, ...], str] = {}
    for label, place in _rounded_positions(name).items():
        first.setdefault(place, label)
    return tuple(first.values())


def require_electrodes(channels: Sequence[str], montage: str = TEMPLATE) -> None:
    """Refuse electrodes that a standard montage lacks or has at one place.

    Raises
    ------
    ValueError
        As :func:`require_channels`, or names two electrodes that are the same.
    """
    places = _rounded_positions(montage)
    require_channels(channels, places, f"the electrode template {montage}")
    found: dict[tuple[float, ...], str] = {}
    for name in channels:
        if (same := found.setdefault(places[name], name)) != name:
            raise ValueError(f"channels {same!r} and {name!r} are at the same place; one is enough")


def require_channels(wanted: Sequence[str], available: Collection[str], where: str) -> None:
    """Refuse channels that are not available.

    Raises
    ------
    ValueError
        Names every missing channel with its closest match.
    """
    missing = [_hinted(name, available) for name in wanted if name not in available]
    if missing:
        raise ValueError(f"{where} lacks the channels {', '.join(missing)}")


def mni_to_head(positions_mni_mm: Array) -> Array:
    """Points (n, 3) from MNI mm to MNE's head frame in mm, by the fsaverage transform.

    The frames differ: the head frame has its origin between the ears and is rotated by 3°.
    """
    to_head = mne.transforms.invert_transform(head_to_mni())
    return mne.transforms.apply_trans(to_head, np.asarray(positions_mni_mm) / 1e3) * 1e3


@cache
def head_to_mni() -> mne.Transform:
    """Transform from the head frame to fsaverage's MRI frame, which is MNI305 (metres)."""
    folder = Path(mne.__file__).parent / "data" / "fsaverage"
    return mne.read_trans(folder / "fsaverage-trans.fif", verbose="ERROR")


def _hinted(name: str, available: Collection[str]) -> str:
    folded = {choice.lower(): choice for choice in available}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    return f"{name!r} (closest: {folded[close[0]]!r})" if close else repr(name)
