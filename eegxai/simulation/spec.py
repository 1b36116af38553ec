"""What is simulated, as frozen values: equal specs give bit-identical data."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from eegxai.head import HeadField, HeadSpec
from eegxai.registry import lookup
from eegxai.simulation.features import FEATURES
from eegxai.simulation.waveforms import Epoch
from eegxai.spec import spec

EPOCH = Epoch(n_times=250, sfreq=250.0)  # 1 s, as in the authors' code


@spec
class NoiseSpec:
    """What a recording contains besides the signal.

    Pink brain sources and white sensor noise are the noise of the SNR. Line noise and blinks are
    artefacts: they are added at a level of their own and change nothing else.

    Parameters
    ----------
    n_dipoles : int
        Number of pink sources, at random positions in the brain with random orientations.
    source_amplitude : float
        Root mean square of each source, in source units (10 nA·m). 1.7 gives the mean peak of 5
        that the pink noise has in the published re-creation.
    sensor_share : float
        Expected share of white sensor noise in the noise power, from 0 to below 1. In the
        re-creation both noises have the same amplitude, hence 0.5.
    line_uv : float
        Amplitude of the line noise, µV: the root mean square over channels of its peak.
    line_hz : float
        Frequency of the line, Hz: 50 or 60.
    blink_uv : float
        Peak of an average blink at the electrode where it is largest, µV; real blinks reach 100
        to 200.
    blink_probability : float
        Share of trials with a blink; people blink about every four seconds.
    """

    n_dipoles: Annotated[int, Field(ge=1)] = 64
    source_amplitude: Annotated[float, Field(gt=0)] = 1.7
    sensor_share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    line_uv: Annotated[float, Field(ge=0)] = 0.0
    line_hz: Annotated[float, Field(gt=0, lt=EPOCH.sfreq / 2)] = 50.0
    blink_uv: Annotated[float, Field(ge=0)] = 0.0
    blink_probability: Annotated[float, Field(ge=0, le=1)] = 0.25


DEFAULT_NOISE = NoiseSpec()


@spec
class DataSpec:
    """One simulated data set.

    Parameters
    ----------
    feature : str
        Name in :data:`eegxai.simulation.FEATURES`.
    snr_db : float
        20 log10(r / (1 - r)) of the amplitude mixing ratio r.
    n_trials : int
        At least one per class; trial i belongs to class i modulo the number of classes.
    seed : int
        Not negative.
    head : HeadSpec
        The head model; a name is enough for one that needs no file.
    noise : NoiseSpec
    """

    feature: str
    snr_db: float
    n_trials: int
    seed: Annotated[int, Field(ge=0)]
    head: HeadField = HeadSpec()
    noise: NoiseSpec = DEFAULT_NOISE

    @field_validator("feature")
    @classmethod
    def _known_feature(cls, name: str) -> str:
        lookup(FEATURES, name, "feature")
        return name

    @model_validator(mode="after")
    def _every_class_has_a_trial(self) -> "DataSpec":
        needed = len(FEATURES[self.feature].classes)
        if self.n_trials < needed:
            raise ValueError(
                f"n_trials {self.n_trials} is too small: "
                f"{self.feature!r} has {needed} classes and needs at least one trial of each"
            )
        return self
