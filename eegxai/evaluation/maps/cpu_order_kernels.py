"""Loops that order the pixels of maps: the largest values, and the indices that sort them.

As those of ``cpu_kernels``, numba runs them several times faster on a CPU than torch does.
"""

import math

import numpy as np

from eegxai.evaluation.maps.cpu_kernels import Array, compiled, looped_over_trials, put

STRIDE = 17  # one pixel in so many is sampled to estimate a threshold
DIGIT, N_DIGITS = 11, 6  # bits per digit, digits per float64
TOP_BIT = np.uint64(1 << 63)


@looped_over_trials
@compiled
def kth_largest(first: int, last: int, rows: Array, counts: Array) -> Array:
    """K-th largest value of each row, infinity where K = 0, (trials,)."""
    found = np.empty(last - first)
    for trial in range(first, last):
        count = counts[trial]
        found[trial - first] = _select(rows[trial], count) if count else np.inf
    return found


@compiled
def _select(row: Array, count: int) -> float:
    """K-th largest value, among those between two of a sample's, or of all if that misses it."""
    floor, ceiling = _bounds(row[::STRIDE].copy(), count / STRIDE)
    between, n_above = _between(row, floor, ceiling)
    position = len(between) - (count - n_above)
    if 0 <= position < len(between):
        return _nth(between, position)
    return _nth(row.copy(), len(row) - count)


@compiled
def _bounds(sample: Array, expected: float) -> tuple[float, float]:
    """Values of a sample at the expected rank plus and minus four Poisson standard deviations."""
    margin = 4 * math.sqrt(expected) + 1
    below = len(sample) - math.ceil(expected + margin)
    above = len(sample) - math.floor(expected - margin)
    floor = _nth(sample, below) if below >= 0 else -np.inf
    return floor, _nth(sample, above) if above < len(sample) else np.inf


@compiled
def _between(row: Array, floor: float, ceiling: float) -> tuple[Array, int]:
    """Values from floor to ceiling, and how many are above."""
    # Each value is written, and overwritten by the next unless it is kept: no branch to mispredict.
    kept, n_kept, n_above = np.empty(len(row)), 0, 0
    for i in range(len(row)):
        kept[n_kept] = row[i]
        n_kept += (row[i] >= floor) & (row[i] <= ceiling)
        n_above += row[i] > ceiling
    return kept[:n_kept], n_above


@compiled
def _nth(values: Array, position: int) -> float:
    """Value at a position of the ascending order (Hoare's selection); reorders the values."""
    low, high = 0, len(values) - 1
    while low < high:
        left, right = _parted(values, low, high)
        if right < position < left:
            break
        low, high = (low, right) if position <= right else (left, high)
    return values[position]


@compiled
def _parted(values: Array, left: int, right: int) -> tuple[int, int]:
    pivot = values[(left + right) // 2]
    while left <= right:
        while values[left] < pivot:
            left += 1
        while values[right] > pivot:
            right -= 1
        if left <= right:
            values[left], values[right] = values[right], values[left]
            left, right = left + 1, right - 1
    return left, right


@looped_over_trials
@compiled
def ascending(first: int, last: int, rows: Array) -> Array:
    """Indices that sort each row stably, the smallest value first, (trials, values).

    Radix sort from the last digit; digits in which all values agree are skipped (two of six for
    single precision).
    """
    found = np.empty((last - first, rows.shape[1]), np.int64)
    for trial in range(first, last):
        put(_ascending(rows[trial]), found[trial - first])
    return found


@compiled
def _ascending(row: Array) -> Array:
    keys, positions = _ascending_keys(row), np.arange(len(row))
    counts = _digit_counts(keys)
    for digit in range(N_DIGITS if len(row) else 0):
        if counts[digit, _digit(keys[0], digit)] < len(row):  # else it is the same in all
            starts = _starts(counts[digit])
            keys, positions = _sorted_by_digit(keys, positions, digit, starts)
    return positions


@compiled
def _starts(counts: Array) -> Array:
    """How many come before the first of each value."""
    # A loop, as numba compiles the difference of two arrays for seconds.
    starts, before = np.empty_like(counts), 0
    for value in range(len(counts)):
        starts[value] = before
        before += counts[value]
    return starts


@compiled
def _ascending_keys(row: Array) -> Array:
    """Integers in the order of the floats: the sign bit is inverted, or all bits of a negative."""
    keys = row.astype(np.float64).view(np.uint64)
    for i in range(len(keys)):
        keys[i] = ~keys[i] if keys[i] & TOP_BIT else keys[i] | TOP_BIT
    return keys


@compiled
def _digit(key: np.uint64, digit: int) -> np.uint64:
    return (key >> np.uint64(DIGIT * digit)) & np.uint64((1 << DIGIT) - 1)


@compiled
def _digit_counts(keys: Array) -> Array:
    counts = np.zeros((N_DIGITS, 1 << DIGIT), np.int64)
    for key in keys:
        for digit in range(N_DIGITS):
            counts[digit, _digit(key, digit)] += 1
    return counts


@compiled
def _sorted_by_digit(
    keys: Array, positions: Array, digit: int, starts: Array
) -> tuple[Array, Array]:
    sorted_keys, sorted_positions = np.empty_like(keys), np.empty_like(positions)
    for key, position in zip(keys, positions):  # noqa: B905 - numba knows no strict
        value = _digit(key, digit)
        sorted_keys[starts[value]], sorted_positions[starts[value]] = key, position
        starts[value] += 1
    return sorted_keys, sorted_positions
