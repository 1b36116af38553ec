"""Forward solutions of MNE's sphere model, written here, against the spherical head.

The spherical head gives MNE its dipoles in the head frame; these files come from sources in an
MRI frame and a transform, so a mistake with frames or axes cannot cancel out.
"""

from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pytest
from mne.io.constants import FIFF
from scipy.spatial.transform import Rotation

from eegxai.evaluation.metrics.physical import physical_scores, source_grid, source_truth
from eegxai.head import MONTAGE, HeadSpec, montage_info, open_head, scanning_head
from eegxai.head.base import MAX_SCAN_PLACES, radial_normals
from eegxai.simulation import FEATURES, BackgroundSpec, simulate
from eegxai.simulation.background import head_of
from tests.backgrounds import CH_NAMES, microvolts, write_raw

GARBAGE = {"empty": b"", "text": b"root:x:0:0:root\n" * 50, "noise": bytes(range(256)) * 9}
FSAVERAGE = Path(mne.__file__).parent / "data" / "fsaverage"
MRI_TO_HEAD = mne.read_trans(FSAVERAGE / "fsaverage-trans.fif", verbose="ERROR")
MRI_TO_HEAD = mne.transforms.invert_transform(MRI_TO_HEAD)
SPHERE = open_head(HeadSpec())
PLACES = np.array([(-40, -21, 51), (40, -21, 51), (5, -4, 54), (-24, -24, 32), (30, 45, 10.0)])
# A subject turned and shifted against MNI.
TURN = Rotation.from_euler("xyz", [12, -7, 20], degrees=True).as_matrix()
SUBJECT_TO_MNI = np.block([[TURN, np.array([[0.004], [-0.008], [0.006]])], [np.zeros(3), 1.0]])


def electrodes_on_the_sphere(sphere):
    info = montage_info(250.0)
    for channel in info["chs"]:
        offset = channel["loc"][:3] - sphere["r0"]
        channel["loc"][:3] = sphere["r0"] + offset * sphere.radius / np.linalg.norm(offset)
    return info


def space(kind, places_m, normals=None, subject="fsaverage"):
    """A source space in the MRI frame; every second point of a surface is not in use."""
    if kind == "discrete":
        upwards = np.tile([0.0, 0.0, 1.0], (len(places_m), 1))
        made = mne.setup_volume_source_space(
            pos={"rr": places_m, "nn": upwards if normals is None else normals}, verbose="ERROR"
        )[0]
        return {**made, "subject_his_id": subject}
    points = np.repeat(places_m, 2, axis=0)
    points[1::2] += 0.001
    inuse = np.tile([1, 0], len(places_m))
    tris = np.array([[i, i + 1, i + 2] for i in range(len(points) - 2)])
    return {
        "id": FIFF.FIFFV_MNE_SURF_LEFT_HEMI, "type": "surf", "subject_his_id": subject,
        "coord_frame": FIFF.FIFFV_COORD_MRI, "np": len(points), "rr": points,
        "nn": np.repeat(normals, 2, axis=0), "inuse": inuse, "nuse": len(places_m),
        "vertno": np.flatnonzero(inuse), "ntri": len(tris), "tris": tris, "nuse_tri": 0,
        "use_tris": None, "nearest": None, "nearest_dist": None, "pinfo": None,
        "patch_inds": None, "dist": None, "dist_limit": None,
    }  # fmt: skip


def make_forward(spaces, mri_to_head=MRI_TO_HEAD, info=None, **kwargs):
    sphere = mne.make_sphere_model("auto", "auto", montage_info(250.0), verbose="ERROR")
    return mne.make_forward_solution(
        electrodes_on_the_sphere(sphere) if info is None else info,
        trans=mri_to_head,
        src=mne.SourceSpaces(spaces),
        bem=sphere,
        mindist=0.0,
        verbose="ERROR",
        **kwargs,
    )


def write(path, forward):
    file = str(path / "head-fwd.fif")
    mne.write_forward_solution(file, forward, overwrite=True, verbose="ERROR")
    return file


def open_forward(file, **fields):
    return open_head(HeadSpec(model="forward", file=file, **fields))


def random_normals(n):
    normals = np.random.default_rng(4).standard_normal((n, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def assert_is_the_sphere(head, places=PLACES, mni_places=PLACES):
    gain, expected = head.lead_field(places).gain, SPHERE.lead_field(mni_places).gain
    np.testing.assert_allclose(gain, expected, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(scope="module")
def discrete(tmp_path_factory):
    return write(
        tmp_path_factory.mktemp("discrete"), make_forward([space("discrete", PLACES / 1e3)])
    )


def test_transform_of_these_tests_is_neither_identity_nor_small():
    assert np.linalg.norm(MRI_TO_HEAD["trans"][:3, 3]) > 0.03
    assert np.abs(MRI_TO_HEAD["trans"][:3, :3] - np.eye(3)).max() > 0.03


def test_discrete_sources_give_the_sphere_s_lead_field(discrete):
    assert_is_the_sphere(open_forward(discrete))


def test_surface_gives_the_sphere_s_lead_field_and_its_own_normals(tmp_path):
    normals = random_normals(len(PLACES))
    forward = make_forward([space("surf", PLACES / 1e3, normals)])
    head = open_forward(write(tmp_path, forward))
    assert_is_the_sphere(head)
    field = head.lead_field(PLACES[::-1])
    np.testing.assert_allclose(field.normals, normals[::-1], atol=1e-6)
    np.testing.assert_array_equal(field.tilt_deg, 0)


def test_volume_grid_gives_the_sphere_s_lead_field_and_radial_normals(tmp_path):
    grid = mne.setup_volume_source_space(
        pos=25.0, sphere=(0.0, -0.02, 0.03, 0.05), sphere_units="m", mindist=0.0, verbose="ERROR"
    )
    # MNE calls a grid a volume only where an MRI came with it.
    grid[0].update(
        type="vol", subject_his_id="fsaverage", mri_width=2, mri_height=2, mri_depth=2,
        mri_ras_t=mne.Transform("mri", "ras"), vox_mri_t=mne.Transform("mri_voxel", "mri"),
    )  # fmt: skip
    assert grid[0]["coord_frame"] == FIFF.FIFFV_COORD_MRI
    places = grid[0]["rr"][grid[0]["vertno"]] * 1e3
    assert len(places) > 20
    file = write(tmp_path, make_forward(list(grid)))
    assert mne.read_forward_solution(file, verbose="ERROR")["src"].kind == "volume"
    head = open_forward(file)
    assert_is_the_sphere(head, places, places)
    field = head.lead_field(places)
    radial = places - places.mean(axis=0)
    distance = np.linalg.norm(radial, axis=1)
    np.testing.assert_allclose(
        np.sum(field.normals * radial, axis=1)[distance > 1], distance[distance > 1], rtol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(field.normals, axis=1), 1)
    np.testing.assert_array_equal(field.tilt_deg, SPHERE.lead_field(PLACES).tilt_deg)


def test_a_source_at_the_centre_points_upwards():
    row = np.array([(-20.0, 0.0, 30.0), (0.0, 0.0, 30.0), (20.0, 0.0, 30.0)])
    assert radial_normals(row, row.mean(axis=0)).tolist() == [[-1, 0, 0], [0, 0, 1], [1, 0, 0]]


def test_mixed_spaces_tilt_only_what_has_no_cortex(tmp_path):
    normals = random_normals(2)
    hemispheres = [space("surf", PLACES[[i]] / 1e3, normals[[i]]) for i in range(2)]
    spaces = [*hemispheres, space("discrete", PLACES[2:] / 1e3)]
    head = open_forward(write(tmp_path, make_forward(spaces)))
    assert_is_the_sphere(head)
    field = head.lead_field(PLACES)
    np.testing.assert_array_equal(field.tilt_deg, [0, 0, 20, 20, 20])
    np.testing.assert_allclose(field.normals[:2], normals, atol=1e-6)
    away = PLACES[2:] - PLACES.mean(axis=0)
    np.testing.assert_allclose(np.cross(field.normals[2:], away), 0, atol=1e-4)


def test_file_in_the_mri_frame(tmp_path):
    normals = random_normals(len(PLACES))
    forward = make_forward([space("surf", PLACES / 1e3, normals)])
    # What a dipole along an MRI axis gives is a mixture of those along the head axes.
    along_mri = np.kron(np.eye(len(PLACES)), MRI_TO_HEAD["trans"][:3, :3])
    forward["coord_frame"] = FIFF.FIFFV_COORD_MRI
    forward["_orig_sol"] = forward["_orig_sol"] @ along_mri
    file = write(tmp_path, forward)
    read = mne.read_forward_solution(file, verbose="ERROR")
    np.testing.assert_allclose(read["source_rr"], PLACES / 1e3, atol=1e-7)
    head = open_forward(file)
    assert_is_the_sphere(head)
    np.testing.assert_allclose(head.lead_field(PLACES).normals, normals, atol=1e-6)


def write_subject(path, mri_to_mni, normals):
    """Forward solution of another subject whose head is the sphere, and its way to MNI."""
    rigid = mne.Transform("mri", "head", MRI_TO_HEAD["trans"] @ SUBJECT_TO_MNI)
    places = mne.transforms.apply_trans(np.linalg.inv(SUBJECT_TO_MNI), PLACES / 1e3)
    forward = make_forward([space("surf", places, normals, "sample")], rigid)
    assert forward["nsource"] == len(PLACES)
    transform = str(path / "mni-trans.fif")
    mne.write_trans(transform, mri_to_mni, overwrite=True, verbose="ERROR")
    return write(path, forward), transform


def test_another_subject_comes_to_mni_by_its_transform(tmp_path):
    normals = random_normals(len(PLACES))
    to_mni = mne.Transform("mri", "mni_tal", SUBJECT_TO_MNI)
    file, transform = write_subject(tmp_path, to_mni, normals)
    head = open_forward(file, mri_to_mni=transform)
    assert_is_the_sphere(head)
    np.testing.assert_allclose(head.lead_field(PLACES).normals, normals @ TURN.T, atol=1e-6)


def test_a_subject_of_another_size_keeps_its_strengths_and_right_angles(tmp_path):
    normals = random_normals(len(PLACES))
    larger = np.diag([1.2, 1.2, 1.2, 1.0])
    to_mni = mne.Transform("mri", "mni_tal", larger @ SUBJECT_TO_MNI)
    file, transform = write_subject(tmp_path, to_mni, normals)
    head = open_forward(file, mri_to_mni=transform)
    assert_is_the_sphere(head, 1.2 * PLACES, PLACES)
    np.testing.assert_allclose(head.lead_field(1.2 * PLACES).normals, normals @ TURN.T, atol=1e-6)


def test_nearest_source_stands_in(discrete):
    head = open_forward(discrete)
    near = PLACES[[3, 0]] + np.array([[2.0, -3.0, 1.0], [-4.0, 2.0, 3.0]])
    np.testing.assert_array_equal(head.lead_field(near).gain, head.lead_field(PLACES[[3, 0]]).gain)


@pytest.mark.parametrize("distance_mm", [19.9, 20.1])
def test_brain_ends_20_mm_from_the_last_source(discrete, distance_mm):
    head, place = (
        open_forward(discrete),
        PLACES[[1, 4]] + np.array([[0, 0, 0], [0, 0, distance_mm]]),
    )
    if distance_mm < 20:
        assert head.lead_field(place).gain.shape == (62, 2, 3)
        return
    message = r"dipole 1 at MNI \(30, 45, 30.1\) mm lies outside the brain: .* 20.1 mm away"
    with pytest.raises(ValueError, match=message):
        head.lead_field(place)


@pytest.mark.parametrize(
    ("positions", "message"), [(PLACES[0], "shape"), ([(0, np.inf, 0)], "finite")]
)
def test_positions_are_checked(discrete, positions, message):
    with pytest.raises(ValueError, match=message):
        open_forward(discrete).lead_field(np.array(positions))


def test_random_places_are_sources(discrete):
    head = open_forward(discrete)
    places = head.random_places(100, np.random.default_rng(1))
    distances = np.linalg.norm(places[:, None] - PLACES, axis=2)
    np.testing.assert_allclose(distances.min(axis=1), 0, atol=1e-4)
    assert set(distances.argmin(axis=1)) == set(range(len(PLACES)))
    np.testing.assert_array_equal(places, head.random_places(100, np.random.default_rng(1)))


def test_places_to_scan_are_sources(discrete):
    head = open_forward(discrete)
    np.testing.assert_array_equal(head.scan_places(), head.places_mni_mm)
    larger = replace(head, places_mni_mm=np.arange(3.0 * (2 * MAX_SCAN_PLACES + 1)).reshape(-1, 3))
    np.testing.assert_array_equal(larger.scan_places(), larger.places_mni_mm[::3])


def test_a_file_is_scanned_with_a_sphere_on_its_electrodes(discrete):
    channels = ("Oz", "C4", "Fp1")
    head = scanning_head(open_forward(discrete, channels=channels))
    gain = scanning_head(open_head(HeadSpec(channels=channels))).lead_field(PLACES).gain
    np.testing.assert_allclose(head.lead_field(PLACES).gain, gain, atol=1e-5)
    np.testing.assert_allclose(gain.sum(axis=0), 0, atol=1e-12)


def test_channels_are_those_of_the_file_in_any_order(discrete):
    channels = ("Oz", "C4", "Fp1")
    assert open_forward(discrete).info(250.0).ch_names == list(MONTAGE)
    head = open_forward(discrete, channels=channels)
    gain = SPHERE.lead_field(PLACES).gain[[MONTAGE.index(name) for name in channels]]
    expected = gain - gain.mean(axis=0)
    np.testing.assert_allclose(head.lead_field(PLACES).gain, expected, atol=1e-5)
    sphere = mne.make_sphere_model("auto", "auto", montage_info(250.0), verbose="ERROR")
    places = {ch["ch_name"]: ch["loc"][:3] for ch in electrodes_on_the_sphere(sphere)["chs"]}
    info = head.info(128.0)
    assert (info.ch_names, info["sfreq"]) == (list(channels), 128.0)
    for channel in info["chs"]:
        np.testing.assert_allclose(channel["loc"][:3], places[channel["ch_name"]], atol=1e-6)


def test_surface_orientations_in_memory_are_written_as_free_ones(tmp_path):
    forward = make_forward([space("surf", PLACES / 1e3, random_normals(len(PLACES)))])
    turned = mne.convert_forward_solution(forward, surf_ori=True, verbose="ERROR")
    assert np.abs(turned["sol"]["data"] - forward["sol"]["data"]).max() > 1
    file = str(tmp_path / "turned-fwd.fif")
    with pytest.warns(RuntimeWarning, match="free orientation"):
        mne.write_forward_solution(file, turned)
    assert_is_the_sphere(open_forward(file))


def test_fixed_orientations_are_refused(tmp_path):
    normals = random_normals(len(PLACES))
    forward = make_forward([space("surf", PLACES / 1e3, normals)])
    forward = mne.convert_forward_solution(forward, force_fixed=True, verbose="ERROR")
    # MNE-Python would undo this in a file; the C tools (--fixed) do not.
    forward["_orig_source_ori"] = FIFF.FIFFV_MNE_FIXED_ORI
    forward["_orig_sol"] = forward["sol"]["data"].copy()
    forward["surf_ori"] = False
    with pytest.raises(ValueError, match=r"head-fwd\.fif has fixed orientations.*force_fixed"):
        open_forward(write(tmp_path, forward))


def test_a_file_without_eeg_is_refused(tmp_path):
    forward = make_forward([space("discrete", PLACES / 1e3)])
    magnetometer = {"kind": FIFF.FIFFV_MEG_CH, "coil_type": FIFF.FIFFV_COIL_VV_MAG_T1}
    for channel in forward["info"]["chs"]:  # MNE compiles for seconds to compute one for MEG
        channel.update(magnetometer, unit=FIFF.FIFF_UNIT_T)
    with pytest.raises(ValueError, match=r"head-fwd\.fif has no EEG channels"):
        open_forward(write(tmp_path, forward))


def test_missing_channels_are_all_named(discrete):
    message = r"fwd\.fif lacks the channels 'FCz' \(closest: 'Fz'\), 'TP10' \(closest: 'FT10'\)$"
    with pytest.raises(ValueError, match=message):
        open_forward(discrete, channels=("Cz", "FCz", "TP10"))


@pytest.mark.parametrize("subject", ["sample", None])
def test_another_subject_needs_a_transform(tmp_path, subject):
    forward = make_forward([space("discrete", PLACES / 1e3, subject=subject)])
    message = f"of subject {subject!r} and not of 'fsaverage', so mri_to_mni is needed.*talxfm"
    with pytest.raises(ValueError, match=message):
        open_forward(write(tmp_path, forward))


def test_a_transform_between_other_frames_is_refused(discrete):
    transform = str(FSAVERAGE / "fsaverage-trans.fif")
    with pytest.raises(ValueError, match=r"goes from head to MRI.*from MRI to MNI is needed"):
        open_forward(discrete, mri_to_mni=transform)


def test_another_kind_of_file_is_refused():
    with pytest.raises(ValueError, match="No forward solutions"):
        open_forward(str(FSAVERAGE / "fsaverage-trans.fif"))


def test_data_are_simulated_in_the_head_of_a_file(tmp_path):
    places = np.array(FEATURES["spatial"].dipoles_mni_mm)
    file = write(tmp_path, make_forward([space("discrete", places / 1e3)]))
    head = HeadSpec(model="forward", file=file, channels=("Cz", "C4", "C3", "Oz"))
    eeg = simulate("spatial", snr_db=-3.5, seed=1, n_trials=20, head=head)
    assert eeg.info.ch_names == ["Cz", "C4", "C3", "Oz"]
    assert eeg.x.shape == eeg.ground_truth.shape == (20, 4, 250)
    sides = np.abs(eeg.ground_truth).sum(axis=(0, 2))
    assert sides.min() > 0
    loudest = np.abs(eeg.ground_truth[eeg.y == 0]).sum(axis=(0, 2)).argmax()
    assert eeg.info.ch_names[loudest] in {"C3", "Cz"}


def test_signals_are_planted_through_the_head_of_a_file(tmp_path, discrete):
    """With the recordings' channels, which it finds by name, and their reference."""
    x = microvolts(40)
    recordings = write_raw(tmp_path / "raw.fif", x - x[4])
    head = HeadSpec(model="forward", file=discrete)
    spec = BackgroundSpec(file=recordings)
    found = head_of(head, spec).lead_field(PLACES).gain
    expected = SPHERE.lead_field(PLACES).gain[[MONTAGE.index(name) for name in CH_NAMES]]
    np.testing.assert_allclose(found, expected - expected[4], rtol=1e-3, atol=1e-5)


def test_dipoles_of_a_file_are_located_by_the_scanning_head(tmp_path):
    places = np.array(FEATURES["spatial"].dipoles_mni_mm)
    file = write(tmp_path, make_forward([space("discrete", places / 1e3)]))
    head = HeadSpec(model="forward", file=file)
    eeg = simulate("spatial", snr_db=-3.5, seed=1, n_trials=8, head=head)
    truth = source_truth(eeg, np.arange(8))
    errors = physical_scores(eeg.ground_truth, truth)["dipole_error_mm"]
    assert truth.grid is source_grid(scanning_head(open_head(head)))
    assert ((errors > 0) & (errors < 15)).all()


@pytest.mark.parametrize("content", GARBAGE)
def test_what_is_no_forward_solution_is_told_in_one_sentence(tmp_path, content):
    file = tmp_path / "other-fwd.fif"
    file.write_bytes(GARBAGE[content])
    with pytest.raises(ValueError, match=r"^the forward solution .*cannot be read") as told:
        open_head(HeadSpec(model="forward", file=str(file)))
    assert "\n" not in str(told.value)
