"""Simulated EEG whose class-related signal is known at every channel and sample."""

from eegxai.plugins import load_plugins
from eegxai.simulation.background import BackgroundSpec
from eegxai.simulation.dataset import SimulatedEEG, simulate, simulate_spec, simulate_trials
from eegxai.simulation.feature_spec import ClassSpec, FeatureSpec, Signal
from eegxai.simulation.features import BUILT_IN, FEATURES, add_feature
from eegxai.simulation.files import write_eeg
from eegxai.simulation.implanting import implant
from eegxai.simulation.pink import pink_covariance
from eegxai.simulation.spec import DataSpec, NoiseSpec

__all__ = [
    "BUILT_IN",
    "FEATURES",
    "BackgroundSpec",
    "ClassSpec",
    "DataSpec",
    "FeatureSpec",
    "NoiseSpec",
    "Signal",
    "SimulatedEEG",
    "add_feature",
    "implant",
    "pink_covariance",
    "simulate",
    "simulate_spec",
    "simulate_trials",
    "write_eeg",
]

load_plugins("eegxai.features")  # last, since plug-ins import from here
