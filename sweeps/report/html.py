"""``report.html``: what a sweep found, in one file that needs no network."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from eegxai.atomic import write_whole
from eegxai.rounding import counted
from sweeps.analysis.claims.claimed import claimed_rows
from sweeps.analysis.claims.supply import claims_of_sweep
from sweeps.analysis.claims.verdicts import load_study
from sweeps.analysis.summary import headline
from sweeps.analysis.tables import TABLE_KINDS
from sweeps.analysis.verdicts import judged
from sweeps.design.config import SweepConfig
from sweeps.report.claims import claim_lines, claims_table
from sweeps.report.closing import verdict_section
from sweeps.report.figures import (
    FIGURE_ROWS,
    DroppedPicture,
    Picture,
    ShownMaps,
    draw_figures,
    load_maps,
)
from sweeps.report.legends import SCORE_MEANINGS
from sweeps.report.origin import Origin, load_origin
from sweeps.report.page_figures import page_figure
from sweeps.report.page_templates import page_template
from sweeps.report.recordings import observer_of, recordings_told, truth_sentence
from sweeps.report.result_tables import (
    flagged_table,
    headline_table,
    kind_table,
)
from sweeps.report.source import load_scores
from sweeps.report.status_table import status_table
from sweeps.report.table import Table
from sweeps.scores.needed import Measured
from sweeps.scores.selection import chance_note
from sweeps.store.artefacts import store_of

FURTHER_AXES = ("snr_db", "architecture", "seed", "fold")  # axes with a table of their own
REPORT_TABLES = ("references", "robustness")  # beside the headline
FEW_SEEDS = 5  # below it, the report warns
SIMULATED = (
    "The signals are simulated: the answer is known, but waveforms, sources and noise are simpler "
    "than in recordings. A method that passes here may still fail on recordings."
)
PLANTED_LIMITS = (
    "The signals are simulated: the answer is known, but waveforms and sources are simpler than "
    "those of a brain. A method that passes here may still fail on recorded responses."
)
REPORT_LIMITS = (
    "A decoder may use only part of what was planted, or something that accompanies it: a faithful "
    "map of such a decoder need not be efficient.",
    "The thresholds are conventions: that of similarities (0.5) is the study's, the others are "
    "ours.",
    "Only trials that the decoder classifies correctly are scored; its errors are not examined.",
    "Many methods are compared: even of twelve equal methods, one comes out best by chance.",
)


def write_report(
    config: SweepConfig, path: Path, source: str = "store", keep_at_chance: bool = False
) -> None:
    """Write the report of a sweep.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    path : Path
        The HTML file; it appears whole, and replaces one that exists.
    source, keep_at_chance
        Where its scores are read, and whether decoders at chance keep theirs, see
        :func:`sweeps.report.source.load_scores`.

    Raises
    ------
    ValueError
        See :func:`sweeps.report.source.load_scores`.
    UnwritableError
        When the file cannot be written.
    """
    write_whole(path, render(config, source, keep_at_chance))


def render(config: SweepConfig, source: str = "store", keep_at_chance: bool = False) -> str:
    """The page; parameters and raises are those of :func:`write_report`."""
    store = store_of(config)  # one for all: the page names each broken file that is met
    tidy = load_scores(config, source, page_rows(), store=store, keep_at_chance=keep_at_chance)
    maps = load_maps(config, source, store)
    return page(config, tidy, maps, load_origin(config, source, tidy, store))


def page_rows() -> list[Measured]:
    """What of the scores the page shows."""
    kinds = (TABLE_KINDS[name].rows for name in (*REPORT_TABLES, "coverage"))
    return [*chain(FIGURE_ROWS, *kinds), *claimed_rows(load_study())]


def page(
    config: SweepConfig,
    tidy: pd.DataFrame,
    maps: ShownMaps | None,
    origin: Origin,
) -> str:
    """The page of what a sweep found.

    Parameters
    ----------
    config : SweepConfig
        The sweep.
    tidy : DataFrame
        Its tidy scores (columns ``TIDY``).
    maps : mapping or None
        Decoders whose maps are shown, and of each the example maps by method; None where the
        source of the scores has no maps.
    origin : Origin
        State of its cells, and how results came about.
    """
    observer, verdicts = observer_of(config), judged(headline(tidy), config.verdict)
    drawn = list(draw_figures(tidy, maps, observer))
    contents = {
        "name": config.name,
        "truth": truth_sentence(config),
        "observer": observer,
        "design": _design_sentence(config),
        **verdict_section(verdicts, chance_note(tidy), config.verdict, observer),
        **_claims_section(config, tidy),
        "pictures": [page_figure(picture) for picture in drawn if isinstance(picture, Picture)],
        "dropped": [picture for picture in drawn if isinstance(picture, DroppedPicture)],
        "tables": [headline_table(verdicts, []), *_tables(config, tidy)],
        "meanings": SCORE_MEANINGS,
        "facts": origin.facts,
        "configuration": _configuration(config),
        "missing": origin.missing,
        "invalid": [table for table in _missing_tables(tidy, origin) if table.rows],
        "limits": [*_limits_of(config, tidy), *REPORT_LIMITS],
    }
    return page_template("report.html").render(contents)


def _configuration(config: SweepConfig) -> str:
    """All fields as JSON; of the training only those set, as others depend on the architecture."""
    fields = config.model_dump(mode="json")
    given = config.model_dump(mode="json", exclude_unset=True)
    return json.dumps({**fields, "training": given.get("training", {})}, indent=2)


def _missing_tables(tidy: pd.DataFrame, origin: Origin) -> list[Table]:
    """What is not done, not valid, or not defined."""
    return [
        status_table(origin.status),
        flagged_table(tidy),
        kind_table(TABLE_KINDS["coverage"], tidy),
    ]


def _design_sentence(config: SweepConfig) -> str:
    grid = config.grid
    seeds, folds = counted(len(grid.seed), "seed"), counted(len(grid.fold), "fold")
    levels = ", ".join(f"{level:g}" for level in grid.snr_db)
    return (
        f"Here: {len(grid.method)} methods on {', '.join(grid.architecture)}, trained on "
        f"{', '.join(config.features)} signals at {levels} dB ({seeds}, {folds}); up to "
        f"{config.evaluation.n_trials} test trials of each decoder are explained, and "
        f"scored in the mode {config.evaluation.mode}."
    )


def _claims_section(config: SweepConfig, tidy: pd.DataFrame) -> dict[str, Any]:
    """What the reproduced study claims, whether it holds here, and what would decide it."""
    study = load_study()
    claims = claims_of_sweep(config, study, tidy)
    return {
        "claims": claims_table(claims, f"Claims of {study.title}"),
        "claim_lines": list(claim_lines(claims)),
    }


def _tables(config: SweepConfig, tidy: pd.DataFrame) -> list[Table]:
    """The references, the checks, and the headline along axes of several values."""
    kinds = (TABLE_KINDS[name] for name in REPORT_TABLES)
    split = (
        headline_table(judged(headline(tidy, ("feature", axis)), config.verdict), [axis])
        for axis in FURTHER_AXES
        if tidy[axis].nunique() > 1
    )
    return [*(kind_table(kind, tidy) for kind in kinds), *split]


def _limits_of(config: SweepConfig, tidy: pd.DataFrame) -> list[str]:
    """What this sweep in particular cannot say."""
    limits = [
        PLANTED_LIMITS if config.data.background else SIMULATED,
        f"One head model ({config.data.head.model}) turns sources into EEG; another one would "
        "change the topographies.",
    ]
    if background := config.data.background:
        limits.append(
            f"Class signals are simulated and planted in one recording ({background.file}): seeds "
            "differ in the signals and in where they are planted, not in the recording, so "
            "intervals do not generalise to other recordings. The ideal observer is a linear one, "
            "with the recording's estimated covariance, and no ceiling."
        )
        limits.append(f"Of the recording: {'; '.join(recordings_told(config))}.")
    if note := chance_note(tidy):
        limits.append(f"{note}. It is unknown what their maps should show.")
    if len(config.grid.seed) < FEW_SEEDS:
        limits.append(
            f"{counted(len(config.grid.seed), 'trained seed')}: intervals over so few decoders are "
            "wide, and intervals over the trials of one decoder do not generalise to another one."
        )
    return limits
