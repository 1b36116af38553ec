"""Every picture of the project, from maps and tidy tables."""

from eegxai.figures.curves import cascade_curves, score_by_snr
from eegxai.figures.evidence import pattern_topographies, replacement_curves
from eegxai.figures.explained import agreement, class_curves, class_topographies, confusion
from eegxai.figures.frequency import relevance_over_frequency, share_above, shown_hz
from eegxai.figures.heatmap import heat_map
from eegxai.figures.maps import maps_beside_truth, topographies
from eegxai.figures.ranks import MOVED, critical_difference, rankings
from eegxai.figures.reference_scores import reference_scores
from eegxai.figures.references import ScalpAndTime, references_of_trial
from eegxai.figures.scalp import is_uniform
from eegxai.figures.simulated import simulation
from eegxai.figures.style import FIGURE_FORMATS, save
from eegxai.figures.trials import classes_over_time, map_against_truth
from eegxai.renamed import keep_old_names
from eegxai.rounding import decibels, digits

__all__ = [
    "FIGURE_FORMATS",
    "MOVED",
    "ScalpAndTime",
    "agreement",
    "cascade_curves",
    "class_curves",
    "class_topographies",
    "classes_over_time",
    "confusion",
    "critical_difference",
    "decibels",
    "digits",
    "heat_map",
    "is_uniform",
    "map_against_truth",
    "maps_beside_truth",
    "pattern_topographies",
    "rankings",
    "reference_scores",
    "references_of_trial",
    "relevance_over_frequency",
    "replacement_curves",
    "save",
    "score_by_snr",
    "share_above",
    "shown_hz",
    "simulation",
    "topographies",
]

keep_old_names(
    __name__,
    {
        "FORMATS": "eegxai.figures:FIGURE_FORMATS",
        "cascade": "eegxai.figures:cascade_curves",
    },
)
