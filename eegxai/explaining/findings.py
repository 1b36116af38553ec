"""What is known of a decoder and of explanations of it, as data and tables."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from eegxai.evaluation.evidence.patterns import Patterns
from eegxai.explaining.summaries import over_scalp, over_time
from eegxai.explaining.trust import trust_by_method
from eegxai.recordings import LabelledTrials
from eegxai.registry import lookup

Array = np.ndarray

# Columns of the tables, in their order; a table without rows has them too.
ACCURACY_COLUMNS = [
    "n_trials", "accuracy", "low", "high", "chance", "balanced_accuracy", "balanced_chance",
    "above_chance",
]  # fmt: skip
VALIDITY_COLUMNS = [
    "method", "status", "reason", "duplicate_of", "similarity", "completeness",
    "completeness_worst", "batch_dependence", "flags",
]  # fmt: skip
FREQUENCY_COLUMNS = ["method", "class", "frequency_hz", "relevance"]


def _no_table() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class Findings:
    """Accuracy, maps and checks of a decoder on someone's own trials.

    Attributes
    ----------
    trials : LabelledTrials
        All trials as the decoder gets them: in its unit and its order of channels.
    decoder_name : str
        How the decoder is called: its class, or the string that it was made from.
    accuracy : DataFrame
        One row: n_trials, accuracy, low and high (95 % interval, Wilson), chance (share of the
        largest class), balanced_accuracy (mean recall of the classes that have trials),
        balanced_chance (that of naming one class always) and above_chance (bool: the balanced
        accuracy, by a permutation test of the labels). No row without labels.
    confusion : DataFrame (true classes, predicted classes)
        Numbers of trials, by class names; empty without labels.
    explained : ndarray (explained trials,)
        Positions of the explained trials among ``trials``.
    target : ndarray (explained trials,)
        The class that is explained in each.
    maps : dict of str to ndarray (explained trials, channels, times)
        Signed maps of each method that has them, float32.
    validity : DataFrame
        One row per requested method: method, status (``ok``, ``not_applicable``, ``degenerate``,
        ``duplicate`` or ``failed``), reason, duplicate_of, similarity, completeness,
        completeness_worst, batch_dependence, flags (one text, ``"; "`` between; empty: none).
    checks : DataFrame
        Similarities to the original maps, in the columns of ``eegxai.evaluate`` with method
        before them and low and high, the 95 % interval of the mean over trials, after: one row per
        method, check (``target_swap``, ``cascade``, ``independent``, ``all_weights``, the untrained
        decoder, and the null levels: ``surrogate``, ``noise``, ``noise_magnitude``),
        step, domain and metric.
    agreement : DataFrame (methods, methods)
        Mean Pearson correlation over the trials of the magnitudes of two methods' maps.
    frequency : DataFrame
        method, class (its name), frequency_hz, relevance: the mean over the class's explained
        trials, summed over channels, where each trial's magnitudes sum to 1.
    output : str
        What the maps explain: ``"contrast"``, ``"logit"`` or ``"value"``, as for ``attribute``.
    without_truth : tuple of str
        What is left out because it needs a known ground truth, by name.
    notes : tuple of str
        What was decided or noticed, one sentence each.
    seconds : DataFrame
        method (empty for what all share), part, seconds.
    patterns : DataFrame
        Where the activation patterns of the outputs are largest, see
        ``eegxai.evaluation.pattern_table``; empty where there are none.
    curves : DataFrame
        Deletion and insertion curves of some of the trials, see
        ``eegxai.evaluation.deletion_curves``; empty where there are none.
    output_patterns : Patterns, optional
        The patterns themselves, of the decoder and of a linear model.
    """

    trials: LabelledTrials
    decoder_name: str
    accuracy: pd.DataFrame
    confusion: pd.DataFrame
    explained: Array
    target: Array
    maps: dict[str, Array]
    validity: pd.DataFrame
    checks: pd.DataFrame
    agreement: pd.DataFrame
    frequency: pd.DataFrame
    output: Literal["contrast", "logit", "value"]
    without_truth: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: pd.DataFrame = field(default_factory=_no_table)
    patterns: pd.DataFrame = field(default_factory=_no_table)
    curves: pd.DataFrame = field(default_factory=_no_table)
    output_patterns: Patterns | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that have maps, in the requested order."""
        return tuple(self.maps)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the decoder's classes."""
        return self.trials.class_names

    @property
    def class_testable(self) -> bool:
        """Whether a map of a wrong class can differ other than by its sign.

        The contrast of one of two classes is minus that of the other.
        """
        return len(self.class_names) > (2 if self.output == "contrast" else 1)

    @property
    def trust(self) -> pd.DataFrame:
        """Which methods pass the checks that need no ground truth.

        Returns
        -------
        DataFrame
            One row per requested method: method; applicable, complete, class_specific and
            model_specific (``shown``, ``refuted``, ``undecided``, ``not testable``, or for
            complete ``no claim`` where the method promises no sum); agreement (median correlation
            with the maps of the other methods); trust (``no check failed``, ``doubtful``, ``do not
            use``, ``same as ...`` or ``no map``) and reason, in words.

            Class-specific is shown where the 95 % interval of the correlation with the map of a
            wrong class lies below 0.5 (or below that of uninformative maps, if that is higher),
            model-specific where that with the map of the untrained decoder does; complete where
            sums are within 5 % of what the method promises.
        """
        return trust_by_method(
            self.validity, self.checks, self.agreement, self.class_testable, self.above_chance
        )

    @property
    def above_chance(self) -> bool | None:
        """Whether the decoder is better than chance; None where trials have no labels."""
        return bool(self.accuracy["above_chance"].iloc[0]) if len(self.accuracy) else None

    def topography(self, method: str) -> pd.DataFrame:
        """Mean magnitude of the maps of each class at each channel (classes, channels).

        Each trial's map is divided by its mean magnitude, so that all count the same.
        """
        maps = lookup(self.maps, method, "method")
        return over_scalp(maps, self.target, self.class_names, self.trials.ch_names)

    def time_course(self, method: str) -> pd.DataFrame:
        """Mean magnitude of the maps of each class at each time in s (times, classes).

        Each trial's map is divided by its mean magnitude, so that all count the same.
        """
        maps = lookup(self.maps, method, "method")
        return over_time(maps, self.target, self.class_names, self.trials.times)
