"""Loops over pixels that numba runs several times faster on a CPU than torch does.

``reductions`` calls them in place of the functions of ``torch_reductions``, which document them. A
version of a map is never stored: the loops compute its values from those of the map and four
numbers per trial. ``cpu_order_kernels`` has those that order pixels.
"""

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
def put(values: Array | Sequence[float], into: Array) -> None:
    """Write values into an array, one by one."""
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
        put(_row_moments(rows[trial], _form_of(form, trial)), found[trial - first])
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
        put(_overlap(rows[trial], others[trial], *forms), found[trial - first])
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
