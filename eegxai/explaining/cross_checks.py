"""Evidence beside the maps that needs no ground truth: output patterns, and replaced pieces."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from eegxai.attribution.core.faults import first_line
from eegxai.evaluation.controls.sanity_checks import ExplainedTrials
from eegxai.evaluation.evidence.curves import deletion_curves
from eegxai.evaluation.evidence.patterns import Patterns, pattern_table, patterns
from eegxai.evaluation.maps.stacks import evenly_spaced
from eegxai.explaining.choosing import Decoded

N_REPLACED_TRIALS = 16  # of which pieces are replaced: about 800 passes each
Array = np.ndarray
T = TypeVar("T")


def output_patterns(decoded: Decoded, notes: list[str]) -> Patterns | None:
    """Activation patterns of the decoder's outputs over all trials; None, noted, where none are.

    Those of a linear model stand beside them where each output has trials to fit it.
    """
    y = _labels(decoded)
    if y is None and decoded.y is not None:
        notes.append("there are no patterns of a linear model: some classes have too few trials")
    return _tried(
        "the output patterns", lambda: patterns(decoded.decoder, decoded.x, y), notes, None
    )


def _labels(decoded: Decoded) -> torch.Tensor | None:
    """Classes, if each of the decoder's has two trials, as a linear discriminant needs."""
    if decoded.y is None or np.bincount(decoded.y, minlength=decoded.n_outputs).min() < 2:
        return None
    return torch.from_numpy(decoded.y)


def patterns_table(found: Patterns | None, decoded: Decoded) -> pd.DataFrame:
    """Where each pattern is largest, and how far it can be trusted."""
    trials = decoded.trials
    if found is None:
        return pd.DataFrame()
    return pattern_table(found, trials.info, trials.class_names, trials.tmin)


def replacement_table(
    explained: ExplainedTrials, decoded: Decoded, maps: Mapping[str, Array], notes: list[str]
) -> pd.DataFrame:
    """Deletion and insertion curves of some of the explained trials; empty, noted, without."""
    if not maps:
        return pd.DataFrame()
    some = evenly_spaced(len(explained.x), N_REPLACED_TRIALS)
    chosen = {name: values[some] for name, values in maps.items()}
    return _tried(
        "deletion and insertion",
        lambda: deletion_curves(
            explained.decoder, explained.x[some], explained.target[some], chosen,
            decoded.trials.info, pool=decoded.x,
        ),
        notes,
        pd.DataFrame(),
    )  # fmt: skip


def _tried(what: str, make: Callable[[], T], notes: list[str], otherwise: T) -> T:
    try:
        return make()
    except Exception as error:  # such as of too few trials: all else stands
        notes.append(f"{what} could not be computed: {first_line(error)}")
        return otherwise
