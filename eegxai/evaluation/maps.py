"""Stacks of maps in the versions that the study's metrics compare, each computed once."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from eegxai.evaluation import kernels

PERCENTILE = 0.95

# The versions of a chunk of maps are blocks of megabytes. glibc maps such blocks anew each time,
# and the page faults take as long as the sums, until a block has been freed that is as large as
# this one (mallopt(3), M_MMAP_THRESHOLD: 32 MB at most). It is never touched, so it costs nothing.
torch.empty(4_000_000, dtype=torch.float64)


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
    within_one : bool
        Whether each map is known to reach from 0 to 1, or to be NaN.
    """

    pixels: Tensor
    shape: tuple[int, int]
    mask: Tensor | None
    within_one: bool = False

    @cached_property
    def image(self) -> Tensor:
        """Maps (trials, height, width), zero at the pixels that are not valid."""
        if self.mask is None:
            return self.pixels.unflatten(1, self.shape)
        image = self.pixels.new_zeros(len(self.pixels), *self.shape)
        image[:, self.mask] = self.pixels
        return image

    @cached_property
    def mean(self) -> Tensor:
        """Mean over the pixels, (trials,)."""
        return self.pixels.mean(1)

    @cached_property
    def norm(self) -> Tensor:
        """Euclidean length of each map, (trials,)."""
        return torch.linalg.vector_norm(self.pixels, dim=1)

    @cached_property
    def spread(self) -> Tensor:
        """Euclidean length of each map without its mean, for maps within 0 .. 1, (trials,)."""
        n_pixels = self.pixels.shape[1]
        return (self.norm.square() - n_pixels * self.mean.square()).clamp(min=0).sqrt()

    @cached_property
    def data_range(self) -> Tensor:
        """Largest minus smallest value of each map, NaN where they are equal, (trials,)."""
        if self.within_one:
            return 1 + 0 * self.mean
        extent = self.pixels.amax(1) - self.pixels.amin(1)
        return extent.masked_fill(extent == 0, torch.nan)

    def inner(self, other: "Version") -> Tensor:
        """Inner product with the maps of another version, (trials,)."""
        if other not in self._inner:
            self._inner[other] = (self.pixels * other.pixels).sum(1)
        return self._inner[other]

    @cached_property
    def _inner(self) -> dict["Version", Tensor]:
        return {}


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
    def rows(self) -> Tensor:
        """Valid pixels of each map, (trials, valid pixels)."""
        return self.values.flatten(1) if self.mask is None else self.values[:, self.mask]

    @cached_property
    def magnitude(self) -> "Maps":
        """Absolute values of the maps."""
        return Maps(self.values.abs(), self.mask)

    @cached_property
    def standard_ranks(self) -> Tensor:
        """Ranks of each map's valid pixels, centred and of unit length, (trials, valid pixels)."""
        centred = ranks(self.rows) - (self.rows.shape[1] - 1) / 2
        length = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
        return centred / length.masked_fill(length == 0, torch.nan)

    @cached_property
    def raw(self) -> Version:
        """The maps as they are."""
        return self._version(self.rows)

    @cached_property
    def minmax(self) -> Version:
        """Maps brought to 0 .. 1; NaN where constant."""
        return self._version(self._scaled(self.raw.pixels), within_one=True)

    @cached_property
    def clipped(self) -> Version:
        """Positive part brought to 0 .. 1; NaN where nothing is positive."""
        return self._version(self._scaled_positive(self.raw.pixels), within_one=True)

    @cached_property
    def top5(self) -> Version:
        """Values below the 95th percentile set to zero; NaN where nothing is positive."""
        kept = _from(self.raw.pixels, self._percentile)
        positive = torch.ones_like(self.highest).masked_fill(self.highest <= 0, torch.nan)
        return self._version(kept.mul_(positive[:, None]))

    @cached_property
    def minmax_top5(self) -> Version:
        """Maps brought to 0 .. 1, then values below the 95th percentile set to zero."""
        threshold = self._scaled(self._percentile[:, None])[:, 0]
        return self._version(_from(self.minmax.pixels, threshold))

    @cached_property
    def support(self) -> Version:
        """One where the map is not zero, else zero; NaN where it is zero everywhere or NaN."""
        nonzero = as_numbers(torch.ne, self.rows, self.rows.new_zeros(()))
        largest = torch.maximum(self.highest.abs(), self.lowest.abs())
        return self._version(nonzero.mul_((largest / largest)[:, None]))

    @cached_property
    def n_positive(self) -> Tensor:
        """Number of positive pixels of each map, (trials,)."""
        return (self.rows > 0).sum(1)

    def top_k(self, reference: "Maps") -> Version:
        """Clipped maps below their K-th largest value set to zero, K = the reference's positives.

        Ties with the K-th largest value stay, so more than K can; with K = 0 nothing stays.
        """
        if reference not in self._top_k:
            kth = kth_largest(self.rows, reference.n_positive)
            threshold = self._scaled_positive(kth[:, None])[:, 0]
            self._top_k[reference] = self._version(_from(self.clipped.pixels, threshold))
        return self._top_k[reference]

    @cached_property
    def _top_k(self) -> dict["Maps", Version]:
        return {}

    @cached_property
    def lowest(self) -> Tensor:
        """Smallest value of each map, (trials,)."""
        return self.rows.amin(1)

    @cached_property
    def highest(self) -> Tensor:
        """Largest value of each map, (trials,)."""
        return self.rows.amax(1)

    @cached_property
    def _percentile(self) -> Tensor:
        # The percentile lies between two order statistics (linear interpolation), so keeping what
        # is not below it is keeping what is not below the upper of the two.
        n_trials, n_pixels = self.rows.shape
        count = n_pixels - math.ceil(PERCENTILE * (n_pixels - 1))
        return kth_largest(self.rows, torch.full((n_trials,), count, device=self.rows.device))

    def _scaled(self, values: Tensor) -> Tensor:
        lowest, highest = self.lowest[:, None], self.highest[:, None]
        return (values - lowest).div_(highest - lowest)

    def _scaled_positive(self, values: Tensor) -> Tensor:
        lowest, highest = (edge.clamp(min=0)[:, None] for edge in (self.lowest, self.highest))
        return values.clamp(min=0).sub_(lowest).div_(highest - lowest)

    def _version(self, pixels: Tensor, within_one: bool = False) -> Version:
        shape = self.values.shape[1], self.values.shape[2]
        return Version(pixels, shape, self.mask, within_one)


def as_numbers(compare: Callable[..., Tensor], pixels: Tensor, level: Tensor) -> Tensor:
    """One where a comparison with a level holds, else zero, in the pixels' precision."""
    # Written as numbers at once: much faster here than a boolean that is then cast.
    return compare(pixels, level, out=torch.empty_like(pixels))


def _from(pixels: Tensor, threshold: Tensor) -> Tensor:
    """Values that are not below each map's threshold; zero elsewhere."""
    return as_numbers(torch.ge, pixels, threshold[:, None]).mul_(pixels)


def ranks(rows: Tensor) -> Tensor:
    """Ranks from 0 within each row, in float64; equal values share the mean of their places."""
    places = torch.arange(rows.shape[1], dtype=torch.float64, device=rows.device)
    order = ascending(rows)
    shared = _shared_places(rows.gather(1, order), places)
    return torch.empty_like(shared).scatter_(1, order, shared)


def _shared_places(ordered: Tensor, places: Tensor) -> Tensor:
    """Places of sorted values; the mean place wherever neighbours are equal."""
    tied = ordered[:, 1:] == ordered[:, :-1]
    if not tied.any():
        return places.expand_as(ordered).contiguous()
    first = places.masked_fill(pad(tied, (1, 0)), 0).cummax(1).values
    ends = places.masked_fill(pad(tied, (0, 1)), torch.inf)
    last = ends.flip(1).cummin(1).values.flip(1)
    return (first + last) / 2


def ascending(rows: Tensor) -> Tensor:
    """Places of each row's values from the smallest to the largest, (trials, values)."""
    if rows.device.type == "cpu":
        return kernels.order(rows.double())
    return rows.argsort(dim=1, stable=True)


def kth_largest(rows: Tensor, counts: Tensor) -> Tensor:
    """K-th largest value of each row, infinity where K = 0, (trials,)."""
    if rows.device.type == "cpu":
        return kernels.kth_largest(rows, counts)
    largest = rows.sort(1, descending=True).values
    found = largest.gather(1, (counts - 1).clamp(min=0)[:, None])[:, 0]
    return found.masked_fill(counts == 0, torch.inf)
