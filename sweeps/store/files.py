"""Files of a store by folder and name: whole or not at all, and each folder listed once."""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import fsspec
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem

from eegxai.atomic import remove_abandoned

log = logging.getLogger(__name__)
STORE_THREADS = 8  # a store far away answers several questions at a time
S3 = "s3://"
PARTIAL = ".{name}.partial"  # what a file is called while it is written
# As Amazon's own tools read them; credentials and region are read by the library itself.
S3_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class ListedFile(NamedTuple):
    """What a listing states of a file: its size in bytes, and a stamp of its content.

    The stamp holds size and time of change, so a file that is written again has another one. It is
    empty where this process knows of the file without having listed it.
    """

    size: int
    stamp: str = ""


class StoreFiles:
    """Files in folders of one level, by ``FOLDER/NAME``.

    A folder is listed when it is first asked for, which takes one request for a thousand files of
    a bucket. What this process writes, moves and removes afterwards enters the listing; what
    others do enters by ``note`` or after ``forget``.

    Parameters
    ----------
    url : str
        Folder, as a path or an fsspec URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._listings: dict[str, dict[str, ListedFile]] = {}
        self._lock = threading.Lock()  # the publisher's thread asks while the sweep's notes

    @property
    def _on_s3(self) -> bool:
        return self.url.startswith(S3)

    @cached_property
    def system(self) -> fsspec.AbstractFileSystem:
        """Where the files lie."""
        return _s3() if self._on_s3 else fsspec.core.url_to_fs(self.url)[0]

    @cached_property
    def _root(self) -> str:
        if self._on_s3:
            return self.url.removeprefix(S3).strip("/")
        return str(fsspec.core.url_to_fs(self.url)[1])

    def path(self, name: str) -> str:
        """Where a file lies in the system."""
        return f"{self._root}/{name}"

    def listing(self, folder: str) -> Mapping[str, ListedFile]:
        """Files of a folder by name, without those that are being written."""
        with self._lock:
            if folder not in self._listings:
                self._listings[folder] = self._list(folder)
            return self._listings[folder]

    def size(self, name: str) -> int:
        """Bytes of a file by the listing of its folder; 0 where there is none."""
        folder, _, file = name.rpartition("/")
        listed = self.listing(folder).get(file)
        return listed.size if listed else 0

    def forget(self, *folders: str) -> None:
        """List folders again when they are next asked for."""
        with self._lock:
            for folder in folders:
                self._listings.pop(folder, None)

    def note(self, name: str, size: int | None = None) -> None:
        """Enter a file into the listing, or with size None strike it out."""
        folder, _, file = name.rpartition("/")
        with self._lock:
            listing = self._listings.get(folder)
            if listing is None:
                return
            if size is None:
                listing.pop(file, None)
            else:
                listing[file] = ListedFile(size)

    def look(self, name: str) -> bool:
        """Whether a file is there now and not empty, by one request."""
        try:
            size = self.system.info(self.path(name))["size"]
        except FileNotFoundError:
            size = None
        self.note(name, size)
        return bool(size)

    def stamp(self, name: str) -> str:
        """Stamp of a file as it is now, by one request; empty where there is none."""
        try:
            return _stamp(self.system.info(self.path(name)))
        except FileNotFoundError:
            return ""

    def read(self, name: str, n_bytes: int | None = None) -> bytes:
        """Content of a file, or its first bytes."""
        if n_bytes is None:
            return bytes(self.system.cat_file(self.path(name)))
        with self.system.open(self.path(name), "rb") as file:
            return bytes(file.read(n_bytes))

    def open(self, name: str) -> BinaryIO:
        """A file that is open for reading at any place."""
        file: BinaryIO = self.system.open(self.path(name), "rb")
        return file

    def write(self, name: str, content: bytes | Path) -> None:
        """Write a file, or a copy of a local one, in place of one that exists.

        Readers see a whole one.
        """
        if self._on_s3:  # an object appears when its upload is complete, and not before
            self._send(content, self.path(name))
        else:
            self._write_beside(self.path(name), content)
        self.note(name, content.stat().st_size if isinstance(content, Path) else len(content))

    def _send(self, content: bytes | Path, path: str) -> None:
        if isinstance(content, Path):
            self.system.put_file(str(content), path)
        else:
            self.system.pipe_file(path, content)

    def _write_beside(self, path: str, content: bytes | Path) -> None:
        folder, _, name = path.rpartition("/")
        self.system.makedirs(folder, exist_ok=True)
        partial = f"{folder}/{PARTIAL.format(name=f'{name}.{uuid.uuid4().hex}')}"
        try:
            self._move_there(partial, content, path)
        except FileNotFoundError:  # taken for abandoned by another process, whose clock jumped
            self._move_there(partial, content, path)
        finally:
            if self.system.exists(partial):
                self.system.rm_file(partial)

    def _move_there(self, partial: str, content: bytes | Path, path: str) -> None:
        self._send(content, partial)
        self.system.mv(partial, path)

    def remove_abandoned(self, *folders: str) -> None:
        """Remove what killed processes left behind as they wrote; a bucket keeps nothing of it."""
        for folder in () if self._on_s3 else folders:
            remove_abandoned(Path(self.path(folder)), PARTIAL.format(name="*"))

    def remove(self, name: str) -> None:
        """Remove a file, where there is one."""
        with suppress(FileNotFoundError):
            self.system.rm_file(self.path(name))
        self.note(name)

    def move(self, name: str, target: str) -> None:
        """Move a file to another folder."""
        if not self._on_s3:
            self.system.makedirs(self.path(target).rpartition("/")[0], exist_ok=True)
        self.system.mv(self.path(name), self.path(target))
        self.note(name)

    def _list(self, folder: str) -> dict[str, ListedFile]:
        try:
            entries = self.system.ls(self.path(folder), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        named = ((entry["name"].rpartition("/")[2], entry) for entry in entries)
        return {
            name: ListedFile(entry["size"], _stamp(entry))
            for name, entry in named
            if entry["type"] != "directory" and not name.startswith(".")
        }


def _stamp(entry: Mapping[str, Any]) -> str:
    return f"{entry['size']} {entry['mtime']}"


def _s3() -> ArrowFSWrapper:
    """Amazon's S3, or another server of its protocol that the environment names."""
    endpoint = next((os.environ[name] for name in S3_ENDPOINTS if os.environ.get(name)), None)
    return ArrowFSWrapper(S3FileSystem(endpoint_override=endpoint))


def best_effort(change: Callable[..., None], *arguments: object) -> None:
    """Change what only informs people; where that fails, work goes on and the log states why."""
    try:
        change(*arguments)
    except OSError as error:
        log.warning("a note in the store could not be changed: %s", error)
