"""Which file of a store belongs to a cell."""

from eegxai.evaluation import EvaluationSpec
from sweeps.design.cells import Cell, DecoderCell, MethodCell

# Folders: of what makes cells done, of what is kept beside it, and of notes.
DECODERS, METHODS, MAPS, CHECKPOINTS = "decoders", "methods", "maps", "checkpoints"
USES = "uses"  # of decoders, by the settings that they depend on
FAILURES, RUNNING, BROKEN = "failures", "running", "broken"
SUSPECTS = "suspects"  # notes on broken files that are still in their places
ARTEFACTS = (DECODERS, METHODS, MAPS)


def name_of(cell: Cell) -> str:
    """File in the store that makes a cell done."""
    if isinstance(cell, DecoderCell):
        return f"{DECODERS}/{cell.stem}.safetensors"
    return f"{METHODS}/{cell.stem}.parquet"


def maps_of(cell: MethodCell) -> str:
    """File in the store with the example maps of a method."""
    return f"{MAPS}/{cell.stem}.safetensors"


def use_of(cell: DecoderCell, evaluation: EvaluationSpec) -> str:
    """File in the store with what a decoder used, by all settings that this depends on."""
    settings = f"{evaluation.n_trials}-{evaluation.use_permutations}"
    return f"{USES}/{cell.stem}-{settings}.safetensors"


def checkpoint_of(cell: Cell) -> str:
    """File in the store with the state of a training."""
    return f"{CHECKPOINTS}/{cell.stem}.safetensors"


def failure_of(cell: Cell) -> str:
    """File in the store that says why a cell failed."""
    return f"{FAILURES}/{cell.stem}.txt"


def heartbeat_of(cell: Cell) -> str:
    """File in the store that says who works on a cell."""
    return f"{RUNNING}/{cell.stem}.json"
