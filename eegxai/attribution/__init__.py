"""Attribution methods, the one way to call them, and whether they mean anything on a decoder."""

from eegxai.attribution import backpropagation as _backpropagation  # noqa: F401  (registers)
from eegxai.attribution import baselines as _baselines  # noqa: F401  (registers)
from eegxai.attribution import cams as _cams  # noqa: F401  (registers)
from eegxai.attribution import deeplift as _deeplift  # noqa: F401  (registers)
from eegxai.attribution import gradients as _gradients  # noqa: F401  (registers)
from eegxai.attribution import occlusion as _occlusion  # noqa: F401  (registers)
from eegxai.attribution import paths as _paths  # noqa: F401  (registers)
from eegxai.attribution import relevance as _relevance  # noqa: F401  (registers)
from eegxai.attribution.calls import attribute, attribute_all, options_of
from eegxai.attribution.registry import (
    BASELINES,
    METHODS,
    DegenerateMap,
    Method,
    NotApplicable,
    attribution,
)
from eegxai.attribution.validity import Validity, study_maps, validity
from eegxai.plugins import load_plugins

STUDY = tuple(name for name, method in METHODS.items() if method.group == "study")

__all__ = [
    "BASELINES",
    "METHODS",
    "STUDY",
    "DegenerateMap",
    "Method",
    "NotApplicable",
    "Validity",
    "attribute",
    "attribute_all",
    "attribution",
    "options_of",
    "study_maps",
    "validity",
]

load_plugins("eegxai.methods")  # last: they import from here
