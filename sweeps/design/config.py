"""The configuration of a sweep, as pydantic models."""

import math
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
from pydantic import (
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    create_model,
    field_validator,
    model_validator,
)

from eegxai.attribution import (
    CONTROLS,
    METHODS,
    options_of,
)
from eegxai.attribution.core.registry import LABEL, without_label
from eegxai.decoders import TrainingSpec, recommended
from eegxai.errors import fields_of
from eegxai.evaluation import EvaluationSpec
from eegxai.registry import unknown_name
from eegxai.simulation import DataSpec
from eegxai.simulation.labels import fewest_trials
from sweeps.design.data import Data, Model
from sweeps.design.grid import Grid, check_architecture, check_method
from sweeps.design.thresholds import Thresholds

DISTRACTOR = "distractor"  # the feature type that `data.distractor: true` adds to the axis

STORE_SCHEMES = ("s3",)


def _checked_store(store: str) -> str:
    scheme, colon, rest = store.rpartition("://")
    if colon and scheme not in STORE_SCHEMES:
        raise ValueError(f"store={store!r} must be a folder or an s3://BUCKET/FOLDER")
    if colon and (".." in rest.split("/") or not rest.strip("/")):
        raise ValueError(f"store={store!r} must name a bucket and no '..'")
    return store


# The split is no matter of the architecture: decoders are compared on the same test trials.
SPLIT_FIELDS = ("n_folds", "holdout")
_TRAINING_FIELDS: dict[str, Any] = {
    name: (field.annotation, field) for name, field in fields_of(TrainingSpec).items()
}
_OWN_FIELDS = {name: f for name, f in _TRAINING_FIELDS.items() if name not in SPLIT_FIELDS}
OwnTraining: Any = create_model("OwnTraining", __base__=Model, **_OWN_FIELDS)
AnyTraining: Any = create_model("AnyTraining", __base__=Model, **_TRAINING_FIELDS)


class Training(AnyTraining):
    """The fields of TrainingSpec for all architectures, and under their names for single ones.

    What is given nowhere is what the architecture recommends.
    """

    per_architecture: dict[str, OwnTraining] = Field(default_factory=dict)

    @field_validator("per_architecture")
    @classmethod
    def _names_are_registered(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in values:
            check_architecture("training.per_architecture", name)
        return values

    def of(self, architecture: str) -> TrainingSpec:
        """Training of an architecture."""
        common = self.model_dump(exclude_unset=True, exclude={"per_architecture"})
        own = self.per_architecture.get(architecture, OwnTraining())
        return recommended(architecture, **{**common, **own.model_dump(exclude_unset=True)})


Option = bool | int | float | str | list[int | float] | None


class Attributions(Model):
    """Options of the methods: one given here goes to every method that has it.

    ``per_method`` gives options to single methods. What is given nowhere is the method's default.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    per_method: dict[str, dict[str, Option]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _options_exist(self) -> "Attributions":
        methods = METHODS | CONTROLS
        for name in self.per_method:
            check_method("attribution.per_method", name)
        known = {o for method in (*methods, *self.per_method) for o in options_of(method)}
        for option in self.common:
            if option not in known:
                raise ValueError(unknown_name("attribution option", option, known))
        for name in (*methods, *self.per_method):
            self.of(name)
        return self

    @property
    def common(self) -> dict[str, Any]:
        """Options for all methods that have them."""
        return self.model_extra or {}

    def of(self, method: str, size: tuple[int, int] | None = None) -> dict[str, Option]:
        """All options of a method; they must fit trials of a size (channels, times) if given."""
        own = options_of(method)
        common = {option: value for option, value in self.common.items() if option in own}
        return options_of(method, {**common, **self.per_method.get(method, {})}, size)

    def without_effect(self, methods: Collection[str]) -> list[str]:
        """Fields that set an option which none of these methods has."""
        known = {option for method in methods for option in options_of(method)}
        common = [f"attribution.{option}" for option in self.common if option not in known]
        others = [
            f"attribution.per_method.{name}" for name in self.per_method if name not in methods
        ]
        return [*common, *others]


class TrialResources(Model):
    """What one Ray Tune trial of a stage reserves; fractions share a device.

    ``custom`` names resources that the nodes of a cluster declare (``ray start --resources``),
    and ``max_concurrent`` bounds the trials at a time where a store or a licence needs it.
    ``cells_per_trial`` cells of one decoder are scheduled together: more of them keep a decoder
    on one worker, fewer spread the last decoders over all workers. Of a stage of more than 4,000
    trials, as many more are scheduled together.
    """

    cpu: PositiveFloat = 1
    gpu: NonNegativeFloat = 0
    custom: dict[str, PositiveFloat] = Field(default_factory=dict)
    max_concurrent: PositiveInt | None = None
    cells_per_trial: PositiveInt = 4

    @field_validator("gpu")
    @classmethod
    def _gpus_are_shared_or_whole(cls, gpu: float) -> float:
        if gpu > 1 and gpu != int(gpu):
            raise ValueError(f"gpu={gpu:g} must be a fraction below 1 or a whole number")
        return gpu

    @field_validator("custom")
    @classmethod
    def _custom_are_neither_cpu_nor_gpu(cls, custom: dict[str, float]) -> dict[str, float]:
        for name in custom:
            if name.lower() in ("cpu", "gpu"):
                raise ValueError(f"custom resource {name!r} has a field of its own, {name.lower()}")
        return custom

    @property
    def bundle(self) -> dict[str, float]:
        """What is reserved, by Ray's names."""
        amounts = {"CPU": self.cpu, "GPU": self.gpu, **self.custom}
        return {name: amount for name, amount in amounts.items() if amount}

    @property
    def settings(self) -> dict[str, str]:
        """How the stage's task computes, beside its device: keywords of its function."""
        return {}


class TrainingResources(TrialResources):
    """What a trial of training reserves, and how it takes its steps.

    ``steps`` are ``eager``, ``compiled`` (by torch.compile), recorded as ``graphs`` of a GPU, or
    ``compiled_graphs``. Like the device, they are no part of a decoder's key.
    """

    steps: Literal["eager", "compiled", "graphs", "compiled_graphs"] = "eager"

    @property
    def settings(self) -> dict[str, str]:
        """How steps are taken."""
        return {"steps": self.steps}


class Resources(Model):
    """Resources of the two stages."""

    train: TrainingResources = TrainingResources()
    explain: TrialResources = TrialResources()


class Tracking(Model):
    """What is logged to MLflow beside numbers.

    ``figures`` draws two pictures for every method run, about half a second each run; the
    publisher falls behind where many workers finish more than one cell a second.
    """

    figures: bool = True


class SweepConfig(Model):
    """One sweep: its name (the MLflow experiment), its grid, and everything a cell depends on.

    ``output`` is the folder of this machine for MLflow's files and tables; ``store`` is where
    artefacts go, a folder that all workers share or s3://BUCKET/FOLDER (default: in ``output``).
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    grid: Grid
    data: Data = Data()
    training: Training = Training()
    attribution: Attributions = Attributions()
    evaluation: EvaluationSpec = EvaluationSpec()
    resources: Resources = Resources()
    tracking: Tracking = Tracking()
    verdict: Thresholds = Thresholds()
    output: str = "runs"
    store: str = ""

    @field_validator("store")
    @classmethod
    def _store_is_a_folder_or_a_bucket(cls, store: str) -> str:
        return _checked_store(store)

    @property
    def features(self) -> tuple[str, ...]:
        """The feature axis: the grid's, and the distractor condition where it is asked for."""
        asked = (DISTRACTOR,) if self.data.distractor else ()
        return tuple(dict.fromkeys((*self.grid.feature, *asked)))

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "SweepConfig":
        self._check_folds()
        for feature in self.features:
            self._check_feature(feature)
            self._check_trials(feature)
            self._check_data(feature)
        self._check_methods()
        return self

    def first_data_of(self, feature: str) -> DataSpec:
        """The data set of a feature type with the first SNR and seed: all have its shape."""
        return self.data.of(feature, self.grid.snr_db[0], self.grid.seed[0])

    @property
    def unused_options(self) -> str:
        """Which attribution options have no effect, in words; empty where all have one."""
        unused = self.attribution.without_effect(self.grid.method)
        return f"without effect on any method of the grid: {', '.join(unused)}" if unused else ""

    @property
    def n_test_trials(self) -> int:
        """About how many trials a decoder is tested on, of the feature type with the most."""
        held = self._split.holdout or 1 / self._split.n_folds
        return math.ceil(max(map(self.data.trials_of, self.features)) * held / 2)

    @property
    def _split(self) -> TrainingSpec:
        """Training of any architecture: they all split alike."""
        return self.training.of(self.grid.architecture[0])

    def _check_folds(self) -> None:
        n_folds = 1 if self._split.holdout else self._split.n_folds
        for fold in self.grid.fold:
            if fold >= n_folds:
                raise ValueError(f"grid.fold={fold} does not exist, {_range_of(n_folds)}")

    def _check_methods(self) -> None:
        """Refuse options that do not fit, one set of them under two names, labels without any."""
        data = self.first_data_of(self.features[0])  # all have the size of its trials
        names: dict[str, str] = {}
        for method in self.grid.method:
            options = self.attribution.of(method, (data.n_channels, data.epoch.n_times))
            same = names.setdefault(f"{without_label(method)} {options}", method)
            if same != method:
                raise ValueError(
                    f"grid.method: {same} and {method} have the same options, which "
                    "attribution.per_method gives to each name"
                )
            if LABEL in method and method not in self.attribution.per_method:
                raise ValueError(
                    f"grid.method {method!r} has a label and no options of its own: give them as "
                    f"attribution.per_method.{method}, or write {without_label(method)!r}"
                )

    def _check_feature(self, feature: str) -> None:
        known = self.data.known_features
        if feature not in known:
            raise ValueError(unknown_name("grid.feature", feature, known))

    def _check_trials(self, feature: str) -> None:
        classes = self.data.known_features[feature]
        # At least two trials of each class held out, one for validation and one for the test.
        held = self._split.holdout or 1 / self._split.n_folds
        fewest = fewest_trials(classes.shares, math.ceil(2 / held))
        if (n_trials := self.data.trials_of(feature)) < fewest:
            rarest = classes.class_names[int(np.argmin(classes.shares))]
            raise ValueError(
                f"data.n_trials={n_trials} is too few for {feature}: to hold out {held:.2g} of "
                f"each class, the rarest being {rarest!r}, takes at least {fewest}"
            )

    def _check_data(self, feature: str) -> None:
        """Refuse what fits neither the epoch nor the head before any work starts."""
        try:
            self.first_data_of(feature)
        except ValueError as error:
            raise ValueError(f"data for {feature}: {error}") from error


def _range_of(n_folds: int) -> str:
    if n_folds == 1:
        return "training.holdout leaves fold 0 only"
    return f"allowed are 0 to {n_folds - 1}"
