"""What of the tidy scores the claims of a study are decided by."""

from collections.abc import Iterator

from eegxai.evaluation import SIMILARITY_NULLS
from sweeps.analysis.claims.study import Agreement, Measure, Study
from sweeps.analysis.quantity import headlines_named
from sweeps.scores.needed import Measured


def claimed_rows(study: Study) -> list[Measured]:
    """Each measure of the claims in its checks, and what similarities are held against."""
    found = {
        (check, measure.metric): Measured(check, headlines_named(measure.metric))
        for measure in _measures(study)
        for check in _checks(measure)
    }
    return list(found.values())


def _measures(study: Study) -> Iterator[Measure]:
    for claim in study.claims:
        for _, evaluation in claim.evaluations:
            for asked in evaluation.asked:
                yield from asked.rankings if isinstance(asked, Agreement) else [asked]


def _checks(measure: Measure) -> list[str]:
    nulls = SIMILARITY_NULLS if measure.is_similarity else ()
    return [check for check in (measure.check, measure.less, *nulls) if check]
