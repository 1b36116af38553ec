"""Head models from MNE forward solutions (-fwd.fif): real anatomy, the file's own electrodes."""

from collections.abc import Callable, Sequence
from typing import Any

import mne
import numpy as np
import scipy
from mne.io.constants import FIFF

from eegxai.head.base import (
    MICROVOLT_PER_NANOAMPERE_METRE,
    RADIAL_TILT_DEG,
    SampledHead,
    radial_normals,
    unit,
)
from eegxai.head.montage import require_channels

TEMPLATE_SUBJECT = "fsaverage"  # its MRI frame is MNI305

Array = np.ndarray


def forward_head(
    file: str, channels: Sequence[str] | None = None, mri_to_mni: str | None = None
) -> SampledHead:
    """Head of an MNE forward solution with a surface, volume or mixed source space.

    Positions are transformed to MNI by the whole of ``mri_to_mni``, directions only by its
    rotation (polar decomposition). A dipole thus keeps its strength and its angle to the cortex
    in a subject whose brain is larger or smaller than the template.

    Parameters
    ----------
    file : str
        Written by :func:`mne.write_forward_solution`; V/(A·m).
    channels : sequence of str, optional
        EEG channels of the file, in the order wanted; by default all of them.
    mri_to_mni : str, optional
        A -trans.fif with the affine from the subject's MRI frame to MNI, as
        :func:`mne.read_talxfm` returns it. fsaverage needs none.

    Raises
    ------
    ValueError
        When a file cannot be read, it has no EEG or fixed orientations, channels are missing, the
        subject is not fsaverage and ``mri_to_mni`` is not given, or the transform is between other
        frames.
    """
    forward = _read_mne_file(mne.read_forward_solution, file, "forward solution")
    electrodes_m = _electrode_positions(forward, file, channels)
    to_mni = _mri_to_mni(forward, file, mri_to_mni) @ _to_mri(forward)
    places_mni_mm = mne.transforms.apply_trans(to_mni, forward["source_rr"]) * 1e3
    rotation, _ = scipy.linalg.polar(to_mni[:3, :3])
    cortical = _is_cortical(forward["src"])
    return SampledHead(
        channels=tuple(electrodes_m),
        montage=mne.channels.make_dig_montage(electrodes_m, coord_frame="head"),
        places_mni_mm=places_mni_mm,
        gain=_forward_gain(forward, file, list(electrodes_m)) @ rotation.T,
        normals=_normals(forward["src"], cortical, places_mni_mm, rotation),
        tilt_deg=np.where(cortical, 0.0, RADIAL_TILT_DEG),
    )


def _read_mne_file(read: Callable[..., Any], file: str, kind: str) -> Any:
    """What a reader of MNE finds in a file. In files of another kind it fails in any way."""
    try:
        return read(file, verbose="ERROR")
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"the {kind} {file} cannot be read by MNE: {reason}") from error


def _electrode_positions(
    forward: mne.Forward, file: str, channels: Sequence[str] | None
) -> dict[str, Array]:
    """Positions (head frame, m) of the wanted EEG channels by name, in the order wanted."""
    info = forward["info"]
    picks = mne.pick_types(info, meg=False, eeg=True, exclude=())
    if not len(picks):
        raise ValueError(f"the forward solution {file} has no EEG channels")
    positions = {info["ch_names"][pick]: info["chs"][pick]["loc"][:3] for pick in picks}
    wanted = list(positions) if channels is None else channels
    require_channels(wanted, positions, f"the forward solution {file}")
    return {name: positions[name] for name in wanted}


def _forward_gain(forward: mne.Forward, file: str, channels: list[str]) -> Array:
    """Gain (channels, sources, 3), µV per nA·m along the axes of the file's frame."""
    if mne.forward.is_fixed_orient(forward, orig=True):
        raise ValueError(
            f"the forward solution {file} has fixed orientations, but three axes per source are "
            "needed; write what mne.make_forward_solution returns, without force_fixed=True"
        )
    rows = [forward["sol"]["row_names"].index(name) for name in channels]
    gain = forward["sol"]["data"][rows].reshape(len(rows), forward["nsource"], 3)
    return gain * MICROVOLT_PER_NANOAMPERE_METRE


def _to_mri(forward: mne.Forward) -> Array:
    """Affine (4, 4) from the frame of the file's sources to the subject's MRI frame, m."""
    if forward["coord_frame"] == FIFF.FIFFV_COORD_MRI:
        return np.eye(4)
    return np.linalg.inv(forward["mri_head_t"]["trans"])


def _mri_to_mni(forward: mne.Forward, file: str, mri_to_mni: str | None) -> Array:
    """Affine (4, 4) from the subject's MRI frame to MNI, m."""
    if mri_to_mni is not None:
        return _read_mri_to_mni(mri_to_mni)
    subject = forward["src"][0].get("subject_his_id")
    if subject != TEMPLATE_SUBJECT:
        raise ValueError(
            f"the forward solution {file} is of subject {subject!r} and not of "
            f"{TEMPLATE_SUBJECT!r}, so mri_to_mni is needed: "
            "a -trans.fif with what mne.read_talxfm returns for this subject"
        )
    return np.eye(4)


def _read_mri_to_mni(file: str) -> Array:
    transform = _read_mne_file(mne.read_trans, file, "transform")
    frames = (transform["from"], transform["to"])
    if frames != (FIFF.FIFFV_COORD_MRI, FIFF.FIFFV_MNE_COORD_MNI_TAL):
        raise ValueError(
            f"mri_to_mni {file} goes from {transform.from_str} to {transform.to_str}; "
            "a transform from MRI to MNI is needed, as mne.read_talxfm returns it"
        )
    return transform["trans"]


def _is_cortical(spaces: mne.SourceSpaces) -> Array:
    """Which sources (sources,) lie on a cortical surface."""
    return np.repeat([space["type"] == "surf" for space in spaces], [s["nuse"] for s in spaces])


def _normals(
    spaces: mne.SourceSpaces, cortical: Array, places_mni_mm: Array, rotation: Array
) -> Array:
    """Unit vectors (sources, 3), MNI axes: those of the cortex, else away from the centre."""
    normals = radial_normals(places_mni_mm, places_mni_mm.mean(axis=0))
    of_file = np.concatenate([space["nn"][space["vertno"]] for space in spaces])
    normals[cortical] = unit(of_file[cortical] @ rotation.T)
    return normals
