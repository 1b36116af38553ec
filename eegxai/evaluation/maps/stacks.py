"""Stacks of maps, and the versions of them that the study's metrics compare, each computed once."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from eegxai.evaluation.maps.reductions import ascending, kth_largest, moments, overlap
from eegxai.evaluation.maps.torch_reductions import version_values
from eegxai.evaluation.maps.window import WINDOW

PERCENTILE = 0.95
NEVER = torch.finfo(torch.float64).min  # as a threshold or a floor


def evenly_spaced(n_trials: int, most: int) -> slice:
    """At most so many of the trials, evenly spaced."""
    return slice(None, None, max(1, math.ceil(n_trials / most)))


class MapMoments(NamedTuple):
    """Sums over the pixels of each map, (trials,)."""

    total: Tensor
    squares: Tensor
    n_positive: Tensor


class Overlap(NamedTuple):
    """Sums over the pixels of two maps, (trials,); see ``torch_reductions.overlap``."""

    inner: Tensor
    mass: Tensor
    hits: Tensor


@dataclass(frozen=True, eq=False)
class Version:
    """One version of a stack of maps, with the sums that several metrics share.

    Attributes
    ----------
    rows : Tensor (trials, valid pixels)
        The maps that it is a version of.
    image : Tensor (trials, height, width)
        The same, with values below every threshold at the pixels that are not valid.
    windows : Tensor (height - 6, width - 6)
        Equal weights for the full windows whose centre is valid, zero for the others.
    form : Tensor (4, trials)
        How its values follow from those of the maps, see ``torch_reductions``.
    data_range : Tensor (trials,)
        Largest minus smallest value of each map, NaN where they are equal.
    """

    rows: Tensor
    image: Tensor
    windows: Tensor
    form: Tensor
    data_range: Tensor

    @property
    def pixels(self) -> Tensor:
        """Values, (trials, valid pixels)."""
        return version_values(self.rows, self.form)

    @property
    def n_pixels(self) -> int:
        """Number of valid pixels."""
        return self.rows.shape[1]

    @cached_property
    def moments(self) -> MapMoments:
        """Sums over the pixels."""
        return MapMoments(*moments(self.rows, self.form).T)

    @property
    def mean(self) -> Tensor:
        """Mean over the pixels, (trials,)."""
        return self.moments.total / self.n_pixels

    @property
    def norm(self) -> Tensor:
        """Euclidean length of each map, (trials,)."""
        return self.moments.squares.sqrt()

    @property
    def spread(self) -> Tensor:
        """Euclidean length of each map without its mean, for maps within 0 .. 1, (trials,)."""
        return (self.moments.squares - self.n_pixels * self.mean.square()).clamp(min=0).sqrt()

    def overlap(self, other: "Version") -> Overlap:
        """Sums over the overlap with a version of other maps."""
        if other not in self._overlaps:
            pair = self.rows, self.form, other.rows, other.form
            self._overlaps[other] = Overlap(*overlap(*pair).T)
        return self._overlaps[other]

    @cached_property
    def _overlaps(self) -> dict["Version", Overlap]:
        return {}


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps to compare, with the versions that the metrics need.

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
    def image(self) -> Tensor:
        """The maps, with values below every threshold at the pixels that are not valid."""
        if self.mask is None:
            return self.values
        return self.values.masked_fill(~self.mask, -torch.inf)

    @cached_property
    def windows(self) -> Tensor:
        """Equal weights of the full windows whose centre is valid, zero of the others."""
        ones = self.values.new_ones(self.values.shape[1:])
        centres = ones if self.mask is None else ones * self.mask
        border = WINDOW // 2
        inside = centres[border:-border, border:-border]
        return inside / inside.sum()

    @cached_property
    def magnitude(self) -> "Maps":
        """Absolute values of the maps."""
        return Maps(self.values.abs(), self.mask)

    @cached_property
    def whole(self) -> "WholeMaps":
        """The maps with every pixel valid, as the study's code compares them."""
        return WholeMaps(self.values)

    @cached_property
    def standard_ranks(self) -> Tensor:
        """Ranks of each map's valid pixels, centred and of unit length, (trials, valid pixels)."""
        centred = ranks(self.rows) - (self.rows.shape[1] - 1) / 2
        length = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
        return centred / length.masked_fill(length == 0, torch.nan)

    @cached_property
    def raw(self) -> Version:
        """The maps as they are."""
        extent = self.highest - self.lowest
        return self._version(
            extent.masked_fill(extent == 0, torch.nan), gain=torch.ones_like(extent)
        )

    @cached_property
    def minmax(self) -> Version:
        """Maps scaled to 0 .. 1; NaN where constant."""
        return self._scaled(self.lowest, self.highest)

    @cached_property
    def clipped(self) -> Version:
        """Positive part scaled to 0 .. 1; NaN where nothing is positive."""
        lowest, highest = self.lowest.clamp(min=0), self.highest.clamp(min=0)
        return self._scaled(lowest, highest, floor=torch.zeros_like(lowest))

    @cached_property
    def top5(self) -> Version:
        """Values below the 95th percentile set to zero; NaN where nothing is positive."""
        kept = self._percentile
        lowest = torch.where(self.lowest < kept, kept.clamp(max=0), kept)
        positive = torch.ones_like(kept).masked_fill(self.highest <= 0, torch.nan)
        extent = self.highest - lowest
        return self._version(
            extent.masked_fill(extent == 0, torch.nan), gain=positive, threshold=kept
        )

    @cached_property
    def minmax_top5(self) -> Version:
        """Maps scaled to 0 .. 1, then values below the 95th percentile set to zero."""
        return self._scaled(self.lowest, self.highest, threshold=self._percentile)

    @cached_property
    def n_positive(self) -> Tensor:
        """Number of positive pixels of each map, (trials,)."""
        return self.raw.moments.n_positive.long()

    @property
    def is_zero(self) -> Tensor:
        """Whether a map is zero at every valid pixel, (trials,)."""
        return ~self.rows.any(1)

    def top_k(self, reference: "Maps") -> Version:
        """Clipped maps with values below their K-th largest set to zero.

        K is the number of the reference's positive values. Ties with the K-th largest value are
        kept, so there can be more than K; with K = 0 nothing is kept.
        """
        if reference not in self._top_k:
            kth = kth_largest(self.rows, reference.n_positive)
            form = torch.cat([self.clipped.form[:-1], kth[None]])
            self._top_k[reference] = replace(self.clipped, form=form)
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
        # The percentile lies between two order statistics (linear interpolation), so the values
        # that are not below it are those that are not below the upper of the two.
        n_trials, n_pixels = self.rows.shape
        count = n_pixels - math.ceil(PERCENTILE * (n_pixels - 1))
        return kth_largest(self.rows, torch.full((n_trials,), count, device=self.rows.device))

    def _scaled(self, lowest: Tensor, highest: Tensor, **form: Tensor) -> Version:
        """Version that ranges from 0 to 1, or is NaN."""
        gain = 1 / (highest - lowest)
        return self._version(0 * gain + 1, offset=lowest, gain=gain, **form)

    def _version(
        self,
        data_range: Tensor,
        *,
        gain: Tensor,
        floor: Tensor | None = None,
        offset: Tensor | None = None,
        threshold: Tensor | None = None,
    ) -> Version:
        never, nothing = torch.full_like(gain, NEVER), torch.zeros_like(gain)
        parts = (
            never if floor is None else floor,
            nothing if offset is None else offset,
            gain,
            never if threshold is None else threshold,
        )
        return Version(self.rows, self.image, self.windows, torch.stack(parts), data_range)


class WholeMaps(Maps):
    """Maps of which the study's code counts every pixel: outside the head a topography is zero."""

    @cached_property
    def n_positive(self) -> Tensor:
        """Number of positive pixels, (trials,); of all pixels where none is positive.

        The code keeps the last K sorted values with a slice from -K, which is all of them at K = 0.
        """
        counted = super().n_positive
        return counted.masked_fill(counted == 0, self.rows.shape[1])


def ranks(rows: Tensor) -> Tensor:
    """Ranks from 0 within each row, in float64; equal values share their mean rank."""
    positions = torch.arange(rows.shape[1], dtype=torch.float64, device=rows.device)
    order = ascending(rows)
    shared = _shared_positions(rows.gather(1, order), positions)
    return torch.empty_like(shared).scatter_(1, order, shared)


def _shared_positions(ordered: Tensor, positions: Tensor) -> Tensor:
    """Ranks of sorted values; the mean rank wherever neighbours are equal."""
    tied = ordered[:, 1:] == ordered[:, :-1]
    if not tied.any():
        return positions.expand_as(ordered).contiguous()
    first = positions.masked_fill(pad(tied, (1, 0)), 0).cummax(1).values
    ends = positions.masked_fill(pad(tied, (0, 1)), torch.inf)
    last = ends.flip(1).cummin(1).values.flip(1)
    return (first + last) / 2
