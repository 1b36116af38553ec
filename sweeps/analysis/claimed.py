"""What of the tidy scores the claims of a study are decided by."""

from eegxai.evaluation import SIMILARITY_NULLS
from sweeps.analysis.claims.study import Measure, Study
from sweeps.analysis.quantity import headlines_named
from sweeps.scores.needed import Measured


def claimed_rows(study: Study) -> list[Measured]:
    """Each measure of the claims in its checks, and what similarities are held against."""
    found = {
        (check, measure.metric): Measured(check, headlines_named(measure.metric))
        for measure in study.measures
        for check in _checks(measure)
    }
    return list(found.values())


def _checks(measure: Measure) -> list[str]:
    nulls = SIMILARITY_NULLS if measure.is_similarity else ()
    return [check for check in (measure.check, measure.less, *nulls) if check]
