"""Which file of a store belongs to a cell."""

from eegxai.evaluation import EvaluationSpec
from sweeps.design.cells import Cell, DecoderCell, MethodCell

# Folders: of what makes cells done, of what is kept beside it, and of notes.
DECODERS_FOLDER, METHODS_FOLDER, MAPS_FOLDER, CHECKPOINTS_FOLDER = (
    "decoders",
    "methods",
    "maps",
    "checkpoints",
)
USES_FOLDER = "uses"  # of decoders, by the settings that they depend on
FAILURES_FOLDER, RUNNING_FOLDER, BROKEN_FOLDER = "failures", "running", "broken"
SUSPECTS_FOLDER = "suspects"  # notes on broken files that are still in their places
ARTEFACT_FOLDERS = (DECODERS_FOLDER, METHODS_FOLDER, MAPS_FOLDER)


def name_of(cell: Cell) -> str:
    """File in the store that makes a cell done."""
    if isinstance(cell, DecoderCell):
        return f"{DECODERS_FOLDER}/{cell.stem}.safetensors"
    return f"{METHODS_FOLDER}/{cell.stem}.parquet"


def maps_of(cell: MethodCell) -> str:
    """File in the store with the example maps of a method."""
    return f"{MAPS_FOLDER}/{cell.stem}.safetensors"


def use_of(cell: DecoderCell, evaluation: EvaluationSpec) -> str:
    """File in the store with what a decoder used, by all settings that this depends on."""
    settings = f"{evaluation.n_trials}-{evaluation.use_permutations}"
    return f"{USES_FOLDER}/{cell.stem}-{settings}.safetensors"


def checkpoint_of(cell: Cell) -> str:
    """File in the store with the state of a training."""
    return f"{CHECKPOINTS_FOLDER}/{cell.stem}.safetensors"


def failure_of(cell: Cell) -> str:
    """File in the store that says why a cell failed."""
    return f"{FAILURES_FOLDER}/{cell.stem}.txt"


def heartbeat_of(cell: Cell) -> str:
    """File in the store that says who works on a cell."""
    return f"{RUNNING_FOLDER}/{cell.stem}.json"
