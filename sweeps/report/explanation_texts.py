"""Explanations of one's own decoder, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from eegxai.attribution import find
from eegxai.explaining import DecoderExplanation
from eegxai.explaining.trust import (
    DO_NOT_USE,
    DOUBTFUL,
    NO_CHECK_FAILED,
    NO_MAP,
    untested_questions,
)
from eegxai.rounding import counted, digits
from sweeps.report.explanation_tables import trust_mark, without_name
from sweeps.scores.table import SPECIFICITY_THRESHOLD
from sweeps.scores.words import listed

HOW_MANY_NAMED = 6  # methods in a sentence; more are counted
TRUST_MARKS_LEGEND = (
    "✓ shown, ✗ refuted, ? undecided by the 95 % intervals over the explained trials, – not "
    "testable, or the method promises no sum"
)
# What each column of the table of trust asks.
MEANINGS: Mapping[str, str] = {
    "applicable": "the method has maps on this decoder, which are neither zero nor constant",
    "complete": "maps add up to the sum that the method promises, where it promises one",
    "class-specific": "the map changes when another class is explained: its correlation with the "
    f"original one is below {SPECIFICITY_THRESHOLD:g}, or below that of maps without any "
    "information; "
    "not testable with two classes, whose maps are mirror images",
    "model-specific": "the same when the decoder's weights are random",
    "agreement": "median correlation of the magnitudes of the method's maps with those of the "
    "other methods, for information: methods can agree and all be wrong",
}
TERMINAL_LEGEND = (
    "✓ shown, ✗ refuted, ? undecided by the 95 % intervals, -- not testable or no sum promised",
    "all: ✓ no check failed, ? doubtful, ✗ do not use, = maps of another method",
    "class, model: the map changes for another class, for random weights; agreem.: median "
    "correlation with the maps of the other methods",
)
# What is said of one method, and of several, by its word of trust.
TRUST_PHRASES: Mapping[str, tuple[str, str]] = {
    DOUBTFUL: ("is doubtful", "are doubtful"),
    DO_NOT_USE: ("should not be used here", "should not be used here"),
    NO_MAP: ("has no map", "have no map"),
}
EXPLANATION_LIMITS = (
    "Passing is necessary and not sufficient: a map that changes with the class and with the "
    "weights may still show the wrong channels or times. How often that happens is measured where "
    "the answer is known, in simulated EEG.",
    "Only trials that the decoder classifies correctly are explained; its errors are not examined.",
    "Intervals are over the trials of this one decoder: they do not generalise to another decoder "
    "trained in the same way.",
    "If the decoder was trained on these trials, its accuracy here is too high; the checks of the "
    "maps are not affected.",
    "A map shows what the decoder uses, which need not be where the brain's activity is: a channel "
    "that only helps to cancel noise is relevant, too (Haufe et al., NeuroImage 87, 2014).",
)
CITATION = (
    "Sujatha Ravindran & Contreras-Vidal, An empirical comparison of deep learning explainability "
    "approaches for EEG using simulated ground truth, Scientific Reports 13:17709 (2023), "
    "doi 10.1038/s41598-023-43871-8, whose checks these are, and the software eegxai."
)


def accuracy_lines(accuracy: pd.DataFrame) -> Iterator[str]:
    """How well a decoder decodes, and what follows where it does not.

    Parameters
    ----------
    accuracy : DataFrame
        That of a ``DecoderExplanation``.
    """
    if accuracy.empty:
        yield (
            "Accuracy is not known, as the trials have no labels: the class that the decoder "
            "predicts for each trial is explained."
        )
        return
    row = accuracy.iloc[0]
    yield (
        f"Accuracy {digits(row['accuracy'])} [{digits(row['low'])}, {digits(row['high'])}] of "
        f"{counted(int(row['n_trials']), 'trial')}, balanced (mean of the classes) "
        f"{digits(row['balanced_accuracy'])}; always guessing the most frequent class would give "
        f"{digits(row['chance'])}, balanced {digits(row['balanced_chance'])}."
    )
    if not row["above_chance"]:
        yield (
            "The decoder decodes no better than chance: what its maps should show is unknown. "
            "Check the unit, the channels and the labels first."
        )


def trust_answer(found: DecoderExplanation) -> Iterator[str]:
    """Which methods passed the checks, in sentences that a person can repeat."""
    trust = found.trust
    good = list(trust.loc[trust["trust"] == NO_CHECK_FAILED, "method"])
    whom = f"No check failed for {_methods_phrase(good)}" if good else "No method passes the checks"
    yield f"{whom} on this decoder."
    if untested := untested_questions(found.class_testable, found.above_chance):
        yield f"It was not tested whether {' or '.join(untested)}."
    for word, verbs in TRUST_PHRASES.items():
        if names := list(trust.loc[trust["trust"] == word, "method"]):
            yield f"{_methods_phrase(names)} {verbs[len(names) > 1]}."


def _methods_phrase(names: Sequence[str]) -> str:
    return listed(names) if len(names) <= HOW_MANY_NAMED else counted(len(names), "method")


def trust_notes(found: DecoderExplanation) -> Iterator[str]:
    """Why methods fail, are doubtful or have no map, one line for each reason."""
    methods_of: dict[tuple[str, str], list[str]] = {}
    for row in found.trust.to_dict("records"):
        if row["trust"] != NO_CHECK_FAILED:
            mark, _ = trust_mark(row["trust"])
            reason = without_name(row["reason"], row["method"])
            methods_of.setdefault((mark, reason), []).append(row["method"])
    for (mark, reason), methods in methods_of.items():
        yield f"{mark} {', '.join(methods)}: {reason}"


def methods_used(found: DecoderExplanation) -> dict[str, str]:
    """What each method computes, with its paper."""
    documents = {name: find(name).function.__doc__ or "" for name in found.validity["method"]}
    return {name: text.strip().partition("\n")[0] for name, text in documents.items()}
