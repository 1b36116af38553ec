"""The feature types as tables of constants: what distinguishes the classes of a data set.

A feature type is one entry of :data:`FEATURES`. Sources of the constants: the published
re-creation of the study's data with SEREEGA (AdeNurhopipah/XAI_DL_EEG_Depression), after
Sujatha Ravindran & Contreras-Vidal 2023, Sci. Rep. 13:17709. Amplitudes are source amplitudes in
units of :data:`MOMENT_PER_UNIT` nA·m. See docs/simulation.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from eegxai.simulation import waveforms
from eegxai.simulation.waveforms import Epoch

MOMENT_PER_UNIT = 10.0  # nA·m; our reading of "amplitude 7": it gives some 10 µV on the scalp
BURST_TAPER = 0.5  # tapered share of a burst
BAND_TRANSITION_HZ = 1.0  # between passband and stopband of band-limited noise

Position = tuple[float, float, float]
Trials = Mapping[str, np.ndarray]  # a column of values per name, as in the table of trials
Waveform = Callable[[Epoch, Trials, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Spread:
    """Value that varies from trial to trial, as in SEREEGA (utl_apply_dvslopeshift.m).

    Normal with a standard deviation of ``deviation / 3``, clipped at ``mean ± deviation``.
    """

    mean: float
    deviation: float

    def at(self, normal: float) -> float:
        """Value for one standard normal deviate."""
        return self.mean + self.deviation * min(max(normal / 3, -1.0), 1.0)


UNDEFINED = Spread(np.nan, np.nan)


@dataclass(frozen=True)
class Signal:
    """What one dipole does in one trial.

    ``waveform`` is a function of (epoch, trials, generator) to (trials, times); ``amplitude`` is
    in source units; a peak has no ``band_hz`` (low, high), only a tone has a ``frequency_hz``.
    """

    name: str
    waveform: Waveform
    latency_ms: Spread
    width_ms: Spread
    amplitude: Spread
    band_hz: tuple[float, float] = (np.nan, np.nan)
    frequency_hz: Spread = UNDEFINED


@dataclass(frozen=True)
class ClassSpec:
    """A class: each trial draws one signal and one dipole, all with equal probability."""

    name: str
    signals: tuple[Signal, ...]
    dipoles: tuple[int, ...]  # indices in the dipole table of the feature


@dataclass(frozen=True)
class Feature:
    """A feature type: dipoles (MNI mm) and the classes that use them.

    A ``distractor`` is active in every trial, whatever its class.
    """

    dipoles_mni_mm: tuple[Position, ...]
    classes: tuple[ClassSpec, ...]
    distractor: ClassSpec | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of their labels."""
        return tuple(spec.name for spec in self.classes)

    @property
    def signals(self) -> dict[str, Signal]:
        """All signals of all classes and of the distractor by name."""
        sources = [*self.classes, *filter(None, [self.distractor])]
        return {signal.name: signal for spec in sources for signal in spec.signals}


def peak(epoch: Epoch, trials: Trials, rng: np.random.Generator) -> np.ndarray:
    """Event-related potential: a Gaussian peak."""
    latency, width, amplitude = _columns(trials, "latency_ms", "width_ms", "amplitude")
    return waveforms.scale_to_peak(waveforms.gaussian_peak(epoch, latency, width), amplitude)


def tone_burst(epoch: Epoch, trials: Trials, rng: np.random.Generator) -> np.ndarray:
    """Burst of a sine whose frequency and phase differ from trial to trial."""
    frequency, phase = _columns(trials, "frequency_hz", "phase")
    return _burst(epoch, trials, waveforms.sine(epoch, frequency, phase))


def band_burst(epoch: Epoch, trials: Trials, rng: np.random.Generator) -> np.ndarray:
    """Burst of noise limited to the band, which is the same in all of the trials."""
    low, high = _columns(trials, "low_hz", "high_hz")
    taps = waveforms.bandpass_taps(low[0], high[0], BAND_TRANSITION_HZ, epoch.sfreq)
    return _burst(epoch, trials, waveforms.band_noise(epoch, len(low), taps, rng))


def _burst(epoch: Epoch, trials: Trials, carrier: np.ndarray) -> np.ndarray:
    latency, width, amplitude = _columns(trials, "latency_ms", "width_ms", "amplitude")
    window = waveforms.burst_window(epoch, latency, width, BURST_TAPER)
    return waveforms.scale_to_peak(carrier, amplitude) * window


def _columns(trials: Trials, *names: str) -> list[np.ndarray]:
    return [trials[name] for name in names]


# Latencies, widths and amplitudes: generate_random_temporal_db.m and ..._spectral_db.m.
POSITIVE, NEGATIVE = Spread(7, 6), Spread(-7, 6)
P60 = Signal("P60", peak, latency_ms=Spread(60, 8), width_ms=Spread(50, 2), amplitude=POSITIVE)
P900 = Signal("P900", peak, latency_ms=Spread(900, 5), width_ms=Spread(100, 4), amplitude=POSITIVE)
N500 = Signal("N500", peak, latency_ms=Spread(500, 8), width_ms=Spread(100, 4), amplitude=NEGATIVE)

BURST = {
    "latency_ms": Spread(350, 150),
    "width_ms": Spread(250, 50),
    "amplitude": Spread(1.75, 1.25),
}
THETA, ALPHA, BETA, GAMMA = (3.0, 8.0), (8.0, 13.0), (14.0, 30.0), (30.0, 58.0)  # Hz
# The re-creation uses sines in its spectral script ...
TONES = (
    Signal("theta", tone_burst, **BURST, band_hz=THETA, frequency_hz=Spread(5.5, 2.5)),
    Signal("alpha", tone_burst, **BURST, band_hz=ALPHA, frequency_hz=Spread(10.5, 2.5)),
    Signal("beta", tone_burst, **BURST, band_hz=BETA, frequency_hz=Spread(22, 8)),
    Signal("gamma", tone_burst, **BURST, band_hz=GAMMA, frequency_hz=Spread(44, 14)),
)
# ... and filtered noise in generate_random_spatial_db.m.
NOISES = (
    Signal("theta", band_burst, **BURST, band_hz=THETA),
    Signal("alpha", band_burst, **BURST, band_hz=ALPHA),
    Signal("beta", band_burst, **BURST, band_hz=BETA),
    Signal("gamma", band_burst, **BURST, band_hz=GAMMA),
)

REGION_1: tuple[Position, ...] = (
    (-9.1, -8.5, 60.2),
    (10.1, -6.9, 62.3),
    (4.6, -3.4, 54.3),
    (8.4, -9.9, 57.9),
    (7.5, -1.6, 53.5),
)
REGION_2: tuple[Position, ...] = (
    (-2.6, -33.9, 54.5),
    (-3.5, -30.7, 52.1),
    (-4.1, -43.2, 49.7),
    (-3.6, -39.2, 46.1),
    (-3.3, -26.0, 50.4),
)
# Left and right alternate; the study counts the 13th, on the midline, as left.
LEFT_AND_RIGHT: tuple[Position, ...] = (
    (-40, -21, 51), (40, -21, 51),
    (-38, -26, 53), (38, -26, 53),
    (-48, -15, 50), (48, -15, 50),
    (-24, -24, 32), (24, -24, 32),
    (-34, -32, 38), (34, -32, 38),
    (-42, 40, 25), (42, 40, 25),
    (0, -4, 65), (8, -12, 52),
)  # fmt: skip

FIRST_FIVE, LAST_FIVE, ALL_14 = tuple(range(5)), tuple(range(5, 10)), tuple(range(14))

TEMPORAL = Feature(
    REGION_1 + REGION_2,
    (
        ClassSpec("P60", (P60,), FIRST_FIVE),
        ClassSpec("P900", (P900,), FIRST_FIVE),
        ClassSpec("N500 region 1", (N500,), FIRST_FIVE),
        ClassSpec("N500 region 2", (N500,), LAST_FIVE),
    ),
)
SPECTRAL = Feature(LEFT_AND_RIGHT, tuple(ClassSpec(tone.name, (tone,), ALL_14) for tone in TONES))
# Eight kinds, the negative peak twice: the temporal classes 3 and 4 differ only in the region.
ANY_SIGNAL = (P60, P900, N500, N500, *NOISES)
SPATIAL = Feature(
    LEFT_AND_RIGHT,
    (
        ClassSpec("left", ANY_SIGNAL, ALL_14[0::2]),
        ClassSpec("right", ANY_SIGNAL, ALL_14[1::2]),
    ),
)

# A suppressor (Haufe et al. 2014, NeuroImage 87:96-110): a peak like those of the temporal classes,
# at the same time but from a position behind theirs, with a random sign in every trial. It carries
# no information about the class, but its field reaches the electrodes of the class signals, so a
# good decoder gives weight to the channels above it, where there is no class signal, in order to
# subtract it. The constants are our choice.
PRECUNEUS: Position = (0.0, -62.0, 40.0)
RANDOM_SIGN = Spread(0, 20)
SUPPRESSOR = Signal("suppressor", peak, Spread(500, 8), Spread(100, 4), amplitude=RANDOM_SIGN)
DISTRACTED = Feature(
    (*TEMPORAL.dipoles_mni_mm, PRECUNEUS),
    TEMPORAL.classes,
    distractor=ClassSpec("distractor", (SUPPRESSOR,), (len(TEMPORAL.dipoles_mni_mm),)),
)

FEATURES: Mapping[str, Feature] = {
    "temporal": TEMPORAL,
    "spectral": SPECTRAL,
    "spatial": SPATIAL,
    "distractor": DISTRACTED,
}
