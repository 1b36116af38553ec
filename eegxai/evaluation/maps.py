"""Stacks of maps in the versions that the study's metrics compare, each computed once."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

PERCENTILE = 0.95
WINDOW = 7
AREA = WINDOW**2
STRIDE = 17  # one pixel in so many is looked at to guess a threshold

# The versions of a chunk of maps are blocks of megabytes. glibc maps such blocks anew each time,
# and the page faults take as long as the sums, until a block has been freed that is as large as
# this one (mallopt(3), M_MMAP_THRESHOLD: 32 MB at most). It is never touched, so it costs nothing.
torch.empty(4_000_000, dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Version:
    """One version of a stack of maps, with the moments that several metrics share.

    Trials are the last axis: sums over windows and over pixels then run along memory, several
    times faster than with the trials first.

    Attributes
    ----------
    pixels : Tensor (valid pixels, trials)
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
        """Maps (height, width, trials), zero at the pixels that are not valid."""
        if self.mask is None:
            return self.pixels.unflatten(0, self.shape)
        image = self.pixels.new_zeros(*self.shape, self.pixels.shape[1])
        image[self.mask] = self.pixels
        return image

    @cached_property
    def mean(self) -> Tensor:
        """Mean over the pixels, (trials,)."""
        return self.pixels.mean(0)

    @cached_property
    def norm(self) -> Tensor:
        """Euclidean length of each map, (trials,)."""
        return self.pixels.square().sum(0).sqrt()

    @cached_property
    def spread(self) -> Tensor:
        """Euclidean length of each map without its mean, for maps within 0 .. 1, (trials,)."""
        return (self.norm.square() - len(self.pixels) * self.mean.square()).clamp(min=0).sqrt()

    @cached_property
    def data_range(self) -> Tensor:
        """Largest minus smallest value of each map, NaN where they are equal, (trials,)."""
        if self.within_one:
            return 1 + 0 * self.mean
        rows = self.pixels.T.contiguous()  # few trials: extremes are slow along the first axis
        extent = rows.amax(1) - rows.amin(1)
        return extent.masked_fill(extent == 0, torch.nan)

    @cached_property
    def local_sum(self) -> Tensor:
        """Sum over every full window, (height - 6, width - 6, trials)."""
        return window_sum(self.image)

    @cached_property
    def local_variance(self) -> Tensor:
        """Variance in every full window, times the square of the window's area."""
        squares = window_sum(self.image.square())
        return squares.mul_(AREA).addcmul_(self.local_sum, self.local_sum, value=-1)


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
        return self._version(self.rows.T.contiguous())

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
        nothing_positive = self.highest <= 0
        below = torch.zeros_like(self.highest).masked_fill(nothing_positive, torch.nan)
        threshold = self._percentile.masked_fill(nothing_positive, torch.inf)
        return self._version(torch.where(self.raw.pixels < threshold, below, self.raw.pixels))

    @cached_property
    def minmax_top5(self) -> Version:
        """Maps brought to 0 .. 1, then values below the 95th percentile set to zero."""
        return self._from(self.minmax, self._scaled(self._percentile))

    @cached_property
    def support(self) -> Version:
        """One where the map is not zero, else zero; NaN where it is zero everywhere or NaN."""
        nonzero = as_numbers(torch.ne, self.raw.pixels)
        largest = torch.maximum(self.highest.abs(), self.lowest.abs())
        return self._version(nonzero.mul_(largest / largest))

    @cached_property
    def n_positive(self) -> list[int]:
        """Number of positive pixels of each map."""
        return (self.rows > 0).sum(1).tolist()

    def top_k(self, reference: "Maps") -> Version:
        """Clipped maps below their K-th largest value set to zero, K = the reference's positives.

        Ties with the K-th largest value stay, so more than K can; with K = 0 nothing stays.
        """
        if reference not in self._top_k:
            threshold = self._scaled_positive(kth_largest(self.rows, reference.n_positive))
            self._top_k[reference] = self._from(self.clipped, threshold)
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
        n_pixels = self.rows.shape[1]
        count = n_pixels - math.ceil(PERCENTILE * (n_pixels - 1))
        return kth_largest(self.rows, [count] * len(self.rows))

    def _scaled(self, values: Tensor) -> Tensor:
        return (values - self.lowest) / (self.highest - self.lowest)

    def _scaled_positive(self, values: Tensor) -> Tensor:
        lowest, highest = self.lowest.clamp(min=0), self.highest.clamp(min=0)
        return values.clamp(min=0).sub_(lowest).div_(highest - lowest)

    def _from(self, version: Version, threshold: Tensor) -> Version:
        below = version.pixels < threshold
        return self._version(version.pixels.masked_fill(below, 0))

    def _version(self, pixels: Tensor, within_one: bool = False) -> Version:
        shape = self.values.shape[1], self.values.shape[2]
        return Version(pixels, shape, self.mask, within_one)


def as_numbers(compare: Callable[..., Tensor], pixels: Tensor) -> Tensor:
    """One where a comparison with zero holds, else zero, in the pixels' precision."""
    # Written as numbers at once: much faster here than a boolean that is then cast.
    return compare(pixels, pixels.new_zeros(()), out=torch.empty_like(pixels))


def ranks(rows: Tensor) -> Tensor:
    """Ranks from 0 within each row, in float64; equal values share the mean of their places."""
    ordered, order = rows.sort(1)
    places = torch.arange(rows.shape[1], dtype=torch.float64, device=rows.device)
    shared = _shared_places(ordered, places)
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


def kth_largest(rows: Tensor, counts: list[int]) -> Tensor:
    """K-th largest value of each row, infinity where K = 0, (trials,)."""
    if rows.is_cuda:  # where one sort of all rows is faster than many small selections
        order = rows.new_tensor(counts, dtype=torch.long).sub(1)
        largest = rows.sort(1, descending=True).values
        found = largest.gather(1, order.clamp(min=0)[:, None])[:, 0]
        return found.masked_fill(order < 0, torch.inf)
    pairs = zip(rows, counts, strict=True)
    return torch.stack(
        [_select(row, count) if count else row.new_tensor(torch.inf) for row, count in pairs]
    )


def _select(row: Tensor, count: int) -> Tensor:
    """K-th largest of the values that a sample says are large; of all, where it misleads."""
    expected = count / STRIDE
    rank = math.ceil(expected + 4 * math.sqrt(expected)) + 1
    sample = row[::STRIDE]
    if rank < len(sample):
        floor = sample.kthvalue(len(sample) - rank + 1).values
        large = row[row >= floor]
        if len(large) >= count:
            row = large
    return row.kthvalue(len(row) - count + 1).values


def window_sum(image: Tensor) -> Tensor:
    """Sum over every full window of images (height, width, trials)."""
    return image.unfold(0, WINDOW, 1).sum(-1).unfold(1, WINDOW, 1).sum(-1)
