"""What maps of a decoder's trials are compared with: the planted signal, the ideal, the use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import mne
import numpy as np
import torch
from torch import Tensor

from eegxai.evaluation.controls.null_maps import input_controls
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials
from eegxai.evaluation.evaluation_spec import EvaluationSpec
from eegxai.evaluation.maps.explanation import Explanation, product
from eegxai.evaluation.maps.stacks import evenly_spaced
from eegxai.evaluation.metrics.earth_movers import earth_movers_scores
from eegxai.evaluation.metrics.frequency import frequency_scores
from eegxai.evaluation.metrics.physical import SourceTruth, physical_scores
from eegxai.evaluation.references.ideal import IdealObserver
from eegxai.evaluation.references.use import DecoderUse, decoder_use
from eegxai.evaluation.references.use_scores import (
    PERMUTED_PIECES,
    PLANTED_SIGNAL,
    SPLIT_HALF,
    USED,
    SumsByFamily,
    permuted,
    piece_sums,
    planted_signal,
    split_half,
    use_scores,
)
from eegxai.evaluation.score_rows import (
    GROUND_TRUTH,
    IDEAL_OBSERVER,
    CheckStep,
    MapsByDomain,
    TrialScores,
    compared,
    maps_by_domain,
)
from eegxai.evaluation.scoring import reference_maps

N_USE_TRIALS = 64  # their use is asked: two passes for each of 83 pieces, with 62 channels


@dataclass(frozen=True, eq=False)
class MapReferences:
    """What the maps of explained trials are compared with: the same for all methods on a decoder.

    Whoever scores several methods makes it once (:meth:`of_explained`).

    Attributes
    ----------
    explained : ExplainedTrials
        Decoder, trials and classes.
    signal : Tensor (trials, channels, times)
        Their noiseless sensor signal in µV.
    info : mne.Info
        The channels.
    spec : EvaluationSpec
        What is compared, and how.
    known : SourceTruth, optional
        What else is known of these trials.
    ideal : IdealObserver, optional
        That of these trials.
    given_use : DecoderUse, optional
        What the decoder used of :attr:`use_trials`, where it is known already.
    """

    explained: ExplainedTrials
    signal: Tensor
    info: mne.Info
    spec: EvaluationSpec
    known: SourceTruth | None = None
    ideal: IdealObserver | None = None
    given_use: DecoderUse | None = None

    @classmethod
    def of_explained(
        cls,
        explained: ExplainedTrials,
        ground_truth: Tensor,
        info: mne.Info,
        spec: EvaluationSpec,
        known: SourceTruth | None = None,
        ideal: IdealObserver | None = None,
        use: DecoderUse | None = None,
    ) -> Self:
        """References of what is explained, from those of all trials that were chosen from.

        ``ground_truth``, ``known`` and ``ideal`` are of all trials, ``use`` of those that
        :func:`used_by` asks. What the mode of evaluation does not compare with is left out.

        Raises
        ------
        ValueError
            When ``known`` or ``ideal`` are of another number of trials than ``ground_truth``.
        """
        _check_trials("known", known.ground_truth if known else ground_truth, ground_truth)
        _check_trials("ideal", ideal.x if ideal else ground_truth, ground_truth)
        chosen, how = explained.chosen.cpu(), spec.comparison
        return cls(
            explained,
            ground_truth[chosen.to(ground_truth.device)].to(explained.x.device),
            info,
            spec,
            known.of(chosen.numpy()) if known and how.physical else None,
            ideal.of(chosen.numpy()) if ideal and how.against_ideal else None,
            use,
        )

    @cached_property
    def use(self) -> DecoderUse | None:
        """What the decoder used of :attr:`use_trials`; None where maps are not compared with it."""
        if not self.spec.comparison.used:
            return None
        return self.given_use or used_by(self.explained, self.signal, self.info, self.spec)

    @cached_property
    def shared_scores(self) -> list[TrialScores]:
        """Scores of maps that no method makes: controls of the input, and the ideal observer's."""
        maps = input_controls(self.explained.x, self.info, self.spec.comparison.controls)
        if self._ideal_map is not None:
            maps[IDEAL_OBSERVER] = self._ideal_map
        parts = [part for check, said in maps.items() for part in self.scores(check, said)]
        return parts + list(self._use_levels())

    def scores(
        self, check: str, said: Explanation, maps: MapsByDomain | None = None
    ) -> Iterator[TrialScores]:
        """Scores of an explanation against each of the references.

        Parameters
        ----------
        check : str
            Its name in the table.
        said : Explanation
            Of the trials.
        maps : mapping, optional
            Its maps by domain, for callers who have them already.
        """
        where, how = CheckStep(check), self.spec.comparison
        maps = maps or maps_by_domain(said.maps, self.info, how.domains)
        planted = self._planted, how.against_truth, how.score_truth
        yield from compared(where, maps, *planted, kinds=self._kinds)
        if self._ideal_map is not None:
            yield from compared(where, maps, self._ideal, how.against_ideal, how.score_truth)
        if self.known:
            yield from self._physical(where, said, self.known)
        if self.use:
            sums = piece_sums(said.of(self.use_trials), self.info)
            yield from self._used(where, sums, self.use)
            if check == GROUND_TRUTH:
                yield from self._used(CheckStep(PERMUTED_PIECES), permuted(sums), self.use)

    @property
    def use_trials(self) -> slice:
        """Trials whose use is asked: some, evenly spaced."""
        return evenly_spaced(len(self.signal), N_USE_TRIALS)

    @cached_property
    def _planted(self) -> MapsByDomain:
        return self._references(self.signal)

    @cached_property
    def _ideal(self) -> MapsByDomain:
        assert self._ideal_map is not None
        return self._references(self._ideal_map.maps)

    def _references(self, signal: Tensor) -> MapsByDomain:
        threshold = self.spec.truth_threshold
        domains = self.spec.comparison.domains
        return {name: reference_maps(signal, name, self.info, threshold) for name in domains}

    @cached_property
    def _ideal_map(self) -> Explanation | None:
        if self.ideal is None:
            return None
        x, template = (torch.from_numpy(part) for part in (self.ideal.x, self.ideal.template))
        return product(x.to(self.signal.device), template.to(self.signal.device))

    @cached_property
    def _kinds(self) -> Mapping[str, np.ndarray]:
        """Which trials are evoked and which oscillatory; nothing where all are of one kind.

        A trial in which nothing is planted is neither.
        """
        if self.known is None:
            return {}
        oscillatory = np.isfinite(self.known.low_hz)
        evoked = ~oscillatory & self.signal.flatten(1).any(1).cpu().numpy()
        kinds = {"evoked": evoked, "oscillatory": oscillatory}
        return kinds if evoked.any() and oscillatory.any() else {}

    def _physical(
        self, where: CheckStep, said: Explanation, known: SourceTruth
    ) -> Iterator[TrialScores]:
        """Errors in ms, mm and Hz; the last where a band is planted and the map can say it."""
        maps = said.maps.cpu().numpy()
        moved = earth_movers_scores(maps, known.ground_truth, self.info)
        errors = physical_scores(maps, known).join(moved)
        yield TrialScores(where, "channel_time", "calibrated", errors)
        if said.frequency is not None and np.isfinite(known.low_hz).any():
            scores = frequency_scores(said.frequency.cpu().numpy(), known)
            yield TrialScores(where, "channel_frequency", "calibrated", scores)

    def _used(self, where: CheckStep, sums: SumsByFamily, use: DecoderUse) -> Iterator[TrialScores]:
        for domain, scores in use_scores(sums, use).items():
            yield TrialScores(where, domain, USED, scores)

    def _use_levels(self) -> Iterator[TrialScores]:
        """Levels of an agreement with the use: the signal's own, and that of two halves."""
        if not self.use:
            return
        signal = planted_signal(self.signal[self.use_trials])
        yield from self._used(CheckStep(PLANTED_SIGNAL), piece_sums(signal, self.info), self.use)
        for domain, scores in split_half(self.use).items():
            yield TrialScores(CheckStep(SPLIT_HALF), domain, USED, scores)


def _check_trials(name: str, given: Tensor | np.ndarray, ground_truth: Tensor) -> None:
    if len(given) != len(ground_truth):
        raise ValueError(
            f"{name} is of {len(given)} trials, ground_truth of {len(ground_truth)}: both must be "
            "of the same trials"
        )


def used_by(
    explained: ExplainedTrials, signal: Tensor, info: mne.Info, spec: EvaluationSpec
) -> DecoderUse:
    """What the decoder used of some of the explained trials, of which ``signal`` is planted."""
    some = evenly_spaced(len(signal), N_USE_TRIALS)
    trials = explained.x[some], explained.target[some], signal[some]
    return decoder_use(explained.decoder, *trials, info, spec.use_permutations)
