"""Artefacts as bytes: tensors as safetensors, scores as Parquet, each with a header of its cell."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
from torch import Tensor

from sweeps.design.cells import Cell, MethodCell
from sweeps.store.records import MethodScores, ScoreRows, TrainedDecoder, made_of

RECORD_KEY = "eegxai"
# Columns of scores that are read of every file; those of TEXTS hold text and all others numbers.
REQUIRED = ("check", "domain", "metric", "step", "mean")
TEXTS = ("check", "layer", "domain", "mode", "metric", "reference")
TRIALS_COLUMN = "trials"  # a list of numbers
LENGTH_BYTES = 8  # of the number with which safetensors content begins, the length of its JSON
HEAD_BYTES = 2**16  # read at first: the JSON of most decoders is shorter
RECOMPUTED = "%s; it is set aside in broken/ and recomputed"  # for the log, with the error


class BrokenArtefactError(ValueError):
    """A file that is truncated or foreign; it is recomputed, never used.

    Attributes
    ----------
    cell : Cell, optional
        Whose file it is, where it is an artefact's.
    name, path : str
        The file in the store, as ``FOLDER/NAME``, and where that lies.
    stamp : str
        What states its content as it was found broken; empty where that is not known.
    """

    def __init__(
        self,
        message: str,
        cell: Cell | None = None,
        name: str = "",
        path: str = "",
        stamp: str = "",
    ) -> None:
        super().__init__(message)
        self.cell, self.name, self.path, self.stamp = cell, name, path, stamp

    @property
    def advice(self) -> str:
        """Which file is broken and what to do, in one sentence."""
        whose = f"the file of {self.cell.title}" if self.cell else "a file of the store"
        return (
            f"{whose} is broken ({self.path or self}): run eegxai sweep with the same "
            "configuration to recompute it"
        )


def packed(cell: Cell, tensors: dict[str, Tensor], record: dict[str, Any]) -> bytes:
    """Safetensors content whose header names the cell, with its architecture, and its key."""
    header = json.dumps({**record, "cell": cell.as_json(), "key": cell.key})
    whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(whole, {RECORD_KEY: header})


def unpacked(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and record of safetensors content.

    Raises
    ------
    ValueError
        When the content is truncated or foreign.
    """
    try:
        return safetensors.torch.load(content), _record_in_header(_header_of(content, len(content)))
    except (safetensors.SafetensorError, KeyError) as error:
        raise ValueError(str(error)) from error


def check_tensors(cell: Cell, size: int, read: Callable[[int | None], bytes]) -> dict[str, Any]:
    """Check that safetensors content is a cell's and as long as its header declares.

    Parameters
    ----------
    cell : Cell
        Whose file it should be.
    size : int
        Bytes of the file.
    read : callable
        Gives the first bytes, as many as it is asked for, or all where that is None.

    Returns
    -------
    dict
        What its header records.

    Raises
    ------
    ValueError
        When the file is truncated, foreign or another cell's.
    """
    start = read(HEAD_BYTES)
    end = LENGTH_BYTES + int.from_bytes(start[:LENGTH_BYTES], "little")
    if size < end:
        raise ValueError(f"{size} bytes, which end before its header does")
    try:
        return of_cell(
            cell, _record_in_header(_header_of(start if end <= len(start) else read(end), size))
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its header is foreign: {error}") from error


def check_decoder(cell: Cell, size: int, read: Callable[[int | None], bytes]) -> None:
    """The same for a decoder, and that it has the record of a training."""
    made_of(TrainedDecoder, {**check_tensors(cell, size, read), "weights": {}})


def check_scores(cell: Cell, _size: int, read: Callable[[int | None], bytes]) -> None:
    """The same for scores, with the columns that they have."""
    unpacked_rows(cell, read(None), ())


def of_cell(cell: Cell, record: dict[str, Any]) -> dict[str, Any]:
    """What a header records of its cell.

    Raises
    ------
    ValueError
        When it is another cell's, or no record at all.
    """
    if not isinstance(record, dict):
        raise ValueError(f"its header is {type(record).__name__} and no record")
    if record.get("key") != cell.key:
        raise ValueError("it belongs to another cell")
    return {name: value for name, value in record.items() if name not in ("key", "cell")}


def _header_of(content: bytes, size: int) -> dict[str, Any]:
    """JSON that begins safetensors content; it must declare the size of the whole."""
    end = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
    head = json.loads(content[LENGTH_BYTES:end])
    ends = [tensor["data_offsets"][1] for name, tensor in head.items() if name != "__metadata__"]
    if size != (declared := end + max(ends, default=0)):
        raise ValueError(f"{size} bytes, where its header declares {declared}")
    return head


def _record_in_header(head: dict[str, Any]) -> dict[str, Any]:
    return json.loads(head["__metadata__"][RECORD_KEY])


def packed_scores(cell: MethodCell, scores: MethodScores) -> bytes:
    """Parquet whose header names the cell and its key."""
    record = {name: value for name, value in vars(scores).items() if name != "table"}
    record |= {"validity": asdict(scores.validity), "cell": cell.as_json(), "key": cell.key}
    table = pa.Table.from_pandas(scores.table, preserve_index=False)
    header = {**(table.schema.metadata or {}), RECORD_KEY.encode(): json.dumps(record).encode()}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(header), buffer)
    return buffer.getvalue()


def unpacked_scores(cell: MethodCell, content: bytes) -> MethodScores:
    """Scores of a cell; raises are those of :func:`unpacked_rows`."""
    found = vars(unpacked_rows(cell, content))
    return MethodScores(table=found.pop("rows").to_pandas(), **found)


def unpacked_rows(cell: Cell, content: bytes, columns: Sequence[str] | None = None) -> ScoreRows:
    """Scores of a cell as the file has them, or those of some columns that there are.

    Raises
    ------
    ValueError
        When the content is truncated, foreign or another cell's.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows = file.read(columns, use_threads=False)
        record = of_cell(cell, json.loads(file.schema_arrow.metadata[RECORD_KEY.encode()]))
        check_columns(file.schema_arrow)
        return made_of(ScoreRows, {**record, "rows": rows})
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def check_columns(schema: pa.Schema) -> None:
    """Check that scores have the columns that are read, and that each holds what it should.

    Raises
    ------
    ValueError
        When one is missing or of another type.
    """
    if lacking := [name for name in REQUIRED if name not in schema.names]:
        raise ValueError(f"it lacks the columns {', '.join(lacking)}")
    for column in schema:
        if column.name != TRIALS_COLUMN and not _is_of_kind(column):
            raise ValueError(f"its column {column.name} holds {column.type}")


def _is_of_kind(column: pa.Field) -> bool:
    """Whether a column holds text or numbers, as it should; one without a value may be neither."""
    kind = column.type
    if pa.types.is_null(kind):
        return True
    if column.name in TEXTS:
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
