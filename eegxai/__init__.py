"""Which explanations of EEG decoders can be trusted? Simulate, decode, attribute, evaluate.

The science half of the project: it knows no Ray, no MLflow and no YAML, so that a notebook
can use it alone. The sweep over many decoders and methods lives in :mod:`sweeps`.

The names of ``__all__`` are the public face. Each is imported when it is first used, so that
``import eegxai`` takes no time; ``__init__.pyi`` has their types.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PACKAGES = (
    "attribution",
    "decoders",
    "evaluation",
    "explaining",
    "figures",
    "head",
    "recordings",
    "simulation",
    "statistics",
)
_NAMES = {
    "attribution": (
        "CONTROLS",
        "CORRECTED_METHODS",
        "METHODS",
        "STUDY_METHODS",
        "adapted",
        "attribute",
        "attribute_all",
        "frequency_relevance",
        "options_of",
        "validity",
    ),
    "decoders": (
        "DECODERS",
        "TrainingSpec",
        "build",
        "confusion_matrix",
        "fit",
        "initialised",
        "predict",
        "recommended",
        "split_trials",
    ),
    "evaluation": (
        "CALIBRATED_METRICS",
        "EvaluationSpec",
        "SIMILARITIES",
        "STUDY_METRICS",
        "chance_corrected",
        "curve_areas",
        "decoder_use",
        "deletion_curves",
        "evaluate",
        "ground_truth_reference",
        "ideal_observer",
        "pattern_table",
        "patterns",
        "replacement_agreement",
        "replacement_use",
        "score",
        "similarity",
        "source_truth",
        "topography",
    ),
    "explaining": ("DecoderExplanation", "explain"),
    "head": ("HEADS", "HeadSpec", "open_head"),
    "recordings": ("LabelledTrials", "as_labelled", "read_trials", "read_windows"),
    "simulation": (
        "ClassSpec",
        "DataSpec",
        "FEATURES",
        "FeatureSpec",
        "NoiseSpec",
        "Signal",
        "SimulatedEEG",
        "add_feature",
        "implant",
        "simulate",
        "write_eeg",
    ),
    "statistics": ("axis_effect", "compare_ranks", "paired_differences"),
}
_HOME = {name: package for package, names in _NAMES.items() for name in names}

__all__ = sorted([*_PACKAGES, *_HOME])


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
