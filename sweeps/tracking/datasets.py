"""The data of a run as MLflow's Dataset column shows them: name, digest, shape and origin."""

import hashlib
import json
from functools import lru_cache

import numpy as np
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.schema import TensorDatasetSchema
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.types.schema import Schema, TensorSpec
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT
from pydantic_core import to_jsonable_python

from eegxai.head import HeadSpec
from eegxai.simulation import BackgroundSpec, DataSpec
from eegxai.simulation.background import IDENTITY, head_of
from sweeps.design.cells import SCHEMA, Cell, DecoderCell, decoder_of

ANY = -1  # in shapes: not known, or of any size
DATASET_DIGEST_LENGTH = 16  # hexadecimal digits, as in the names of the store's files


def dataset_input(cell: Cell) -> DatasetInput:
    """The data set that a decoder is trained on, or that a method explains trials of."""
    context = "training" if isinstance(cell, DecoderCell) else "explanation"
    dataset = _dataset(decoder_of(cell).data)
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, context)])


def _dataset(data: DataSpec) -> Dataset:
    """One entity per data set: MLflow takes equal names and digests for the same."""
    n_channels, n_times = _n_channels(data.head, data.background), data.epoch.n_times
    content = to_jsonable_python(data)
    source = CodeDatasetSource({"mlflow.source.name": "eegxai.simulation", "spec": content})
    profile = {
        "num_rows": data.n_trials,
        "n_channels": n_channels,
        "n_times": n_times,
        "sfreq_hz": data.sfreq,
        "classes": list(data.feature_type.class_names),
    }
    return Dataset(
        name=f"{data.feature} {data.snr_db:g} dB, seed {data.seed}",
        digest=_data_digest(to_jsonable_python(data, context=IDENTITY)),
        source_type="code",
        source=json.dumps(source.to_dict()),
        schema=json.dumps(_schema(n_channels, n_times).to_dict()),
        profile=json.dumps(profile),
    )


def _data_digest(content: object) -> str:
    """Of everything that the data depend on, as the keys of cells are made."""
    text = json.dumps({"schema": SCHEMA, "data": content}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DATASET_DIGEST_LENGTH]


def _schema(n_channels: int, n_times: int) -> TensorDatasetSchema:
    trials = TensorSpec(np.dtype("float32"), (ANY, n_channels, n_times), "trials_channels_times")
    return TensorDatasetSchema(Schema([trials]))


@lru_cache(maxsize=64)
def _n_channels(head: HeadSpec, background: BackgroundSpec | None) -> int:
    """Number of electrodes; ``ANY`` where the head's file or the recordings are elsewhere."""
    if head.channels:
        return len(head.channels)
    try:
        return len(head_of(head, background).info(1.0).ch_names)
    except (OSError, ValueError):
        return ANY
