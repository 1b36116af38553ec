"""Numbers of the checks of one's own decoder, as tables and MLflow show them."""

import pandas as pd

from eegxai.evaluation import SIMILARITY_NULLS, curve_areas
from eegxai.evaluation.evidence.curves import BOTH
from eegxai.explaining import DecoderExplanation
from eegxai.explaining.trust import DECIDING_PLACE

ENDS = ["mean", "low", "high"]


def similarities_of_checks(found: DecoderExplanation) -> pd.DataFrame:
    """Correlations with the original maps, of every check, step and domain."""
    checks = found.checks
    return checks[(checks["metric"] == DECIDING_PLACE["metric"]) & checks["mean"].notna()]


def whole_maps(found: DecoderExplanation, check: str) -> pd.DataFrame:
    """Correlations of whole maps in a check, one row per method and step."""
    rows = similarities_of_checks(found)
    return rows[(rows["check"] == check) & (rows["domain"] == DECIDING_PLACE["domain"])]


def last_step_intervals(found: DecoderExplanation, check: str) -> pd.DataFrame:
    """Mean, low and high of each method at the last step of a check."""
    rows = whole_maps(found, check).sort_values("step", kind="stable")
    return rows.drop_duplicates("method", keep="last").set_index("method")[ENDS].astype(float)


def null_levels(found: DecoderExplanation) -> pd.Series:
    """The highest correlation of each method's maps with maps without any information."""
    nulls = [last_step_intervals(found, check)["mean"] for check in SIMILARITY_NULLS]
    return pd.concat(nulls, axis=1).max(axis=1)


def replaced_areas(found: DecoderExplanation) -> pd.DataFrame:
    """How much sooner decisions fall and rise in each method's order than in random ones."""
    if found.curves.empty:
        return pd.DataFrame(columns=["area", "low", "high", "chance", "ceiling"], dtype=float)
    areas = curve_areas(found.curves)
    own = areas["method"].isin(found.methods)
    return areas[own & (areas["curve"] == BOTH)].set_index("method")
