"""Decoder architectures, their tracing and their training."""

from eegxai.decoders import deepnet as _deepnet  # noqa: F401  (registers)
from eegxai.decoders import zoo as _zoo  # noqa: F401  (registers)
from eegxai.decoders.chance import at_chance, confusion_matrix
from eegxai.decoders.checkpoint import Checkpoint, TrainingEpoch
from eegxai.decoders.registry import DECODERS, Architecture, build, decoder
from eegxai.decoders.splits import Split, hold_out, split_trials
from eegxai.decoders.structure import DecoderStructure, decoder_structure, nonlinear_modules
from eegxai.decoders.tracing import (
    ReceptiveField,
    receptive_field,
    receptive_fields,
    weighted_layers,
)
from eegxai.decoders.training import TrainingSpec, fit, initialised, predict, recommended
from eegxai.plugins import load_plugins
from eegxai.renamed import keep_old_names

__all__ = [
    "DECODERS",
    "Architecture",
    "Checkpoint",
    "DecoderStructure",
    "ReceptiveField",
    "Split",
    "TrainingEpoch",
    "TrainingSpec",
    "at_chance",
    "build",
    "confusion_matrix",
    "decoder",
    "decoder_structure",
    "fit",
    "hold_out",
    "initialised",
    "nonlinear_modules",
    "predict",
    "receptive_field",
    "receptive_fields",
    "recommended",
    "split_trials",
    "weighted_layers",
]

keep_old_names(
    __name__,
    {
        "Anatomy": "eegxai.decoders:DecoderStructure",
        "Epoch": "eegxai.decoders:TrainingEpoch",
        "anatomy": "eegxai.decoders:decoder_structure",
    },
)

load_plugins("eegxai.decoders")  # last, since plug-ins import from here
