"""Two methods compared: a table, what it rests on, and a sentence for a paper."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from eegxai.evaluation.metrics.names import metric_title
from eegxai.evaluation.score_rows import GROUND_TRUTH
from eegxai.rounding import counted, digits, p_value
from eegxai.statistics import Interval, TrialDifference, trial_difference
from eegxai.statistics.intervals import CONFIDENCE
from sweeps.analysis.method_pair import MethodPair
from sweeps.analysis.quantity import DOMAIN_TITLES, Quantity
from sweeps.report.table import MINUS, Table, TableCell, word

PERCENT = f"{100 * CONFIDENCE:.0f} %"
SMALL_DIFFERENCE = 0.1  # differences below it are shown with another digit
SHOWN_DIGITS = 2  # values of an axis that a sentence names; of more, their number
# What the best score is of, by the check that holds it.
CEILING_TITLES = {
    "ideal_observer": "the ideal observer's map (an estimate in recorded backgrounds)",
    "split_half": "split halves",
}


def pair_table(pair: MethodPair) -> Table:
    """Score of each method and its chance level; then their difference."""
    rows = [
        [word(method), *(_value_cell(value, pair) for value in (mean, chance, pair.ceiling))]
        for method, mean, chance in zip(pair.methods, pair.means, pair.chances, strict=True)
    ]
    rows.append([word("difference"), _value_cell(pair.difference.mean, pair), *[TableCell("")] * 2])
    return Table(pair.feature, [pair.feature, "mean", "chance", "ceiling"], rows)


def _value_cell(value: float, pair: MethodPair) -> TableCell:
    return TableCell(digits(value, _decimal_places(pair)), str(value))


def pair_lines(pair: MethodPair, quantity: Quantity) -> Iterator[str]:
    """What the numbers are, one line each; the last one is for the paper."""
    yield f"{quantity.reading(pair.feature)}; check {quantity.check}"
    yield f"difference: {_hyphenated(pair.difference.mean, pair)}, {_inference_text(pair)}"
    if pair.n_seeds < 2:
        yield f"trial by trial: {_trials_line(pair)}"
    if equality := _equality(pair):
        yield f"equality: {equality}"
    left_out = f"; left out: {counted(pair.left_out, 'decoder')} without a score of both"
    n = f"{counted(pair.n_seeds, 'seed')}, {counted(len(pair.decoders), 'decoder')}"
    yield f"n: {n}{left_out if pair.left_out else '; no decoder is left out'}"
    if quantity.ceiling and not math.isnan(pair.ceiling):
        yield f"chance: random maps of the same spectrum; ceiling: {_ceiling_title(quantity)}"
    elif not math.isnan(pair.chances[0]):
        yield "chance: random maps of the same spectrum"
    yield f"for a paper: {paper_sentence(pair, quantity)}"


def _ceiling_title(quantity: Quantity) -> str:
    return CEILING_TITLES[quantity.ceiling.check] if quantity.ceiling else ""


def _inference_text(pair: MethodPair) -> str:
    """Interval and test; of one seed, why there is neither."""
    if pair.n_seeds < 2:
        return "one seed: no interval and no test over networks"
    return f"{_interval_text(pair.difference, pair)}; {pair.test}, {p_value(pair.p)}"


def _interval_text(found: Interval, pair: MethodPair) -> str:
    return f"{PERCENT} CI {_hyphenated(found.low, pair)} to {_hyphenated(found.high, pair)}"


def _trials_line(pair: MethodPair) -> str:
    """The difference over trials and what it is about; or why there is none."""
    found = pair.over_trials
    if isinstance(found, str):
        return f"not tested, {found}"
    return (
        f"{_hyphenated(found.interval.mean, pair)}, {_trials_text(found, pair)}; this is about "
        f"{_these(pair)} and says nothing about other networks"
    )


def _trials_text(found: TrialDifference, pair: MethodPair) -> str:
    """Interval, number of trials and test."""
    n_trials = found.interval.n + found.left_out
    n = f"{found.interval.n} of {n_trials}" if found.left_out else f"{n_trials}"
    both = " that have a score of both" if found.left_out else ""
    each = ", counted for each decoder" if len(pair.decoders) > 1 else ""
    interval = _interval_text(found.interval, pair)
    return f"{interval} over {n} trials{both}{each}; {found.test.name}, {p_value(found.test.p)}"


def _these(pair: MethodPair) -> str:
    n = len(pair.decoders)
    return "this decoder" if n == 1 else f"these {n} decoders"


def _equality(pair: MethodPair) -> str:
    """What is shown about equality; empty where it cannot be tested."""
    if math.isnan(pair.p_equal):
        return ""
    shown = "shown" if pair.is_equal else "not shown"
    return f"to within {pair.margin:g} {shown} (two one-sided t tests, {p_value(pair.p_equal)})"


def paper_sentence(pair: MethodPair, quantity: Quantity) -> str:
    """The result in English that can be cited; it claims no equality that is not shown."""
    (first, second), (mean, other) = pair.methods, (_hyphenated(mean, pair) for mean in pair.means)
    measured = f"{_pair_title(pair, quantity)}{_levels_text(pair, quantity)}"
    scored = f"{first} scored {mean} and {second} {other} in {measured}"
    difference = f"the difference was {_hyphenated(pair.difference.mean, pair)}"
    decoders = _decoders_phrase(pair)
    if pair.n_seeds < 2:
        return f"With a single seed ({decoders}), {scored}; {_of_one_seed(difference, pair)}"
    sample = f"Over {counted(pair.n_seeds, 'seed')} ({decoders})"
    result = (
        f"{difference} ({_interval_text(pair.difference, pair)}; {pair.test}, {p_value(pair.p)})"
    )
    return f"{sample}, {scored}; {result}{_conclusion(pair)}."


def _of_one_seed(difference: str, pair: MethodPair) -> str:
    """The difference over trials, where there is one, and what it does not say."""
    found = pair.over_trials
    if isinstance(found, str):
        return f"{difference}. One seed gives no interval over networks."
    return (
        f"trial by trial, the mean difference was {_hyphenated(found.interval.mean, pair)} "
        f"({_trials_text(found, pair)}). This is about {_these(pair)} and says nothing about other "
        "networks."
    )


def _conclusion(pair: MethodPair) -> str:
    """What follows of equality: of a difference that is shown, only that it is small."""
    equal = f"smaller than {pair.margin:g} (two one-sided t tests, {p_value(pair.p_equal)})"
    if pair.differs:
        return f", and is {equal}" if pair.is_equal else ""
    if pair.is_equal:
        return f"; it is not significant, and is shown to be {equal}"
    if math.isnan(pair.p_equal):
        return "; it is not significant, which does not show that the two are equal"
    return (
        f"; it is not significant, nor are the two shown to be equal within {pair.margin:g} "
        f"(two one-sided t tests, {p_value(pair.p_equal)})"
    )


def _pair_title(pair: MethodPair, quantity: Quantity) -> str:
    title = metric_title(pair.metric)
    if pair.domain.startswith("topography"):
        title += f" on {DOMAIN_TITLES[pair.domain]}"
    if quantity.check == GROUND_TRUTH:
        return title
    return f"{title} with the original map in the check {quantity.check}"


def _levels_text(pair: MethodPair, quantity: Quantity) -> str:
    """Chance in brackets, and that lower is better where it is."""
    chances = dict.fromkeys(
        _hyphenated(chance, pair) for chance in pair.chances if not math.isnan(chance)
    )
    parts = ["lower is better"] if quantity.lower_is_better else []
    parts += [f"chance {' and '.join(chances)}"] if chances else []
    return f" ({'; '.join(parts)})" if parts else ""


def _decoders_phrase(pair: MethodPair) -> str:
    """Such as ``50 deepnet decoders of temporal features at -12 dB``."""
    architectures = pair.decoders.unique("architecture")
    kind = f"{architectures[0]} " if len(architectures) == 1 else ""
    number = counted(len(pair.decoders), f"{kind}decoder")
    return f"{number} of {pair.feature} features at {_snrs(pair)}"


def _snrs(pair: MethodPair) -> str:
    levels = [f"{level:g}" for level in sorted(pair.decoders.unique("snr_db"))]
    if len(levels) > SHOWN_DIGITS:
        return f"{len(levels)} SNRs from {levels[0]} to {levels[-1]} dB"
    return f"{' and '.join(levels)} dB"


def _hyphenated(value: float, pair: MethodPair) -> str:
    """With a hyphen, as terminals and LaTeX take it."""
    return digits(value, _decimal_places(pair)).replace(MINUS, "-")


def _decimal_places(pair: MethodPair) -> int:
    """Digits with which the difference is no zero for its rounding alone."""
    return 2 if abs(pair.difference.mean) >= SMALL_DIFFERENCE else 3


def pair_frame(pairs: list[MethodPair], quantity: Quantity) -> pd.DataFrame:
    """All numbers, one row per feature type."""
    return pd.DataFrame([_pair_document(pair, quantity) for pair in pairs])


def _pair_document(pair: MethodPair, quantity: Quantity) -> Mapping[str, Any]:
    (first, second), (mean_a, mean_b), (chance_a, chance_b) = pair.methods, pair.means, pair.chances
    return {
        "feature": pair.feature,
        "check": quantity.check,
        "domain": pair.domain,
        "metric": pair.metric,
        "better": "lower" if quantity.lower_is_better else "higher",
        "method_a": first,
        "method_b": second,
        "mean_a": mean_a,
        "mean_b": mean_b,
        "difference": pair.difference.mean,
        "low": pair.difference.low,
        "high": pair.difference.high,
        "test": pair.test if pair.n_seeds > 1 else "",
        "p": pair.p,
        "margin": pair.margin,
        "p_equal": pair.p_equal,
        "n_seeds": pair.n_seeds,
        "n_decoders": len(pair.decoders),
        "left_out": pair.left_out,
        **_trials_record(pair.over_trials),
        "chance_a": chance_a,
        "chance_b": chance_b,
        "ceiling": pair.ceiling,
        "sentence": paper_sentence(pair, quantity),
    }


def _trials_record(found: TrialDifference | str) -> Mapping[str, Any]:
    """The difference over trials; without numbers where there is none."""
    if isinstance(found, str):
        found = trial_difference([])
    (mean, low, high, n), (test, p) = found.interval, found.test
    return {
        "trials_difference": mean,
        "trials_low": low,
        "trials_high": high,
        "trials_test": test if n else "",
        "trials_p": p,
        "n_trials": n,
    }
