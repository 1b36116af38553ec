"""Statistics over trained decoders: intervals, ranks, paired tests, effects of the axes.

The unit is the trained decoder, not the trial. Scores come as wide tables, a row a decoder (a
block), a column a method, larger is better; NaN where a method says nothing about a decoder.
docs/statistics.md tells which function answers which question, and when it misleads.
"""

from eegxai.statistics.axes import AxisEffect, axis_effect, leads_per_db, repeated_measures
from eegxai.statistics.intervals import (
    INTERVALS,
    Interval,
    bootstrap_interval,
    student_interval,
)
from eegxai.statistics.pairs import (
    ALPHA,
    decoders_needed,
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
    friedman_p,
    kendall_w,
    mean_ranks,
    nemenyi_difference,
    signed_rank_pairs,
)

__all__ = [
    "ALPHA",
    "INTERVALS",
    "AxisEffect",
    "Blocks",
    "Interval",
    "RankComparison",
    "axis_effect",
    "bootstrap_interval",
    "cliques",
    "compare_ranks",
    "complete_blocks",
    "decoders_needed",
    "fewest_decoders",
    "friedman_p",
    "holm",
    "kendall_w",
    "leads_per_db",
    "mean_ranks",
    "nemenyi_difference",
    "paired_differences",
    "repeated_measures",
    "signed_rank_p",
    "signed_rank_pairs",
    "student_interval",
]
