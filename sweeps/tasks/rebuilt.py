"""A trained decoder as all of a worker's methods need it: read, rebuilt and randomized once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from eegxai.attribution import PreparedDecoders, compared_maps
from eegxai.attribution.core.options import N_REFERENCES
from eegxai.attribution.validity import N_JUDGED_TRIALS
from eegxai.evaluation import (
    EvaluationSpec,
    ExplainedTrials,
    MapReferences,
    choose_explained,
    ideal_observer,
    source_truth,
)
from eegxai.evaluation.map_references import used_by
from eegxai.evaluation.references.use import DecoderUse
from eegxai.seeding import generator
from eegxai.simulation import SimulatedEEG
from sweeps.design.cells import DecoderCell
from sweeps.store.artefacts import Store
from sweeps.store.files import best_effort
from sweeps.store.packing import RECOMPUTED, BrokenArtefactError
from sweeps.store.records import TrainedDecoder
from sweeps.tasks.data import restored, simulated, split_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RebuiltDecoder:
    """A trained decoder and its test trials, on one device.

    Attributes
    ----------
    cell : DecoderCell
        What it was trained on.
    evaluation : EvaluationSpec
        How its explanations are evaluated.
    store : Store
        Where it was read, and where its twin of permuted labels is.
    device : str
        torch device.
    trained : TrainedDecoder
        What the store holds of it.
    decoder : nn.Module
        The decoder with its weights.
    eeg : SimulatedEEG
        All trials.
    positions : ndarray (trials,)
        Those of the test trials among them.
    x, y, ground_truth : Tensor
        The test trials in µV, their classes, and their noiseless sensor signals in µV.
    references : Tensor
        Training trials, for methods that compare with other trials.
    """

    cell: DecoderCell
    evaluation: EvaluationSpec
    store: Store
    device: str
    trained: TrainedDecoder
    decoder: nn.Module
    eeg: SimulatedEEG
    positions: np.ndarray
    x: Tensor
    y: Tensor
    ground_truth: Tensor
    references: Tensor

    @cached_property
    def probe(self) -> tuple[Tensor, Tensor]:
        """The few trials on which methods are judged, and their classes."""
        return self.x[:N_JUDGED_TRIALS], self.y[:N_JUDGED_TRIALS]

    @cached_property
    def prepared(self) -> PreparedDecoders:
        """It and its randomized copies, made ready to be explained once for all methods."""
        return PreparedDecoders(self.probe[0], self.explained.x)

    @cached_property
    def compared_maps(self) -> Mapping[str, Tensor]:
        """Maps of the study's and the corrected methods for these trials, to find duplicates."""
        return compared_maps(self.decoder, *self.probe, self.evaluation.comparison.output)

    @cached_property
    def map_references(self) -> MapReferences:
        """What maps are compared with, the same for all methods."""
        comparable = self.evaluation.comparison.against_ideal
        return MapReferences.of_explained(
            self.explained,
            self.ground_truth,
            self.eeg.info,
            self.evaluation,
            source_truth(self.eeg, self.positions),
            ideal_observer(self.eeg, self.positions) if comparable else None,
            self.use,
        )

    @cached_property
    def explained(self) -> ExplainedTrials:
        """What the methods explain; it keeps the randomized decoders, the same for all methods."""
        return choose_explained(
            self.decoder,
            self.x,
            self.y,
            self.eeg.n_classes,
            self.cell.evaluation_seed,
            self.evaluation.n_trials,
            self._permuted_labels_decoder,
            self.ground_truth,
            self.evaluation.weight_draws,
        )

    @cached_property
    def use(self) -> DecoderUse | None:
        """What it used of the explained trials, from the store; computed where it is not there.

        None where maps are not compared with it.
        """
        if not self.evaluation.comparison.used:
            return None
        if (stored := self._stored_use()) is not None:
            return stored
        signal = self.ground_truth[self.explained.chosen.to(self.ground_truth.device)]
        use = used_by(self.explained, signal, self.eeg.info, self.evaluation)
        best_effort(self.store.write_use, *self._use_of, use)
        return use

    @property
    def _use_of(self) -> tuple[DecoderCell, EvaluationSpec, TrainedDecoder, list[int]]:
        """Whose use it is, and of which trials of the data."""
        trials = self.positions[self.explained.chosen.cpu().numpy()]
        return self.cell, self.evaluation, self.trained, trials.tolist()

    def _stored_use(self) -> DecoderUse | None:
        try:
            return self.store.read_use(*self._use_of)
        except BrokenArtefactError as error:
            log.warning(RECOMPUTED, error)
            best_effort(self.store.set_aside, error)
            return None

    @property
    def _permuted_labels_decoder(self) -> nn.Module | None:
        if "label_retrain" not in self.evaluation.checks:
            return None
        twin = self.cell.with_permuted_labels
        return restored(twin, self.store.read_decoder(twin), self.eeg).to(self.device)


# One decoder stays in memory: the cells of a decoder come one after another.
@lru_cache(maxsize=1)
def rebuild_decoder(
    cell: DecoderCell, evaluation: EvaluationSpec, store: Store, device: str
) -> RebuiltDecoder:
    """Read a trained decoder and rebuild it with its test trials; the last one stays in memory.

    Raises
    ------
    BrokenArtefactError
        When its file, or later that of its twin of permuted labels, cannot be used.
    """
    trained = store.read_decoder(cell)
    eeg = simulated(cell.data)
    split = split_of(cell, eeg)
    x, y, ground_truth = (
        torch.from_numpy(array[split.test]).to(device) for array in (eeg.x, eeg.y, eeg.ground_truth)
    )
    return RebuiltDecoder(
        cell=cell,
        evaluation=evaluation,
        store=store,
        device=device,
        trained=trained,
        decoder=restored(cell, trained, eeg).to(device),
        eeg=eeg,
        positions=split.test,
        x=x,
        y=y,
        ground_truth=ground_truth,
        references=torch.from_numpy(eeg.x[_few_training_trials(split.train, cell.data.seed)]).to(
            device
        ),
    )


def _few_training_trials(training: np.ndarray, seed: int) -> np.ndarray:
    """A few of the training trials."""
    drawn = generator(seed, "references").permutation(len(training))[:N_REFERENCES]
    return training[np.sort(drawn)]
