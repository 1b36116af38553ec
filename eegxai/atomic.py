"""Files in folders of the user: whole or not at all, and one sentence where that fails."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from eegxai.errors import gigabytes

WRITING = ".writing-"  # begins the names of temporary folders
ABANDONED_S = 3600.0  # without a change; no write takes so long


class UnwritableError(ValueError):
    """A file that cannot be written, and why, in one sentence."""


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Temporary folder whose content moves to ``folder`` at the end, and vanishes on an error.

    Raises
    ------
    UnwritableError
        When the system refuses the folder, one of the files or the room for them.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=WRITING, dir=folder) as temporary:
            yield Path(temporary)
            for entry in Path(temporary).iterdir():
                entry.replace(folder / entry.name)
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file, in place of one that exists; its path. A reader never sees a part of it.

    Parameters
    ----------
    path : Path
        The file; its folder is made where there is none.
    content : bytes or str
        Text is written as UTF-8.

    Raises
    ------
    UnwritableError
        When the system refuses; nothing is left behind, and a file that existed stays as it is.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        with staging(path.parent) as folder:
            (folder / path.name).write_bytes(data)
    except UnwritableError as error:
        raise _unwritable(path, error.__cause__) from error.__cause__
    return path


def remove_abandoned(folder: Path, pattern: str = f"{WRITING}*") -> None:
    """Remove what killed processes left behind as they wrote: what nobody has changed for an hour.

    Parameters
    ----------
    folder : Path
        Where they wrote; its folders are not searched.
    pattern : str
        What files or folders that are being written are called.
    """
    for path in folder.glob(pattern):
        with suppress(OSError):  # another process was faster, or the system refuses: no harm
            # Of the future, where the clock was put back since.
            if abs(time.time() - path.stat().st_mtime) > ABANDONED_S:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def exists(path: Path) -> bool:
    """Whether there is a file or folder of this name.

    Raises
    ------
    UnwritableError
        When the system refuses the name, such as one that is too long.
    """
    try:
        return path.exists()
    except OSError as error:
        raise _unwritable(path, error) from error


def require_writable(path: Path, n_bytes: float = 0) -> None:
    """Refuse a file that could not be written, before the work that would be lost with it.

    A temporary folder is made and removed where the file would go, since only that shows what the
    system allows; folders that are missing are not made.

    Parameters
    ----------
    path : Path
        The file.
    n_bytes : float
        Its expected size.

    Raises
    ------
    UnwritableError
        When the system refuses, or the disk is too full.
    """
    exists(path)  # refuses a name that is too long
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    try:
        with TemporaryDirectory(prefix=WRITING, dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _unwritable(path, error) from error
    if n_bytes > free:
        raise UnwritableError(
            f"{str(path)!r} cannot be written: it takes {gigabytes(n_bytes)}, and "
            f"{gigabytes(free)} are free in {str(folder)!r}"
        )


def _unwritable(path: Path, error: BaseException | None) -> UnwritableError:
    reason = getattr(error, "strerror", None) or error
    return UnwritableError(f"{str(path)!r} cannot be written: {reason}")
