"""Explaining one decoder by one method: a pure function of its cell and the store."""

import time
from functools import partial
from typing import Any

import pandas as pd

from eegxai.attribution import DegenerateMap, Validity, attribute, validity
from eegxai.attribution.given import unit_decided
from eegxai.evaluation import (
    ExampleMaps,
    Explanation,
    choose_examples,
    evaluate_explained,
    explanation,
)
from eegxai.evaluation.score_rows import SCORE_COLUMNS
from sweeps.design.cells import MethodCell
from sweeps.store import provenance
from sweeps.store.artefacts import Store
from sweeps.store.records import MethodScores, Record
from sweeps.tasks.rebuilt import RebuiltDecoder, rebuild_decoder


@unit_decided()
def explain_cell(cell: MethodCell, store: Store, device: str = "cpu") -> None:
    """Judge, attribute, score and store one method on one trained decoder.

    Raises
    ------
    BrokenArtefactError
        When the decoder's file, or that of its twin of permuted labels, cannot be used.
    """
    started = time.monotonic()
    opened = rebuild_decoder(cell.decoder, cell.evaluation, store, device)
    with opened.prepared.in_use():
        verdict, table = _judged_and_scored(cell, opened)
    record = _record_since(opened, started)
    store.write_scores(cell, MethodScores(table=table, validity=verdict, **vars(record)))


def _judged_and_scored(cell: MethodCell, opened: RebuiltDecoder) -> tuple[Validity, pd.DataFrame]:
    verdict = judge(cell, opened)
    try:
        table = _scored_method(cell, opened) if verdict.status != "not_applicable" else _no_scores()
    except DegenerateMap as error:
        return Validity("degenerate", str(error)), _no_scores()
    return verdict, table


@unit_decided()
def judge(cell: MethodCell, opened: RebuiltDecoder) -> Validity:
    """Judge a method by its maps of a few test trials of a trained decoder."""
    return validity(
        cell.method,
        opened.decoder,
        *opened.probe,
        compare=opened.compared_maps,
        **_attribution_keywords(cell, opened),
    )


def _scored_method(cell: MethodCell, opened: RebuiltDecoder) -> pd.DataFrame:
    """Scores of a method; its example maps are stored before, so a cell that is done has them."""
    method = partial(attribute, cell.method, **_attribution_keywords(cell, opened))
    explained = opened.explained
    original = explanation(method, explained.decoder, explained.x, explained.target)
    opened.store.write_maps(cell, _examples(cell, opened, original))
    return evaluate_explained(method, opened.map_references, original, cell.method)


def _attribution_keywords(cell: MethodCell, opened: RebuiltDecoder) -> dict[str, Any]:
    output = cell.evaluation.comparison.output
    return {"references": opened.references, "output": output, **cell.options}


def _no_scores() -> pd.DataFrame:
    """The table of a method without usable maps."""
    return pd.DataFrame(columns=SCORE_COLUMNS)


def _examples(cell: MethodCell, opened: RebuiltDecoder, said: Explanation) -> ExampleMaps:
    """The maps that pictures show."""
    chosen = opened.explained.chosen
    return choose_examples(
        said,
        opened.ground_truth[chosen],
        opened.y[chosen],
        opened.positions[chosen.cpu().numpy()],
        opened.eeg.info,
        cell.decoder.data,
        cell.evaluation.truth_threshold,
    )


def _record_since(opened: RebuiltDecoder, started: float) -> Record:
    return Record(
        accuracy=opened.trained.accuracy,
        at_chance=opened.trained.at_chance,
        seconds=time.monotonic() - started,
        finished=time.time(),
        versions=provenance.versions(),
        machine=provenance.machine(opened.device),
        commit=provenance.commit(),
    )
