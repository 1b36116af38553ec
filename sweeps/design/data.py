"""The part of the configuration that says what is simulated."""

from collections.abc import Mapping
from numbers import Integral
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from eegxai.head import HeadField, HeadSpec, montage_value, with_montage
from eegxai.registry import lookup
from eegxai.simulation import BUILT_IN, FEATURES, DataSpec, FeatureSpec, NoiseSpec
from eegxai.simulation.background import BackgroundField, as_recorded
from eegxai.simulation.spec import SnrDefinition
from eegxai.spec import NUMBER, by_name

SAMPLING = ("sfreq", "tmin", "tmax")  # which recordings have of their own


class Model(BaseModel):
    """Part of a configuration: frozen, and a field it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _trials_by_feature(value: Any) -> Any:
    """A number of trials, or one for each feature type."""
    numbers = value.values() if isinstance(value, Mapping) else [value]
    if not all(map(_is_count, numbers)):
        raise ValueError(
            "is neither a number of trials above 0 nor a mapping of feature types to such numbers"
        )
    return value


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


class Data(Model):
    """What is simulated for each feature type.

    ``features`` defines feature types of one's own, by name. ``montage`` is the name of a standard
    montage of MNE or a list of electrodes of the head; the other fields are those of ``DataSpec``.
    With a ``background``, number of trials, sampling frequency and epoch are those of the
    recordings unless they are given.
    """

    n_trials: Annotated[
        PositiveInt | dict[str, PositiveInt], BeforeValidator(_trials_by_feature)
    ] = 2000
    sfreq: Annotated[PositiveFloat, NUMBER] = 250.0
    tmin: Annotated[FiniteFloat, NUMBER] = 0.0
    tmax: Annotated[FiniteFloat, NUMBER] = 1.0
    montage: Annotated[str | tuple[str, ...] | None, BeforeValidator(montage_value)] = None
    head: HeadField = HeadSpec()
    noise: NoiseSpec = NoiseSpec()
    snr_definition: SnrDefinition = "signal_to_noise"
    distractor: bool = False
    features: Annotated[tuple[FeatureSpec, ...], by_name(FeatureSpec, "feature")] = ()
    background: BackgroundField | None = None

    @field_validator("features")
    @classmethod
    def _names_are_free(cls, own: tuple[FeatureSpec, ...]) -> tuple[FeatureSpec, ...]:
        names = [feature.name for feature in own]
        for name in names:
            if name in BUILT_IN or names.count(name) > 1:
                raise ValueError(f"data.features: the name {name!r} is taken; choose another one")
        return own

    @model_validator(mode="after")
    def _montage_fits_the_head(self) -> "Data":
        with_montage(self.head, self.montage)
        return self

    @property
    def known_features(self) -> dict[str, FeatureSpec]:
        """All feature types by name: those there are, and one's own."""
        return FEATURES | {feature.name: feature for feature in self.features}

    def trials_of(self, feature: str) -> int:
        """Number of trials of a feature type.

        Raises
        ------
        ValueError
            When each feature type has a number of its own and this one has none.
        """
        if self.background and "n_trials" not in self.model_fields_set:
            return int(self._sampling["n_trials"])
        if isinstance(self.n_trials, int):
            return self.n_trials
        if feature not in self.n_trials:
            raise ValueError(f"data.n_trials has no entry for the feature {feature!r}")
        return self.n_trials[feature]

    def of(self, feature: str, snr_db: float, seed: int) -> DataSpec:
        """Specification of one data set.

        Raises
        ------
        ValueError
            When there is no such feature type, or it does not fit the epoch or the head.
        """
        return DataSpec(
            feature=feature,
            definition=lookup(self.known_features, feature, "feature"),
            snr_db=snr_db,
            n_trials=self.trials_of(feature),
            seed=seed,
            **{name: self._sampling[name] for name in SAMPLING},
            head=with_montage(self.head, self.montage),
            noise=self.noise,
            snr_definition=self.snr_definition,
            background=self.background,
        )

    @property
    def _sampling(self) -> dict[str, Any]:
        """Sampling frequency and epoch, and with a background how many trials it holds."""
        if self.background is None:
            return {name: getattr(self, name) for name in SAMPLING}
        given = {name: getattr(self, name) for name in SAMPLING if name in self.model_fields_set}
        return as_recorded(self.background, given)
