"""Tables over the decoders of a sweep, each from tidy scores by one function."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import pandas as pd

from sweeps.analysis.check_tables import (
    ROBUSTNESS_CHECKS,
    ROBUSTNESS_ROWS,
    STATUSES,
    coverage,
    robustness,
    validity_counts,
)
from sweeps.analysis.measured import (
    CONTROLS_BESIDE,
    DISTANCES,
    SIMILARITY_COLUMNS,
    TOPOGRAPHIES,
    beside_controls,
    distances,
    similar,
    topography_scores,
)
from sweeps.analysis.references import REFERENCE_COLUMNS, REFERENCE_SCORES, references
from sweeps.analysis.summary import HEADLINE_ROWS, headline
from sweeps.analysis.verdicts import (
    BEYOND_INPUT,
    PROPERTIES,
    STANDARD_THRESHOLDS,
    STUDY_VERDICT,
    judged,
    level_of_row,
)
from sweeps.design.thresholds import Thresholds
from sweeps.scores.needed import Measured


@dataclass(frozen=True)
class Column:
    """A column of numbers that people read.

    Attributes
    ----------
    name : str
        In the table; where it has an interval, ``_low`` and ``_high`` stand beside it.
    heading : str
        For people.
    best : str
        ``"max"`` or ``"min"``: which value is best; empty where none is.
    shown : callable, optional
        From the table to whether each row's interval shows what is asked of the method.
    with_interval : bool
        Whether people see its interval; files hold it anyway.
    """

    name: str
    heading: str
    best: str = ""
    shown: Callable[[pd.DataFrame], pd.Series] | None = None
    with_interval: bool = True


@dataclass(frozen=True)
class TableKind:
    """A kind of table.

    Attributes
    ----------
    about : str
        What it shows, for a caption.
    make : callable
        From tidy scores and the axes that are not averaged over to the table.
    rows : collection of Measured
        What of tidy scores it reads.
    columns : tuple of Column
        Those that people read; files hold all.
    across : str
        Axis whose values stand side by side; empty where the columns do.
    legend : tuple of str
        Lines that say what the columns are.
    judged : bool
        Whether the verdict on each row belongs to it.
    """

    about: str
    make: Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]
    rows: Collection[Measured]
    columns: tuple[Column, ...]
    across: str = ""
    legend: tuple[str, ...] = ()
    judged: bool = False

    def table(
        self, tidy: pd.DataFrame, by: Sequence[str], thresholds: Thresholds = STANDARD_THRESHOLDS
    ) -> pd.DataFrame:
        """The table of tidy scores, by the axes that are not averaged over."""
        made = self.make(tidy, by)
        return judged(made, thresholds) if self.judged else made


def along(axis: str, tidy: pd.DataFrame, by: Sequence[str] = ("feature",)) -> pd.DataFrame:
    """Headline table for each value of an axis."""
    return headline(tidy, [*by, *({axis} - set(by))])


def _levels_of_rows(table: pd.DataFrame, null: str = "null_r") -> list[float]:
    return [level_of_row(row, null=null) for row in table.to_dict("records")]


def _high_ends_below_level(name: str, table: pd.DataFrame) -> pd.Series:
    return table[f"{name}_high"] < _levels_of_rows(table)


def _over_chance(table: pd.DataFrame) -> pd.Series:
    return table["over_chance_low"] > 0


def _similarity(name: str, heading: str) -> Column:
    return Column(name, heading, "min", partial(_high_ends_below_level, name))


SIMILARITY_HEADINGS = {
    "pearson_raw": "r",
    "pearson_magnitude": "|r|",
    "spearman_raw": "rho",
    "spearman_magnitude": "|rho|",
    "ssim_minmax": "SSIM",
    "ssim_magnitude": "|SSIM|",
}


def _below_null(check: str, metric: str, table: pd.DataFrame) -> pd.Series:
    return table[f"{check}_{metric}_high"] < _levels_of_rows(table, f"null_{metric}")


def _similar_columns(check: str) -> tuple[Column, ...]:
    """All similarities after a check, of signed maps and |of magnitudes|, with their null."""
    pairs = (
        (
            Column(f"{check}_{metric}", heading, "", partial(_below_null, check, metric), False),
            Column(f"null_{metric}", f"{heading}_null", with_interval=False),
        )
        for metric, heading in SIMILARITY_HEADINGS.items()
    )
    return tuple(chain(*pairs))


def _plain_columns(headings: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns of which people see no interval."""
    return tuple(Column(name, heading, with_interval=False) for name, heading in headings.items())


def _count_columns(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, name.removeprefix("n_").replace("_", " ")) for name in names)


NULL_COLUMN = Column(
    "null_r", "null"
)  # without an interval beside it, tables are as wide as they can be
HEADLINE_COLUMNS = (
    Column("score", "score", "max"),
    Column("calibrated", "calibrated", "max", _over_chance),
    _similarity("class_r", "class"),
    _similarity("model_r", "model"),
    NULL_COLUMN,
)
NULL_LEGEND = "null: highest correlation that maps without any information reach"
SCORE_LEGEND = "score: the study's score (RMA; spatial: cosine of topographies)"
HEADLINE_LEGEND = (
    SCORE_LEGEND,
    "calibrated: AUPRC against the planted signal (spectral: share of the relevance over frequency "
    "that lies in the planted band)",
    "class, model: correlation with the map for a wrong class, for random weights; low is good",
    NULL_LEGEND,
)
SIMILAR_LEGEND = (
    "r: Pearson, rho: Spearman; | |: of the maps' magnitudes; low is good",
    "null: the same similarity between the map and a random map of its spectrum",
)
VERDICT = Column("verdict", "verdict")
SHOWN_WITH_VERDICT = (
    VERDICT,
    *(Column(one.column, one.name) for one in (*PROPERTIES, BEYOND_INPUT, STUDY_VERDICT)),
    *_count_columns("n_decoders", "n_seeds"),
)
TABLE_KINDS: dict[str, TableKind] = {
    "headline": TableKind(
        "verdict on each method, and the numbers it rests on",
        headline,
        HEADLINE_ROWS,
        SHOWN_WITH_VERDICT,
        judged=True,
    ),
    "scores": TableKind(
        "score and robustness",
        headline,
        HEADLINE_ROWS,
        HEADLINE_COLUMNS,
        legend=HEADLINE_LEGEND,
    ),
    "robustness": TableKind(
        "correlation of the map after each change with the original one",
        robustness,
        ROBUSTNESS_ROWS,
        (
            *(_similarity(name, name.replace("_", " ")) for name in ROBUSTNESS_CHECKS),
            Column("cascade_below", "first below"),
            Column("never_below", "never below"),
            NULL_COLUMN,
        ),
        legend=(
            "target swap: the map for a wrong class; label retrain: the map of a decoder trained "
            "on permuted labels",
            "cascade: maps while layer after layer gets random weights, from the output on; end: "
            "all layers are random; area: mean over the cascade, which starts at 1",
            "first below: mean first step of the cascade at which the correlation is below 0.5; "
            "never below: number of decoders without such a step",
            NULL_LEGEND,
            "low correlations are good: the map depends on the class and on the weights",
        ),
    ),
    "references": TableKind(
        "scores against each reference",
        references,
        REFERENCE_COLUMNS.values(),
        (
            Column("planted", "planted", "max"),
            Column("planted_chance", "chance", with_interval=False),
            Column("planted_ceiling", "ceiling", with_interval=False),
            Column("efficiency", "efficiency", "max", with_interval=False),
            Column("ideal", "ideal", "max", with_interval=False),
            Column("used", "used_channels", "max"),
        ),
        legend=(
            *(f"{name}: {score.about}" for name, score in REFERENCE_SCORES.items()),
            "chance: random maps of the same spectrum",
            "ceiling: the ideal observer's map; in recorded backgrounds it is estimated and is no "
            "ceiling",
        ),
    ),
    "controls": TableKind(
        "score against the planted signal, and the scores of control maps",
        beside_controls,
        CONTROLS_BESIDE.values(),
        (
            Column("score", "score", "max", with_interval=False),
            *_plain_columns(
                {
                    "same_spectrum": "chance",
                    "untrained": "untrained",
                    "class_mean": "class",
                    "input_magnitude": "|x|",
                    "sobel_time": "Sobel",
                    "laplace_time": "Laplace",
                    "laplace_channels": "L.ch.",
                    "ideal_observer": "ideal",
                }
            ),
        ),
        legend=(
            "chance: random maps of the same spectrum; untrained: the same method on the untrained "
            "decoder; class: mean map of the class",
            "|x|: magnitude of the recording; Sobel, Laplace: edge filters over time; L.ch.: "
            "Laplace over neighbouring channels; ideal: the ideal observer's map",
        ),
    ),
    "distances": TableKind(
        "errors: earth mover's distance to the planted signal in ms, mm and Hz",
        distances,
        DISTANCES.values(),
        tuple(
            Column(f"{unit}{level}", f"{name}_{heading}".strip("_"), with_interval=False)
            for unit, name in {"ms": "ms", "mm": "mm", "hz": "Hz"}.items()
            for level, heading in {"": "", "_chance": "chance", "_ceiling": "ideal"}.items()
        ),
        legend=("low is good; chance: maps of the same spectrum; ideal: the ideal observer's map",),
    ),
    "classes": TableKind(
        "similarity of the map to the one for a wrong class",
        similar,
        SIMILARITY_COLUMNS.values(),
        _similar_columns("class"),
        legend=SIMILAR_LEGEND,
    ),
    "weights": TableKind(
        "similarity of the map to the one for random weights",
        similar,
        SIMILARITY_COLUMNS.values(),
        _similar_columns("model"),
        legend=SIMILAR_LEGEND,
    ),
    "topographies": TableKind(
        "AUPRC of topographies: mean over time of the signed map, and of its magnitude",
        topography_scores,
        TOPOGRAPHIES.values(),
        _plain_columns(
            {
                "signed": "signed",
                "signed_evoked": "evoked",
                "signed_oscillatory": "oscill.",
                "magnitude": "|map|",
                "magnitude_evoked": "|evoked|",
                "magnitude_oscillatory": "|oscill.|",
            }
        ),
        legend=(
            "signed, |map|: topography of the mean over time of the signed map, of its magnitude",
            "evoked, oscill.: the same over trials with evoked, with oscillatory signals",
        ),
    ),
    "snr": TableKind(
        "score by SNR (dB)",
        partial(along, "snr_db"),
        HEADLINE_ROWS,
        HEADLINE_COLUMNS,
        "snr_db",
        (SCORE_LEGEND,),
        judged=True,
    ),
    "architecture": TableKind(
        "score by architecture",
        partial(along, "architecture"),
        HEADLINE_ROWS,
        HEADLINE_COLUMNS,
        "architecture",
        (SCORE_LEGEND,),
        judged=True,
    ),
    "validity": TableKind(
        "number of decoders by validity",
        validity_counts,
        (),
        _count_columns("n_decoders", "at_chance", *STATUSES, "flagged"),
        legend=(
            "at chance: decoders no better than chance; degenerate: maps are zero or constant",
            "flagged: a validity check failed (eegxai validity gives the reason)",
        ),
    ),
    "coverage": TableKind(
        "trials in which each number is defined",
        coverage,
        HEADLINE_ROWS,
        _count_columns("n_decoders", "n_trials", "score", "calibrated", "class", "model"),
        legend=("columns after trials: number of trials in which that number is defined",),
    ),
}
