import warnings
from pathlib import Path

import mne
import numpy as np
import pytest
from scipy.spatial import Delaunay
from scipy.special import eval_legendre

from eegxai.head import (
    MONTAGE,
    HeadSpec,
    LeadField,
    brain_points,
    mni_to_head,
    montage_info,
    open_head,
    scanning_head,
)
from eegxai.head.sphere import SCAN_MARGIN_MM, SCAN_SPACING_MM
from eegxai.simulation import FEATURES

FSAVERAGE = Path(mne.__file__).parent / "data" / "fsaverage"
MOTOR_LEFT, MOTOR_RIGHT = (-40, -21, 51), (40, -21, 51)
SPHERE = open_head(HeadSpec())
SCANNING = scanning_head(SPHERE)
MNE_SHELLS = (0.90, 0.92, 0.97, 1.0), (0.33, 1.0, 0.004, 0.33)
# Three shells are four of which the inner two have one conductivity, wherever they meet.
RUSH_DRISCOLL_LAI = (0.5, 8 / 9.2, 8.5 / 9.2, 1.0), (0.33, 0.33, 0.0132, 0.33)


def sphere_model() -> mne.bem.ConductorModel:
    return mne.make_sphere_model("auto", "auto", montage_info(250.0), verbose="ERROR")


def electrodes_on_the_sphere() -> mne.Info:
    info, sphere = montage_info(250.0), sphere_model()
    places = np.array([ch["loc"][:3] for ch in info["chs"]]) - sphere["r0"]
    places *= sphere.radius / np.linalg.norm(places, axis=1, keepdims=True)
    by_name = dict(zip(MONTAGE, places + sphere["r0"], strict=True))
    return mne.create_info(list(MONTAGE), 250.0, "eeg").set_montage(
        mne.channels.make_dig_montage(by_name, coord_frame="head"), verbose="ERROR"
    )


def radial(position: tuple[float, float, float]) -> np.ndarray:
    field = SPHERE.lead_field(np.array([position]))
    return field.project(field.normals)[:, 0]


def test_montage_is_the_64_channel_acticap_without_tp9_and_tp10():
    assert len(MONTAGE) == len(set(MONTAGE)) == 62
    assert not {"TP9", "TP10", "FCz", "Fpz"} & set(MONTAGE)
    assert {"Fp1", "FT9", "FT10", "AFz", "Iz", "POz"} <= set(MONTAGE)


def test_info_has_the_template_positions_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        info = montage_info(250.0)
    assert info.ch_names == list(MONTAGE)
    assert info["sfreq"] == 250.0
    place = {ch["ch_name"]: ch["loc"][:3] for ch in info["chs"]}
    assert place["C3"][0] < -0.05 < 0.05 < place["C4"][0]
    assert place["Fp1"][1] > 0.1 > -0.05 > place["Iz"][1]
    assert all(0.07 < np.linalg.norm(xyz) < 0.15 for xyz in place.values())


def test_fiducials_land_on_the_axes_of_the_head_frame():
    fiducials, _ = mne.io.read_fiducials(FSAVERAGE / "fsaverage-fiducials.fif", verbose="ERROR")
    lpa, nasion, rpa = mni_to_head(np.array([point["r"] for point in fiducials]) * 1e3)
    np.testing.assert_allclose(lpa[1:], 0, atol=0.5)
    np.testing.assert_allclose(rpa[1:], 0, atol=0.5)
    np.testing.assert_allclose(nasion[[0, 2]], 0, atol=0.5)
    assert lpa[0] < -75 < 75 < rpa[0]
    assert nasion[1] > 75


def test_head_frame_is_the_fsaverage_transform_and_not_mni():
    points = np.array([MOTOR_LEFT, MOTOR_RIGHT, (0.0, 0.0, 0.0)])
    head_to_mni = mne.read_trans(FSAVERAGE / "fsaverage-trans.fif", verbose="ERROR")["trans"]
    homogeneous = np.column_stack([points / 1e3, np.ones(3)])
    expected = np.linalg.solve(head_to_mni, homogeneous.T).T[:, :3] * 1e3
    np.testing.assert_allclose(mni_to_head(points), expected, atol=1e-9)
    assert (np.linalg.norm(mni_to_head(points) - points, axis=1) > 30).all()


def surface_factors(radii: np.ndarray, sigmas: np.ndarray, n_terms: int) -> np.ndarray:
    """Potential on the outer of four shells per unit source term of each Legendre degree."""
    factors = np.empty(n_terms)
    for n in range(1, n_terms + 1):
        # Unknowns A0, A1, B1, A2, B2, A3, B3 of A r^n + B r^-(n+1), with B0 = 1.
        system, right = np.zeros((7, 7)), np.zeros(7)
        for i, r in enumerate(radii[:3]):
            growing, falling = r**n, r ** -(n + 1)
            slope_growing, slope_falling = n * r ** (n - 1), -(n + 1) * r ** -(n + 2)
            inner = [0] if i == 0 else [2 * i - 1, 2 * i]
            outer = [2 * i + 1, 2 * i + 2]
            system[2 * i, inner] = [growing, falling][: len(inner)]
            system[2 * i, outer] = [-growing, -falling]
            system[2 * i + 1, inner] = (
                sigmas[i] * np.array([slope_growing, slope_falling])[: len(inner)]
            )
            system[2 * i + 1, outer] = -sigmas[i + 1] * np.array([slope_growing, slope_falling])
            if i == 0:
                right[:2] = -falling, -sigmas[0] * slope_falling
        system[6, 5:] = n, -(n + 1)
        factors[n - 1] = np.linalg.solve(system, right)[5:].sum()
    return factors


def four_shell_potential(
    position: np.ndarray, moment: np.ndarray, shells: tuple[tuple[float, ...], tuple[float, ...]]
) -> np.ndarray:
    """µV per nA·m at the electrodes, by the exact series; position and moment in head axes, m."""
    sphere, info = sphere_model(), montage_info(250.0)
    radii, sigmas = np.array(shells[0]) * sphere.radius, np.array(shells[1])
    electrodes = np.array([ch["loc"][:3] for ch in info["chs"]]) - sphere["r0"]
    electrodes /= np.linalg.norm(electrodes, axis=1, keepdims=True)
    place = (position - sphere["r0"]) / radii[-1]
    depth = np.linalg.norm(place)
    cosine = electrodes @ place / depth
    along, across = moment @ place / depth, electrodes @ moment
    total = np.zeros(len(electrodes))
    for n, factor in enumerate(surface_factors(radii / radii[-1], sigmas, 80), start=1):
        legendre = eval_legendre(n, cosine)
        slope = n * (eval_legendre(n - 1, cosine) - cosine * legendre) / (1 - cosine**2)
        total += (
            factor * depth ** (n - 1) * (n * legendre * along + slope * (across - cosine * along))
        )
    potential = total / (4 * np.pi * sigmas[0] * radii[-1] ** 2) * 1e-3
    return potential - potential.mean()


@pytest.mark.parametrize("position", [MOTOR_LEFT, (4.6, -3.4, 54.3), (-24, -24, 32), (30, 50, -5)])
@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(
    ("head", "shells"), [(SPHERE, MNE_SHELLS), (SCANNING, RUSH_DRISCOLL_LAI)], ids=["four", "three"]
)
def test_lead_field_is_the_exact_series_of_a_sphere_of_shells(head, shells, position, axis):
    head_to_mni = mne.read_trans(FSAVERAGE / "fsaverage-trans.fif", verbose="ERROR")["trans"]
    place = np.linalg.solve(head_to_mni, [*np.array(position) / 1e3, 1])[:3]
    moment = head_to_mni[:3, :3].T @ np.eye(3)[axis]
    expected = four_shell_potential(place, moment, shells)
    gain = head.lead_field(np.array([position])).gain[:, 0, axis]
    np.testing.assert_allclose(gain, expected, atol=0.005 * np.abs(expected).max())


def test_lead_field_is_mne_s_forward_of_a_dipole_in_the_head_frame():
    field = SPHERE.lead_field(np.array([MOTOR_LEFT]))
    to_head = np.linalg.inv(
        mne.read_trans(FSAVERAGE / "fsaverage-trans.fif", verbose="ERROR")["trans"]
    )
    place = to_head[:3] @ [*np.array(MOTOR_LEFT) / 1e3, 1]
    orientation = to_head[:3, :3] @ field.normals[0]
    dipole = mne.Dipole([0.0], place[None], [1e-9], orientation[None], [100.0])
    forward, _ = mne.make_forward_dipole(
        dipole, sphere_model(), electrodes_on_the_sphere(), trans=None, verbose="ERROR"
    )
    microvolt = forward["sol"]["data"][:, 0] * 1e-9 * 1e6
    expected = microvolt - microvolt.mean()
    np.testing.assert_allclose(field.project(field.normals)[:, 0], expected, rtol=1e-5, atol=1e-7)


def test_average_reference():
    gain = SPHERE.lead_field(np.array([MOTOR_LEFT, MOTOR_RIGHT])).gain
    np.testing.assert_allclose(gain.sum(axis=0), 0, atol=1e-12)


def test_superficial_dipole_is_strongest_next_to_it():
    left, right = radial(MOTOR_LEFT), radial(MOTOR_RIGHT)
    assert MONTAGE[left.argmax()] == "C3"
    assert MONTAGE[right.argmax()] == "C4"
    assert left.argmax() == np.abs(left).argmax()
    # A cortical dipole of 10 nA·m gives a microvolt or so on the scalp.
    assert 0.5 < 10 * left.max() < 5


def test_reversed_dipole_flips_the_map():
    field = SPHERE.lead_field(np.array([MOTOR_LEFT]))
    np.testing.assert_array_equal(field.project(-field.normals), -field.project(field.normals))


def test_normals_are_radial_unit_vectors():
    places = np.array([MOTOR_LEFT, MOTOR_RIGHT, (0, -4, 65)])
    normals = SPHERE.lead_field(places).normals
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    # The lines along the normals meet in one point: least squares leaves nothing.
    across = np.eye(3) - normals[:, :, None] * normals[:, None, :]
    centre, *_ = np.linalg.lstsq(
        across.reshape(-1, 3), np.einsum("sij,sj->si", across, places).ravel(), rcond=None
    )
    np.testing.assert_allclose(across @ centre, np.einsum("sij,sj->si", across, places), atol=1e-9)
    assert np.linalg.norm(centre) < 30
    assert (np.sum(normals * (places - centre), axis=1) > 0).all()


def test_orientations_tilt_as_told():
    normals = np.tile([0.0, 0.0, 1.0], (20000, 1))
    still = LeadField(gain=np.zeros((2, 20000, 3)), normals=normals, tilt_deg=0.0)
    tilted = LeadField(gain=still.gain, normals=normals, tilt_deg=20.0)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(still.orientations(rng), normals)
    drawn = tilted.orientations(rng)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)
    slopes = np.rad2deg(np.arctan((drawn[:, :2] / drawn[:, 2:]).std(axis=0)))
    np.testing.assert_allclose(slopes, 20, rtol=0.02)


def test_brain_points_lie_inside_the_inner_skull_and_the_sphere():
    points = brain_points(3000, np.random.default_rng(1))
    surface = mne.read_bem_surfaces(FSAVERAGE / "fsaverage-inner_skull-bem.fif", verbose="ERROR")
    assert (Delaunay(surface[0]["rr"] * 1e3).find_simplex(points) >= 0).all()
    assert SPHERE.lead_field(points).gain.shape == (62, 3000, 3)


@pytest.mark.parametrize("feature", FEATURES)
def test_dipoles_of_the_study_lie_in_the_brain(feature):
    dipoles = np.array(FEATURES[feature].dipoles_mni_mm)
    gain = SPHERE.lead_field(dipoles).gain
    assert gain.shape == (62, len(dipoles), 3)
    assert np.isfinite(gain).all()


def test_lead_field_is_cached_and_read_only():
    field = SPHERE.lead_field(np.array([MOTOR_LEFT]))
    assert SPHERE.lead_field(np.array([MOTOR_LEFT], dtype=float)) is field
    with pytest.raises(ValueError, match="read-only"):
        field.gain[0] = 1


def test_random_places_are_points_of_the_brain():
    places = SPHERE.random_places(5, np.random.default_rng(3))
    np.testing.assert_array_equal(places, brain_points(5, np.random.default_rng(3)))


def test_the_scanning_head_is_another_head_with_the_same_electrodes():
    places = np.array([MOTOR_LEFT, (4.6, -3.4, 54.3), (-24, -24, 32)])
    simulating, scanning = (head.lead_field(places).gain for head in (SPHERE, SCANNING))
    across = (0, 2)
    difference = np.linalg.norm(scanning - simulating, axis=across)
    relative = difference / np.linalg.norm(simulating, axis=across)
    assert ((relative > 0.1) & (relative < 0.4)).all()
    for head in (SPHERE, open_head(HeadSpec(montage="biosemi64", channels=("Cz", "P1", "T7")))):
        info, other = head.info(100.0), scanning_head(head).info(100.0)
        assert other.ch_names == info.ch_names
        for channel, same in zip(info["chs"], other["chs"], strict=True):
            np.testing.assert_allclose(same["loc"][:3], channel["loc"][:3], atol=1e-7)


@pytest.mark.parametrize("head", [SPHERE, SCANNING], ids=["four", "three"])
def test_the_lattice_to_scan_fills_the_brain(head):
    places, inside = head.scan_places(), brain_points(300, np.random.default_rng(0))
    np.testing.assert_array_equal(places % SCAN_SPACING_MM, 0)
    head.require_inside(places)
    nearest = np.linalg.norm(inside[:, None] - places, axis=2).min(1)
    assert (nearest <= SCAN_SPACING_MM * np.sqrt(3) / 2 + SCAN_MARGIN_MM).all()
    assert np.median(nearest) < 5


def test_fewer_channels_are_the_same_head_in_another_reference():
    channels = ("Oz", "FCz", "C3", "A1")
    few = open_head(HeadSpec(channels=channels))
    known = [MONTAGE.index(name) for name in ("Oz", "C3")]
    oz_to_c3 = SPHERE.lead_field(np.array([MOTOR_LEFT])).gain[known]
    gain = few.lead_field(np.array([MOTOR_LEFT])).gain
    np.testing.assert_allclose(gain[0] - gain[2], oz_to_c3[0] - oz_to_c3[1], rtol=1e-6)
    np.testing.assert_allclose(gain.sum(axis=0), 0, atol=1e-12)
    assert few.info(100.0).ch_names == list(channels)


def test_tilt_may_differ_between_sources():
    normals = np.tile([0.0, 0.0, 1.0], (2, 1))
    field = LeadField(np.zeros((2, 2, 3)), normals, tilt_deg=np.array([0.0, 20.0]))
    still, tilted = field.orientations(np.random.default_rng(0))
    np.testing.assert_array_equal(still, normals[0])
    assert 0 < np.rad2deg(np.arccos(tilted[2])) < 90


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([MOTOR_LEFT, (0, 0, 120)], r"dipole 1 at MNI \(0, 0, 120\) mm lies outside the brain"),
        (MOTOR_LEFT, r"shape \(3,\)"),
        (np.empty((0, 3)), r"shape \(0, 3\)"),
        ([(0, np.nan, 0)], "not finite"),
    ],
)
def test_errors_name_the_dipole_and_the_value(positions, message):
    with pytest.raises(ValueError, match=message):
        SPHERE.lead_field(np.array(positions))


def test_unknown_electrodes_are_named_with_the_closest_match():
    message = r"template colin27_1005 lacks the channels 'FCX' \(closest: 'FC.'\), 'qqqq'"
    with pytest.raises(ValueError, match=message):
        open_head(HeadSpec(channels=("Cz", "FCX", "qqqq")))
