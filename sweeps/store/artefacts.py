"""Artefacts by key in a folder or an S3 bucket; a file is there whole or not at all."""

import io
import json
import logging
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem
from torch import Tensor

from eegxai.attribution import Validity
from eegxai.decoders import Checkpoint
from eegxai.evaluation import ExampleMaps
from sweeps.design.cells import Cell, DecoderCell, MethodCell
from sweeps.design.config import SweepConfig
from sweeps.store.records import MethodScores, TrainedDecoder

log = logging.getLogger(__name__)
HEADER = "eegxai"
S3 = "s3://"
# Maps of four trials are most of a method's bytes, and only ever drawn.
MAP_TYPES = {
    "trials": torch.int64,
    "classes": torch.int64,
    "scores": torch.float64,
    "attribution": torch.float16,
    "ground_truth": torch.float16,
    "class_attribution": torch.float32,
    "class_ground_truth": torch.float32,
    "positions": torch.float64,
}
# As Amazon's own tools read them; credentials and region are read by the library itself.
S3_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class BrokenArtefactError(ValueError):
    """An artefact that is truncated or foreign; it is made anew, never used."""


@dataclass(frozen=True)
class Store:
    """The record of a sweep: one file a cell, found by the cell's key.

    Attributes
    ----------
    url : str
        Folder, as a path or an fsspec URL.
    """

    url: str

    @cached_property
    def _files(self) -> fsspec.AbstractFileSystem:
        return _s3() if self._on_s3 else fsspec.core.url_to_fs(self.url)[0]

    @cached_property
    def _root(self) -> str:
        if self._on_s3:
            return self.url.removeprefix(S3).strip("/")
        return str(fsspec.core.url_to_fs(self.url)[1])

    @property
    def _on_s3(self) -> bool:
        return self.url.startswith(S3)

    def path(self, cell: Cell) -> str:
        """Where the artefact of a cell lies."""
        if isinstance(cell, DecoderCell):
            return f"{self._root}/decoders/{cell.stem}.safetensors"
        return f"{self._root}/methods/{cell.stem}.parquet"

    def has(self, cell: Cell) -> bool:
        """Whether the cell is done."""
        return bool(self._files.exists(self.path(cell)))

    def read_bytes(self, cell: Cell) -> bytes:
        """The artefact as it lies in the store."""
        return self._files.cat_file(self.path(cell))

    def stems(self, folder: str) -> set[str]:
        """Stems of the files in a folder of the store, by one listing."""
        names = (path.rpartition("/")[2] for path in self._listed(folder))
        return {name.rpartition(".")[0] for name in names if not name.startswith(".")}

    def stamps(self) -> dict[str, str]:
        """What tells the state of each method's file, by stem, by one listing."""
        try:
            files = self._files.ls(f"{self._root}/methods", detail=True)
        except FileNotFoundError:
            return {}
        return {PurePosixPath(file["name"]).stem: _stamp(file) for file in files}

    def read_file(self, name: str) -> bytes:
        """A file of the store that belongs to no one cell."""
        return self._files.cat_file(f"{self._root}/{name}")

    def write_file(self, name: str, content: bytes) -> None:
        """Write a file of the store that belongs to no one cell."""
        self._write(f"{self._root}/{name}", content)

    def failure(self, cell: Cell) -> str | None:
        """Traceback of the cell's last attempt; None where it did not fail."""
        try:
            return self._files.cat_file(self._failure_path(cell)).decode()
        except FileNotFoundError:
            return None

    def write_failure(self, cell: Cell, trace: str) -> None:
        """Record why a cell failed."""
        self._write(self._failure_path(cell), trace.encode())

    def remove_failure(self, cell: Cell) -> None:
        """Record that a cell did not fail in the end."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._failure_path(cell))

    def _failure_path(self, cell: Cell) -> str:
        return f"{self._root}/failures/{cell.stem}.txt"

    def write_lease(self, cell: Cell, lease: dict[str, Any]) -> None:
        """Record who works on a cell and when they last said so."""
        self._write(self._lease_path(cell), json.dumps(lease).encode())

    def leases(self) -> dict[str, dict[str, Any]]:
        """All leases by the stems of their cells; one that ends meanwhile is left out."""
        found = {}
        for path in self._listed("running"):
            with suppress(FileNotFoundError, ValueError):
                found[path.rpartition("/")[2].removesuffix(".json")] = json.loads(
                    self._files.cat_file(path)
                )
        return found

    def remove_lease(self, cell: Cell) -> None:
        """Record that nobody works on a cell any more."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._lease_path(cell))

    def _lease_path(self, cell: Cell) -> str:
        return f"{self._root}/running/{cell.stem}.json"

    def _listed(self, folder: str) -> list[str]:
        try:
            return self._files.ls(f"{self._root}/{folder}", detail=False)
        except FileNotFoundError:
            return []

    def write_decoder(self, cell: DecoderCell, trained: TrainedDecoder) -> None:
        """Store a trained decoder as safetensors with a JSON header; drop its checkpoint."""
        record = {name: value for name, value in vars(trained).items() if name != "weights"}
        self._write(self.path(cell), _packed(cell, trained.weights, record))
        self.remove_checkpoint(cell)

    def read_decoder(self, cell: DecoderCell) -> TrainedDecoder:
        """Load a trained decoder.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        weights, record = self._unpacked(cell, self.path(cell))
        return TrainedDecoder(weights=weights, **record)

    def write_checkpoint(
        self, cell: DecoderCell, checkpoint: Checkpoint, versions: dict[str, str]
    ) -> None:
        """Store the state of a training after an epoch in place of the one before."""
        record = {"history": checkpoint.history, "versions": versions}
        self._write(self._checkpoint_path(cell), _packed(cell, checkpoint.tensors, record))

    def read_checkpoint(self, cell: DecoderCell, versions: dict[str, str]) -> Checkpoint | None:
        """State of an interrupted training; None where there is none.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated, belongs to another cell or comes of other versions.
        """
        path = self._checkpoint_path(cell)
        if not self._files.exists(path):
            return None
        tensors, record = self._unpacked(cell, path)
        if record["versions"] != versions:
            raise BrokenArtefactError(f"{path} was made by other versions: {record['versions']}")
        return Checkpoint(tensors, record["history"])

    def remove_checkpoint(self, cell: DecoderCell) -> None:
        """Remove the state of a training, where there is one."""
        path = self._checkpoint_path(cell)
        if self._files.exists(path):
            self._files.rm_file(path)

    def _checkpoint_path(self, cell: DecoderCell) -> str:
        return f"{self._root}/checkpoints/{cell.stem}.safetensors"

    def _unpacked(self, cell: Cell, path: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        content = self._files.cat_file(path)
        try:
            tensors, record = safetensors.torch.load(content), _header(content)
        except (safetensors.SafetensorError, KeyError, ValueError) as error:
            raise BrokenArtefactError(f"{path} is broken: {error}") from error
        return tensors, _checked(cell, path, record)

    def write_scores(self, cell: MethodCell, scores: MethodScores) -> None:
        """Store the scores of a method as Parquet with a JSON header."""
        record = {name: value for name, value in vars(scores).items() if name != "table"}
        record |= {"validity": asdict(scores.validity), "cell": cell.as_json(), "key": cell.key}
        table = pa.Table.from_pandas(scores.table, preserve_index=False)
        header = {**(table.schema.metadata or {}), HEADER.encode(): json.dumps(record).encode()}
        buffer = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(header), buffer)
        self._write(self.path(cell), buffer.getvalue())

    def read_scores(self, cell: MethodCell) -> MethodScores:
        """Load the scores of a method.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        try:
            table = pq.read_table(io.BytesIO(self.read_bytes(cell)))
            record = json.loads(table.schema.metadata[HEADER.encode()])
            record["validity"] = Validity(**record["validity"])
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise BrokenArtefactError(f"{self.path(cell)} is broken: {error}") from error
        return MethodScores(table=table.to_pandas(), **_checked(cell, self.path(cell), record))

    def write_maps(self, cell: MethodCell, maps: ExampleMaps) -> None:
        """Store example maps of a method as safetensors: half precision is enough to see them."""
        arrays = {name: value for name, value in vars(maps).items() if name in MAP_TYPES}
        record = {name: value for name, value in vars(maps).items() if name not in MAP_TYPES}
        tensors = {name: torch.tensor(a, dtype=MAP_TYPES[name]) for name, a in arrays.items()}
        self._write(self._maps_path(cell), _packed(cell, tensors, record))

    def read_maps(self, cell: MethodCell) -> ExampleMaps | None:
        """Example maps of a method; None where it has none, as without usable maps.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        path = self._maps_path(cell)
        if not self._files.exists(path):
            return None
        tensors, record = self._unpacked(cell, path)
        arrays = {name: _widened(tensor).numpy() for name, tensor in tensors.items()}
        return ExampleMaps(**arrays, channels=tuple(record["channels"]), sfreq=record["sfreq"])

    def _maps_path(self, cell: MethodCell) -> str:
        return f"{self._root}/maps/{cell.stem}.safetensors"

    def _write(self, path: str, content: bytes) -> None:
        """Write beside the target and rename: readers see the whole file or none."""
        if self._on_s3:  # an object appears when its upload is complete, and not before
            self._files.pipe_file(path, content)
            return
        folder, _, name = path.rpartition("/")
        self._files.makedirs(folder, exist_ok=True)
        partial = f"{folder}/.{name}.{uuid.uuid4().hex}.partial"
        try:
            self._files.pipe_file(partial, content)
            self._files.mv(partial, path)
        finally:
            if self._files.exists(partial):
                self._files.rm_file(partial)


def _stamp(file: dict[str, Any]) -> str:
    """Size and time of change: a file that is written anew has another."""
    return f"{file['size']} {file['mtime']}"


def best_effort(change: Callable[..., None], *arguments: object) -> None:
    """Change what only informs people; where that fails, work goes on and the log tells why."""
    try:
        change(*arguments)
    except OSError as error:
        log.warning("a note in the store could not be changed: %s", error)


def store_of(config: SweepConfig) -> Store:
    """Store of a sweep: where its configuration says, else in its output folder."""
    return Store(config.store or str(Path(config.output).resolve() / "store"))


def _s3() -> ArrowFSWrapper:
    """Amazon's S3, or another server of its protocol that the environment names."""
    endpoint = next((os.environ[name] for name in S3_ENDPOINTS if os.environ.get(name)), None)
    return ArrowFSWrapper(S3FileSystem(endpoint_override=endpoint))


def _packed(cell: Cell, tensors: dict[str, Tensor], record: dict[str, Any]) -> bytes:
    """Safetensors content whose header names the cell, with its architecture, and its key."""
    header = json.dumps({**record, "cell": cell.as_json(), "key": cell.key})
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(whole, {HEADER: header})


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.float16 else tensor


def _checked(cell: Cell, path: str, record: dict[str, Any]) -> dict[str, Any]:
    if record.pop("key") != cell.key:
        raise BrokenArtefactError(f"{path} belongs to another cell")
    record.pop("cell")
    return record


def _header(content: bytes) -> dict[str, Any]:
    """JSON header of safetensors content: eight bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER])
