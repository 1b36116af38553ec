"""What titles say of a decoder and of a score, in words."""

from collections.abc import Mapping, Sequence

from eegxai.evaluation import HEADLINE
from eegxai.rounding import decibels
from sweeps.design.cells import DecoderCell

MARK = "†"  # beside what has decoders that are no better than chance
# What a number of the study's score is, by its metric.
STUDY_SCORES: Mapping[str, str] = {
    "mass_clipped": "share of the map's positive part on the planted signal",
    "cosine_clipped": "cosine of the topographies of the map's positive part and of the signal",
}


def study_score(feature: str) -> str:
    """What the study's score of a feature type is."""
    return STUDY_SCORES[HEADLINE[feature][1]]


def line_of_decoder(decoder: DecoderCell, accuracy: float, at_chance: bool) -> str:
    """Such as ``Decoder: deepnet at −3.5 dB, temporal, seed 0, fold 0; test accuracy 0.98``."""
    chance = f" ({MARK} no better than chance)" if at_chance else ""
    return f"{name_of_decoder(decoder)}; test accuracy {accuracy:.2f}{chance}."


def name_of_decoder(cell: DecoderCell) -> str:
    """Such as ``Decoder: deepnet at −3.5 dB, temporal, seed 0, fold 0``."""
    data = cell.data
    level = f"{cell.architecture} at {decibels(data.snr_db)} dB"
    return f"Decoder: {level}, {data.feature}, seed {data.seed}, fold {cell.fold}"


def listed(words: Sequence[str]) -> str:
    """Words with commas, and an "and" before the last; nothing of none."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
