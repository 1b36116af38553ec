"""Decoder architectures, their tracing and their training."""

from eegxai.decoders import deepnet as _deepnet  # noqa: F401  (registers)
from eegxai.decoders import zoo as _zoo  # noqa: F401  (registers)
from eegxai.decoders.registry import DECODERS, Architecture, build, decoder
from eegxai.decoders.tracing import (
    ReceptiveField,
    receptive_field,
    receptive_fields,
    weighted_layers,
)
from eegxai.decoders.training import Split, TrainingSpec, fit, initialised, predict, split_trials

__all__ = [
    "DECODERS",
    "Architecture",
    "ReceptiveField",
    "Split",
    "TrainingSpec",
    "build",
    "decoder",
    "fit",
    "initialised",
    "predict",
    "receptive_field",
    "receptive_fields",
    "split_trials",
    "weighted_layers",
]
