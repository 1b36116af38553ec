"""What of the tidy scores the claims of a study are decided by."""

from sweeps.analysis.claims.study import Study
from sweeps.analysis.quantity import headlines_named
from sweeps.scores.needed import Measured


def claimed_rows(study: Study) -> list[Measured]:
    """Each measure of the claims in its checks, and what similarities are held against."""
    found = {
        (check, measure.metric): Measured(check, headlines_named(measure.metric))
        for measure in study.measures
        for check in sorted(measure.checks)
    }
    return list(found.values())
