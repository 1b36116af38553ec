"""Which methods of a picture have something against their maps, as marks and in words."""

import pandas as pd

from eegxai.rounding import counted
from sweeps.scores.table import AXES

SAME_MAPS_MARK = "="  # behind a method whose maps are another method's on every decoder
AGAINST_MAPS_MARK = "‡"  # behind a method whose maps the validity check speaks against


def marked_methods(table: pd.DataFrame, tidy: pd.DataFrame) -> pd.DataFrame:
    """A table whose methods are marked where something speaks against their maps.

    Parameters
    ----------
    table : DataFrame
        What a picture shows, with the column method.
    tidy : DataFrame
        Tidy scores (columns ``TIDY``) of the decoders that it shows.
    """
    return table.assign(method=table["method"].replace(method_names(tidy)))


def method_names(tidy: pd.DataFrame) -> dict[str, str]:
    """The marked name of each method that has a mark."""
    same, against = _marked_for(tidy)
    marks = {SAME_MAPS_MARK: same, AGAINST_MAPS_MARK: against}
    return {
        name: f"{name} {''.join(mark for mark, names in marks.items() if name in names)}"
        for name in (*same, *against)
    }


def methods_line(tidy: pd.DataFrame) -> str:
    """What each mark in use means, one line each.

    Such as ``= has the maps of another method: LRP (= DeepLift).``; empty if there is no mark.
    """
    same, against = (
        ", ".join(f"{name} ({what})" for name, what in doubts.items())
        for doubts in _marked_for(tidy)
    )
    lines = (
        f"{SAME_MAPS_MARK} has the maps of another method: {same}." * bool(same),
        f"{AGAINST_MAPS_MARK} its validity check found a fault: {against}." * bool(against),
    )
    return "\n".join(filter(None, lines))


def _marked_for(tidy: pd.DataFrame) -> tuple[dict[str, str], dict[str, str]]:
    """Methods that are another one on all decoders, and those with other faults: what or where."""
    cells = tidy.drop_duplicates(list(AXES)).fillna({"duplicate_of": "", "flags": ""})
    faulty = (cells["flags"] != "") & (cells["duplicate_of"] == "")
    decoders = cells.assign(faulty=faulty).groupby("method", sort=False)
    originals = decoders["duplicate_of"].unique()
    counts = decoders["faulty"].agg(["sum", "size"]).query("sum > 0").itertuples()
    return (
        {str(name): f"= {of[0]}" for name, of in originals.items() if len(of) == 1 and of[0]},
        {str(name): f"{n} of {counted(int(n_all), 'decoder')}" for name, n, n_all in counts},
    )
