import hashlib
import os

import mne
import numpy as np
import pytest
from pydantic import TypeAdapter

from eegxai.head import HEADS, Head, HeadField, HeadSpec, open_head


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "head.mat"
    path.write_bytes(b"some head")
    return path


def test_a_name_is_a_spec():
    read = TypeAdapter(HeadField).validate_python
    assert read("sphere") == read({"model": "sphere"}) == read(HeadSpec()) == HeadSpec()
    assert read({"channels": ["Cz", "Pz"]}).channels == ("Cz", "Pz")


def test_every_model_is_registered_and_the_default_opens():
    assert set(HEADS) == {"sphere", "forward", "nyhead"}
    head: Head = open_head(HeadSpec())
    assert head is open_head(HeadSpec(model="sphere"))


def test_content_of_the_file_is_part_of_the_identity(file):
    first = HeadSpec(model="nyhead", file=str(file))
    assert first.sha256 == hashlib.sha256(b"some head").hexdigest()
    assert first == HeadSpec(model="nyhead", file=str(file), sha256=first.sha256)
    file.write_bytes(b"other one")  # of the same size
    os.utime(file, ns=(0, 0))
    second = HeadSpec(model="nyhead", file=str(file))
    assert second != first
    assert second.sha256 == hashlib.sha256(b"other one").hexdigest()


def test_content_of_the_transform_is_part_of_the_identity(file, tmp_path):
    transform = tmp_path / "mni-trans.fif"
    mne.write_trans(transform, mne.Transform("mri", "mni_tal", np.eye(4)))
    spec = HeadSpec(model="forward", file=str(file), mri_to_mni=str(transform))
    assert spec.mri_to_mni_sha256 == hashlib.sha256(transform.read_bytes()).hexdigest()


def test_a_file_that_changed_since_is_refused(file):
    spec = HeadSpec(model="nyhead", file=str(file))
    file.write_bytes(b"another head")
    with pytest.raises(ValueError, match=f"sha256 is {spec.sha256}, but the digest of file is"):
        open_head(spec)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "spher"}, "head 'spher' is unknown; did you mean 'sphere'"),
        ({"model": "nyhead"}, "head 'nyhead' needs a file"),
        ({"model": "forward"}, "head 'forward' needs a file"),
        ({"file": "HERE"}, "file '.*head.mat' is only for head forward and nyhead"),
        (
            {"model": "nyhead", "file": "/no/such.mat"},
            "file '/no/such.mat' does not exist or is not a file",
        ),
        (
            {"model": "nyhead", "file": "HERE", "sha256": "ab12"},
            "sha256 is ab12, but the digest of file",
        ),
        ({"sha256": "ab12"}, "sha256 is ab12, but the digest of file is None"),
        (
            {"model": "nyhead", "file": "HERE", "mri_to_mni": "HERE"},
            "mri_to_mni '.*head.mat' is only for head forward",
        ),
        (
            {"model": "forward", "file": "HERE", "mri_to_mni": "/no/trans.fif"},
            "mri_to_mni '/no/trans.fif' does not exist or is not a file",
        ),
        ({"channels": ()}, r"channels are \(\); at least two different names are needed"),
        ({"channels": ("Cz", "Cz")}, "at least two different names"),
        ({"modle": "sphere"}, "modle"),
    ],
)
def test_errors_name_the_field_and_the_value(file, fields, message):
    given = {name: str(file) if value == "HERE" else value for name, value in fields.items()}
    with pytest.raises(ValueError, match=message):
        HeadSpec(**given)


def test_a_wrong_model_is_the_only_error(file):
    with pytest.raises(ValueError, match=r"^head 'nyhed' is unknown"):
        HeadSpec(model="nyhed", file=str(file))
