"""Cells of a sweep, their content keys and their enumeration."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Literal

from pydantic import Field, NonNegativeInt
from pydantic_core import to_jsonable_python

from eegxai.decoders import TrainingSpec
from eegxai.evaluation import EvaluationSpec
from eegxai.seeding import derived_seed
from eegxai.simulation import DataSpec
from eegxai.simulation.background import IDENTITY
from eegxai.spec import spec
from sweeps.design.config import Option, SweepConfig

# Part of every key: raise it when results change their meaning, so that old ones are not found.
SCHEMA = 10


class Keyed:
    """A spec whose content is its identity: of its artefact, MLflow run and Tune trial."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @cached_property
    def key(self) -> str:
        """Hexadecimal sha256 of the canonical JSON of all fields and the schema number.

        Where recordings lie is left out: their content is part of it.
        """
        kind = type(self).__name__
        content = f'{{"kind":"{kind}","schema":{SCHEMA},"spec":{self.canonical_json}}}'
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def canonical_json(self) -> str:
        """All fields by name, without spaces."""
        names = sorted(self.__dataclass_fields__)
        fields = (f'"{name}":{_canonical_json(getattr(self, name))}' for name in names)
        return f"{{{','.join(fields)}}}"

    def as_json(self) -> dict[str, Any]:
        """All fields, defaults included, as plain JSON values."""
        return to_jsonable_python(self)

    @property
    def title(self) -> str:
        """What a person calls this cell; not unique, the key is."""
        raise NotImplementedError

    @cached_property
    def stem(self) -> str:
        """File name without ending: readable, and unique by the key."""
        return f"{re.sub(r'[^A-Za-z0-9.+-]+', '_', self.title)}-{self.key[:16]}"


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _canonical_json(value: object) -> str:
    if isinstance(value, Keyed):
        return value.canonical_json
    return _CANONICAL.encode(to_jsonable_python(value, context=IDENTITY))


LABELS_IN_TITLE = {"true": "", "permuted": " permuted labels"}


@spec
class DecoderCell(Keyed):
    """One decoder to train: everything its weights depend on."""

    data: DataSpec
    architecture: str
    fold: NonNegativeInt = 0
    labels: Literal["true", "permuted"] = "true"
    training: TrainingSpec = TrainingSpec()

    @cached_property
    def canonical_json(self) -> str:
        """All fields by name; kept, since a decoder is part of many cells."""
        return super().canonical_json

    @property
    def title(self) -> str:
        """Such as ``temporal -3.5 dB deepnet seed 0 fold 0``."""
        data = self.data
        start = f"{data.feature} {data.snr_db:g} dB {self.architecture}"
        return f"{start} seed {data.seed} fold {self.fold}{LABELS_IN_TITLE[self.labels]}"

    @property
    def evaluation_seed(self) -> int:
        """Seed of what is drawn for this decoder alone: scored trials, wrong classes, new weights.

        All methods on the decoder share the draws; another fold, level, feature type or
        architecture has its own, so that the scores of decoders share no chance.
        """
        axes = ", ".join(f"{name} {value}" for name, value in self.axes.items())
        return derived_seed(self.data.seed, f"evaluation of {axes}")

    @property
    def with_permuted_labels(self) -> "DecoderCell":
        """The same decoder, trained on permuted labels."""
        return replace(self, labels="permuted")

    @property
    def decoders(self) -> tuple["DecoderCell", ...]:
        """Decoders that must be trained before: for permuted labels that of the true ones."""
        return (replace(self, labels="true"),) if self.labels == "permuted" else ()

    @property
    def axes(self) -> dict[str, Any]:
        """The coordinates of the cell, the identifying columns of every table."""
        return {
            "feature": self.data.feature,
            "snr_db": self.data.snr_db,
            "seed": self.data.seed,
            "fold": self.fold,
            "architecture": self.architecture,
        }


@spec
class MethodCell(Keyed):
    """One attribution method on one decoder."""

    decoder: DecoderCell
    method: str
    options: dict[str, Option] = Field(default_factory=dict)
    evaluation: EvaluationSpec = EvaluationSpec()

    def __hash__(self) -> int:
        return hash(self.key)  # a dict has no hash of its own

    @property
    def title(self) -> str:
        """Such as ``temporal -3.5 dB deepnet seed 0 fold 0 DeepLift``."""
        return f"{self.decoder.title} {self.method}"

    @property
    def decoders(self) -> tuple[DecoderCell, ...]:
        """Decoders that must be trained before: its own, and one of permuted labels for a check."""
        if "label_retrain" in self.evaluation.checks:
            return self.decoder, self.decoder.with_permuted_labels
        return (self.decoder,)

    @property
    def axes(self) -> dict[str, Any]:
        """The coordinates of the cell, the identifying columns of every table."""
        return {**self.decoder.axes, "method": self.method}


Cell = DecoderCell | MethodCell


def decoder_of(cell: Cell) -> DecoderCell:
    """The decoder that a cell trains or explains."""
    return cell if isinstance(cell, DecoderCell) else cell.decoder


def decoder_cells(config: SweepConfig) -> Iterator[DecoderCell]:
    """All decoders of a sweep, those of one data set next to each other."""
    grid = config.grid
    for feature, snr_db, seed in product(config.features, grid.snr_db, grid.seed):
        data = config.data.of(feature, snr_db, seed)
        for architecture, fold in product(grid.architecture, grid.fold):
            training = config.training.of(architecture)
            yield DecoderCell(data=data, architecture=architecture, fold=fold, training=training)


def permuted_label_cells(config: SweepConfig) -> Iterator[DecoderCell]:
    """The decoders trained on permuted labels that the checks of a sweep ask for."""
    if "label_retrain" in config.evaluation.checks:
        for cell in decoder_cells(config):
            yield cell.with_permuted_labels


def method_cells(config: SweepConfig) -> Iterator[MethodCell]:
    """All methods on all decoders, those of one decoder next to each other."""
    options = {method: config.attribution.of(method) for method in config.grid.method}
    for decoder, method in product(decoder_cells(config), config.grid.method):
        yield MethodCell(
            decoder=decoder,
            method=method,
            options=options[method],
            evaluation=config.evaluation,
        )
