"""The reader of the New York Head on small files of its structure, written here."""

import h5py
import numpy as np
import pytest
import scipy.io

from eegxai.head import MONTAGE, HeadSpec, montage_info, open_head

# Fiducials and electrodes on the face come in between, as in the real file.
LABELS = ("LPA", *MONTAGE[::-1], "Ex1", "FCz", "Nk3")
N_SOURCES = 40


def contents():
    """Fields in MATLAB's order of axes."""
    rng = np.random.default_rng(5)
    return {
        "clab_electrodes": list(LABELS),
        "V_fem": rng.standard_normal((len(LABELS), N_SOURCES, 3)),
        "vc": rng.uniform(-60, 60, (N_SOURCES, 3)),
        "normals": 3 * rng.standard_normal((N_SOURCES, 3)),
    }


def write_hdf5(path, fields):
    """MATLAB v7.3: reversed axes, a column of references to character codes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        sa, refs = file.create_group("sa"), file.create_group("#refs#")
        cortex = sa.create_group("cortex75K")
        for name, value in fields.items():
            if name != "clab_electrodes":
                cortex[name] = value.T
        if "clab_electrodes" in fields:
            cells = sa.create_dataset(
                "clab_electrodes", (1, len(fields["clab_electrodes"])), dtype=h5py.ref_dtype
            )
            for i, label in enumerate(fields["clab_electrodes"]):
                codes = np.array([[ord(letter)] for letter in label], dtype=np.uint16)
                cells[0, i] = refs.create_dataset(f"c{i}", data=codes).ref
    return str(path)


def write_mat(path, fields):
    """MATLAB v7, as SEREEGA's lf_prune_nyheadfile saves it: only what SEREEGA uses."""
    sa = {"cortex75K": {name: value for name, value in fields.items() if name != "clab_electrodes"}}
    if "clab_electrodes" in fields:
        cells = np.empty((len(fields["clab_electrodes"]), 1), dtype=object)
        cells[:, 0] = fields["clab_electrodes"]
        sa["clab_electrodes"] = cells
    scipy.io.savemat(path, {"sa": sa}, do_compression=True)
    return str(path)


WRITERS = [write_hdf5, write_mat]


@pytest.fixture(params=WRITERS, ids=["v7.3", "v7"])
def write(request, tmp_path):
    return lambda fields: request.param(tmp_path / "sa_nyhead.mat", fields)


def open_nyhead(file, channels=None):
    return open_head(HeadSpec(model="nyhead", file=file, channels=channels))


def test_lead_field_is_that_of_the_nearest_vertices(write):
    fields = contents()
    nearby = fields["vc"][[7, 31]] + np.array([[1.0, -2.0, 0.5], [0.0, 0.0, -1.0]])
    field = open_nyhead(write(fields)).lead_field(nearby)
    for i, vertex in enumerate([7, 31]):
        distances = np.linalg.norm(fields["vc"] - nearby[i], axis=1)
        assert distances.argmin() == vertex
        for c, channel in enumerate(MONTAGE):
            picked = [fields["V_fem"][LABELS.index(name), vertex] for name in MONTAGE]
            expected = fields["V_fem"][LABELS.index(channel), vertex] - np.mean(picked, axis=0)
            np.testing.assert_allclose(field.gain[c, i], expected, atol=1e-12)
        np.testing.assert_allclose(
            field.normals[i] * np.linalg.norm(fields["normals"][vertex]), fields["normals"][vertex]
        )
    np.testing.assert_array_equal(field.tilt_deg, 0)
    orientations = field.orientations(np.random.default_rng(0))
    np.testing.assert_allclose(orientations, field.normals, atol=1e-12)


def test_both_forms_of_the_file_are_one_head(tmp_path):
    files = [write(tmp_path / f"{write.__name__}.mat", contents()) for write in WRITERS]
    one, other = (open_nyhead(file, ("Cz", "FCz")).lead_field(contents()["vc"]) for file in files)
    np.testing.assert_array_equal(one.gain, other.gain)
    np.testing.assert_array_equal(one.normals, other.normals)


def test_info_has_the_electrodes_of_the_template(write):
    file = write(contents())
    info, expected = open_nyhead(file).info(250.0), montage_info(250.0)
    assert info.ch_names == expected.ch_names
    assert info["sfreq"] == 250.0
    for channel, other in zip(info["chs"], expected["chs"], strict=True):
        np.testing.assert_array_equal(channel["loc"], other["loc"])
    assert open_nyhead(file, ("FCz", "Cz")).info(100.0).ch_names == ["FCz", "Cz"]


def test_random_places_are_vertices(write):
    head, vertices = open_nyhead(write(contents())), contents()["vc"]
    places = head.random_places(200, np.random.default_rng(2))
    assert {tuple(place) for place in places} <= {tuple(vertex) for vertex in vertices}
    assert len(np.unique(places, axis=0)) > N_SOURCES / 2
    np.testing.assert_array_equal(places, head.random_places(200, np.random.default_rng(2)))


@pytest.mark.parametrize("name", ["clab_electrodes", "V_fem", "vc", "normals"])
def test_a_lacking_field_is_named(write, name):
    fields = contents()
    del fields[name]
    with pytest.raises(ValueError, match=rf"lacks the field sa\.(cortex75K\.)?{name}$"):
        open_nyhead(write(fields))


def test_a_file_without_sa_is_refused(tmp_path):
    scipy.io.savemat(tmp_path / "other.mat", {"x": np.ones(3)})
    with pytest.raises(ValueError, match="lacks the field sa"):
        open_nyhead(str(tmp_path / "other.mat"))


@pytest.mark.parametrize("content", [b"", b"not MATLAB's " * 40], ids=["empty", "text"])
def test_a_file_that_is_not_matlab_s_is_refused(tmp_path, content):
    file = tmp_path / "head.mat"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="is not a MATLAB file"):
        open_nyhead(str(file))


@pytest.mark.parametrize("name", ["V_fem", "vc", "normals"])
def test_shapes_that_disagree_are_told(write, name):
    fields = contents()
    fields[name] = fields[name][:-1]
    with pytest.raises(ValueError, match=r"cortex75K\.\w+ of shape \(.*\) is needed"):
        open_nyhead(write(fields))


def test_all_missing_channels_are_named(write):
    message = r"head\.mat lacks the channels 'TP9' \(closest: 'TP.'\), 'fcz' \(closest: 'FCz'\)$"
    with pytest.raises(ValueError, match=message):
        open_nyhead(write(contents()), ("Cz", "TP9", "fcz"))


def test_an_electrode_without_a_template_position_is_named(write):
    with pytest.raises(ValueError, match="template colin27_1005 lacks the channels 'Ex1'"):
        open_nyhead(write(contents()), ("Cz", "Ex1"))


def test_a_dipole_far_from_all_vertices_is_outside(write):
    with pytest.raises(ValueError, match=r"dipole 1 at MNI \(0, 0, 150\) mm lies outside"):
        open_nyhead(write(contents())).lead_field(np.array([contents()["vc"][0], (0, 0, 150)]))
