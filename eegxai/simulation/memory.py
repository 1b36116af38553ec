"""Whether a data set fits into the memory of this machine, before any of it is made."""

from eegxai.errors import gigabytes
from eegxai.machine import available_memory
from eegxai.simulation.background import background_recording
from eegxai.simulation.blocks import BLOCK, n_threads
from eegxai.simulation.labels import fewest_trials
from eegxai.simulation.spec import DataSpec

BYTES_PER_VALUE = 4  # float32
N_ARRAYS = 2  # the recording and the ground truth
# What else is held at the peak, a fifth above what was measured (tests: test_memory.py).
BYTES_PER_TRIAL = 3000  # of the table of trials while it is drawn
ARRAYS_PER_BLOCK = 5  # temporary arrays of channels or dipoles, in each thread
BACKGROUND_COPIES = 4  # of recordings: their stretches, and epochs as MNE has them, or a reference
BYTES_PER_PAIR_OF_SAMPLES = 32  # of the covariance of the pink noise and its factor


def array_bytes(data: DataSpec) -> int:
    """Bytes of the recording and the ground truth."""
    return N_ARRAYS * data.n_trials * _trial_bytes(data)


def needed_memory(data: DataSpec, further: float = 0.0) -> float:
    """Bytes that simulating a data set takes at its peak, ``further`` as in `require_memory`."""
    return data.n_trials * _bytes_per_trial(data, further) + _working_bytes(data)


def require_memory(data: DataSpec, further: float = 0.0) -> None:
    """Refuse a data set that does not fit into the memory that is free now.

    Parameters
    ----------
    data : DataSpec
    further : float
        What the next step takes beside the data, in multiples of recording and ground truth.

    Raises
    ------
    ValueError
        One sentence with the number of trials that would fit.
    """
    needed, free = needed_memory(data, further), available_memory()
    if needed <= free:
        return
    raise ValueError(
        f"n_trials={data.n_trials} of {data.n_channels} channels and {data.epoch.n_times} "
        f"samples takes {gigabytes(needed)} of memory and {gigabytes(free)} is free; "
        f"{_remedy(data, free, further)}"
    )


def _remedy(data: DataSpec, free: float, further: float) -> str:
    """What would fit: fewer trials, fewer noise sources where they alone are too many, or less."""
    left, per_trial = free - _working_bytes(data), _bytes_per_trial(data, further)
    fewest = fewest_trials(data.feature_type.shares, 1)
    if (fitting := int(left // per_trial)) >= fewest:
        return f"at most {fitting} trials fit"
    if left + _noise_bytes(data) >= fewest * per_trial:
        return f"fewer noise sources than noise.n_dipoles={data.noise.n_dipoles} may fit"
    return "a shorter epoch or lower sfreq may fit"


def _bytes_per_trial(data: DataSpec, further: float) -> float:
    return (1 + further) * N_ARRAYS * _trial_bytes(data) + BYTES_PER_TRIAL


def _working_bytes(data: DataSpec) -> int:
    """Bytes that do not grow with the number of trials."""
    channels = _row_bytes(data) * data.n_channels + _background_bytes(data)
    return channels + _noise_bytes(data) + BYTES_PER_PAIR_OF_SAMPLES * data.epoch.n_times**2


def _noise_bytes(data: DataSpec) -> int:
    """Bytes of the activity of all noise sources."""
    return _row_bytes(data) * data.noise.n_dipoles


def _background_bytes(data: DataSpec) -> int:
    """Bytes of the recordings, all of which are read."""
    if data.background is None:
        return 0
    return (
        BACKGROUND_COPIES
        * len(background_recording(data.background).places(data.epoch.n_times))
        * _trial_bytes(data)
    )


def _row_bytes(data: DataSpec) -> int:
    """Bytes of one channel or dipole of the blocks that all threads work on."""
    return n_threads() * ARRAYS_PER_BLOCK * BLOCK * data.epoch.n_times * BYTES_PER_VALUE


def _trial_bytes(data: DataSpec) -> int:
    return BYTES_PER_VALUE * data.n_channels * data.epoch.n_times
