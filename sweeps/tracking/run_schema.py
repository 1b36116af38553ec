"""What a run states about a cell: its name, description, tags, parameters and metrics.

Every value carries the time at which the cell finished: MLflow keeps one copy of equal metric
rows, and a run that was half written is completed without doubling a step.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from mlflow.entities import Metric

from eegxai.attribution import CONTROLS, METHODS, STUDY_METHODS, Validity
from eegxai.evaluation import CHANCE
from eegxai.evaluation.score_rows import GROUND_TRUTH
from sweeps.analysis.references import REFERENCE_METRICS
from sweeps.analysis.summary import HEADLINE_METRICS, LEADS
from sweeps.analysis.verdicts import TOLD, verdict_on, verdict_text
from sweeps.design.cells import Cell, DecoderCell, MethodCell, decoder_of
from sweeps.design.thresholds import Thresholds
from sweeps.scores.table import CASCADE, LEVELS, class_testable
from sweeps.store.records import MethodScores, Record, TrainedDecoder
from sweeps.tracking.location import VIEW, page_in_ui
from sweeps.tracking.notes import (
    CONSTANT_NOTE,
    DECODER_NOTE,
    EXPERIMENT_NOTE,
    METHOD_NOTE,
    SUMMARY_NOTE,
)

KEY_TAG = "eegxai.key"
KIND_TAG = "eegxai.kind"
LAYOUT_TAG = "eegxai.layout"
VALIDITY_TAG = "eegxai.validity"
DUPLICATE_TAG = "eegxai.duplicate_of"
VERDICT_TAG = "eegxai.verdict"  # in words
PROPERTY_TAG = "eegxai."  # before a property of the verdict, such as ``eegxai.faithful``
THRESHOLDS_TAG = "eegxai.thresholds"  # those that the verdict was reached with
FLAGS_TAG = "eegxai.flags"
REASON_TAG = "eegxai.reason"
AT_CHANCE_TAG = "eegxai.at_chance"
CLASS_TESTABLE_TAG = "eegxai.class_testable"
VERSION_TAG = "version."  # before the name of a package
COMMIT_TAG, MACHINE_TAG = "mlflow.source.git.commit", "eegxai.machine"
COLOUR_TAG = "mlflow.runColor"
NOTE_TAG = "mlflow.note.content"  # what the UI shows as the description
AXIS_TAG = "eegxai."  # before an axis, such as ``eegxai.seed``; parameters have the axes, too
OPTIONS_TAG = "eegxai.options"
SOURCE_TAG, SOURCE_KIND_TAG = "mlflow.source.name", "mlflow.source.type"
# Raise it when runs change their names: those of an older layout are written anew.
RUN_LAYOUT = "4"
KIND_OF_EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}  # not a chat
# What the UI shows of the runs at the address that names this view: the methods and their scores.
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
SHOWN_COLUMNS = (
    "metrics.`headline/efficiency`",
    "metrics.`headline/used_correlation`",
    "metrics.`headline/class_similarity`",
    "metrics.`headline/model_similarity`",
    f"tags.`{VERDICT_TAG}`",
    "tags.`eegxai.feature`",
)
# The UI sorts sections by name: what is read first comes first.
SCORES, HALF_WIDTHS, N_VALID = "scores/", "uncertainty/", "valid_trials/"
DRAWS_STD = "weight_draws/"  # spread between draws of random weights, where there are several
# What the verdict rests on beside means: of the headline's metrics.
LEVEL_PREFIXES = {level: f"{level}/" for level in LEVELS}
N_ZERO_ROWS = "zero_rows/"  # of scores into whose mean zeros enter
N_TRIALS, N_LAYERS, SECONDS = "run/n_trials", "run/n_layers", "run/seconds"

# A method has one colour in every chart: the UI's own follow the run's id and look alike. By Sasha
# Trubetskoy, "20 simple, distinct colors".
METHOD_COLOURS = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#9a6324",
    "#bfef45", "#800000", "#469990", "#000075", "#808000", "#a9a9a9", "#000000", "#ffe119",
)  # fmt: skip

# Whose differences from the method the verdict rests on, and the method itself.
VERDICT_CHECKS = (GROUND_TRUTH, CHANCE, *LEADS.values())
LONGEST_CONSTANT = 80  # characters in a description's table

# Of the metrics under headline/: the number of ``decoder_headline``.
HEADLINE_NUMBERS = {
    "score": "score",
    "chance": "chance",
    "calibrated_score": "calibrated",
    "ceiling": "ceiling",
    "over_chance": "over_chance",
    "over_untrained": "over_untrained",
    "over_input": "over_input",
    "efficiency": "efficiency",
    "ideal_score": "ideal",
    "used_correlation": "used_r",
    "class_similarity": "class_r",
    "model_similarity": "model_r",
    "cascade_area": "cascade_area",
    "null_similarity": "null_r",
}
ACCURACY = "headline/accuracy"


def run_name(cell: Cell) -> str:
    """Such as ``DeepLift on temporal -12 dB deepnet seed 3``; fold 0 goes without saying.

    The list of runs is narrow: what differs between neighbours comes first.
    """
    decoder = decoder_of(cell).title.replace(" fold 0", "")
    return decoder if isinstance(cell, DecoderCell) else f"{cell.method} on {decoder}"


def experiment_tags(experiment_id: str) -> dict[str, str]:
    """Description of an experiment, its kind, and its view."""
    view = {
        "searchFilter": f"tags.`{KIND_TAG}` = 'method'",
        "selectedColumns": SHOWN_COLUMNS,
        "orderByKey": SHOWN_COLUMNS[0],  # sorted by time, methods would be folded
        "orderByAsc": False,
    }
    note = f"[Methods and their scores]({page_in_ui(experiment_id)}). {EXPERIMENT_NOTE}"
    return {NOTE_TAG: note, VIEW_TAG: json.dumps(view), **KIND_OF_EXPERIMENT}


def summary_note(constant: Mapping[str, str]) -> str:
    """Description of the run of all scores, with the fields that its method runs share."""
    if not constant:
        return SUMMARY_NOTE
    rows = "\n".join(f"| `{name}` | {_in_table(value)} |" for name, value in constant.items())
    return SUMMARY_NOTE + CONSTANT_NOTE.format(rows=rows)


def _in_table(value: str) -> str:
    short = value if len(value) <= LONGEST_CONSTANT else f"{value[:LONGEST_CONSTANT]} …"
    return short.replace("|", "\\|").replace("\n", " ")


def tags_of(cell: Cell, record: Record) -> dict[str, str]:
    """Tags of any cell: which it is and how it came about."""
    versions = {VERSION_TAG + package: number for package, number in record.versions.items()}
    origin = {COMMIT_TAG: record.commit, MACHINE_TAG: record.machine}
    return {
        KEY_TAG: cell.key,
        LAYOUT_TAG: RUN_LAYOUT,
        AT_CHANCE_TAG: str(record.at_chance),
        **{AXIS_TAG + axis: str(value) for axis, value in cell.axes.items()},
        **versions,
        **{name: value for name, value in origin.items() if value},
    }


def decoder_tags(cell: DecoderCell, trained: TrainedDecoder) -> dict[str, str]:
    """Tags of a decoder's run."""
    note = DECODER_NOTE.format(
        **cell.axes,
        labels=cell.labels,
        epochs=len(trained.history),
        accuracy=trained.accuracy,
        n_test=trained.n_test,
        chance=", no better than chance" if trained.at_chance else "",
    )
    return {**tags_of(cell, trained), KIND_TAG: "decoder", NOTE_TAG: note}


def method_tags(
    cell: MethodCell,
    scores: MethodScores,
    headlines: Mapping[str, float],
    verdict: Mapping[str, str],
) -> dict[str, str]:
    """Tags of a method's run; ``verdict`` are those of :func:`verdict_tags`."""
    certificate = scores.validity
    options = ", ".join(f"{name} {value}" for name, value in sorted(cell.options.items()))
    optional = {
        FLAGS_TAG: "; ".join(certificate.flags),
        REASON_TAG: certificate.reason,
        OPTIONS_TAG: options,
        DUPLICATE_TAG: certificate.duplicate_of,
    }
    numbers = [f"- {name.replace('_', ' ')}: {value:z.3f}" for name, value in headlines.items()]
    note = METHOD_NOTE.format(
        **cell.axes,
        accuracy=scores.accuracy,
        verdict=f"Verdict: {verdict[VERDICT_TAG]}. {_validity_sentence(certificate)}",
        numbers="\n".join(numbers) or "It has no scores.",
    )
    return {
        **tags_of(cell, scores),
        KIND_TAG: "method",
        VALIDITY_TAG: certificate.status,
        **verdict,
        CLASS_TESTABLE_TAG: str(class_testable(cell)),
        COLOUR_TAG: colour_of(cell.method),
        NOTE_TAG: note,
        **{tag: text for tag, text in optional.items() if text},
    }


def colour_of(method: str) -> str:
    """Colour of a method's runs, by its place among the registered ones, the study's first."""
    names = list(dict.fromkeys((*STUDY_METHODS, *CONTROLS, *METHODS, method)))
    return METHOD_COLOURS[names.index(method) % len(METHOD_COLOURS)]


def _validity_sentence(verdict: Validity) -> str:
    found = verdict.reason or "; ".join(verdict.flags)
    return f"Validity check: {verdict.status}{f' ({found})' if found else ''}."


def decoder_metrics(trained: TrainedDecoder, at: int) -> list[Metric]:
    """Accuracy, and the curves of the training."""
    curves = [
        Metric(f"training/{name.removeprefix('train_')}", value, at, int(epoch["epoch"]))
        for epoch in trained.history
        for name, value in epoch.items()
        if name != "epoch"
    ]
    values = {ACCURACY: trained.accuracy, SECONDS: trained.seconds, N_TRIALS: trained.n_test}
    return [*_mlflow_metrics(values, at), *curves]


def method_metrics(
    scores: MethodScores, rows: pd.DataFrame, headlines: Mapping[str, float], at: int
) -> list[Metric]:
    """Headline, then every score as ``scores/check/domain/metric``, its steps as a curve."""
    values = {f"headline/{name}": value for name, value in headlines.items()}
    values |= {ACCURACY: scores.accuracy, SECONDS: scores.seconds}
    values |= {f"validity/{name}": value for name, value in _evidence_values(scores.validity)}
    if len(rows):
        values[N_TRIALS] = float(rows["n_trials"].max())
    if len(steps := rows.loc[rows["check"] == CASCADE, "step"]):
        values[N_LAYERS] = float(steps.max())
    return [*_mlflow_metrics(values, at), *_score_metrics(rows, at)]


def headlines_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The few numbers that come first, as far as the headline of a decoder has them."""
    found = {name: float(row[number]) for name, number in HEADLINE_NUMBERS.items()}
    return {name: value for name, value in found.items() if not math.isnan(value)}


def verdict_tags(row: Mapping[str, Any], thresholds: Thresholds) -> dict[str, str]:
    """The verdict on a decoder in words, the state of each property, and what was asked."""
    verdict = verdict_on(row, thresholds)
    return {
        VERDICT_TAG: verdict_text({**row, **verdict}),
        **{PROPERTY_TAG + name: verdict[name] for name in TOLD},
        THRESHOLDS_TAG: thresholds_text(thresholds),
    }


def thresholds_text(thresholds: Thresholds) -> str:
    """Such as ``efficiency 0.5, use_correlation 0.7``."""
    return ", ".join(f"{name} {value:g}" for name, value in thresholds.model_dump().items())


def _score_metrics(rows: pd.DataFrame, at: int) -> list[Metric]:
    """Means, and rows of zeros in them; of a headline's metrics half-widths and trials too."""
    chosen = rows[rows["metric"].isin(HEADLINE_METRICS | REFERENCE_METRICS)]
    verdict = rows[rows["check"].isin(VERDICT_CHECKS) & rows["metric"].isin(HEADLINE_METRICS)]
    parts = (
        (SCORES, rows, "mean"),
        (HALF_WIDTHS, chosen, "half_width"),
        (N_VALID, chosen, "n_valid"),
        (DRAWS_STD, chosen[chosen["draws_std"].notna()], "draws_std"),
        (N_ZERO_ROWS, rows[rows["n_zero_rows"] > 0], "n_zero_rows"),
        *(
            (prefix, verdict[verdict[level].notna()], level)
            for level, prefix in LEVEL_PREFIXES.items()
        ),
    )
    return [
        Metric(prefix + name, float(value), at, int(step))
        for prefix, part, column in parts
        for name, value, step in zip(_score_names(part), part[column], part["step"], strict=True)
    ]


def _score_names(rows: pd.DataFrame) -> pd.Series:
    return rows["check"] + "/" + rows["domain"] + "/" + rows["metric"]


def _evidence_values(verdict: Validity) -> list[tuple[str, float]]:
    names = ("similarity", "completeness", "completeness_worst", "batch_dependence")
    values = [(name, getattr(verdict, name)) for name in names]
    return [(name, value) for name, value in values if value is not None]


def _mlflow_metrics(values: dict[str, float], at: int) -> list[Metric]:
    return [Metric(name, float(value), at, 0) for name, value in values.items()]
