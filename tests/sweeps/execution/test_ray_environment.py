"""Ray's files go where sockets have short enough paths and this user may write."""

import getpass
import os
import tempfile

import pytest

from sweeps.execution import ray_environment
from sweeps.execution.ray_environment import LONGEST_FOLDER, ClusterError, ray_folder


@pytest.fixture(autouse=True)
def temporary(monkeypatch):
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    return lambda folder: monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.fixture
def short():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield folder


def test_the_systems_folder_is_taken(temporary, short):
    temporary(short)
    assert ray_folder() == f"{short}/ray"
    assert os.path.isdir(f"{short}/ray")


def test_the_folder_that_is_asked_for_is_taken(temporary, short, tmp_path, monkeypatch):
    temporary(tmp_path)
    monkeypatch.setenv("RAY_TMPDIR", short)
    assert ray_folder() == f"{short}/ray"


def test_a_long_path_is_left_for_a_short_one(temporary, tmp_path):
    temporary(tmp_path / ("long" * 20))
    assert ray_folder() == f"/tmp/ray-{getpass.getuser()}"


def test_a_folder_of_another_user_is_left(temporary, short, monkeypatch):
    temporary(short)
    ours = ray_environment._writable
    monkeypatch.setattr(
        ray_environment, "_writable", lambda folder: str(folder) != f"{short}/ray" and ours(folder)
    )
    assert ray_folder() == f"/tmp/ray-{getpass.getuser()}"


def test_where_no_folder_can_be_used_it_is_told(temporary, short, monkeypatch):
    temporary(short)
    monkeypatch.setattr(ray_environment, "_writable", lambda _folder: False)
    with pytest.raises(ClusterError, match=f"at most {LONGEST_FOLDER} characters.*RAY_TMPDIR"):
        ray_folder()
