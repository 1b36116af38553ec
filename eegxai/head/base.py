"""What every head model offers: channels, and the lead field of dipoles at MNI positions.

Everything a caller sees is in MNI millimetres and MNI axes (x right, y anterior, z superior),
whatever frame a head model computes in.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import mne
import numpy as np
import scipy

from eegxai.head.montage import info_with

# Tilt of a cortical dipole from the radial direction, degrees (standard deviation along each
# tangent): our choice for heads without a cortex; no source of the study states orientations.
RADIAL_TILT_DEG = 20.0

# A dipole farther from all sources of a head than this lies outside its brain (our choice:
# coarse source spaces leave gaps of about a centimetre).
MAX_DISTANCE_MM = 20.0

MAX_SCAN_PLACES = 4000  # about as many as in the spherical head

MICROVOLT_PER_NANOAMPERE_METRE = 1e-3  # of one V/(A·m), the unit of MNE's forward solutions

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LeadField:
    """Potentials of unit dipoles at the electrodes of a head, in its reference.

    That is the average of its electrodes, except in a :class:`eegxai.head.ReferencedHead`.

    Parameters
    ----------
    gain : array, shape (channels, sources, 3)
        µV per nA·m for a dipole along each MNI axis.
    normals : array, shape (sources, 3)
        Unit vectors in MNI axes: the default orientation of each dipole.
    tilt_deg : float or array, shape (sources,)
        How far true orientations spread around ``normals``, degrees along each tangent:
        0 where the normals are those of a real cortex.
    """

    gain: Array
    normals: Array
    tilt_deg: float | Array

    def project(self, orientations: Array) -> Array:
        """Topographies (channels, sources), µV per nA·m, of dipoles with these orientations."""
        return np.einsum("csi,si->cs", self.gain, orientations)

    def orientations(self, rng: np.random.Generator) -> Array:
        """Unit vectors (sources, 3): the normals, tilted at random by ``tilt_deg``."""
        noise = rng.standard_normal(self.normals.shape)
        along = np.sum(noise * self.normals, axis=1, keepdims=True) * self.normals
        spread = np.tan(np.deg2rad(self.tilt_deg))[..., None]
        return unit(self.normals + spread * (noise - along))


class Head(Protocol):
    """A head model with its electrodes."""

    def info(self, sfreq: float) -> mne.Info:
        """MNE measurement info of its channels with electrode positions; ``sfreq`` in Hz."""
        ...

    def lead_field(self, positions_mni_mm: Array) -> LeadField:
        """Lead field of dipoles at positions (sources, 3), MNI mm.

        Raises
        ------
        ValueError
            When the positions have another shape or are not finite, or a dipole is outside the
            brain.
        """
        ...

    def require_inside(self, positions_mni_mm: Array) -> None:
        """Refuse dipoles outside the brain; raises as :meth:`lead_field`, without its work."""
        ...

    def random_places(self, n_places: int, rng: np.random.Generator) -> Array:
        """Random positions in the brain, (n_places, 3), MNI mm."""
        ...

    def scan_places(self) -> Array:
        """Positions in the brain to scan for a dipole, (places, 3), MNI mm; always the same."""
        ...

    def __hash__(self) -> int:
        """What is computed once for a head is cached with the head as its key."""
        ...


@dataclass(frozen=True, eq=False)
class SampledHead:
    """A head whose lead field is known at the sources of a file; the nearest one is used.

    Parameters
    ----------
    channels : tuple of str
    montage : mne.channels.DigMontage
        With the positions of these channels.
    places_mni_mm : array, shape (sources, 3)
    gain : array, shape (channels, sources, 3)
        µV per nA·m for a dipole along each MNI axis, in any reference.
    normals : array, shape (sources, 3)
        Unit vectors in MNI axes.
    tilt_deg : array, shape (sources,)
        As in :class:`LeadField`.
    """

    channels: tuple[str, ...]
    montage: mne.channels.DigMontage
    places_mni_mm: Array
    gain: Array
    normals: Array
    tilt_deg: Array

    def info(self, sfreq: float) -> mne.Info:
        """See :meth:`Head.info`."""
        return info_with(self.channels, sfreq, self.montage)

    def lead_field(self, positions_mni_mm: Array) -> LeadField:
        """See :meth:`Head.lead_field`."""
        nearest = self._nearest(positions_mni_mm)
        gain = average_reference(self.gain[:, nearest])
        return LeadField(gain, self.normals[nearest], self.tilt_deg[nearest])

    def require_inside(self, positions_mni_mm: Array) -> None:
        """See :meth:`Head.require_inside`."""
        self._nearest(positions_mni_mm)

    def _nearest(self, positions_mni_mm: Array) -> Array:
        """Indices (dipoles,) of the sources nearest to positions, which must be near enough."""
        positions = checked_positions(positions_mni_mm)
        distances_mm, nearest = scipy.spatial.cKDTree(self.places_mni_mm).query(positions)
        _require_near_scanned(positions, distances_mm)
        return nearest

    def random_places(self, n_places: int, rng: np.random.Generator) -> Array:
        """Positions of random sources of the file, drawn uniformly with replacement."""
        return self.places_mni_mm[rng.integers(len(self.places_mni_mm), size=n_places)]

    def scan_places(self) -> Array:
        """Sources of the file at equal steps, :data:`MAX_SCAN_PLACES` at most."""
        return self.places_mni_mm[:: math.ceil(len(self.places_mni_mm) / MAX_SCAN_PLACES)]


def checked_positions(positions_mni_mm: Array) -> Array:
    """Dipole positions as floats, shape (sources, 3), MNI mm.

    Raises
    ------
    ValueError
        When the shape is another one or entries are not finite.
    """
    positions = np.asarray(positions_mni_mm, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not len(positions):
        raise ValueError(f"positions_mni_mm has shape {positions.shape}; (sources, 3) is needed")
    if not np.isfinite(positions).all():
        raise ValueError("positions_mni_mm has entries that are not finite; MNI mm are needed")
    return positions


def place_name(index: int, positions_mni_mm: Array) -> str:
    """How errors name a dipole: its number and its position."""
    place = ", ".join(f"{value:g}" for value in positions_mni_mm[index])
    return f"dipole {index} at MNI ({place}) mm"


def average_reference(gain: Array) -> Array:
    """Gain with the mean over channels (the first axis) subtracted."""
    return gain - gain.mean(axis=0)


def radial_normals(places_mni_mm: Array, centre_mni_mm: Array) -> Array:
    """Unit vectors (sources, 3) away from a centre; upwards for a source at the centre itself."""
    offsets = places_mni_mm - centre_mni_mm
    offsets[~offsets.any(axis=1)] = 0.0, 0.0, 1.0
    return unit(offsets)


def unit(vectors: Array) -> Array:
    """Vectors (n, 3) scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _require_near_scanned(positions_mni_mm: Array, distances_mm: Array) -> None:
    far = np.flatnonzero(distances_mm > MAX_DISTANCE_MM)
    if far.size:
        first = int(far[0])
        raise ValueError(
            f"{place_name(first, positions_mni_mm)} lies outside the brain: the nearest source "
            f"of the head is {distances_mm[first]:.1f} mm away, "
            f"and the limit is {MAX_DISTANCE_MM:.1f} mm"
        )
