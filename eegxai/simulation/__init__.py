"""Simulated EEG whose class-related signal is known at every channel and sample."""

from eegxai.simulation.dataset import SimulatedEEG, simulate, simulate_spec, simulate_trials
from eegxai.simulation.features import FEATURES
from eegxai.simulation.pink import pink_covariance
from eegxai.simulation.spec import DataSpec, NoiseSpec

__all__ = [
    "FEATURES",
    "DataSpec",
    "NoiseSpec",
    "SimulatedEEG",
    "pink_covariance",
    "simulate",
    "simulate_spec",
    "simulate_trials",
]
