"""What is simulated, as frozen values: equal specs give bit-identical data."""

from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from eegxai.head import Head, HeadField, HeadSpec
from eegxai.registry import lookup
from eegxai.simulation.background import (
    BackgroundField,
    BackgroundSpec,
    head_of,
    reference_name,
    require_recorded,
)
from eegxai.simulation.feature_spec import LARGEST_SOURCE, SMALLEST_SOURCE, FeatureSpec
from eegxai.simulation.features import BUILT_IN, FEATURES
from eegxai.simulation.fit import require_fit, require_inside_head
from eegxai.simulation.labels import fewest_trials
from eegxai.simulation.waveforms import Epoch
from eegxai.spec import NUMBER, spec, within

FEWEST_TIMES = 2  # of an epoch
HIGHEST_SFREQ = 1e6  # Hz; beyond any amplifier, and an epoch still has a number of samples
LARGEST_UV = 1e6  # of an artefact: a volt, beyond any electrode
MOST_TRIALS, MOST_DIPOLES = 10**12, 10**6  # beyond any memory, and still numbers of floats
Seconds = Annotated[float, Field(ge=-1e6, le=1e6)]
Microvolts = Annotated[float, within(0, LARGEST_UV, "µV")]
SourceAmplitude = Annotated[float, within(SMALLEST_SOURCE, LARGEST_SOURCE)]
# At the limits the weaker part has a thousandth of the other's amplitude, and rounding the mixture
# to float32 changes it by less than 0.01 %, see docs/simulation.md.
LOWEST_SNR_DB, HIGHEST_SNR_DB = -60.0, 60.0

SnrDb = Annotated[
    float, NUMBER, Field(allow_inf_nan=False), within(LOWEST_SNR_DB, HIGHEST_SNR_DB, "dB")
]
# What the ratio is between: names of the table eegxai.simulation.mixing.SNR_DEFINITIONS.
SnrDefinition = Literal["signal_to_noise", "source_to_sensor"]


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
        Root mean square of each source, in source units (10 nA·m), 1e-6 to 1e6. 1.7 gives the
        mean peak of 5 that the pink noise has in the published re-creation.
    sensor_share : float
        Expected share of white sensor noise in the noise power in average reference, from 0 to
        below 1. In the re-creation both noises have the same amplitude, hence 0.5.
    line_uv : float
        Amplitude of the line noise, µV, up to 1e6: the root mean square over channels of its peak.
    line_hz : float
        Frequency of the line, Hz: 50 or 60; below half of the sampling frequency.
    blink_uv : float
        Peak of an average blink at the electrode where it is largest, µV, up to 1e6; real blinks
        reach 100 to 200.
    blink_probability : float
        Share of trials with a blink; people blink about every four seconds.
    """

    n_dipoles: Annotated[int, Field(ge=1, le=MOST_DIPOLES)] = 64
    source_amplitude: SourceAmplitude = 1.7
    sensor_share: Annotated[float, Field(ge=0, lt=1)] = 0.5
    line_uv: Microvolts = 0.0
    line_hz: Annotated[float, Field(gt=0)] = 50.0
    blink_uv: Microvolts = 0.0
    blink_probability: Annotated[float, Field(ge=0, le=1)] = 0.25


DEFAULT_NOISE = NoiseSpec()


@spec
class DataSpec:
    """One simulated data set.

    Parameters
    ----------
    feature : str
        Name of the feature type: one in :data:`eegxai.simulation.FEATURES`, or that of the
        ``definition``.
    definition : FeatureSpec, optional
        The feature type itself, where it is not built in: filled in for one that a package adds,
        so that whoever reads the spec needs nothing else.
    snr_db : float
        20 log10(r / (1 - r)) of the amplitude mixing ratio r, from -60 to 60.
    n_trials : int
        At least one per class; each trial belongs to the class that is furthest behind its share,
        so that with equal shares trial i belongs to class i modulo the number of classes.
    seed : int
        Not negative.
    sfreq : float
        Sampling frequency, Hz.
    tmin, tmax : float
        Start and end of the epoch, s after time zero, each rounded to a whole sample. The sample
        at ``tmin`` is part of the epoch, that at ``tmax`` is not. Latencies count from time zero.
    head : HeadSpec
        The head model with its electrodes; a name is enough for one that needs no file.
    noise : NoiseSpec
    snr_definition : str
        What ``snr_db`` is the ratio of: ``signal_to_noise``, the class signal to all noise, or
        ``source_to_sensor``, the active dipole, which has its signal and pink noise of its own, to
        white sensor noise; see :data:`eegxai.simulation.mixing.SNR_DEFINITIONS`.
    background : BackgroundSpec, optional
        Recordings that the class signal is planted in, in place of simulated noise; the path of
        the file is enough. Channels and reference are theirs, and ``sfreq`` and the epoch must
        be: :func:`eegxai.simulation.implant` fills them in.
    """

    feature: str
    definition: Annotated[FeatureSpec | None, Field(validate_default=True)] = None
    snr_db: SnrDb
    n_trials: Annotated[int, Field(le=MOST_TRIALS)]
    seed: Annotated[int, Field(ge=0)]
    sfreq: Annotated[float, Field(gt=0, le=HIGHEST_SFREQ)] = 250.0
    tmin: Seconds = 0.0
    tmax: Seconds = 1.0
    head: HeadField = HeadSpec()
    noise: NoiseSpec = DEFAULT_NOISE
    snr_definition: SnrDefinition = "signal_to_noise"
    background: BackgroundField | None = None

    @property
    def feature_type(self) -> FeatureSpec:
        """The classes and their signals."""
        return self.definition or BUILT_IN[self.feature]

    @property
    def n_channels(self) -> int:
        """Number of electrodes."""
        return _n_electrodes(self.head, self.background)

    @property
    def opened_head(self) -> Head:
        """The head with the electrodes of the data, and the reference that they have."""
        return head_of(self.head, self.background)

    @property
    def reference(self) -> str:
        """Reference of the channels: ``average``, electrodes as Fz,Cz, or ``unknown``."""
        return reference_name(self.background)

    @property
    def epoch(self) -> Epoch:
        """The samples of a trial."""
        return Epoch.between(self.tmin, self.tmax, self.sfreq)

    @field_validator("definition")
    @classmethod
    def _defined(cls, definition: FeatureSpec | None, given: ValidationInfo) -> FeatureSpec | None:
        """The definition of a feature type that is not built in, None of one that is."""
        name = given.data.get("feature", "")
        found = definition or lookup(FEATURES, name, "feature")
        if found.name != name:
            raise ValueError(f"definition is of {found.name!r} and not of feature {name!r}")
        if found != BUILT_IN.get(name, found):
            raise ValueError(f"feature {name!r} is built in; choose another name for your own")
        return None if name in BUILT_IN else found

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "DataSpec":
        _require_epoch(self)
        if self.background:
            _require_no_simulated_noise(self)
            require_recorded(self.background, self.head, self.epoch, self.n_trials)
        require_fit(self.feature_type, self.epoch)
        if self.definition:
            require_inside_head(self.definition, self.head)
        _require_line(self)
        _require_sensor_noise(self)
        _require_trials(self)
        return self


def _require_epoch(data: DataSpec) -> None:
    if data.tmax <= data.tmin:
        raise ValueError(f"tmax={data.tmax:g} must be greater than tmin={data.tmin:g}")
    if (n_times := data.epoch.n_times) < FEWEST_TIMES:
        raise ValueError(
            f"sfreq={data.sfreq:g} leaves {n_times} samples between tmin={data.tmin:g} and "
            f"tmax={data.tmax:g}; at least {FEWEST_TIMES} are needed"
        )


def _require_line(data: DataSpec) -> None:
    highest_hz = data.sfreq / 2
    if data.noise.line_uv and data.noise.line_hz >= highest_hz:
        raise ValueError(
            f"line_hz={data.noise.line_hz:g} must be below {highest_hz:g}, half of the sampling "
            "frequency"
        )


def _require_sensor_noise(data: DataSpec) -> None:
    if data.snr_definition == "source_to_sensor" and data.noise.sensor_share == 0:
        raise ValueError(
            "sensor_share=0 leaves no sensor noise, which snr_definition='source_to_sensor' needs; "
            "it must be above 0"
        )


def _require_trials(data: DataSpec) -> None:
    """Every class needs a trial."""
    feature = data.feature_type
    if data.n_trials < (needed := fewest_trials(feature.shares, 1)):
        raise ValueError(
            f"n_trials {data.n_trials} is too small: {data.feature!r} has "
            f"{len(feature.classes)} classes and needs at least {needed} trials, one of each"
        )


def _require_no_simulated_noise(data: DataSpec) -> None:
    """The recordings are all noise there is."""
    if data.noise != DEFAULT_NOISE:
        raise ValueError(
            "noise and background are both given; the recordings are the only noise, so leave "
            "noise out"
        )
    if data.snr_definition != "signal_to_noise":
        raise ValueError(
            f"snr_definition={data.snr_definition!r} needs simulated noise; with a background only "
            "'signal_to_noise' is defined"
        )


@lru_cache(maxsize=64)
def _n_electrodes(head: HeadSpec, background: BackgroundSpec | None) -> int:
    """Counted once a head, for MNE places them anew whenever it is asked."""
    return len(head_of(head, background).info(1.0).ch_names)
