"""Loops over pixels that numba runs several times faster on a CPU than torch does.

``reductions`` calls them in place of the functions of ``torch_reductions``, which document them. A
version of a map is never stored: the loops compute its values from those of the map and four
numbers per trial.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, wraps
from itertools import pairwise

import numpy as np
import torch
from numba import njit
from torch import Tensor

from eegxai.evaluation.maps.window import SAMPLE, WINDOW, WINDOW_AREA

N_PRODUCTS = 4  # x, y, the sum of their squares, their product
STRIDE = 17  # one pixel in so many is sampled to estimate a threshold
DIGIT, N_DIGITS = 11, 6  # bits per digit, digits per float64
TOP_BIT = np.uint64(1 << 63)

Array = np.ndarray
Form = tuple[float, float, float, float]
compiled = njit(cache=True, nogil=True, error_model="numpy")
summing = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})


def looped_over_trials(loop: Callable[..., Array]) -> Callable[..., Tensor]:
    """Turn a loop over some trials, ``(first, last, *arrays)``, into a function of tensors.

    The trials are shared among as many threads as torch uses. They are not numba's own
    (``prange``), which share OpenMP's settings with torch and change its number of threads.
    """

    @wraps(loop)
    def run(*tensors: Tensor) -> Tensor:
        arrays = [tensor.contiguous().numpy() for tensor in tensors]
        spans = _spans(len(arrays[0]), torch.get_num_threads())
        run_all = map if len(spans) == 1 else _threads(len(spans), os.getpid()).map
        parts = list(run_all(lambda span: loop(*span, *arrays), spans))
        return torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts))

    return run


def _spans(n_trials: int, n_threads: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, n_trials, max(1, min(n_threads, n_trials)) + 1).astype(int).tolist()
    return list(pairwise(edges))


@lru_cache(maxsize=1)
def _threads(number: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number)  # one for each process: a fork inherits no threads


@compiled
def _form_of(form: Array, trial: int) -> Form:
    # Numbers instead of an array, so that loops which write need not read them again.
    return form[0, trial], form[1, trial], form[2, trial], form[3, trial]


@compiled
def _value(x: float, form: Form) -> float:
    floor, offset, gain, threshold = form
    raised = x if x > floor else floor
    return 0.0 if x < threshold else (raised - offset) * gain


@compiled
def _put(values: Array | Sequence[float], into: Array) -> None:
    # A loop: assigned as a whole, numba checks the shapes, and compiles that for seconds.
    for i in range(len(into)):
        into[i] = values[i]


# ------------------------------------------------------------------ sums over pixels


@looped_over_trials
@compiled
def moments(first: int, last: int, rows: Array, form: Array) -> Array:
    """Sum, sum of squares and number of positive values of each map's version, (trials, 3)."""
    found = np.empty((last - first, 3))
    for trial in range(first, last):
        _put(_row_moments(rows[trial], _form_of(form, trial)), found[trial - first])
    return found


@summing
def _row_moments(row: Array, form: Form) -> tuple[float, float, float]:
    total = squares = positive = 0.0
    for i in range(len(row)):
        value = _value(row[i], form)
        total += value
        squares += value * value
        positive += 1.0 if value > 0 else 0.0
    return total, squares, positive


@looped_over_trials
@compiled
def overlap(
    first: int, last: int, rows: Array, form: Array, others: Array, other_form: Array
) -> Array:
    """Inner product with another version, mass and positive values on its map, (trials, 3)."""
    found = np.empty((last - first, 3))
    for trial in range(first, last):
        forms = _form_of(form, trial), _form_of(other_form, trial)
        _put(_overlap(rows[trial], others[trial], *forms), found[trial - first])
    return found


@summing
def _overlap(row: Array, other: Array, form: Form, other_form: Form) -> tuple[float, float, float]:
    inner = mass = hits = extent = 0.0
    for i in range(len(row)):
        value = _value(row[i], form)
        inner += value * _value(other[i], other_form)
        on_support = 1.0 if other[i] != 0 else 0.0
        mass += on_support * abs(value)
        hits += on_support if value > 0 else 0.0
        extent += abs(other[i])
    defined = extent / extent
    return inner, mass * defined, hits * defined


# ------------------------------------------------------------------ structural similarity


@looped_over_trials
@compiled
def windowed_ssim(
    first: int,
    last: int,
    x: Array,
    x_form: Array,
    y: Array,
    y_form: Array,
    shift: Array,
    constants: Array,
    weights: Array,
) -> Array:
    """Weighted sum over all full windows of the structural similarity, (trials,)."""
    found = np.empty(last - first)
    for trial in range(first, last):
        forms = _form_of(x_form, trial), _form_of(y_form, trial)
        found[trial - first] = _ssim(
            x[trial], y[trial], forms, shift[trial], constants[:, trial], weights
        )
    return found


@compiled
def _ssim(
    x: Array,
    y: Array,
    forms: tuple[Form, Form],
    shift: float,
    constants: Array,
    weights: Array,
) -> float:
    """Everything in one pass over the rows; nothing larger than a few rows is stored."""
    height, width = x.shape
    products = np.empty((N_PRODUCTS, width))
    rows = np.empty((WINDOW, N_PRODUCTS, width - WINDOW + 1))  # the last seven, in a ring
    total = np.zeros(width - WINDOW + 1)
    for row in range(height):
        _products(x[row], y[row], forms, shift, products)
        for product in range(N_PRODUCTS):
            _sums_of_seven(products[product], rows[row % WINDOW, product])
        if row >= WINDOW - 1:
            _add_similarity(rows, shift, constants, weights[row - WINDOW + 1], total)
    return total.sum()


@compiled
def _products(x: Array, y: Array, forms: tuple[Form, Form], shift: float, products: Array) -> None:
    x_form, y_form = forms
    for column in range(len(x)):
        one, other = _value(x[column], x_form) - shift, _value(y[column], y_form)
        products[0, column], products[1, column] = one, other
        products[2, column] = one * one + other * other
        products[3, column] = one * other


@compiled
def _sums_of_seven(values: Array, sums: Array) -> None:
    # Summed afresh for every window: running sums would keep the rounding of earlier values.
    for i in range(len(sums)):
        left = (values[i] + values[i + 1]) + (values[i + 2] + values[i + 3])
        sums[i] = left + ((values[i + 4] + values[i + 5]) + values[i + 6])


@compiled
def _add_similarity(
    rows: Array, shift: float, constants: Array, weights: Array, total: Array
) -> None:
    c1, c2 = constants
    for i in range(len(total)):
        x = y = squares = xy = 0.0
        for row in range(WINDOW):
            x += rows[row, 0, i]
            y += rows[row, 1, i]
            squares += rows[row, 2, i]
            xy += rows[row, 3, i]
        x, y = x / WINDOW_AREA, y / WINDOW_AREA
        variances = SAMPLE * (squares / WINDOW_AREA - (x * x + y * y))
        covariance = SAMPLE * (xy / WINDOW_AREA - x * y)
        x += shift
        upper = (2 * x * y + c1) * (2 * covariance + c2)
        lower = (x * x + y * y + c1) * (variances + c2)
        total[i] += weights[i] * upper / lower


# ------------------------------------------------------------------ order statistics


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
        _put(_ascending(rows[trial]), found[trial - first])
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
