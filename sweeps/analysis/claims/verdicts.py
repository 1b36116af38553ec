"""The claims of a study decided on tidy scores: one table of verdicts, one of the numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from pydantic import TypeAdapter

from eegxai.errors import location, sentence
from sweeps.analysis.claims.cells import Cells
from sweeps.analysis.claims.evidence import Evidence, claim_evidence
from sweeps.analysis.claims.rules import RULES, Answer, check_rule, rule_sentence
from sweeps.analysis.claims.sentences import named
from sweeps.analysis.claims.study import Claim, Evaluation, Study
from sweeps.design.claims_file import DEFAULT_CLAIMS, read_claims

STUDY = TypeAdapter(Study)
HOLDS, DOES_NOT_HOLD, CANNOT_BE_DECIDED = "holds", "does not hold", "cannot be decided"
VERDICT_OF_ANSWER: dict[Answer, str] = {True: HOLDS, False: DOES_NOT_HOLD, None: CANNOT_BE_DECIDED}
FIXED_THRESHOLD = ""  # of a claim that does not depend on the study's


def load_study(name: str = DEFAULT_CLAIMS) -> Study:
    """The claims of a study from a YAML file, by its path or by its name in ``conf/claims``.

    Raises
    ------
    ValueError
        When there is no such file, or a value is not allowed; one sentence says which.
    """
    values = read_claims(name)
    try:
        study = STUDY.validate_python(values)
        for claim in study.claims:
            check_rule(claim)
    except ValueError as error:
        place = _claim_with(error, values)
        raise ValueError(f"claims {name!r}: {place}{sentence(error, Study)}") from error
    return study


def _claim_with(error: ValueError, values: Mapping[str, Any]) -> str:
    """The claim that a mistake is in, such as ``claim 3: ``; empty where it is in none."""
    field, place = (*location(error), "", "")[:2]
    if field != "claims" or not isinstance(place, int):
        return ""
    claim = values["claims"][place]
    number = f"number {place + 1}"
    return f"claim {claim.get('id', number) if isinstance(claim, Mapping) else number}: "


class Verdicts(NamedTuple):
    """The claims of a study, decided.

    Attributes
    ----------
    claims : DataFrame
        One row per claim and evaluation: claim, statement, source, evaluation (study, corrected),
        methods, rule, verdict, lacking (why it cannot be decided), number (what the value is),
        value, low, high, n_seeds, detail, and the verdict at each other threshold
        (``at_0.3``, ``at_0.7``; empty where the claim does not depend on it).
    numbers : DataFrame
        One row per claim, evaluation, method, condition and group: claim, evaluation, feature,
        snr_db, method, number, mean, low, high, n_seeds, null, asks, threshold, verdict, lacking.
    """

    claims: pd.DataFrame
    numbers: pd.DataFrame


def decide(study: Study, tidy: pd.DataFrame) -> Verdicts:
    """Decide the claims of a study on tidy scores (columns ``TIDY``)."""
    ids: dict[tuple[str, ...], list[str]] = {}
    for claim in study.claims:
        ids.setdefault(claim.by, []).append(claim.id)
    cells = {by: Cells(tidy, study.only(own), by) for by, own in ids.items()}
    rows, numbers = [], []
    for claim in study.claims:
        for name, evaluation in claim.evaluations:
            found = claim_evidence(cells[claim.by], evaluation)
            first = {"claim": claim.id, "evaluation": name}
            rows.append({**first, **_verdict_row(study, claim, evaluation, found)})
            numbers.append(_numbers(found.at(study.threshold)).assign(**first))
    table = pd.concat(numbers, ignore_index=True)
    return Verdicts(pd.DataFrame(rows), table.reindex(columns=NUMBER_COLUMNS))


NUMBER_COLUMNS = [
    "claim", "evaluation", "feature", "snr_db", "method", "number",
    "mean", "low", "high", "n_seeds", "null", "asks", "threshold", "verdict", "lacking",
]  # fmt: skip


def _numbers(answers: pd.DataFrame) -> pd.DataFrame:
    return answers.assign(verdict=[VERDICT_OF_ANSWER[answer] for answer in answers["holds"]])


def _verdict_row(
    study: Study, claim: Claim, evaluation: Evaluation, found: Evidence
) -> dict[str, object]:
    finding = RULES[claim.rule].decide(found, study.threshold, claim, study)
    return {
        "statement": claim.statement,
        "source": claim.source,
        "methods": named(evaluation.methods),
        "rule": rule_sentence(claim, evaluation, study),
        "verdict": VERDICT_OF_ANSWER[finding.holds],
        "lacking": finding.lacking,
        "number": finding.number,
        "value": finding.value,
        "low": finding.low,
        "high": finding.high,
        "n_seeds": finding.n_seeds,
        "detail": finding.detail,
        **_at_other_thresholds(study, claim, found),
    }


def _at_other_thresholds(study: Study, claim: Claim, found: Evidence) -> dict[str, str]:
    rule = RULES[claim.rule]
    varies = found.depends_on_the_threshold and rule.one_threshold
    return {
        f"at_{other:g}": VERDICT_OF_ANSWER[rule.decide(found, other, claim, study).holds]
        if varies
        else FIXED_THRESHOLD
        for other in study.other_thresholds
    }
