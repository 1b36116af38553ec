"""Trials of anyone's recordings: from files or from memory, checked, in microvolts."""

from eegxai.recordings.files import read_trials, read_windows
from eegxai.recordings.labelled import LabelledTrials
from eegxai.recordings.sources import as_labelled

__all__ = ["LabelledTrials", "as_labelled", "read_trials", "read_windows"]
