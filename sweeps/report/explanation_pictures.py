"""Pictures of explanations of one's own decoder, with what is said of each."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from eegxai.explaining import DecoderExplanation
from eegxai.rounding import counted
from sweeps.report.picture import Picture
from sweeps.scores.table import SPECIFICITY_THRESHOLD


class Said(NamedTuple):
    """What is said of a picture, and what it is for those who do not see it."""

    caption: str
    alt: str


# By the names of ``DecoderExplanation.figures``, in the order of the page.
CAPTIONS: Mapping[str, Said] = {
    "confusion": Said(
        "Trials by true and predicted class. The maps explain trials that are classified "
        "correctly; errors are not examined.",
        "Confusion matrix of the decoder.",
    ),
    "topographies": Said(
        "Mean magnitude of each class's maps over its explained trials, each with the same weight, "
        "and over time, relative to its peak. Only shapes can be compared between methods, "
        "not colours. A map that is the same on all channels has no topography.",
        "Scalp maps of each method and class.",
    ),
    "time_courses": Said(
        "Mean magnitude of each class's maps over its explained trials, each with the same weight, "
        "and over channels, relative to the method's peak.",
        "Curves of each method and class over time.",
    ),
    "checks": Said(
        "Mean correlation of each map with the original one, for another class, one random layer "
        "at a time (mean over layers) and random weights; on the right, what maps without any "
        "information reach. Blue is good; white is "
        f"{SPECIFICITY_THRESHOLD:g}. A dash: not testable.",
        "Heat map of methods by checks, its values written in the cells.",
    ),
    "cascade": Said(
        "Correlation of each map with the original one while the decoder's layers get random "
        "weights, from the output to the input. A map that depends on what the decoder has learnt "
        f"ends below {SPECIFICITY_THRESHOLD:g} (dotted), or below what maps without any "
        "information reach (dashed).",
        "Line charts of similarity against randomized layers, one for each method.",
    ),
    "frequency": Said(
        "Relevance of each frequency, summed over channels, mean over the explained trials of a "
        "class; each trial is scaled so that its magnitudes add up to 1. Methods whose maps say "
        "nothing about frequency are left out.",
        "Curves of relevance over frequency.",
    ),
    "agreement": Said(
        "Mean correlation, over trials, of the magnitudes of two methods' maps. Methods that agree "
        "may all be wrong: those that compute nearly the same agree by construction.",
        "Heat map of the agreement between methods.",
    ),
    "patterns": Said(
        "Activation patterns of the outputs (Haufe et al., NeuroImage 87, 2014): what in the "
        "trials covaries with each output, for the decoder and for a linear model. They show where "
        "the signal is, whereas a map shows where the decoder weights it: the two need not agree.",
        "Scalp maps and time courses of the activation patterns of each class.",
    ),
    "curves": Said(
        "The decision while windows of channels are replaced by those of another trial, in the "
        "order of the map (deletion), and restored (insertion). Above each panel the area "
        "between the method's curves and those of random orders (grey); dotted: the order of what "
        "the decision loses without each piece alone.",
        "Curves of deletion and insertion, one panel for each method.",
    ),
}


def explanation_pictures(found: DecoderExplanation) -> Iterator[Picture]:
    """Its pictures in the order of the page; one without a caption of its own comes last."""
    figures = found.figures()
    names = [*(name for name in CAPTIONS if name in figures), *figures.keys() - CAPTIONS.keys()]
    for name in names:
        said = CAPTIONS.get(name, Said(name.replace("_", " ").capitalize() + ".", name))
        yield Picture(name, figures[name], said.caption, f"{said.alt} {_explanation_counts(found)}")


def _explanation_counts(found: DecoderExplanation) -> str:
    methods = counted(len(found.methods), "method")
    return f"{methods}, {counted(len(found.explained), 'explained trial')}."
