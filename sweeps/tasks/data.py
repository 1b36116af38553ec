"""The data of a cell: its simulated trials, how they are split, and its decoder rebuilt."""

import logging
from functools import lru_cache

from torch import nn

from eegxai.decoders import Split, build, hold_out, split_trials
from eegxai.simulation import DataSpec, SimulatedEEG, simulate_spec
from sweeps.design.cells import Cell, DecoderCell
from sweeps.store.artefacts import Store
from sweeps.store.names import name_of
from sweeps.store.packing import RECOMPUTED, BrokenArtefactError
from sweeps.store.records import TrainedDecoder

log = logging.getLogger(__name__)


def is_done(cell: Cell, store: Store) -> bool:
    """Whether the store holds a whole artefact of the cell, now and whoever made it.

    For one cell that is about to be done: its file is read, and set aside where it is broken. What
    a whole sweep has done the store's listing states.
    """
    if not store.look(cell):
        return False
    try:
        store.read_decoder(cell) if isinstance(cell, DecoderCell) else store.read_scores(cell)
    except BrokenArtefactError as error:
        log.warning(RECOMPUTED, error)
        store.set_aside(error)
        return False
    return True


# One data set stays in memory: trainings and explanations of one data set follow each other.
@lru_cache(maxsize=1)
def simulated(spec: DataSpec) -> SimulatedEEG:
    """The data of a specification; the last one stays in memory."""
    return simulate_spec(spec)


def split_of(cell: DecoderCell, eeg: SimulatedEEG) -> Split:
    """Training, validation and test trials of a cell."""
    training, seed = cell.training, cell.data.seed
    if training.holdout:
        return hold_out(eeg.y, training.holdout, seed)
    return split_trials(eeg.y, cell.fold, training.n_folds, seed)


def shape_of(eeg: SimulatedEEG) -> tuple[int, int, int, float]:
    """Channels, times, classes and sampling rate (Hz), which a decoder is built from."""
    _, n_channels, n_times = eeg.x.shape
    return n_channels, n_times, eeg.n_classes, float(eeg.info["sfreq"])


def restored(cell: DecoderCell, trained: TrainedDecoder, eeg: SimulatedEEG) -> nn.Module:
    """Decoder with the stored weights.

    Raises
    ------
    BrokenArtefactError
        When the weights are not those of the cell's architecture.
    """
    decoder = build(cell.architecture, *shape_of(eeg))
    try:
        decoder.load_state_dict(trained.weights)
    except RuntimeError as error:
        message = f"weights of {cell.title} do not fit: {error}"
        raise BrokenArtefactError(message, cell, name_of(cell)) from error
    return decoder
