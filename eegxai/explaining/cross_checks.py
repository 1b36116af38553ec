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
from eegxai.explaining.matching import as_input
from eegxai.seeding import generator

N_REPLACED_TRIALS = 16  # of which pieces are replaced: about 800 passes each
MOST_PATTERN_NUMBERS = 20_000_000  # of trials; patterns take several copies of them in float64
Array = np.ndarray
T = TypeVar("T")


def decoder_patterns(decoded: Decoded, notes: list[str]) -> Patterns | None:
    """Activation patterns of the decoder's outputs over trials; None, noted, where none are.

    Over all trials, or of many large ones over some drawn at random, which is noted. Those of a
    linear model stand beside them where each output has trials to fit it.
    """
    some = _trials_of_patterns(decoded, notes)
    x = as_input(decoded.decoder, decoded.trials.x[some])
    y = _discriminable_labels(decoded, some)
    if y is None and decoded.y is not None:
        notes.append(
            "there are no patterns of a linear model: some classes have too few trials or none"
        )
    return _tried("the output patterns", lambda: patterns(decoded.decoder, x, y), notes, None)


def _trials_of_patterns(decoded: Decoded, notes: list[str]) -> Array:
    """Positions of the trials that patterns are made of, since they take several copies of them."""
    n_trials, most = len(decoded.trials.x), MOST_PATTERN_NUMBERS // decoded.trials.x[0].size
    if n_trials <= most:
        return np.arange(n_trials)
    drawn = generator(0, "trials of the patterns").permutation(n_trials)[:most]
    notes.append(f"the output patterns are of {most} of {n_trials} trials, drawn at random")
    return np.sort(drawn)


def _discriminable_labels(decoded: Decoded, some: Array) -> torch.Tensor | None:
    """Classes, if each of the decoder's has two trials, as a linear discriminant needs."""
    if decoded.y is None:
        return None
    y = decoded.y[some]
    enough = np.bincount(y, minlength=decoded.n_outputs).min() >= 2
    return torch.from_numpy(y) if enough else None


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
