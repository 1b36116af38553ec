"""How fast EEG is simulated, compared with two plain programs.

    python benchmarks/simulation.py [N_TRIALS]

All in one run on one machine; medians of several runs. The plain programs make data of the same
kind in double precision, mixed at the end: trial by trial and source by source, as a MATLAB script
would, and trial by trial with all sources in one array, as is as obvious in numpy. They differ from
eegxai in details that cost no time: every wave of a noise source is scaled to a maximum of 1, a
stretch of the recording does not wrap around its end, and orientations are not tilted.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import norm

from eegxai.head import open_head
from eegxai.simulation import FEATURES, DataSpec, simulate_spec
from eegxai.simulation import noise as noise_module
from eegxai.simulation.blocks import blocks
from eegxai.simulation.pink import RECORDING_EPOCHS
from eegxai.simulation.trials import draw_trials
from eegxai.simulation.waveforms import white

REPEATS = 5
PLAIN_TRIALS = 200
N_CHANNELS, N_TIMES, N_SOURCES = 62, 250, 64
N_RECORDING = RECORDING_EPOCHS * N_TIMES


def spec(n_trials: int) -> DataSpec:
    return DataSpec(feature="temporal", snr_db=-3.5, n_trials=n_trials, seed=0)


def source_by_source(gain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brain noise of a trial, one source after the other, from their gain (channels, sources)."""
    scalp = np.zeros((N_CHANNELS, N_TIMES))
    for source in range(N_SOURCES):
        scalp = scalp + np.outer(gain[:, source], 5 * plain_pink(rng))
    return scalp


def all_sources(gain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same as one Fourier transform of all sources and one matrix product."""
    spectrum = np.fft.rfft(rng.standard_normal((N_SOURCES, N_RECORDING)))
    frequency = np.fft.rfftfreq(N_RECORDING)
    spectrum[:, 1:] /= np.sqrt(frequency[1:])
    spectrum[:, 0] = 0
    start = rng.integers(N_RECORDING - N_TIMES + 1)
    waves = np.fft.irfft(spectrum)[:, start : start + N_TIMES]
    return gain @ (5 * waves / np.abs(waves).max(axis=1, keepdims=True))


def plain_pink(rng: np.random.Generator) -> np.ndarray:
    """A random stretch of a recording of several epochs."""
    spectrum = np.fft.fft(rng.standard_normal(N_RECORDING))
    frequency = np.abs(np.fft.fftfreq(N_RECORDING))
    spectrum[1:] /= np.sqrt(frequency[1:])
    spectrum[0] = 0
    start = rng.integers(N_RECORDING - N_TIMES + 1)
    wave = np.real(np.fft.ifft(spectrum))[start : start + N_TIMES]
    return wave / np.abs(wave).max()


def plain(brain_noise: Callable[..., np.ndarray], n_trials: int) -> None:
    """A trial at a time, each projected through the lead field."""
    rng = np.random.default_rng(0)
    head, trials = open_head(spec(n_trials).head), draw_trials(spec(n_trials))
    field = head.lead_field(np.array(FEATURES["temporal"].dipoles_mni_mm))
    noise_field = head.lead_field(head.random_places(N_SOURCES, rng))
    noise_gain = np.einsum("csi,si->cs", noise_field.gain, noise_field.normals)
    signal = np.zeros((n_trials, N_CHANNELS, N_TIMES))
    noise = np.zeros((n_trials, N_CHANNELS, N_TIMES))
    for i in range(n_trials):
        trial = trials.iloc[i]
        peak = norm.pdf(np.arange(1, N_TIMES + 1), trial.latency_ms / 4 + 1, trial.width_ms / 24)
        topography = field.gain[:, trial.dipole] @ field.normals[trial.dipole]
        signal[i] = np.outer(topography, peak / peak.max() * trial.amplitude)
        white = 5 * rng.standard_normal((N_CHANNELS, N_TIMES))
        noise[i] = brain_noise(noise_gain, rng) + white
    mixed = 0.4 * signal / np.linalg.norm(signal) + 0.6 * noise / np.linalg.norm(noise)
    mixed *= np.mean(np.abs([signal, noise])) / np.mean(np.abs(mixed))


def seconds_a_trial(function: Callable[[int], object], n_trials: int) -> float:
    started = time.perf_counter()
    function(n_trials)
    return (time.perf_counter() - started) / n_trials


def cpu_seconds_a_trial(function: Callable[[], object], n_trials: int) -> float:
    started = time.process_time()
    function()
    return (time.process_time() - started) / n_trials


def shares(n_trials: int) -> dict[str, float]:
    """CPU seconds a trial of the whole, of its random numbers and of its matrix product."""
    rng, topographies = np.random.default_rng(0), noise_module.noise_sources(spec(n_trials))[0]
    sizes = [rows.stop - rows.start for rows in blocks(n_trials)]
    brain = white(rng, (sizes[0], N_SOURCES, N_TIMES))

    def numbers() -> None:
        for size in sizes:
            white(rng, (size, N_SOURCES, N_TIMES))
            white(rng, (size, N_CHANNELS, N_TIMES))

    def product() -> None:
        for size in sizes:
            topographies @ brain[:size]

    parts = {
        "all": lambda: simulate_spec(spec(n_trials)),
        "random numbers": numbers,
        "matrix product": product,
    }
    return {name: cpu_seconds_a_trial(part, n_trials) for name, part in parts.items()}


def main() -> None:
    n_trials = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    simulate_spec(spec(64))
    programs: dict[str, tuple[Callable[[int], object], int]] = {
        "source by source": (partial(plain, source_by_source), PLAIN_TRIALS),
        "all sources": (partial(plain, all_sources), PLAIN_TRIALS),
        "eegxai": (lambda n: simulate_spec(spec(n)), n_trials),
    }
    rounds = [[seconds_a_trial(*program) for program in programs.values()] for _ in range(REPEATS)]
    for name, times in zip(programs, zip(*rounds, strict=True), strict=True):
        middle = statistics.median(times)
        ratio = statistics.median(time / row[-1] for time, row in zip(times, rounds, strict=True))
        print(f"{name:16} {1 / middle:6.0f} trials/s  {1e3 * middle:6.3f} ms  ratio {ratio:.1f}")
    whole = shares(n_trials)
    for name in ("random numbers", "matrix product"):
        print(f"{name}: {whole[name] / whole['all']:.0%} of the processor time")
    print(f"{n_trials} trials, peak memory {peak_gb():.2f} GB")


def peak_gb() -> float:
    """Largest memory of this process so far (on Linux)."""
    import resource  # where there is none, all but this line can be measured

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
