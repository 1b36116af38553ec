"""The sixteen metrics of the study, over many trials at once.

Sujatha Ravindran & Contreras-Vidal, Scientific Reports 13:17709 (2023); the versions of a map
that each metric compares are facts of the authors' public research code. Undefined is NaN: a
degenerate map makes its version NaN, and every metric of that version follows.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor

PERCENTILE = 0.95
WINDOW = 7
SAMPLE = WINDOW**2 / (WINDOW**2 - 1)  # makes a window's variance that of a sample
K1, K2 = 0.01, 0.03  # Wang et al., IEEE Trans. Image Process. 13:600, 2004


@dataclass(frozen=True, eq=False)
class Version:
    """One version of a stack of maps, with the moments that several metrics share.

    Attributes
    ----------
    pixels : Tensor (trials, valid pixels)
        Values in float64.
    shape : tuple of int
        Height and width of a map.
    mask : Tensor (height, width) or None
        Which pixels are valid; None where all are.
    """

    pixels: Tensor
    shape: tuple[int, int]
    mask: Tensor | None

    @cached_property
    def image(self) -> Tensor:
        """Maps (trials, height, width), zero at the pixels that are not valid."""
        if self.mask is None:
            return self.pixels.unflatten(1, self.shape)
        image = self.pixels.new_zeros(len(self.pixels), *self.shape)
        image[:, self.mask] = self.pixels
        return image

    @cached_property
    def norm(self) -> Tensor:
        """Euclidean length of each map, (trials,)."""
        return torch.linalg.vector_norm(self.pixels, dim=1)

    @cached_property
    def centred(self) -> Tensor:
        """Pixels with each map's mean taken away, (trials, valid pixels)."""
        return self.pixels - self.pixels.mean(1, keepdim=True)

    @cached_property
    def spread(self) -> Tensor:
        """Euclidean length of each centred map, NaN where it is constant, (trials,)."""
        length = torch.linalg.vector_norm(self.centred, dim=1)
        return length.masked_fill(self.data_range.isnan(), torch.nan)

    @cached_property
    def data_range(self) -> Tensor:
        """Largest minus smallest value of each map, NaN where they are equal, (trials,)."""
        extent = self.pixels.amax(1) - self.pixels.amin(1)
        return extent.masked_fill(extent == 0, torch.nan)

    @cached_property
    def local_mean(self) -> Tensor:
        """Mean in every full window, (trials, height - 6, width - 6)."""
        return _window_mean(self.image)

    @cached_property
    def local_variance(self) -> Tensor:
        """Variance in every full window, not corrected for the sample size."""
        return _window_mean(self.image.square()).sub_(self.local_mean.square())


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps to compare, with the versions that the metrics ask for, each computed once.

    Attributes
    ----------
    values : Tensor (trials, height, width)
        Signed values in float64, of any scale.
    mask : Tensor (height, width), optional
        Which pixels are valid (the head disc of a topography); all by default.
    """

    values: Tensor
    mask: Tensor | None = None

    @cached_property
    def raw(self) -> Version:
        """The maps as they are."""
        valid = self.values.flatten(1) if self.mask is None else self.values[:, self.mask]
        return self._version(valid)

    @cached_property
    def minmax(self) -> Version:
        """Maps brought to 0 .. 1; NaN where constant."""
        return self._version(_minmax(self.raw.pixels))

    @cached_property
    def clipped(self) -> Version:
        """Positive part brought to 0 .. 1; NaN where nothing is positive."""
        return self._version(_minmax(self.raw.pixels.clamp(min=0)))

    @cached_property
    def top5(self) -> Version:
        """Values below the 95th percentile set to zero; NaN where nothing is positive."""
        return self._version(_above_percentile(self.raw.pixels))

    @cached_property
    def minmax_top5(self) -> Version:
        """Maps brought to 0 .. 1, then values below the 95th percentile set to zero."""
        return self._version(_above_percentile(self.minmax.pixels))

    @cached_property
    def support(self) -> Version:
        """One where the map is not zero, else zero; NaN where it is zero everywhere or NaN."""
        nonzero = _as_numbers(torch.ne, self.raw.pixels, self.values.new_zeros(()))
        nonzero += 0 * self.raw.pixels
        return self._version(nonzero / nonzero.amax(1, keepdim=True))

    @cached_property
    def n_positive(self) -> list[int]:
        """Number of positive pixels of each map."""
        return (self.raw.pixels > 0).sum(1).tolist()

    @cached_property
    def _top_k(self) -> dict["Maps", Version]:
        return {}

    def top_k(self, reference: "Maps") -> Version:
        """Clipped maps below their K-th largest value set to zero, K = the reference's positives.

        Ties with the K-th largest value stay, so more than K can; with K = 0 nothing stays.
        """
        if reference not in self._top_k:
            kept = _largest(self.clipped.pixels, reference.n_positive)
            self._top_k[reference] = self._version(kept)
        return self._top_k[reference]

    def _version(self, pixels: Tensor) -> Version:
        return Version(pixels, (self.values.shape[1], self.values.shape[2]), self.mask)


Measure = Callable[[Version, Version], Tensor]
Metric = Callable[[Maps, Maps], Tensor]
METRICS: dict[str, Metric] = {}


def metric(name: str) -> Callable[[Metric], Metric]:
    """Register the decorated function ``(attribution, reference) -> (trials,)`` as a metric."""

    def register(function: Metric) -> Metric:
        METRICS[name] = function
        return function

    return register


def ssim(explanation: Version, reference: Version) -> Tensor:
    """Structural similarity, (trials,) in -1 .. 1; the data range is the explanation's.

    Uniform window of 7 x 7, sample covariance, averaged over the full windows whose centre is
    valid: the defaults of scikit-image (Wang et al., IEEE Trans. Image Process. 13:600, 2004).
    NaN where the explanation is constant or the maps are smaller than the window.
    """
    if min(explanation.shape) < WINDOW:
        return torch.full_like(explanation.data_range, torch.nan)
    c1, c2 = ((k * explanation.data_range[:, None, None]).square() for k in (K1, K2))
    means = explanation.local_mean * reference.local_mean
    covariance = _window_mean(explanation.image * reference.image).sub_(means)
    luminance = torch.add(c1, means, alpha=2)
    luminance /= (explanation.local_mean.square() + reference.local_mean.square()).add_(c1)
    structure = torch.add(c2, covariance, alpha=2 * SAMPLE)
    variances = explanation.local_variance + reference.local_variance
    structure /= variances.mul_(SAMPLE).add_(c2)
    return _mean_over_head(luminance.mul_(structure), explanation.mask)


def cosine(explanation: Version, reference: Version) -> Tensor:
    """Cosine of the angle between the maps, (trials,) in -1 .. 1."""
    inner = (explanation.pixels * reference.pixels).sum(1)
    return inner / (explanation.norm * reference.norm)


def pearson(explanation: Version, reference: Version) -> Tensor:
    """Pearson correlation over the pixels, (trials,) in -1 .. 1."""
    inner = (explanation.centred * reference.centred).sum(1)
    return inner / (explanation.spread * reference.spread)


def mass(explanation: Version, support: Version) -> Tensor:
    """Share of the relevance that lies on the reference's support, (trials,).

    Relevance mass accuracy (Arras et al., Information Fusion 81:14, 2022). As in the study
    the numerator takes magnitudes and the denominator does not, so that a top-5 % version
    with negative values can leave 0 .. 1.
    """
    on_support = (explanation.pixels.abs() * support.pixels).sum(1)
    total = explanation.pixels.sum(1)
    return on_support / total.masked_fill(total == 0, torch.nan)


STUDY: dict[str, tuple[Measure, str, str]] = {
    # metric: (measure, version of the explanation, version of the reference)
    "ssim_top5": (ssim, "top5", "minmax_top5"),
    "ssim_clipped": (ssim, "clipped", "minmax"),
    "ssim_minmax": (ssim, "minmax", "minmax"),
    "ssim_raw": (ssim, "raw", "minmax"),
    "cosine_top5": (cosine, "top5", "minmax_top5"),
    "cosine_clipped": (cosine, "clipped", "minmax"),
    "cosine_minmax": (cosine, "minmax", "minmax"),
    "cosine_raw": (cosine, "raw", "minmax"),
    "mass_top5": (mass, "top5", "support"),
    "mass_clipped": (mass, "clipped", "support"),
    "mass_minmax": (mass, "minmax", "support"),
    "pearson_clipped": (pearson, "clipped", "minmax"),
    "pearson_minmax": (pearson, "minmax", "minmax"),
    "pearson_raw": (pearson, "raw", "minmax"),
}


def _compare(
    measure: Measure, version: str, against: str, attribution: Maps, reference: Maps
) -> Tensor:
    return measure(getattr(attribution, version), getattr(reference, against))


for _name, _comparison in STUDY.items():
    metric(_name)(partial(_compare, *_comparison))


@metric("pearson_topk")
def pearson_topk(attribution: Maps, reference: Maps) -> Tensor:
    """Correlation of the K largest clipped values with the reference's top 5 %, (trials,)."""
    return pearson(attribution.top_k(reference), reference.minmax_top5)


@metric("rank")
def rank(attribution: Maps, reference: Maps) -> Tensor:
    """Share of the K largest clipped values that lie on the reference's support, (trials,).

    Relevance rank accuracy (Arras et al., Information Fusion 81:14, 2022), over the values
    that stay (see ``Maps.top_k``) and not over K, as the study does.
    """
    top = attribution.top_k(reference).pixels
    kept = _as_numbers(torch.gt, top, top.new_zeros(()))
    return (kept * reference.support.pixels).sum(1) / kept.sum(1)


def _minmax(pixels: Tensor) -> Tensor:
    lowest = pixels.amin(1, keepdim=True)
    return (pixels - lowest) / (pixels.amax(1, keepdim=True) - lowest)


def _as_numbers(compare: Callable[..., Tensor], pixels: Tensor, threshold: Tensor) -> Tensor:
    # Written into float64 at once: ten times faster here than a boolean that is then cast.
    return compare(pixels, threshold, out=torch.empty_like(pixels))


def _at_least(pixels: Tensor, threshold: Tensor) -> Tensor:
    return _as_numbers(torch.ge, pixels, threshold).mul_(pixels)


def _above_percentile(pixels: Tensor) -> Tensor:
    # The percentile lies between two order statistics (linear interpolation), so keeping what
    # is not below it is keeping what is not below the upper of the two: no sorting.
    order = math.ceil(PERCENTILE * (pixels.shape[1] - 1)) + 1
    threshold = pixels.kthvalue(order, dim=1, keepdim=True).values
    highest = pixels.amax(1, keepdim=True)
    nothing_positive = torch.zeros_like(highest).masked_fill(highest <= 0, torch.nan)
    return _at_least(pixels, threshold).add_(nothing_positive)


def _largest(pixels: Tensor, counts: list[int]) -> Tensor:
    rows = zip(pixels, counts, strict=True)
    thresholds = [_kth_largest(row, count) for row, count in rows]
    return _at_least(pixels, torch.stack(thresholds)[:, None])


def _kth_largest(row: Tensor, count: int) -> Tensor:
    if count == 0:
        return row.new_tensor(torch.inf)
    return row.kthvalue(len(row) - count + 1).values


def _window_mean(image: Tensor) -> Tensor:
    return _window_sum(_window_sum(image, 2), 1).mul_(1 / WINDOW**2)


def _window_sum(image: Tensor, dim: int) -> Tensor:
    # 7 = 3 + 3 + 1: four additions in place of six, and no cancellation as in running sums.
    full = image.shape[dim] - WINDOW + 1
    threes = image.narrow(dim, 0, full + 4) + image.narrow(dim, 1, full + 4)
    threes += image.narrow(dim, 2, full + 4)
    sixes = threes.narrow(dim, 0, full) + threes.narrow(dim, 3, full)
    return sixes.add_(image.narrow(dim, 6, full))


def _mean_over_head(local: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return local.mean((1, 2))
    border = WINDOW // 2
    return local[:, mask[border:-border, border:-border]].mean(1)
