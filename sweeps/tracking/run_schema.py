"""What a run states about a cell: its name, description, tags, parameters and metrics.

Every value carries the time at which the cell finished: MLflow keeps one copy of equal metric
rows, and a run that was half written is completed without doubling a step.
"""

import json
from collections.abc import Mapping

import pandas as pd
from mlflow.entities import Metric

from eegxai.attribution import CONTROLS, METHODS, STUDY_METHODS, Validity
from eegxai.evaluation import CALIBRATED_HEADLINE, CHANCE, HEADLINE, SIMILARITY_NULLS
from eegxai.evaluation.score_rows import GROUND_TRUTH, IDEAL_OBSERVER
from eegxai.evaluation.scoring import headlines_with
from sweeps.analysis.references import REFERENCE_METRICS
from sweeps.analysis.summary import HEADLINE_METRICS
from sweeps.design.cells import Cell, DecoderCell, MethodCell, decoder_of
from sweeps.scores.table import AREA, CASCADE, SIMILARITY, class_testable
from sweeps.store.records import MethodScores, Record, TrainedDecoder
from sweeps.tracking.location import VIEW, page_in_ui

KEY_TAG = "eegxai.key"
KIND_TAG = "eegxai.kind"
LAYOUT_TAG = "eegxai.layout"
VALIDITY_TAG = "eegxai.validity"
FLAGS_TAG = "eegxai.flags"
REASON_TAG = "eegxai.reason"
AT_CHANCE_TAG = "eegxai.at_chance"
CLASS_TESTABLE_TAG = "eegxai.class_testable"
VERSION_TAG = "version."  # before the name of a package
COMMIT_TAG, MACHINE_TAG = "mlflow.source.git.commit", "eegxai.machine"
COLOUR_TAG = "mlflow.runColor"
NOTE_TAG = "mlflow.note.content"  # what the UI shows as the description
AXIS_TAG = "eegxai."  # before an axis, such as ``eegxai.seed``: parameters are those that vary
OPTIONS_TAG = "eegxai.options"
SOURCE_TAG, SOURCE_KIND_TAG = "mlflow.source.name", "mlflow.source.type"
# Raise it when runs change their names: those of an older layout are written anew.
RUN_LAYOUT = "4"
KIND_OF_EXPERIMENT = {"mlflow.experimentKind": "custom_model_development"}  # not a chat
# What the UI shows of the runs at the address that names this view: the methods and their scores.
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"
SHOWN_COLUMNS = (
    "metrics.`headline/score`",
    "metrics.`headline/calibrated_score`",
    "metrics.`headline/class_similarity`",
    "metrics.`headline/model_similarity`",
    "tags.`eegxai.feature`",
)
# The UI sorts sections by name: what is read first comes first.
SCORES, HALF_WIDTHS, N_VALID = "scores/", "uncertainty/", "valid_trials/"
DRAWS_STD = "weight_draws/"  # spread between draws of random weights, where there are several
N_ZERO_ROWS = "zero_rows/"  # of scores into whose mean zeros enter
N_TRIALS, SECONDS = "run/n_trials", "run/seconds"

# A method has one colour in every chart: the UI's own follow the run's id and look alike. By Sasha
# Trubetskoy, "20 simple, distinct colors".
METHOD_COLOURS = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#9a6324",
    "#bfef45", "#800000", "#469990", "#000075", "#808000", "#a9a9a9", "#000000", "#ffe119",
)  # fmt: skip

LONGEST_CONSTANT = 80  # characters in a description's table

# Of the metrics under headline/: the check they are read from.
HEADLINE_CHECKS = {
    "score": GROUND_TRUTH,
    "calibrated_score": GROUND_TRUTH,
    "chance": CHANCE,
    "ceiling": IDEAL_OBSERVER,
    "ideal_score": GROUND_TRUTH,
    "used_correlation": GROUND_TRUTH,
    "class_similarity": "target_swap",
    "model_similarity": CASCADE,
    "cascade_area": CASCADE,
}
NULL_SIMILARITY = "null_similarity"  # the highest of several checks
ACCURACY = "headline/accuracy"

EXPERIMENT_NOTE = """\
Which attribution methods tell the truth about EEG decoders? Each **method run** is one method on
one decoder, nested under the **decoder run** that trained it. Simulated EEG has a known answer,
so each map is scored against it.

| column | meaning |
|---|---|
| `feature`, `snr_db`, `architecture`, `seed`, `fold`, `method` | what was run |
| `headline/score` | the study's score of the map against the planted signal: share of the \
map's mass on it (spatial: cosine of topographies). 1 is best |
| `headline/chance` | the same score of random maps of the same spectrum |
| `headline/calibrated_score` | average precision of the map's magnitude (spectral: share of the \
relevance over frequency in the planted band). 1 is best |
| `headline/ceiling` | the same score of the ideal observer's map |
| `headline/ideal_score` | average precision against the ideal observer's map |
| `headline/used_correlation` | correlation over channels with what the decoder used |
| `headline/class_similarity` | correlation of the map with the map for a wrong class: low is \
class-specific |
| `headline/model_similarity` | correlation with the map of a network whose weights are all \
random: low is model-specific |
| `headline/cascade_area` | mean correlation while the network is randomized layer by layer |
| `headline/null_similarity` | the highest correlation of the map with maps that know nothing: \
white noise, its magnitude, a random map of the same spectrum |
| `headline/accuracy` | test accuracy of the decoder |
| `scores/CHECK/DOMAIN/METRIC` | every number, such as `scores/cascade/channel_time/pearson_raw`, \
a curve over the randomized layers |
| `uncertainty/...`, `valid_trials/...` | half of the 95 % interval over the trials, and the \
number of trials for which the score is defined |
| `zero_rows/...` | in the evaluation mode `study`: number of trials that the study's code skips, \
which enter the mean as zeros |
| tag `eegxai.validity` | ok, duplicate (of a simpler method), degenerate, not_applicable |

Filter such as `params.method = "DeepLift" and tags.`eegxai.kind` = "method"`.
Tables of all runs: `eegxai tables --source mlflow`."""

SUMMARY_NOTE = """\
What the sweep found is in `closing_table.html` among the artefacts. `tidy.parquet` contains all
scores, one row per run, check, domain, metric and step; `eegxai tables --source mlflow` reads it
instead of thousands of runs. `claims.csv` says of each claim of the study whether it holds on these
scores."""

CONSTANT_NOTE = """

What is the same in all runs, and therefore is not among their parameters:

| field | value |
|---|---|
{rows}"""

METHOD_NOTE = """\
**{method}** on {architecture}, trained on {feature} EEG at {snr_db:g} dB (seed {seed}, fold {fold};
test accuracy {accuracy:.2f}). {verdict}

{numbers}

The pictures are among the artefacts, in `figures/`."""

DECODER_NOTE = """\
**{architecture}**, trained on {labels} labels of {feature} EEG at {snr_db:g} dB (seed {seed}, fold
{fold}) for {epochs} epochs: test accuracy {accuracy:.2f} on {n_test} trials{chance}. Its methods
are the runs nested under it."""


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
    """Description of the run of all scores, with the fields that its method runs do not state."""
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
    cell: MethodCell, scores: MethodScores, headlines: dict[str, float]
) -> dict[str, str]:
    """Tags of a method's run."""
    verdict = scores.validity
    options = ", ".join(f"{name} {value}" for name, value in sorted(cell.options.items()))
    optional = {
        FLAGS_TAG: "; ".join(verdict.flags),
        REASON_TAG: verdict.reason,
        OPTIONS_TAG: options,
    }
    numbers = [f"- {name.replace('_', ' ')}: {value:.3f}" for name, value in headlines.items()]
    note = METHOD_NOTE.format(
        **cell.axes,
        accuracy=scores.accuracy,
        verdict=_validity_sentence(verdict),
        numbers="\n".join(numbers) or "It has no scores.",
    )
    return {
        **tags_of(cell, scores),
        KIND_TAG: "method",
        VALIDITY_TAG: verdict.status,
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
    reason = f": {verdict.reason}" if verdict.reason else ""
    return f"Validity: {verdict.status}{reason}."


def decoder_metrics(trained: TrainedDecoder, at: int) -> list[Metric]:
    """Accuracy, and the curves of the training."""
    curves = [
        Metric(f"training/{name.removeprefix('train_')}", value, at, int(epoch["epoch"]))
        for epoch in trained.history
        for name, value in epoch.items()
        if name != "epoch"
    ]
    values = {ACCURACY: trained.accuracy, SECONDS: trained.seconds, N_TRIALS: trained.n_test}
    return [*_metrics(values, at), *curves]


def method_metrics(
    scores: MethodScores, rows: pd.DataFrame, headlines: dict[str, float], at: int
) -> list[Metric]:
    """Headline, then every score as ``scores/check/domain/metric``, its steps as a curve."""
    values = {f"headline/{name}": value for name, value in headlines.items()}
    values |= {ACCURACY: scores.accuracy, SECONDS: scores.seconds}
    values |= {f"validity/{name}": value for name, value in _evidence(scores.validity)}
    if len(rows):
        values[N_TRIALS] = float(rows["n_trials"].max())
    return [*_metrics(values, at), *_score_metrics(rows, at)]


def headlines_of(rows: pd.DataFrame) -> dict[str, float]:
    """The few numbers that come first, as far as the tidy rows of a method have them."""
    if rows.empty:
        return {}
    feature = rows["feature"].iloc[0]
    domain = HEADLINE[feature][0]
    sources = {
        **dict.fromkeys(("score", "chance"), HEADLINE[feature]),
        **dict.fromkeys(("calibrated_score", "ceiling"), CALIBRATED_HEADLINE[feature]),
        "ideal_score": (domain, "ideal_auprc_magnitude"),
        "used_correlation": headlines_with("used_pearson")[feature],
        **dict.fromkeys(("class_similarity", "model_similarity"), (domain, SIMILARITY)),
        "cascade_area": (domain, AREA),
    }
    ordered = rows.sort_values("step", kind="stable")
    last = ordered.groupby(["check", "domain", "metric"])["mean"].last()
    found = {name: last.get((check, *sources[name])) for name, check in HEADLINE_CHECKS.items()}
    nulls = [last.get((check, domain, SIMILARITY)) for check in SIMILARITY_NULLS]
    if not rows["class_testable"].ne(False).any():
        del found["class_similarity"]
    found[NULL_SIMILARITY] = max((null for null in nulls if null is not None), default=None)
    return {name: float(value) for name, value in found.items() if value is not None}


def _score_metrics(rows: pd.DataFrame, at: int) -> list[Metric]:
    """Means, and rows of zeros in them; of a headline's metrics half-widths and trials too."""
    chosen = rows[rows["metric"].isin(HEADLINE_METRICS | REFERENCE_METRICS)]
    parts = (
        (SCORES, rows, "mean"),
        (HALF_WIDTHS, chosen, "half_width"),
        (N_VALID, chosen, "n_valid"),
        (DRAWS_STD, chosen[chosen["draws_std"].notna()], "draws_std"),
        (N_ZERO_ROWS, rows[rows["n_zero_rows"] > 0], "n_zero_rows"),
    )
    return [
        Metric(prefix + name, float(value), at, int(step))
        for prefix, part, column in parts
        for name, value, step in zip(_names(part), part[column], part["step"], strict=True)
    ]


def _names(rows: pd.DataFrame) -> pd.Series:
    return rows["check"] + "/" + rows["domain"] + "/" + rows["metric"]


def _evidence(verdict: Validity) -> list[tuple[str, float]]:
    names = ("similarity", "completeness", "completeness_worst", "batch_dependence")
    values = [(name, getattr(verdict, name)) for name in names]
    return [(name, value) for name, value in values if value is not None]


def _metrics(values: dict[str, float], at: int) -> list[Metric]:
    return [Metric(name, float(value), at, 0) for name, value in values.items()]
