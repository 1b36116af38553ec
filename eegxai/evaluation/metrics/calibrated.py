"""Metrics whose chance level and maximum are known: the calibrated mode.

The truth is where the reference reaches half of its peak, so that a dense reference (an
interpolated topography, another map) does not make every pixel true. ``_signed`` versions take a
map's values as they are: relevance for the class is large, relevance against it small.
``_magnitude`` versions take absolute values. NaN where no score is defined: for constant maps, and
for references without a positive peak or whose truth is everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from eegxai.evaluation.maps.domains import DOMAINS
from eegxai.evaluation.maps.reductions import ascending
from eegxai.evaluation.maps.stacks import Maps
from eegxai.evaluation.metrics.study import Metric
from eegxai.registry import Registry

TRUTH_SHARE = 0.5  # of a reference's peak; see docs/evaluation.md for the densities it gives

CALIBRATED_METRICS: dict[str, Metric] = Registry("calibrated metric")


@dataclass(frozen=True, eq=False)
class PixelOrder:
    """Pixels in the order of their relevance, whatever is true.

    Attributes
    ----------
    relevance : Tensor (trials, pixels)
        Of any scale.
    """

    relevance: Tensor

    @cached_property
    def pixels(self) -> Tensor:
        """The pixels, the most relevant first, (trials, pixels)."""
        return ascending(self.relevance).flip(1)

    @cached_property
    def first(self) -> Tensor:
        """First position of the tie to which each position belongs, (trials, pixels)."""
        starts = pad(self._differs, (1, 0), value=True)
        return self._places.masked_fill(~starts, 0).cummax(1).values

    @cached_property
    def last(self) -> Tensor:
        """Last position of the tie to which each position belongs, (trials, pixels)."""
        ends = pad(self._differs, (0, 1), value=True)
        later = self._places.masked_fill(~ends, self.relevance.shape[1])
        return later.flip(1).cummin(1).values.flip(1)

    @cached_property
    def _differs(self) -> Tensor:
        values = self.relevance.gather(1, self.pixels)
        return values[:, 1:] != values[:, :-1]

    @property
    def _places(self) -> Tensor:
        shape, device = self.relevance.shape, self.relevance.device
        return torch.arange(shape[1], device=device).expand(shape)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Pixels in the order of their relevance, and which of them are true.

    Attributes
    ----------
    order : Order
    true : Tensor (trials, pixels)
        Where the truth is, bool.
    """

    order: PixelOrder
    true: Tensor

    @cached_property
    def hits(self) -> Tensor:
        """Number of true pixels among the n most relevant, n = 0 .. all, (trials, pixels + 1)."""
        return pad(self.true.gather(1, self.order.pixels).cumsum(1, dtype=torch.float64), (1, 0))


RankingMeasure = Callable[[Ranking], Tensor]


@lru_cache(maxsize=1)  # one mask serves all metrics of a pair of maps
def truth_mask(reference: Maps) -> Tensor:
    """Where the magnitude of the reference reaches half of its peak, (trials, pixels) bool."""
    magnitude = reference.rows.abs()
    peak = magnitude.amax(1, keepdim=True)
    return (magnitude >= TRUTH_SHARE * peak) & (peak > 0)


@lru_cache(maxsize=1)
def _share(reference: Maps) -> Tensor:
    return truth_mask(reference).double().mean(1)


def _where_defined(function: Metric, attribution: Maps, reference: Maps) -> Tensor:
    share, varies = _share(reference), attribution.highest > attribution.lowest  # false for NaN
    defined = varies & (share > 0) & (share < 1)
    return function(attribution, reference).double().masked_fill(~defined, torch.nan)


def calibrated(name: str) -> Callable[[Metric], Metric]:
    """Register the decorated metric; it is undefined for constant maps and empty truths."""

    def register(function: Metric) -> Metric:
        CALIBRATED_METRICS[name] = partial(_where_defined, function)
        return function

    return register


def relevance_mass(ranking: Ranking) -> Tensor:
    """Share of the positive relevance that lies on the truth, (trials,) in 0 .. 1.

    Arras et al., Information Fusion 81:14, 2022. Chance is the density of the truth.
    """
    positive = ranking.order.relevance.clamp(min=0)
    return (positive * ranking.true).sum(1) / positive.sum(1)


def relevance_rank(ranking: Ranking) -> Tensor:
    """Share of the K most relevant pixels that lie on the truth, K = its size, (trials,) in 0 .. 1.

    Arras et al., Information Fusion 81:14, 2022. Among pixels that tie for the K-th rank each is
    equally likely to be taken: the score is the mean over all orders, whatever the order of the
    pixels. Chance is the density of the truth.
    """
    n_true = ranking.true.sum(1, keepdim=True)
    kth = n_true.clamp(min=1) - 1
    start, end = ranking.order.first.gather(1, kth), ranking.order.last.gather(1, kth)
    before, upto = ranking.hits.gather(1, start), ranking.hits.gather(1, end + 1)
    # Of integers: torch would divide them in single precision.
    taken = (n_true - start).double() / (end + 1 - start)
    return ((before + (upto - before) * taken) / n_true)[:, 0]


def average_precision(ranking: Ranking) -> Tensor:
    """Area under the precision-recall curve as average precision, (trials,) in 0 .. 1.

    A threshold takes all tied pixels at once, as in scikit-learn. Chance is about the density of
    the truth (Davis & Goadrich, ICML 2006).
    """
    taken = ranking.order.last + 1
    precision = ranking.hits.gather(1, taken) / taken
    return (ranking.hits.diff(dim=1) * precision).sum(1) / ranking.hits[:, -1]


def roc_area(ranking: Ranking) -> Tensor:
    """Probability that a true pixel has more relevance than another, (trials,) in 0 .. 1.

    The area under the receiver operating characteristic; a tie counts half. Chance is 0.5.
    """
    hits = ranking.hits
    false = torch.arange(hits.shape[1], device=hits.device) - hits
    above = (false.gather(1, ranking.order.first) + false.gather(1, ranking.order.last + 1)) / 2
    return 1 - (hits.diff(dim=1) * above).sum(1) / (hits[:, -1] * false[:, -1])


@calibrated("density")
def density(attribution: Maps, reference: Maps) -> Tensor:
    """Share of the pixels that are true, (trials,): the chance level of mass and rank."""
    return _share(reference)


@calibrated("pointing_time")
def pointing_time(attribution: Maps, reference: Maps) -> Tensor:
    """One where the most relevant sample is true in some channel, else zero, (trials,).

    The pointing game (Zhang et al., Int. J. Comput. Vis. 126:1084, 2018) on the magnitudes summed
    over channels; the mean over ties. NaN on topographies.
    """
    return _pointing(attribution, reference, axis=2)


@calibrated("pointing_channel")
def pointing_channel(attribution: Maps, reference: Maps) -> Tensor:
    """One where the most relevant channel is true at some sample, else zero, (trials,).

    As ``pointing_time``, on the magnitudes summed over time.
    """
    return _pointing(attribution, reference, axis=1)


def _pointing(attribution: Maps, reference: Maps, axis: int) -> Tensor:
    """Share of the profile's largest entries along an axis that lie on the truth's profile."""
    if attribution.mask is not None:
        return attribution.rows.new_full((len(attribution.rows),), torch.nan)
    other = 3 - axis
    profile = attribution.values.abs().sum(other)
    true = truth_mask(reference).view_as(attribution.values).any(other)
    largest = profile == profile.amax(1, keepdim=True)
    return (largest & true).sum(1) / largest.sum(1).double()


RANKING_MEASURES: dict[str, RankingMeasure] = {
    "mass": relevance_mass,
    "rank": relevance_rank,
    "auprc": average_precision,
    "auroc": roc_area,
}
MAP_READINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "signed": Tensor.clone,
    "magnitude": Tensor.abs,
}


# One sort serves all measures of maps, with the planted and with the ideal truth, which come domain
# by domain after each other.
@lru_cache(maxsize=len(MAP_READINGS) * len(DOMAINS))
def _order_by_relevance(reading: str, attribution: Maps) -> PixelOrder:
    return PixelOrder(MAP_READINGS[reading](attribution.rows))


@lru_cache(maxsize=len(MAP_READINGS))
def _ranking(reading: str, attribution: Maps, reference: Maps) -> Ranking:
    return Ranking(_order_by_relevance(reading, attribution), truth_mask(reference))


def _ranking_measure(
    measure: RankingMeasure, reading: str, attribution: Maps, reference: Maps
) -> Tensor:
    return measure(_ranking(reading, attribution, reference))


for _measure in RANKING_MEASURES:
    for _reading in MAP_READINGS:
        calibrated(f"{_measure}_{_reading}")(
            partial(_ranking_measure, RANKING_MEASURES[_measure], _reading)
        )
