"""Attribution methods, the one way to call them, and whether they are valid on a decoder."""

# In the order of tables inside a group; a duplicate is one of a method before it.
# isort: off
from eegxai.attribution.methods import gradients as _gradients  # noqa: F401  (registers)
from eegxai.attribution.methods import relu_rules as _relu_rules  # noqa: F401  (registers)
from eegxai.attribution.methods import deeplift as _deeplift  # noqa: F401  (registers)
from eegxai.attribution.methods import lrp as _lrp  # noqa: F401  (registers)
from eegxai.attribution.methods import study_cam as _study_cam  # noqa: F401  (registers)
from eegxai.attribution.methods import cam as _cam  # noqa: F401  (registers)
from eegxai.attribution.methods import path_gradients as _path_gradients  # noqa: F401  (registers)
from eegxai.attribution.methods import occlusion as _occlusion  # noqa: F401  (registers)
from eegxai.attribution.methods import band_occlusion as _band_occlusion  # noqa: F401  (registers)
from eegxai.attribution.methods import controls as _controls  # noqa: F401  (registers)
from eegxai.attribution.methods.libraries import captum_classes as _captum  # noqa: F401 (registers)
from eegxai.attribution.methods.libraries import gradcam_classes as _gradcam  # noqa: F401 (registers)
from eegxai.attribution.methods.libraries import braindecode_functions as _braindecode  # noqa: F401
# isort: on

from eegxai.attribution.api import attribute, attribute_all, frequency_relevance
from eegxai.attribution.calling import adapted, options_of
from eegxai.attribution.core.groups import asked_methods, method_groups, without_groups
from eegxai.attribution.core.registry import (
    CONTROLS,
    LIBRARIES,
    METHODS,
    DegenerateMap,
    Method,
    NotApplicable,
    attribution,
    find,
    in_order_of_groups,
    names_of,
)
from eegxai.attribution.engine.adapted import DecoderWarning
from eegxai.attribution.given import UnitWarning
from eegxai.attribution.prepared import Output, PreparedDecoders
from eegxai.attribution.validity import Validity, compared_maps, validity
from eegxai.plugins import load_plugins
from eegxai.renamed import keep_old_names

in_order_of_groups()
STUDY_METHODS = names_of("study")
CORRECTED_METHODS = names_of("corrected")

__all__ = [
    "CONTROLS",
    "CORRECTED_METHODS",
    "LIBRARIES",
    "METHODS",
    "STUDY_METHODS",
    "DecoderWarning",
    "DegenerateMap",
    "Method",
    "NotApplicable",
    "Output",
    "PreparedDecoders",
    "UnitWarning",
    "Validity",
    "adapted",
    "asked_methods",
    "attribute",
    "attribute_all",
    "attribution",
    "compared_maps",
    "find",
    "frequency_relevance",
    "method_groups",
    "options_of",
    "validity",
    "without_groups",
]

keep_old_names(
    __name__,
    {
        "BASELINES": "eegxai.attribution:CONTROLS",
        "STUDY": "eegxai.attribution:STUDY_METHODS",
        "study_maps": "eegxai.attribution:compared_maps",
    },
)

load_plugins("eegxai.methods")  # last: they import from here
