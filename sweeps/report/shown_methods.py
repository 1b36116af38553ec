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
    same, against = _originals(tidy), _flagged(tidy)
    marks = {
        name: f"{SAME_MAPS_MARK * (name in same)}{AGAINST_MAPS_MARK * (name in against)}"
        for name in _all(tidy)
    }
    return {name: f"{name} {mark}" for name, mark in marks.items() if mark}


def methods_line(tidy: pd.DataFrame) -> str:
    """What each mark in use means, one line each.

    Such as ``= has the maps of another method: LRP (= DeepLift).``; empty if there is no mark.
    """
    same = [f"{name} (= {original})" for name, original in _originals(tidy).items()]
    against = [f"{name} ({of})" for name, of in _flagged(tidy).items()]
    lines = (
        f"{SAME_MAPS_MARK} has the maps of another method: {', '.join(same)}." * bool(same),
        f"{AGAINST_MAPS_MARK} its validity check found a fault: {', '.join(against)}."
        * bool(against),
    )
    return "\n".join(filter(None, lines))


def _all(tidy: pd.DataFrame) -> list[str]:
    return list(tidy["method"].unique())


def _cells(tidy: pd.DataFrame) -> pd.DataFrame:
    return tidy.drop_duplicates(list(AXES)).fillna({"duplicate_of": "", "flags": ""})


def _originals(tidy: pd.DataFrame) -> dict[str, str]:
    """Of each method that is the same other one on all decoders the name of that one."""
    originals = _cells(tidy).groupby("method", sort=False)["duplicate_of"].unique()
    return {str(name): str(of[0]) for name, of in originals.items() if len(of) == 1 and of[0]}


def _flagged(tidy: pd.DataFrame) -> dict[str, str]:
    """Of each method with faults other than a duplicate's on how many decoders it has them."""
    cells = _cells(tidy)
    cells = cells.assign(faulty=(cells["flags"] != "") & (cells["duplicate_of"] == ""))
    faulty = cells.groupby("method", sort=False)["faulty"].agg(["sum", "size"])
    counts = faulty[faulty["sum"] > 0].itertuples()
    return {str(name): f"{n} of {counted(int(n_all), 'decoder')}" for name, n, n_all in counts}
