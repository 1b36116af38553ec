"""How much a method's maps change with what they explain: checks that need no ground truth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import mne
import pandas as pd
from torch import Tensor

from eegxai.evaluation.controls.null_maps import (
    SURROGATE,
    UNTRAINED,
    noise_maps,
    phase_randomized,
)
from eegxai.evaluation.controls.sanity_checks import (
    UNTRAINED_CHECKS,
    ExplainedTrials,
    Variant,
    variants,
)
from eegxai.evaluation.maps.domains import has_topography
from eegxai.evaluation.maps.explanation import Explain
from eegxai.evaluation.maps.stacks import evenly_spaced
from eegxai.evaluation.modes import EVALUATION_MODES, MapComparison
from eegxai.evaluation.score_rows import (
    GROUND_TRUTH,
    CheckStep,
    MapsByDomain,
    Rows,
    compared,
    joined_rows,
    maps_by_domain,
    over_draws,
    rows_of,
    with_levels,
)

N_NOISE_TRIALS = 64  # enough for the mean similarity of noise, at a quarter of the cost of 256


@dataclass(frozen=True, eq=False)
class Robustness:
    """Checks that compare a method's maps with those of other classes and other weights.

    Attributes
    ----------
    explained : ExplainedTrials
        Decoder, trials and classes.
    info : mne.Info
        The channels.
    comparison : Comparison
        How maps are compared, and on which domains.
    checks : sequence of str
        Names in ``CHECKS``.
    """

    explained: ExplainedTrials
    info: mne.Info
    comparison: MapComparison
    checks: Sequence[str]

    def against_noise(self, original: Tensor) -> Iterator[Rows]:
        """Similarities of white noise to some of the original maps, evenly spaced among all."""
        how = self.comparison
        some = original[evenly_spaced(len(original), N_NOISE_TRIALS)]
        reference = maps_by_domain(some, self.info, how.domains)
        for check, noise in noise_maps(some, self.explained.seed).items():
            pair = maps_by_domain(noise, self.info, how.domains), reference
            scores = compared(CheckStep(check), *pair, how.against_original, how.score_original)
            yield from map(rows_of, scores)

    def against_original(
        self, explain: Explain, maps: Mapping[str, MapsByDomain], method: str = ""
    ) -> Iterator[Rows]:
        """Similarities to the original maps: of random ones, and after each randomization.

        Parameters
        ----------
        explain : callable
            ``(decoder, x, target) -> Tensor`` of x's shape.
        maps : mapping
            Its maps by domain, of the decoder (``GROUND_TRUTH``) and of the untrained one
            (``UNTRAINED``).
        method : str
            Name of the method, see ``METHODS_ORIGINAL_FIRST`` in ``eegxai.evaluation.modes``.
        """
        how, original = self.comparison, maps[GROUND_TRUTH]
        metrics = how.against_original, how.score_original
        surrogates = {name: [phase_randomized(m) for m in each] for name, each in original.items()}
        yield from map(rows_of, compared(CheckStep(SURROGATE), surrogates, original, *metrics))
        for variant in variants(self.explained, self.checks):
            change = variant.change
            where = CheckStep(variant.check, variant.step, change.layer, change.layers_randomized)
            turned = how.original_first.get((variant.check, method), ())
            draws = [
                joined_rows(map(rows_of, compared(where, changed, original, *metrics, turned)))
                for changed in self._changed(explain, variant, maps)
            ]
            yield over_draws(draws)

    def _changed(
        self, explain: Explain, variant: Variant, maps: Mapping[str, MapsByDomain]
    ) -> Iterator[MapsByDomain]:
        """Maps after a change, of each draw of random weights."""
        change = variant.change
        for decoder in (change.decoder, *change.redrawn):
            if self.explained.is_untrained(replace(change, decoder=decoder)):
                yield maps[UNTRAINED]
            else:
                changed = explain(decoder, self.explained.x, change.target)
                yield maps_by_domain(changed, self.info, self.comparison.domains)


def evaluate_robustness(
    explain: Explain,
    explained: ExplainedTrials,
    info: mne.Info,
    checks: Sequence[str],
    original: Tensor | None = None,
) -> pd.DataFrame:
    """Score what can be scored of an explanation method where no ground truth is known.

    Parameters
    ----------
    explain : callable
        ``(decoder, x, target) -> Tensor`` of x's shape.
    explained : ExplainedTrials
        Decoder, trials and classes, see ``choose_explained``.
    info : mne.Info
        The channels. Where these have no topography, maps are compared as they are alone.
    checks : sequence of str
        Names in ``CHECKS``.
    original : Tensor (trials, channels, times), optional
        The method's maps, for callers who have them already.

    Returns
    -------
    DataFrame
        The rows of :func:`eegxai.evaluation.evaluate` that compare with the original maps.
    """
    how = EVALUATION_MODES["corrected"]
    if not has_topography(info):
        how = replace(how, domains=("channel_time",))
    robustness = Robustness(explained, info, how, checks)
    trials = explained.x, explained.target
    own = explain(explained.decoder, *trials) if original is None else original
    maps = {GROUND_TRUTH: maps_by_domain(own, info, how.domains)}
    if not UNTRAINED_CHECKS.isdisjoint(checks):
        untrained = explain(explained.untrained_decoder, *trials)
        maps[UNTRAINED] = maps_by_domain(untrained, info, how.domains)
    return with_levels(
        [*robustness.against_noise(own), *robustness.against_original(explain, maps)]
    )
