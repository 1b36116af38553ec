"""Reductions of stacks of maps in torch, on any device.

The values of a version of a map are ``(max(x, floor) - offset) * gain``, and zero where x is below
the threshold. The form of a version, (4, trials), contains the four numbers in this order.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from eegxai.evaluation.maps.window import SAMPLE, WINDOW


def version_values(maps: Tensor, form: Tensor) -> Tensor:
    """Values of a version of maps (trials, ...)."""
    floor, offset, gain, threshold = (part.view(-1, *[1] * (maps.ndim - 1)) for part in form)
    values = (torch.maximum(maps, floor) - offset) * gain
    return torch.where(maps < threshold, 0.0, values)


def moments(rows: Tensor, form: Tensor) -> Tensor:
    """Sum, sum of squares and number of positive values of each map's version, (trials, 3)."""
    values = version_values(rows, form)
    return torch.stack([values.sum(1), values.square().sum(1), (values > 0).sum(1)], 1)


def overlap(rows: Tensor, form: Tensor, others: Tensor, other_form: Tensor) -> Tensor:
    """How each map's version overlaps with that of another map, (trials, 3).

    The inner product of the versions; the sum of magnitudes and the number of positive values
    where the other map is not zero, NaN if it is zero everywhere or NaN.
    """
    extent = others.abs().sum(1, keepdim=True)
    values, support = version_values(rows, form), (others != 0) * (extent / extent)
    inner = (values * version_values(others, other_form)).sum(1)
    return torch.stack([inner, (values.abs() * support).sum(1), ((values > 0) * support).sum(1)], 1)


def windowed_ssim(
    x: Tensor,
    x_form: Tensor,
    y: Tensor,
    y_form: Tensor,
    shift: Tensor,
    constants: Tensor,
    weights: Tensor,
) -> Tensor:
    """Weighted sum over all full windows of the structural similarity, (trials,).

    Parameters
    ----------
    x, y : Tensor (trials, height, width)
    x_form, y_form : Tensor (4, trials)
        Their versions.
    shift : Tensor (trials,)
        A value near the mean of x; variances are taken about it, so that an offset costs no digits.
    constants : Tensor (2, trials)
        Wang's c1 and c2.
    weights : Tensor (height - 6, width - 6)
        Of the windows.
    """
    mean = partial(avg_pool2d, kernel_size=WINDOW, stride=1)
    c1, c2, shift = (values[:, None, None] for values in (*constants, shift))
    x, y = version_values(x, x_form) - shift, version_values(y, y_form)
    mx, my = mean(x), mean(y)
    covariance = SAMPLE * (mean(x * y) - mx * my)
    variances = SAMPLE * (mean(x * x + y * y) - (mx * mx + my * my))
    mx = mx + shift
    upper = (2 * mx * my + c1) * (2 * covariance + c2)
    lower = (mx * mx + my * my + c1) * (variances + c2)
    return (weights * upper / lower).sum((1, 2))


def kth_largest(rows: Tensor, counts: Tensor) -> Tensor:
    """K-th largest value of each row, infinity where K = 0, (trials,)."""
    largest = rows.sort(1, descending=True).values
    found = largest.gather(1, (counts - 1).clamp(min=0)[:, None])[:, 0]
    return found.masked_fill(counts == 0, torch.inf)


def ascending(rows: Tensor) -> Tensor:
    """Indices that sort each row stably, the smallest value first, (trials, values)."""
    return rows.argsort(dim=1, stable=True)
