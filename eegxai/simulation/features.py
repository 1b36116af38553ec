"""The feature types there are: the study's as tables of constants, and those of other packages.

Sources of the constants: the published re-creation of the study's data with SEREEGA
(AdeNurhopipah/XAI_DL_EEG_Depression), after Sujatha Ravindran & Contreras-Vidal 2023, Sci. Rep.
13:17709. Amplitudes are source amplitudes in units of :data:`MOMENT_PER_UNIT` nA·m. See
docs/simulation.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

from eegxai.registry import Registry
from eegxai.simulation.feature_spec import ClassSpec, FeatureSpec, Signal, Spread
from eegxai.simulation.regions import (
    LEFT_AND_RIGHT,
    REGION_1,
    REGION_2,
    STUDY_LEFT,
    STUDY_RIGHT,
    Position,
)

MOMENT_PER_UNIT = 10.0  # nA·m; our reading of "amplitude 7": it gives some 10 µV on the scalp


def _peak_signal(name: str, latency_ms: Spread, width_ms: Spread, amplitude: Spread) -> Signal:
    return Signal(
        name=name, kind="peak", latency_ms=latency_ms, width_ms=width_ms, amplitude=amplitude
    )


def _burst_signal(name: str, kind: str, frequency_hz: Spread | None = None) -> Signal:
    return Signal(
        name=name,
        kind=kind,
        latency_ms=Spread(350, 150),
        width_ms=Spread(250, 50),
        amplitude=Spread(1.75, 1.25),
        band_hz=BANDS_HZ[name],
        frequency_hz=frequency_hz,
    )


# Latencies, widths and amplitudes: generate_random_temporal_db.m and ..._spectral_db.m.
POSITIVE, NEGATIVE = Spread(7, 6), Spread(-7, 6)
P60 = _peak_signal("P60", Spread(60, 8), Spread(50, 2), POSITIVE)
P900 = _peak_signal("P900", Spread(900, 5), Spread(100, 4), POSITIVE)
N500 = _peak_signal("N500", Spread(500, 8), Spread(100, 4), NEGATIVE)

BANDS_HZ = {"theta": (3.0, 8.0), "alpha": (8.0, 13.0), "beta": (14.0, 30.0), "gamma": (30.0, 58.0)}
# The re-creation uses sines in its spectral script, and filtered noise in
# generate_random_spatial_db.m.
TONES = tuple(
    _burst_signal(name, "tone", Spread((low + high) / 2, (high - low) / 2))
    for name, (low, high) in BANDS_HZ.items()
)
NOISES = tuple(_burst_signal(name, "band") for name in BANDS_HZ)

TEMPORAL = FeatureSpec(
    name="temporal",
    classes=(
        ClassSpec(name="P60", signals=(P60,), dipoles=REGION_1),
        ClassSpec(name="P900", signals=(P900,), dipoles=REGION_1),
        ClassSpec(name="N500 region 1", signals=(N500,), dipoles=REGION_1),
        ClassSpec(name="N500 region 2", signals=(N500,), dipoles=REGION_2),
    ),
)
SPECTRAL = FeatureSpec(
    name="spectral",
    classes=tuple(ClassSpec(name=tone.name, signals=(tone,)) for tone in TONES),
    dipoles=LEFT_AND_RIGHT,
)
# Eight kinds, the negative peak twice: the temporal classes 3 and 4 differ only in the region.
ANY_SIGNAL = (P60, P900, N500, N500, *NOISES)
SPATIAL = FeatureSpec(
    name="spatial",
    classes=(
        ClassSpec(name="left", signals=ANY_SIGNAL, dipoles=STUDY_LEFT),
        ClassSpec(name="right", signals=ANY_SIGNAL, dipoles=STUDY_RIGHT),
    ),
    dipoles=LEFT_AND_RIGHT,
)

# A suppressor (Haufe et al. 2014, NeuroImage 87:96-110): a peak like those of the temporal classes,
# at the same time but from a position behind theirs, with a random sign in every trial. It carries
# no information about the class, but its field reaches the electrodes of the class signals, so a
# good decoder gives weight to the channels above it, where there is no class signal, in order to
# subtract it. The constants are our choice.
PRECUNEUS: Position = (0.0, -62.0, 40.0)
RANDOM_SIGN = Spread(0, 20)
SUPPRESSOR = _peak_signal("suppressor", Spread(500, 8), Spread(100, 4), RANDOM_SIGN)
DISTRACTED = FeatureSpec(
    name="distractor",
    classes=TEMPORAL.classes,
    distractor=ClassSpec(name="distractor", signals=(SUPPRESSOR,), dipoles=(PRECUNEUS,)),
)

BUILT_IN: Mapping[str, FeatureSpec] = MappingProxyType(
    {feature.name: feature for feature in (TEMPORAL, SPECTRAL, SPATIAL, DISTRACTED)}
)
FEATURES: dict[str, FeatureSpec] = Registry(
    "feature", BUILT_IN
)  # and those that other packages add


def add_feature(feature: FeatureSpec) -> FeatureSpec:
    """Make a feature type known by its name, as a module of the entry point does.

    Raises
    ------
    ValueError
        When the name is taken by another feature type.
    """
    if FEATURES.setdefault(feature.name, feature) != feature:
        raise ValueError(f"feature {feature.name!r} exists already; choose another name")
    return feature
