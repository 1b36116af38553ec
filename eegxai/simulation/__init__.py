"""Simulated EEG whose class-related signal is known at every channel and sample."""

from eegxai.simulation.dataset import (
    DataSpec,
    NoiseSpec,
    SimulatedEEG,
    simulate,
    simulate_spec,
)
from eegxai.simulation.features import FEATURES

__all__ = ["FEATURES", "DataSpec", "NoiseSpec", "SimulatedEEG", "simulate", "simulate_spec"]
