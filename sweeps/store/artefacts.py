"""Artefacts by key in a folder or an S3 bucket; a file is there whole or not at all."""

import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from torch import Tensor

from eegxai.decoders import Checkpoint
from eegxai.evaluation import EvaluationSpec, ExampleMaps
from eegxai.evaluation.references.use import DecoderUse
from sweeps.design.cells import Cell, DecoderCell, MethodCell
from sweeps.design.config import SweepConfig
from sweeps.store.files import StoreFiles, best_effort
from sweeps.store.names import (
    ARTEFACT_FOLDERS,
    BROKEN_FOLDER,
    CHECKPOINTS_FOLDER,
    FAILURES_FOLDER,
    MAPS_FOLDER,
    METHODS_FOLDER,
    RUNNING_FOLDER,
    USES_FOLDER,
    checkpoint_of,
    failure_of,
    heartbeat_of,
    maps_of,
    name_of,
    use_of,
)
from sweeps.store.packing import (
    BrokenArtefactError,
    of_cell,
    packed,
    packed_scores,
    unpacked,
    unpacked_rows,
    unpacked_scores,
)
from sweeps.store.records import (
    HEARTBEAT,
    Heartbeat,
    MethodScores,
    ScoreRows,
    TrainedDecoder,
    made_of,
)
from sweeps.store.suspects import note_suspect, strike_suspect, suspects
from sweeps.store.tensors import (
    maps_as_tensors,
    maps_from_tensors,
    use_as_tensors,
    use_from_tensors,
)

log = logging.getLogger(__name__)
UNKNOWN_SIZE = -1  # of a file that another process has written


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
    def files(self) -> StoreFiles:
        """The files, and what this process knows to be there."""
        return StoreFiles(self.url)

    @cached_property
    def broken(self) -> dict[str, BrokenArtefactError]:
        """Broken files that this process has found and not set aside, by their names."""
        return {}

    def path(self, cell: Cell) -> str:
        """Where the artefact of a cell lies."""
        return self.files.path(name_of(cell))

    def has(self, cell: Cell) -> bool:
        """Whether the cell is done, by the listing that this process keeps."""
        folder, _, file = name_of(cell).rpartition("/")
        listed = self.files.listing(folder).get(file)
        return listed is not None and listed.size != 0

    def look(self, cell: Cell) -> bool:
        """Whether the cell is done now, whoever did it, by one request."""
        return self.files.look(name_of(cell))

    def note_done(self, cell: Cell) -> None:
        """Take in that another process has done the cell."""
        self.files.note(name_of(cell), UNKNOWN_SIZE)

    def refresh(self) -> None:
        """List all folders again when they are next asked for."""
        self.files.forget(*ARTEFACT_FOLDERS)

    def remove_abandoned(self) -> None:
        """Remove what killed processes left behind as they wrote."""
        self.files.remove_abandoned(
            *ARTEFACT_FOLDERS, CHECKPOINTS_FOLDER, USES_FOLDER, FAILURES_FOLDER, RUNNING_FOLDER
        )

    def remove_notes(self, cells: Iterable[Cell]) -> None:
        """Remove notes on cells that are done, whose workers were killed before they did so."""
        removals = {
            RUNNING_FOLDER: self.remove_heartbeat,
            FAILURES_FOLDER: self.remove_failure,
            CHECKPOINTS_FOLDER: self.remove_checkpoint,
        }
        left = {folder: self.stems(folder) for folder in removals}
        for cell in cells if any(left.values()) else ():
            for folder in [name for name, stems in left.items() if cell.stem in stems]:
                if self.has(cell):
                    best_effort(removals[folder], cell)

    def read_bytes(self, cell: Cell) -> bytes:
        """The artefact as it lies in the store."""
        return self.files.read(name_of(cell))

    def stems(self, folder: str) -> set[str]:
        """Stems of the files that lie in a folder of the store now, by one listing."""
        self.files.forget(folder)
        return {name.rpartition(".")[0] for name in self.files.listing(folder)}

    def stamps(self) -> dict[str, str]:
        """A stamp of each method's file as it is now, by stem, by one listing."""
        self.files.forget(METHODS_FOLDER)
        listed = self.files.listing(METHODS_FOLDER)
        return {name.rpartition(".")[0]: file.stamp for name, file in listed.items()}

    def read_file(self, name: str) -> bytes:
        """A file of the store that belongs to no one cell."""
        return self.files.read(name)

    def open_file(self, name: str) -> BinaryIO:
        """A file of the store that belongs to no one cell, open for reading."""
        return self.files.open(name)

    def write_file(self, name: str, content: bytes | Path) -> None:
        """Write a file of the store that belongs to no one cell, or a copy of a local one."""
        self.files.write(name, content)

    def remove_file(self, name: str) -> None:
        """Remove a file of the store that belongs to no one cell."""
        self.files.remove(name)

    def note_broken(self, error: BrokenArtefactError) -> None:
        """Take in that a file is broken, log once what to do, and leave a note for the sweep."""
        if error.name not in self.broken:
            log.warning("%s", error.advice)
        self.remember_broken(error)

    def remember_broken(self, error: BrokenArtefactError) -> None:
        """Take in that a file is broken, and leave a note for the sweep; it stays in its place."""
        if error.name not in self.broken:
            self.broken[error.name] = error
            best_effort(note_suspect, self.files, error)

    def suspects(self, cells: Iterable[Cell]) -> list[BrokenArtefactError]:
        """Files of these cells that readers have found broken and left in their places."""
        return [*suspects(self.files, cells)]

    def set_aside(self, error: BrokenArtefactError) -> None:
        """Move a broken file to the folder ``broken``, so that its cell is not done any more.

        Maps are made with the scores of their method, which are moved along with them.
        """
        self.broken.pop(error.name, None)
        best_effort(strike_suspect, self.files, error.name)
        if error.stamp and error.stamp != self.files.stamp(error.name):
            self.files.forget(error.name.partition("/")[0])
            return  # another process has set it aside and computed the cell again
        scores = [name_of(error.cell)] if error.cell and error.name.startswith(MAPS_FOLDER) else []
        for name in (error.name, *scores):
            file = name.rpartition("/")[2]
            with suppress(FileNotFoundError):  # another process was faster
                self.files.move(name, f"{BROKEN_FOLDER}/{file}.{uuid.uuid4().hex[:8]}")
            self.files.note(name)

    def failure(self, cell: Cell) -> str | None:
        """Traceback of the cell's last attempt; None where it did not fail."""
        try:
            return self.files.read(failure_of(cell)).decode(errors="replace")
        except FileNotFoundError:
            return None

    def write_failure(self, cell: Cell, trace: str) -> None:
        """Record why a cell failed."""
        self.files.write(failure_of(cell), trace.encode())

    def remove_failure(self, cell: Cell) -> None:
        """Record that a cell did not fail in the end."""
        self.files.remove(failure_of(cell))

    def write_heartbeat(self, cell: Cell, heartbeat: Heartbeat) -> None:
        """Record who works on a cell and when they last said so."""
        self.files.write(heartbeat_of(cell), json.dumps(asdict(heartbeat)).encode())

    def heartbeats(self) -> dict[str, Heartbeat]:
        """All heartbeats by the stems of their cells, without what ends meanwhile or is broken."""
        found = {}
        for stem in self.stems(RUNNING_FOLDER):
            with suppress(FileNotFoundError, ValueError):
                found[stem] = HEARTBEAT.validate_json(
                    self.files.read(f"{RUNNING_FOLDER}/{stem}.json")
                )
        return found

    def remove_heartbeat(self, cell: Cell) -> None:
        """Record that nobody works on a cell any more."""
        self.files.remove(heartbeat_of(cell))

    def write_decoder(self, cell: DecoderCell, trained: TrainedDecoder) -> None:
        """Store a trained decoder as safetensors with a JSON header; drop its checkpoint."""
        record = {name: value for name, value in vars(trained).items() if name != "weights"}
        self.files.write(name_of(cell), packed(cell, trained.weights, record))
        self.remove_checkpoint(cell)

    def read_decoder(self, cell: DecoderCell) -> TrainedDecoder:
        """Load a trained decoder.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        weights, record = self._tensors(cell, name_of(cell))
        with self._broken(cell, name_of(cell)):
            return made_of(TrainedDecoder, {**record, "weights": weights})

    def write_checkpoint(
        self, cell: DecoderCell, checkpoint: Checkpoint, versions: dict[str, str]
    ) -> None:
        """Store the state of a training after an epoch in place of the one before."""
        record = {"history": checkpoint.history, "versions": versions}
        self.files.write(checkpoint_of(cell), packed(cell, checkpoint.tensors, record))

    def read_checkpoint(self, cell: DecoderCell, versions: dict[str, str]) -> Checkpoint | None:
        """State of an interrupted training; None where there is none.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated, belongs to another cell or comes of other versions.
        """
        name = checkpoint_of(cell)
        try:
            tensors, record = self._tensors(cell, name)
        except FileNotFoundError:
            return None
        if record["versions"] != versions:
            path = self.files.path(name)
            raise BrokenArtefactError(f"{path} was made by other versions: {record['versions']}")
        return Checkpoint(tensors, record["history"])

    def remove_checkpoint(self, cell: Cell) -> None:
        """Remove the state of a training, where there is one."""
        self.files.remove(checkpoint_of(cell))

    def write_scores(self, cell: MethodCell, scores: MethodScores) -> None:
        """Store the scores of a method as Parquet with a JSON header."""
        self.files.write(name_of(cell), packed_scores(cell, scores))

    def read_scores(self, cell: MethodCell) -> MethodScores:
        """Load the scores of a method.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        content = self.read_bytes(cell)
        with self._broken(cell, name_of(cell)):
            return unpacked_scores(cell, content)

    def read_rows(self, cell: MethodCell, columns: Sequence[str]) -> ScoreRows:
        """Some columns of the scores of a method; raises are those of :meth:`read_scores`."""
        content = self.read_bytes(cell)
        with self._broken(cell, name_of(cell)):
            return unpacked_rows(cell, content, columns)

    def write_maps(self, cell: MethodCell, maps: ExampleMaps) -> None:
        """Store example maps of a method as safetensors: half precision is enough to see them."""
        self.files.write(maps_of(cell), packed(cell, *maps_as_tensors(maps)))

    def read_maps(self, cell: MethodCell) -> ExampleMaps | None:
        """Example maps of a method; None where it has none, as without usable maps.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        try:
            tensors, record = self._tensors(cell, maps_of(cell))
        except FileNotFoundError:
            return None
        with self._broken(cell, maps_of(cell)):
            return maps_from_tensors(tensors, record)

    def write_use(
        self,
        cell: DecoderCell,
        evaluation: EvaluationSpec,
        trained: TrainedDecoder,
        trials: list[int],
        use: DecoderUse,
    ) -> None:
        """Store what a decoder used of these trials, which an evaluation explains."""
        tensors, names = use_as_tensors(use)
        record = {**names, "trained": trained.finished, "trials": trials}
        self.files.write(use_of(cell, evaluation), packed(cell, tensors, record))

    def read_use(
        self,
        cell: DecoderCell,
        evaluation: EvaluationSpec,
        trained: TrainedDecoder,
        trials: list[int],
    ) -> DecoderUse | None:
        """What a decoder used; None where that is not stored.

        Nor is it where that is of an earlier training, or of other trials: on another device or
        with another torch, a decoder may classify others correctly.

        Raises
        ------
        BrokenArtefactError
            When the file is truncated or belongs to another cell.
        """
        name = use_of(cell, evaluation)
        try:
            tensors, record = self._tensors(cell, name)
        except FileNotFoundError:
            return None
        with self._broken(cell, name):
            same = record["trained"] == trained.finished and record["trials"] == trials
            return use_from_tensors(tensors, record) if same else None

    def _tensors(self, cell: Cell, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        content = self.files.read(name)
        with self._broken(cell, name):
            tensors, record = unpacked(content)
            return tensors, of_cell(cell, record)

    @contextmanager
    def _broken(self, cell: Cell, name: str) -> Iterator[None]:
        """Say of which cell and file the content is that cannot be used."""
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            path = self.files.path(name)
            message = f"{path} is broken: {error}"
            stamp = self.files.stamp(name)
            raise BrokenArtefactError(message, cell, name, path, stamp) from error


def store_of(config: SweepConfig) -> Store:
    """Store of a sweep: where its configuration says, else in its output folder."""
    return Store(config.store or str(Path(config.output).resolve() / "store"))
