"""The rules that decide claims: from the answers of each method to one answer.

An answer is True, False, or None where the numbers do not decide it; joined answers follow Kleene's
three-valued logic, so a claim about all feature types is refuted by one of them, whatever the
others lack.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from eegxai.registry import lookup
from eegxai.rounding import counted
from sweeps.analysis.claims.evidence import Evidence
from sweeps.analysis.claims.sentences import (
    MOST_NUMBERS,
    counted_answers,
    joined_parts,
    merged,
    named,
    null_levels_sentence,
    others_beside,
    place_phrase,
)
from sweeps.analysis.claims.study import Claim, Evaluation, Study

Answer = bool | None


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes
    ----------
    holds : bool or None
        None where it cannot be decided.
    number : str
        What the value is.
    value, low, high : float
        A mean and its 95 % interval over seeds, or a count of methods by their means, and the
        counts that their intervals allow.
    n_seeds : int
        How many it is of; of a count, the fewest that any mean behind it is of.
    detail : str
        The numbers behind it, in one line.
    lacking : str
        Why it cannot be decided; empty where it is.
    """

    holds: Answer
    number: str
    value: float
    low: float
    high: float
    n_seeds: int
    detail: str
    lacking: str


DecideRule = Callable[[Evidence, float, Claim, Study], Finding]


def _fits_any(_claim: Claim, _evaluation: Evaluation) -> None:
    return None


@dataclass(frozen=True)
class Rule:
    """A rule by its sentence and its function.

    Attributes
    ----------
    sentence : str
        What it asks; ``{methods}``, ``{first}``, ``{conditions}``, ``{groups}``, ``{fewest}``,
        ``{lower}`` and ``{upper}`` are filled in.
    decide : callable
        From the evidence, the threshold, the claim and the study to what is found.
    misfit : callable
        From the claim and an evaluation to why the rule cannot decide it; None where it can.
    one_threshold : bool
        Whether it asks at the one threshold given, and not at several of the study's.
    """

    sentence: str
    decide: DecideRule
    misfit: Callable[[Claim, Evaluation], str | None] = _fits_any
    one_threshold: bool = True


def all_of(answers: Iterable[Answer]) -> Answer:
    """True if all are, False if any is, else None.

    Examples
    --------
    >>> all_of([True, None]), all_of([False, None]), all_of([])
    (None, False, True)
    """
    found = list(answers)
    if any(answer is False for answer in found):
        return False
    return None if None in found else True


def negated(answer: Answer) -> Answer:
    """The opposite; None stays None."""
    return None if answer is None else not answer


def every(evidence: Evidence, threshold: float, _claim: Claim, _study: Study) -> Finding:
    """All conditions hold for all methods on every group; its number is the one that decides."""
    answers = evidence.at(threshold)
    holds = all_of(answers["holds"])
    known = answers.dropna(subset="mean")
    if known.empty:
        nan = math.nan
        return Finding(holds, "", nan, nan, nan, 0, "", _lacking(answers, holds))
    few = len(answers) <= MOST_NUMBERS
    deciding = known[[answer is holds for answer in known["holds"]]]
    weakest = (known if deciding.empty else deciding).sort_values("margin", kind="stable").iloc[0]
    return Finding(
        holds,
        f"{weakest['number']}, {place_phrase(weakest, evidence)}",
        float(weakest["mean"]),
        float(weakest["low"]),
        float(weakest["high"]),
        int(weakest["n_seeds"]),
        joined_parts(
            null_levels_sentence(known.loc[[weakest.name]] if few else known),
            others_beside(known, weakest, evidence) if few else counted_answers(answers),
        ),
        _lacking(answers, holds),
    )


def several(evidence: Evidence, threshold: float, claim: Claim, _study: Study) -> Finding:
    """At least ``fewest`` methods miss a condition on some group."""
    answers = evidence.at(threshold)
    missed = {method: negated(one) for method, one in _by_method(answers, "holds").items()}
    by_mean = [method for method, one in _by_method(answers, "by_mean").items() if one is False]
    surely = len(_surely(missed)) >= claim.fewest
    holds = True if surely else None if len(_possibly(missed)) >= claim.fewest else False
    return _count("methods that miss a condition", missed, by_mean, answers, holds)


def only(evidence: Evidence, threshold: float, _claim: Claim, _study: Study) -> Finding:
    """The first method meets all conditions on every group, and no other one does."""
    answers = evidence.at(threshold)
    passed = _by_method(answers, "holds")
    by_mean = _surely(_by_method(answers, "by_mean"))
    first, *others = passed.values()
    holds = all_of([first, *map(negated, others)])
    return _count("methods that meet every condition", passed, by_mean, answers, holds)


def _count(
    number: str,
    methods: dict[str, Answer],
    by_mean: Sequence[str],
    answers: pd.DataFrame,
    holds: Answer,
) -> Finding:
    """A number of methods, and the numbers that the intervals allow."""
    surely = _surely(methods)
    lists = {"by their means": by_mean, "surely": surely}
    return Finding(
        holds,
        number,
        len(by_mean),
        len(surely),
        len(_possibly(methods)),
        _fewest_seeds_found(answers),
        joined_parts(
            null_levels_sentence(answers),
            *(f"{how}: {', '.join(names) or 'none'}" for how, names in lists.items()),
        ),
        _lacking(answers, holds),
    )


def insensitive(evidence: Evidence, threshold: float, _claim: Claim, study: Study) -> Finding:
    """No answer on any method and group differs between the study's other thresholds."""
    lower, upper = (evidence.at(other) for other in study.other_thresholds)
    changes, by_mean = (
        [negated(_same(*pair)) for pair in zip(lower[column], upper[column], strict=True)]
        for column in ("holds", "by_mean")
    )
    sure, possible = changes.count(True), len(changes) - changes.count(False)
    holds = all_of(map(negated, changes))
    return Finding(
        holds,
        f"answers of {len(changes)} that change",
        by_mean.count(True),
        sure,
        possible,
        _fewest_seeds_found(lower),
        joined_parts(
            null_levels_sentence(lower),
            _at_each([study.other_thresholds[0], threshold, study.other_thresholds[1]], evidence),
        ),
        _lacking(pd.concat([lower, upper]), holds),
    )


def _counts_methods(claim: Claim, evaluation: Evaluation) -> str | None:
    """Why single methods cannot be counted."""
    if evaluation.agreements:
        return f"rule {claim.rule!r} takes conditions, not agreements"
    return None


def _too_few_to_be_several(claim: Claim, evaluation: Evaluation) -> str | None:
    n_methods = len(evaluation.methods)
    if claim.fewest > n_methods:
        return f"fewest={claim.fewest} is more than its {n_methods} methods"
    return _counts_methods(claim, evaluation)


def _too_few_for_an_only_one(claim: Claim, evaluation: Evaluation) -> str | None:
    if len(evaluation.methods) < 2:
        return f"rule {claim.rule!r} needs at least two methods"
    return _counts_methods(claim, evaluation)


RULES: dict[str, Rule] = {
    "every": Rule("{methods}: {conditions}; for every {groups}", every),
    "several": Rule(
        "at least {fewest} of {methods} miss one of: {conditions}; for some {groups}",
        several,
        _too_few_to_be_several,
    ),
    "only": Rule(
        "{first} and no other of {methods}: {conditions}; for every {groups}",
        only,
        _too_few_for_an_only_one,
    ),
    "insensitive": Rule(
        "{methods}: the answers to {conditions} are the same at {lower} and {upper}, for every "
        "{groups}",
        insensitive,
        one_threshold=False,
    ),
}


def check_rule(claim: Claim) -> None:
    """Refuse a claim that its rule cannot decide, or that can only have one answer.

    Raises
    ------
    ValueError
        In one sentence.
    """
    rule = lookup(RULES, claim.rule, f"claim {claim.id}: rule")
    for name, evaluation in claim.evaluations:
        if reason := rule.misfit(claim, evaluation):
            raise ValueError(f"claim {claim.id}: {name}: {reason}")


def rule_sentence(claim: Claim, evaluation: Evaluation, study: Study) -> str:
    """The rule of a claim with its metrics, thresholds and cells."""
    lower, upper = study.other_thresholds
    return RULES[claim.rule].sentence.format(
        methods=named(evaluation.methods),
        first=evaluation.methods[0],
        conditions=" and ".join(
            f"{one.text} {one.asks} {study.threshold if one.threshold is None else one.threshold:g}"
            for one in evaluation.asked
        ),
        groups=" and ".join(claim.by),
        fewest=claim.fewest,
        lower=f"{lower:g}",
        upper=f"{upper:g}",
    )


def _fewest_seeds_found(answers: pd.DataFrame) -> int:
    known = answers.dropna(subset="mean")
    return int(known["n_seeds"].min()) if len(known) else 0


def _by_method(answers: pd.DataFrame, column: str) -> dict[str, Answer]:
    groups = answers.groupby("method", sort=False)[column]
    return {str(method): all_of(column) for method, column in groups}


def _surely(answers: dict[str, Answer]) -> list[str]:
    return [method for method, answer in answers.items() if answer is True]


def _possibly(answers: dict[str, Answer]) -> list[str]:
    return [method for method, answer in answers.items() if answer is not False]


def _same(one: Answer, other: Answer) -> Answer:
    return None if one is None or other is None else one == other


def _lacking(answers: pd.DataFrame, holds: Answer) -> str:
    """Why a claim cannot be decided, each reason once."""
    if holds is not None:
        return ""
    unclear = answers.loc[[answer is None for answer in answers["holds"]], "lacking"]
    return merged(reason for reasons in unclear for reason in reasons.split("; "))


def _at_each(thresholds: Sequence[float], evidence: Evidence) -> str:
    """How many methods meet all conditions by their means."""
    by_mean = [_by_method(evidence.at(threshold), "by_mean") for threshold in thresholds]
    counts = [
        f"{len(_surely(answers))} at {threshold:g}"
        for threshold, answers in zip(thresholds, by_mean, strict=True)
    ]
    open_ones = max(list(answers.values()).count(None) for answers in by_mean)
    lacking = f"; {counted(open_ones, 'method')} cannot be judged" if open_ones else ""
    return f"methods that meet every condition by their means: {', '.join(counts)}{lacking}"
