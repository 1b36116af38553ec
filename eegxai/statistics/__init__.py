"""Statistics over trained decoders: intervals, ranks, paired tests, effects of the axes.

The unit is the seed, each the mean of its trained decoders, and not the trial (which
``trial_difference`` takes, to say something of single decoders). Scores are wide
tables with one row per decoder and one column per method; larger is better, and NaN means that a
method has no score on a decoder. docs/statistics.md states which function answers which question,
and when it misleads.
"""

from eegxai.statistics.axes import AxisEffect, axis_effect, leads_per_db, repeated_measures
from eegxai.statistics.intervals import (
    INTERVALS,
    UNBOUNDED,
    Bounds,
    Interval,
    bootstrap_interval,
    student_interval,
    within_bounds,
)
from eegxai.statistics.pairs import (
    ALPHA,
    DifferenceTest,
    decoders_needed,
    difference_test,
    equivalence_p,
    fewest_decoders,
    holm,
    paired_differences,
    signed_rank_p,
)
from eegxai.statistics.ranks import (
    Blocks,
    RankComparison,
    cliques,
    compare_ranks,
    complete_blocks,
    fewest_blocks,
    friedman_p,
    kendall_w,
    mean_ranks,
    nemenyi_difference,
    ranking_agreement,
    signed_rank_pairs,
)
from eegxai.statistics.trials import TrialDifference, trial_difference
from eegxai.statistics.units import independent

__all__ = [
    "ALPHA",
    "INTERVALS",
    "UNBOUNDED",
    "AxisEffect",
    "Blocks",
    "Bounds",
    "DifferenceTest",
    "Interval",
    "RankComparison",
    "TrialDifference",
    "axis_effect",
    "bootstrap_interval",
    "cliques",
    "compare_ranks",
    "complete_blocks",
    "decoders_needed",
    "difference_test",
    "equivalence_p",
    "fewest_blocks",
    "fewest_decoders",
    "friedman_p",
    "holm",
    "independent",
    "kendall_w",
    "leads_per_db",
    "mean_ranks",
    "nemenyi_difference",
    "paired_differences",
    "ranking_agreement",
    "repeated_measures",
    "signed_rank_p",
    "signed_rank_pairs",
    "student_interval",
    "trial_difference",
    "within_bounds",
]
