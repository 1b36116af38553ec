"""Pictures of a result, by name."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import pandas as pd

from eegxai import figures
from eegxai.evaluation.bounds import MOST_SIMILAR
from eegxai.evaluation.controls.null_maps import SIMILARITY_NULLS
from eegxai.evaluation.maps.domains import has_topography
from eegxai.explaining.findings import Findings
from eegxai.explaining.trust import DECIDING_PLACE
from eegxai.registry import lookup

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST_SHOWN_HZ = 60.0
SIMILARITY_CHECKS = ("target_swap", "independent", "all_weights")
PER_TRIAL = "Mean magnitude over the class's trials, each with the same weight."


def pictures_of(result: Findings, names: Collection[str] | None = None) -> "dict[str, Figure]":
    """Pictures by name; those of which there is nothing to draw are left out.

    Raises
    ------
    ValueError
        When there is no picture of a name.
    """
    if isinstance(names, str):
        raise ValueError(f"names={names!r} is not allowed: a list of names is")
    for name in names or ():
        lookup(PICTURES, name, "picture")
    wanted = [name for name in PICTURES if names is None or name in names]
    drawn = {name: PICTURES[name](result) for name in wanted}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def _explanation_title(result: Findings, what: str) -> str:
    n = len(result.explained)
    return f"{result.decoder_name}, {n} explained trials. {what}"


def _draw_confusion(result: Findings) -> "Figure | None":
    if not len(result.confusion):
        return None
    what = "numbers of trials by true and predicted class"
    return figures.confusion(result.confusion, f"{result.decoder_name}: {what}")


def _topographies(result: Findings) -> "Figure | None":
    info = result.trials.info
    tables = {name: result.topography(name) for name in result.methods}
    resolved = {n: t for n, t in tables.items() if not figures.is_uniform(t.to_numpy(), axis=1)}
    if not resolved or not has_topography(info):
        return None
    title = _explanation_title(result, PER_TRIAL)
    if others := [name for name in tables if name not in resolved]:
        title += f"\nThe same on all channels, and not drawn: {', '.join(others)}."
    return figures.class_topographies(resolved, info, title)


def _draw_class_time_courses(result: Findings) -> "Figure | None":
    if not result.maps:
        return None
    tables = {name: result.time_course(name) for name in result.methods}
    title = _explanation_title(result, PER_TRIAL)
    return figures.class_curves(tables, "time (s)", "share of the method's peak", title)


def _checks(result: Findings) -> "Figure | None":
    rows = _deciding(result)
    rows = rows[rows["check"].isin(SIMILARITY_CHECKS)]
    if not len(rows):
        return None
    means = rows.groupby(["method", "check"], sort=False)["mean"].mean().rename("value")
    table = pd.concat([means.reset_index(), _nulls(result)], ignore_index=True)
    what = "Mean correlation with the original map after a change; of one random layer over layers."
    return figures.heat_map(table.assign(feature=""), _explanation_title(result, what))


def _nulls(result: Findings) -> pd.DataFrame:
    """The highest similarity of maps without any information, by method."""
    rows = _deciding(result)
    highest = rows[rows["check"].isin(SIMILARITY_NULLS)].groupby("method", sort=False)["mean"].max()
    return highest.rename("value").reset_index().assign(check="null")


def _draw_cascade(result: Findings) -> "Figure | None":
    rows = _deciding(result)
    rows = rows[rows["check"] == "cascade"]
    if not len(rows):
        return None
    null = _nulls(result).set_index("method")["value"]
    curves = rows.rename(columns={"low": "mean_low", "high": "mean_high"}).assign(
        feature=result.decoder_name, null=rows["method"].map(null)
    )
    return figures.cascade_curves(curves, MOST_SIMILAR, _explanation_title(result, ""))


def _frequency(result: Findings) -> "Figure | None":
    shown = result.frequency[result.frequency["frequency_hz"] <= MOST_SHOWN_HZ]
    if not len(shown):
        return None
    tables = {
        str(name): rows.pivot(index="frequency_hz", columns="class", values="relevance")[
            list(rows["class"].unique())
        ]
        for name, rows in shown.groupby("method", sort=False)
    }
    what = "Relevance over frequency, summed over channels: mean over the class's trials."
    title = _explanation_title(result, what)
    return figures.class_curves(tables, "frequency (Hz)", "share of the method's peak", title)


def _agreement(result: Findings) -> "Figure | None":
    if len(result.agreement) < 2:
        return None
    what = "Mean correlation of the magnitudes of two methods' maps."
    return figures.agreement(result.agreement, _explanation_title(result, what))


def _patterns(result: Findings) -> "Figure | None":
    info, found = result.trials.info, result.output_patterns
    if found is None or not has_topography(info):
        return None
    what = "Activation patterns of the outputs: what in the trials covaries with them."
    title = f"{result.decoder_name}. {what}"  # of all trials, not only those that are explained
    return figures.pattern_topographies(
        found, info, result.class_names, 1e3 * result.trials.tmin, title
    )


def _draw_replacement_curves(result: Findings) -> "Figure | None":
    if not len(result.curves):
        return None
    what = "The decision while pieces of the trial are replaced by those of another trial, and "
    "restored."
    return figures.replacement_curves(result.curves, _explanation_title(result, what))


def _deciding(result: Findings) -> pd.DataFrame:
    """Rows of the similarity that decides."""
    place = pd.Series(DECIDING_PLACE)
    return result.checks.loc[(result.checks[list(DECIDING_PLACE)] == place).all(axis=1)]


PICTURES: "dict[str, Callable[[Findings], Figure | None]]" = {
    "confusion": _draw_confusion,
    "topographies": _topographies,
    "time_courses": _draw_class_time_courses,
    "checks": _checks,
    "cascade": _draw_cascade,
    "frequency": _frequency,
    "agreement": _agreement,
    "patterns": _patterns,
    "curves": _draw_replacement_curves,
}
