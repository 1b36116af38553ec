"""Explanations of anyone's own decoder on their own recordings."""

from eegxai.explaining.api import explain
from eegxai.explaining.result import DecoderExplanation

__all__ = ["DecoderExplanation", "explain"]
