"""The spherical head: no file, no anatomy, and the electrodes of any of MNE's montages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import mne
import numpy as np

from eegxai.head.base import (
    MICROVOLT_PER_NANOAMPERE_METRE,
    RADIAL_TILT_DEG,
    Head,
    LeadField,
    average_reference,
    checked_positions,
    place_name,
    radial_normals,
    unit,
)
from eegxai.head.montage import (
    MONTAGE,
    TEMPLATE,
    electrodes,
    head_to_mni,
    info_with,
    mni_to_head,
    montage_info,
    require_electrodes,
    standard_montage,
)

# The brain as an ellipsoid, MNI mm: inside the inner skull of fsaverage, within the default
# sphere's brain and above the brain stem. It is used only to place noise sources.
BRAIN_CENTRE_MM = (0.0, -20.0, 10.0)
BRAIN_HALF_AXES_MM = (62.0, 78.0, 56.0)

# The lattice that is scanned for a dipole: as dense as 3,000 random positions in the ellipsoid
# above, and as far from the inner skull as the volume source spaces of MNE.
SCAN_SPACING_MM = 8.0
SCAN_MARGIN_MM = 5.0

Array = np.ndarray
Places = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Shells:
    """Concentric shells from the brain to the scalp.

    Parameters
    ----------
    radii : tuple of float
        Outer radii as shares of the head's.
    conductivities : tuple of float
        S/m.
    """

    radii: tuple[float, ...]
    conductivities: tuple[float, ...]


# Brain, CSF, skull and scalp as in MNE.
FOUR_SHELLS = Shells((0.90, 0.92, 0.97, 1.0), (0.33, 1.0, 0.004, 0.33))

# Brain, skull and scalp: radii of 8.0, 8.5 and 9.2 cm (Rush & Driscoll 1968, Anesth. Analg.
# 47:717-723), and a skull that conducts 25 times less than the brain (Lai et al. 2005, Clin.
# Neurophysiol. 116:456-465: 25 ± 7 in vivo).
THREE_SHELLS = Shells((8.0 / 9.2, 8.5 / 9.2, 1.0), (0.33, 0.33 / 25, 0.33))


@dataclass(frozen=True)
class SphereHead:
    """Concentric shells, by default four (brain, CSF, skull, scalp) with MNE's values.

    The normals are radial. MNE fits the sphere to the electrodes of the study's montage, so the
    head is the same whichever channels are requested.

    Parameters
    ----------
    channels : tuple of str
        Electrodes of the montage.
    montage : str or tuple, shape (channels, 3)
        One of MNE's standard montages, which has their positions, or the positions themselves in
        MNE's head frame, m.
    shells : Shells
    """

    channels: tuple[str, ...] = MONTAGE
    montage: str | Places = TEMPLATE
    shells: Shells = FOUR_SHELLS

    def info(self, sfreq: float) -> mne.Info:
        """See :meth:`eegxai.head.Head.info`."""
        if isinstance(self.montage, str):
            return info_with(self.channels, sfreq, standard_montage(self.montage))
        places = dict(zip(self.channels, self.montage, strict=True))
        montage = mne.channels.make_dig_montage(places, coord_frame="head")
        return info_with(self.channels, sfreq, montage)

    def lead_field(self, positions_mni_mm: Array) -> LeadField:
        """See :meth:`eegxai.head.Head.lead_field`; cached, with read-only arrays."""
        positions = checked_positions(positions_mni_mm)
        return _lead_field(self, tuple(map(tuple, positions.tolist())))

    def require_inside(self, positions_mni_mm: Array) -> None:
        """See :meth:`eegxai.head.Head.require_inside`."""
        positions = checked_positions(positions_mni_mm)
        distances_mm = np.linalg.norm(positions - _centre_mni_mm(), axis=1)
        _require_inside_sphere(positions, distances_mm, _brain_radius_mm(self.shells))

    def random_places(self, n_places: int, rng: np.random.Generator) -> Array:
        """See :func:`brain_points`."""
        return brain_points(n_places, rng)

    def scan_places(self) -> Array:
        """A cubic lattice in the innermost sphere: multiples of 8 mm, 5 mm from its edge."""
        steps = np.arange(-20, 21) * SCAN_SPACING_MM
        lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
        distances_mm = np.linalg.norm(lattice - _centre_mni_mm(), axis=1)
        return lattice[distances_mm < _brain_radius_mm(self.shells) - SCAN_MARGIN_MM]


def sphere_head(channels: Sequence[str] | None = None, montage: str | None = None) -> SphereHead:
    """The spherical head with these electrodes of a standard montage of MNE.

    By default all electrodes of the montage; without a montage those of the study, and positions
    of the template.

    Raises
    ------
    ValueError
        When there is no such montage or it lacks an electrode.
    """
    all_of_it = MONTAGE if montage is None else electrodes(montage)
    wanted = all_of_it if channels is None else tuple(channels)
    require_electrodes(wanted, montage or TEMPLATE)
    return SphereHead(wanted, montage or TEMPLATE)


def scanning_head(head: Head) -> SphereHead:
    """Another head with the same electrodes: the one to scan data of this head with.

    Whoever localizes a source does not know the head that it lies in. Scanning with the very head
    that made the data, the "inverse crime", finds dipoles better than anyone could. This one is
    a sphere of :data:`THREE_SHELLS` whatever the given head is.

    The electrodes keep their directions from the centre, in MNE's head frame. In a head from a
    file this frame is that of the file's subject, whose fiducials are taken to be fsaverage's.
    """
    info = head.info(1.0)
    places = tuple(tuple(channel["loc"][:3].tolist()) for channel in info["chs"])
    return SphereHead(tuple(info.ch_names), places, THREE_SHELLS)


def brain_points(n_points: int, rng: np.random.Generator) -> Array:
    """Random points (n_points, 3), MNI mm, uniform over the brain ellipsoid."""
    directions = unit(rng.standard_normal((n_points, 3)))
    radii = np.cbrt(rng.random((n_points, 1)))
    return np.asarray(BRAIN_CENTRE_MM) + radii * directions * np.asarray(BRAIN_HALF_AXES_MM)


@cache
def _lead_field(head: SphereHead, places: Places) -> LeadField:
    positions = np.array(places)
    head.require_inside(positions)
    gain = average_reference(_sphere_gain(head, positions))
    normals = radial_normals(positions, _centre_mni_mm())
    for array in (gain, normals):
        array.setflags(write=False)
    return LeadField(gain=gain, normals=normals, tilt_deg=RADIAL_TILT_DEG)


def _sphere_gain(head: SphereHead, positions_mni_mm: Array) -> Array:
    """Gain (channels, sources, 3), µV per nA·m along MNI axes, in MNE's own reference."""
    upwards = np.tile([0.0, 0.0, 1.0], (len(positions_mni_mm), 1))  # unused: all axes are free
    places = {"rr": mni_to_head(positions_mni_mm) / 1e3, "nn": upwards}
    # Positions go in as head coordinates (trans=None): given a transform, MNE 1.13 compares MRI
    # positions with the sphere's centre in the head frame and drops sources inside the brain.
    forward = mne.make_forward_solution(
        _electrodes_on_the_sphere(head),
        trans=None,
        src=mne.setup_volume_source_space(pos=places, verbose="ERROR"),
        bem=_sphere_model(head.shells),
        meg=False,
        mindist=0.0,
        verbose="ERROR",
    )
    along_head_axes = forward["sol"]["data"].reshape(-1, len(positions_mni_mm), 3)
    mni_to_head_axes = head_to_mni()["trans"][:3, :3].T
    return along_head_axes @ mni_to_head_axes * MICROVOLT_PER_NANOAMPERE_METRE


@cache
def _electrodes_on_the_sphere(head: SphereHead) -> mne.Info:
    """Info with each electrode moved radially onto the scalp sphere.

    MNE treats an electrode at another distance as lying on a sphere of that radius, so that
    dipoles near the brain's edge would lie outside the brain of some electrodes.
    """
    sphere, info = _sphere_model(head.shells), head.info(1.0)
    for channel in info["chs"]:
        offset = channel["loc"][:3] - sphere["r0"]
        channel["loc"][:3] = sphere["r0"] + sphere.radius * offset / np.linalg.norm(offset)
    return info


def _centre_mni_mm() -> Array:
    """Centre (3,) of the sphere, which does not depend on its shells."""
    return mne.transforms.apply_trans(head_to_mni(), _sphere_model(FOUR_SHELLS)["r0"]) * 1e3


def _brain_radius_mm(shells: Shells) -> float:
    return float(_sphere_model(shells)["layers"][0]["rad"]) * 1e3


@cache
def _sphere_model(shells: Shells) -> mne.bem.ConductorModel:
    return mne.make_sphere_model(
        "auto", "auto", montage_info(1.0), shells.radii, shells.conductivities, verbose="ERROR"
    )


def _require_inside_sphere(positions_mni_mm: Array, distances_mm: Array, radius_mm: float) -> None:
    outside = np.flatnonzero(distances_mm >= radius_mm)
    if outside.size:
        first = int(outside[0])
        raise ValueError(
            f"{place_name(first, positions_mni_mm)} lies outside the brain: "
            f"it is {distances_mm[first]:.1f} mm from the centre, "
            f"and the limit is {radius_mm:.1f} mm"
        )
