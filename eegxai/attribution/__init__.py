"""Attribution methods, the one way to call them, and whether they are valid on a decoder."""

# In the order of tables; a duplicate is one of a method before it.
# isort: off
from eegxai.attribution.methods import gradients as _gradients  # noqa: F401  (registers)
from eegxai.attribution.methods import relu_rules as _relu_rules  # noqa: F401  (registers)
from eegxai.attribution.methods import deeplift as _deeplift  # noqa: F401  (registers)
from eegxai.attribution.methods import lrp as _lrp  # noqa: F401  (registers)
from eegxai.attribution.methods import cam as _cam  # noqa: F401  (registers)
from eegxai.attribution.methods import path_gradients as _path_gradients  # noqa: F401  (registers)
from eegxai.attribution.methods import occlusion as _occlusion  # noqa: F401  (registers)
from eegxai.attribution.methods import controls as _controls  # noqa: F401  (registers)
from eegxai.attribution.methods.libraries import captum_classes as _captum  # noqa: F401 (registers)
from eegxai.attribution.methods.libraries import gradcam_classes as _gradcam  # noqa: F401 (registers)
from eegxai.attribution.methods.libraries import braindecode_functions as _braindecode  # noqa: F401
# isort: on

from eegxai.attribution.api import attribute, attribute_all, options_of
from eegxai.attribution.core.registry import (
    CONTROLS,
    LIBRARIES,
    METHODS,
    DegenerateMap,
    Method,
    NotApplicable,
    attribution,
    find,
)
from eegxai.attribution.validity import Validity, study_maps, validity
from eegxai.plugins import load_plugins
from eegxai.renamed import keep_old_names

STUDY_METHODS = tuple(name for name, method in METHODS.items() if method.group == "study")

__all__ = [
    "CONTROLS",
    "LIBRARIES",
    "METHODS",
    "STUDY_METHODS",
    "DegenerateMap",
    "Method",
    "NotApplicable",
    "Validity",
    "attribute",
    "attribute_all",
    "attribution",
    "find",
    "options_of",
    "study_maps",
    "validity",
]

keep_old_names(
    __name__,
    {
        "BASELINES": "eegxai.attribution:CONTROLS",
        "STUDY": "eegxai.attribution:STUDY_METHODS",
    },
)

load_plugins("eegxai.methods")  # last: they import from here
