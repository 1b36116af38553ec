"""What the store holds of a cell: a trained decoder, a method's scores, and how they came about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, ValidationError
from torch import Tensor

from eegxai.attribution import Validity
from eegxai.decoders import TrainingEpoch
from eegxai.errors import sentence


@dataclass(frozen=True, kw_only=True)
class Record:
    """How a result came about.

    Attributes
    ----------
    accuracy : float
        Share of the decoder's test trials classified correctly.
    at_chance : bool
        Whether that is no better than always naming the largest class.
    seconds, finished : float
        Duration, and time of day as seconds since 1970.
    versions : dict
        Versions of the packages that made it.
    machine, commit : str
        Hardware and commit of the code; empty where they were not recorded.
    """

    __pydantic_config__ = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    accuracy: float
    at_chance: bool
    seconds: float
    finished: float
    versions: dict[str, str]
    machine: str = ""
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainedDecoder(Record):
    """Weights of a decoder and the record of its training.

    Attributes
    ----------
    weights : dict
        State dict of the decoder.
    history : list of dict
        Losses and accuracy of every epoch.
    confusion : list of list of int
        Test trials by true class (rows) and predicted class (columns).
    """

    weights: dict[str, Tensor]
    history: list[TrainingEpoch]
    confusion: list[list[int]]

    @property
    def n_test(self) -> int:
        """Number of test trials."""
        return sum(map(sum, self.confusion))


@dataclass(frozen=True, kw_only=True)
class JudgedRecord(Record):
    """How the scores of a method on a decoder came about.

    Attributes
    ----------
    validity : Validity
        Whether the method is applicable to this decoder, and the evidence.
    """

    validity: Validity


@dataclass(frozen=True, kw_only=True)
class MethodScores(JudgedRecord):
    """Tidy scores of a method on a decoder.

    Attributes
    ----------
    table : DataFrame
        One row a check, layer, domain and metric; empty when the method has no usable maps.
    """

    table: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class ScoreRows(JudgedRecord):
    """The same as its file has them, or some of their columns: thousands are joined at once.

    Attributes
    ----------
    rows : Table
        The table of :class:`MethodScores`.
    """

    rows: pa.Table


@dataclass(frozen=True)
class Heartbeat:
    """Who works on a cell: since when and as of when, seconds since 1970."""

    host: str
    pid: int
    started: float
    beat: float


HEARTBEAT = TypeAdapter(Heartbeat)
RECORD_READERS: dict[type[Record], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (TrainedDecoder, ScoreRows)
}
AnyRecord = TypeVar("AnyRecord", bound=Record)


def made_of(kind: type[AnyRecord], fields: Mapping[str, Any]) -> AnyRecord:
    """A record from what a file holds, each field of its declared type.

    Raises
    ------
    ValueError
        When a field is missing, unknown or of another type.
    """
    try:
        record: AnyRecord = RECORD_READERS[kind].validate_python(dict(fields))
    except ValidationError as error:
        raise ValueError(sentence(error, kind)) from error
    return record
