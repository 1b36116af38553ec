"""Montage and head models: how a current dipole in the brain reaches the electrodes.

Everything a caller sees is in MNI millimetres and MNI axes (x right, y anterior, z superior),
whatever frame a head model computes in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

MICROVOLT_PER_NANOAMPERE_METRE = 1e-3  # of one V/(A·m), the unit of MNE's forward solutions

# Tilt of a cortical dipole against the radial direction, degrees (standard deviation along each
# tangent): our choice for heads without a cortex; no source of the study states orientations.
RADIAL_TILT_DEG = 20.0

# The brain as an ellipsoid, MNI mm: inside the inner skull of fsaverage, within the default
# sphere's brain and above the brain stem. Only for placing noise sources.
BRAIN_CENTRE_MM = (0.0, -20.0, 10.0)
BRAIN_HALF_AXES_MM = (62.0, 78.0, 56.0)

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LeadField:
    """Potentials of unit dipoles at the electrodes of :data:`MONTAGE`, average reference.

    Parameters
    ----------
    gain : array, shape (channels, sources, 3)
        µV per nA·m for a dipole along each MNI axis.
    normals : array, shape (sources, 3)
        Unit vectors in MNI axes: the default orientation of each dipole.
    tilt_deg : float
        How far true orientations spread around ``normals``, degrees along each tangent:
        0 where the normals are those of a real cortex.
    """

    gain: Array
    normals: Array
    tilt_deg: float

    def project(self, orientations: Array) -> Array:
        """Topographies (channels, sources), µV per nA·m, of dipoles with these orientations."""
        return np.einsum("csi,si->cs", self.gain, orientations)

    def orientations(self, rng: np.random.Generator) -> Array:
        """Unit vectors (sources, 3): the normals, tilted at random by ``tilt_deg``."""
        noise = rng.standard_normal(self.normals.shape)
        along = np.sum(noise * self.normals, axis=1, keepdims=True) * self.normals
        return _unit(self.normals + np.tan(np.deg2rad(self.tilt_deg)) * (noise - along))


HeadModel = Callable[[Array], LeadField]


def montage_info(sfreq: float) -> mne.Info:
    """MNE measurement info of :data:`MONTAGE` with template electrode positions.

    Parameters
    ----------
    sfreq : float
        Sampling frequency, Hz.
    """
    info = mne.create_info(list(MONTAGE), sfreq, "eeg", verbose="ERROR")
    info.set_montage(mne.channels.make_standard_montage(TEMPLATE), verbose="ERROR")
    return info


def mni_to_head(positions_mni_mm: Array) -> Array:
    """Points (n, 3) from MNI mm to MNE's head frame in mm, by the fsaverage transform.

    The frames differ: the head frame has its origin between the ears and is rotated by 3°.
    """
    to_head = mne.transforms.invert_transform(_head_to_mni())
    return mne.transforms.apply_trans(to_head, np.asarray(positions_mni_mm) / 1e3) * 1e3


def brain_points(n_points: int, rng: np.random.Generator) -> Array:
    """Random points (n_points, 3), MNI mm, uniform over the brain ellipsoid."""
    directions = _unit(rng.standard_normal((n_points, 3)))
    radii = np.cbrt(rng.random((n_points, 1)))
    return np.asarray(BRAIN_CENTRE_MM) + radii * directions * np.asarray(BRAIN_HALF_AXES_MM)


def lead_field(head: str, positions_mni_mm: Array) -> LeadField:
    """Lead field of dipoles at the given places.

    The result is cached per process and its arrays are read-only.

    Parameters
    ----------
    head : str
        Name in :data:`HEADS`.
    positions_mni_mm : array, shape (sources, 3)
        Dipole positions, MNI mm.

    Raises
    ------
    ValueError
        For an unknown head, positions of another shape or not finite, and a dipole outside
        the brain of the head model.
    """
    model = lookup(HEADS, head, "head")
    positions = np.asarray(positions_mni_mm, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not len(positions):
        raise ValueError(f"positions_mni_mm has shape {positions.shape}; (sources, 3) is needed")
    if not np.isfinite(positions).all():
        raise ValueError("positions_mni_mm has entries that are not finite; MNI mm are needed")
    return _cached(model, tuple(map(tuple, positions.tolist())))


@cache
def _cached(model: HeadModel, positions: tuple[tuple[float, ...], ...]) -> LeadField:
    field = model(np.array(positions))
    for array in (field.gain, field.normals):
        array.setflags(write=False)
    return field


def _sphere(positions_mni_mm: Array) -> LeadField:
    """Four concentric shells (brain, CSF, skull, scalp), fitted by MNE to the electrodes.

    Radial normals. Radii 0.90, 0.92, 0.97, 1 of the head and conductivities 0.33, 1, 0.004,
    0.33 S/m are MNE's defaults.
    """
    sphere = _sphere_model()
    centre_mm = mne.transforms.apply_trans(_head_to_mni(), sphere["r0"]) * 1e3
    brain_radius_mm = sphere["layers"][0]["rad"] * 1e3
    radial = positions_mni_mm - centre_mm
    _require_inside(positions_mni_mm, np.linalg.norm(radial, axis=1), brain_radius_mm)
    gain = _average_reference(_sphere_gain(positions_mni_mm))
    return LeadField(gain=gain, normals=_unit(radial), tilt_deg=RADIAL_TILT_DEG)


def _sphere_gain(positions_mni_mm: Array) -> Array:
    """Gain (channels, sources, 3), µV per nA·m along MNI axes, in MNE's own reference."""
    upwards = np.tile([0.0, 0.0, 1.0], (len(positions_mni_mm), 1))  # unused: all axes are free
    places = {"rr": mni_to_head(positions_mni_mm) / 1e3, "nn": upwards}
    # Positions go in as head coordinates (trans=None): given a transform, MNE 1.13 compares MRI
    # positions with the sphere's centre in the head frame and drops sources inside the brain.
    forward = mne.make_forward_solution(
        _electrodes_on_the_sphere(),
        trans=None,
        src=mne.setup_volume_source_space(pos=places, verbose="ERROR"),
        bem=_sphere_model(),
        meg=False,
        mindist=0.0,
        verbose="ERROR",
    )
    along_head_axes = forward["sol"]["data"].reshape(len(MONTAGE), len(positions_mni_mm), 3)
    mni_to_head_axes = _head_to_mni()["trans"][:3, :3].T
    return along_head_axes @ mni_to_head_axes * MICROVOLT_PER_NANOAMPERE_METRE


@cache
def _head_to_mni() -> mne.Transform:
    """Transform from the head frame to fsaverage's MRI frame, which is MNI305 (metres)."""
    folder = Path(mne.__file__).parent / "data" / "fsaverage"
    return mne.read_trans(folder / "fsaverage-trans.fif", verbose="ERROR")


@cache
def _electrodes_on_the_sphere() -> mne.Info:
    """Info with each electrode moved radially onto the scalp sphere.

    MNE takes an electrode at another distance as one on a sphere of that radius, so that dipoles
    near the brain's edge would lie outside the brain of some electrodes.
    """
    sphere, info = _sphere_model(), montage_info(1.0)
    for channel in info["chs"]:
        offset = channel["loc"][:3] - sphere["r0"]
        channel["loc"][:3] = sphere["r0"] + sphere.radius * offset / np.linalg.norm(offset)
    return info


@cache
def _sphere_model() -> mne.bem.ConductorModel:
    return mne.make_sphere_model("auto", "auto", montage_info(1.0), verbose="ERROR")


def _require_inside(positions_mni_mm: Array, distances_mm: Array, radius_mm: float) -> None:
    outside = np.flatnonzero(distances_mm >= radius_mm)
    if outside.size:
        first = int(outside[0])
        place = ", ".join(f"{value:g}" for value in positions_mni_mm[first])
        raise ValueError(
            f"dipole {first} at MNI ({place}) mm lies outside the brain: "
            f"{distances_mm[first]:.1f} mm from its centre, where {radius_mm:.1f} mm is the limit"
        )


def _average_reference(gain: Array) -> Array:
    return gain - gain.mean(axis=0)


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


HEADS: Mapping[str, HeadModel] = {"sphere": _sphere}
