"""Files of the user: whole or not at all, and a sentence that names the path and the reason."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eegxai.atomic import UnwritableError, require_writable, staging, write_whole
from tests.paths import ROOT


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_text_and_bytes_replace_what_was_there(tmp_path):
    path = tmp_path / "new" / "folder" / "table.md"
    write_whole(path, "µV\n")
    assert path.read_bytes() == "µV\n".encode()
    write_whole(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert everything(tmp_path) == ["new", "new/folder", "new/folder/table.md"]


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    path = tmp_path / "out" / "table.csv"
    with pytest.raises(UnwritableError) as told:
        write_whole(path, "x")
    assert str(told.value) == f"{str(path)!r} cannot be written: {os.strerror(errno.EEXIST)}"
    assert everything(tmp_path) == ["out"]


def test_a_folder_in_place_of_the_file_is_told_and_stays(tmp_path):
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(UnwritableError, match=r"table\.csv' cannot be written: Is a directory"):
        write_whole(tmp_path / "table.csv", "x")
    assert everything(tmp_path) == ["table.csv"]


def test_a_folder_one_may_not_write_to_is_told(tmp_path):
    folder = Path("/proc/self") if os.geteuid() == 0 else tmp_path  # root may write anywhere else
    os.chmod(tmp_path, 0o500)
    try:
        with pytest.raises(UnwritableError, match=r"table\.csv' cannot be written: \w+"):
            write_whole(folder / "table.csv", "x")
    finally:
        os.chmod(tmp_path, 0o700)


@contextlib.contextmanager
def no_room():
    """Files may not grow beyond a kilobyte, which the system tells like a full disk.

    Nor may pytest's own output, if that is a file: it is written after a test, before fixtures end.
    """
    resource = pytest.importorskip("resource")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)


def test_without_room_the_old_file_stays_and_no_part_of_the_new_one(tmp_path):
    path = tmp_path / "report.html"
    write_whole(path, "old")
    told = r"report\.html' cannot be written: File too large"
    with no_room(), pytest.raises(UnwritableError, match=told):
        write_whole(path, "x" * 5000)
    assert path.read_text() == "old"
    assert everything(tmp_path) == ["report.html"]


INTERRUPTED = """
import sys
from pathlib import Path
from eegxai.atomic import staging

with staging(Path(sys.argv[1])) as folder:
    (folder / "figure.pdf").write_text("half")
    raise KeyboardInterrupt
"""


def test_an_interrupted_write_leaves_nothing(tmp_path):
    (tmp_path / "figure.pdf").write_text("old")
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
                          capture_output=True)  # fmt: skip
    assert done.returncode != 0
    assert (tmp_path / "figure.pdf").read_text() == "old"
    assert everything(tmp_path) == ["figure.pdf"]


def test_several_files_appear_together(tmp_path):
    with staging(tmp_path / "figures") as folder:
        for name in ("a.png", "a.pdf"):
            (folder / name).write_text(name)
        assert not list((tmp_path / "figures").glob("*.p*"))
    assert everything(tmp_path / "figures") == ["a.pdf", "a.png"]


def test_an_error_of_another_kind_passes_unchanged(tmp_path):
    def spoil():
        with staging(tmp_path) as folder:
            (folder / "a").write_text("x")
            raise KeyError("x")

    with pytest.raises(KeyError):
        spoil()
    assert not everything(tmp_path)


def test_what_can_be_written_is_found_out_without_a_trace(tmp_path):
    require_writable(tmp_path / "new" / "folder" / "table.csv", n_bytes=1e3)
    assert everything(tmp_path) == []


def test_what_cannot_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("x")
    locked = Path("/proc/self") if os.geteuid() == 0 else tmp_path
    os.chmod(tmp_path, 0o500)
    try:
        for folder in (tmp_path / "file", locked, locked / "new"):
            path = folder / "table.csv"
            with pytest.raises(UnwritableError, match=r"table\.csv' cannot be written: \w+"):
                require_writable(path)
    finally:
        os.chmod(tmp_path, 0o700)


def test_a_disk_that_is_too_full_is_told_with_what_is_free(tmp_path):
    with pytest.raises(UnwritableError, match=r"it takes 1,000,000,000 GB, and .* GB are free in "):
        require_writable(tmp_path / "table.csv", n_bytes=1e18)
