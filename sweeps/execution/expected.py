"""What cells take and occupy as far as is known before any of a sweep is done: small tables.

Seconds are those of one CPU of the machine of docs/benchmarks.md (`python -m benchmarks.costs`), on
which a step of ``machine_speed`` takes ``STEP_SECONDS``; bytes those of files of the
quickstart, of trials of 62 channels and 250 times.
"""

from typing import NamedTuple

from eegxai.attribution.core.registry import without_label
from sweeps.design.cells import Cell, DecoderCell, MethodCell, decoder_of

TRIAL_SIZE = 62 * 250  # numbers of a trial that the tables are of
TRAINING_SHARE = 0.8  # of the trials, with five folds
STOPS_EARLY = 30  # epochs; how many a training takes that may stop early shows as it goes
SIMULATED_TRIAL = 0.0015  # s
# What a method cell takes whatever its trials, and a decoder's first one besides: as long as so
# many scored trials, since validity and the decoder's use are asked on as many of each decoder.
CELL_TRIALS, OPENING_TRIALS, USE_TRIALS = 17, 35, 65
WARM_UP_SECONDS = 4.0  # s of a process's first cell, for what is imported, compiled and read once
START = 20.0  # s of a sweep beside its cells: imports, Ray, workers, the last runs in MLflow
STEP_SECONDS = 0.0140  # s


class Rates(NamedTuple):
    """What an architecture costs.

    Attributes
    ----------
    epoch, trial : float
        Seconds per trial and epoch of training, and per scored trial of a single-pass method.
    weights : float
        Bytes of a trained decoder.
    """

    epoch: float
    trial: float
    weights: float


RATES = {
    "deepnet": Rates(0.0075, 0.147, 0.37e6),
    "eegnet": Rates(0.0021, 0.042, 0.03e6),
    "eegnet_relu": Rates(0.0020, 0.034, 0.03e6),
    "shallow_fbcsp": Rates(0.0023, 0.025, 0.45e6),
    "deep4": Rates(0.0019, 0.040, 1.2e6),
    "eegconformer": Rates(0.0064, 0.83, 3.2e6),
}
OTHERS = Rates(0.003, 0.05, 1e6)  # architectures that are not in the table

# Passes of a method beside those of a single-pass one; 1 for all others (docs/benchmarks.md).
COSTS = {
    "DeepLift": 2.2,
    "LRP": 1.6,
    "ScoreCAM": 3.1,
    "CentredScoreCAM": 2.6,
    "CentredLayerCAM": 2.3,
    "FullGrad": 1.3,
    "CompleteFullGrad": 1.4,
    "RandomMap": 0.8,
    "InputMagnitude": 0.6,
}

SCORES_FILE, MAPS_FILE = 63e3, 320e3  # bytes of a method cell in the store
# Bytes of runs in MLflow: rows of the database and small files, of a method with its file of scores
# (`python -m benchmarks.paper_size sync`).
DECODER_RUN, METHOD_RUN, PICTURE_BYTES = 50e3, 1.2e6, 150e3


def cell_seconds(cell: Cell) -> float:
    """Seconds of one CPU that a cell takes, without what its decoder or process does first."""
    rates = RATES.get(decoder_of(cell).architecture, OTHERS)
    if isinstance(cell, DecoderCell):
        n_trials = TRAINING_SHARE * cell.data.n_trials * _expected_epochs(cell)
        return _relative_trial_size(cell) * (
            rates.epoch * n_trials + SIMULATED_TRIAL * cell.data.n_trials
        )
    once = _relative_trial_size(cell) * rates.trial * (CELL_TRIALS + cell.evaluation.n_trials)
    return once * COSTS.get(without_label(cell.method), 1.0) * cell.evaluation.weight_draws


def opening_seconds(cell: Cell) -> float:
    """Seconds that the first cell of a decoder takes more than others on the same worker."""
    if isinstance(cell, DecoderCell):
        return 0.0
    rates = RATES.get(cell.decoder.architecture, OTHERS)
    simulated = SIMULATED_TRIAL * cell.decoder.data.n_trials
    trials = OPENING_TRIALS + USE_TRIALS * cell.evaluation.comparison.used
    return _relative_trial_size(cell) * (rates.trial * trials + simulated)


def share_at_hand(cell: Cell) -> float:
    """Share of a decoder's first cell, on a new process, that others of its kind take, too."""
    own = cell_seconds(cell)
    return own / (own + opening_seconds(cell) + WARM_UP_SECONDS)


def artefact_bytes(cell: Cell) -> float:
    """Bytes of a cell's files in the store."""
    if isinstance(cell, MethodCell):
        return SCORES_FILE + _relative_trial_size(cell) * MAPS_FILE
    return RATES.get(cell.architecture, OTHERS).weights


def run_bytes(cell: Cell, figures: bool) -> float:
    """Bytes of a cell's run in MLflow, with a copy of its file."""
    if isinstance(cell, DecoderCell):
        return DECODER_RUN + artefact_bytes(cell)
    return METHOD_RUN + PICTURE_BYTES * figures


def _relative_trial_size(cell: Cell) -> float:
    """Numbers of a trial, relative to those that the tables are of."""
    data = decoder_of(cell).data
    return data.n_channels * data.epoch.n_times / TRIAL_SIZE


def _expected_epochs(cell: DecoderCell) -> int:
    training = cell.training
    if cell.labels == "permuted":  # trained until they are memorised
        return training.epochs
    return min(training.epochs, max(STOPS_EARLY, training.patience))
