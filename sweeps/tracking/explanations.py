"""One run for each ``eegxai explain``, in an experiment of their own."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlflow.entities import Metric

from eegxai.explaining import DecoderExplanation
from eegxai.explaining.trust import CLASS_CHECK, MODEL_CHECK
from sweeps.analysis.own_decoder import (
    last_step_intervals,
    null_levels,
    replaced_areas,
    similarities_of_checks,
)
from sweeps.store import provenance
from sweeps.tasks.own_decoder import RequestedExplanation, as_text
from sweeps.tracking.location import run_page, ui_command
from sweeps.tracking.notes import EXPLANATION_NOTE, EXPLANATIONS_NOTE
from sweeps.tracking.parameters import LONGEST_PARAM
from sweeps.tracking.run_content import RunContent, milliseconds
from sweeps.tracking.run_schema import (
    ACCURACY,
    COMMIT_TAG,
    KIND_OF_EXPERIMENT,
    KIND_TAG,
    MACHINE_TAG,
    N_TRIALS,
    NOTE_TAG,
    SCORES,
    SECONDS,
    SOURCE_KIND_TAG,
    SOURCE_TAG,
    VERSION_TAG,
)
from sweeps.tracking.runs import connect, open_experiment, write_run

EXPERIMENT = "explanations of own decoders"
KIND = "explanation"
TRUST_TAG = "eegxai.trust."  # before the name of a method
# The number of a check at its last step, under the name that a sweep's runs have.
HEADLINE_CHECKS = {"class_similarity": CLASS_CHECK, "model_similarity": MODEL_CHECK}
EVIDENCE = ("completeness", "completeness_worst", "batch_dependence")
LOGGED_SUFFIXES = (".html", ".csv", ".png", ".txt")  # maps stay in the folder: they are large
SIGNS = {"+": "plus"}  # that MLflow does not allow in the name of a metric


def log_explanation(
    explained: RequestedExplanation,
    folder: Path,
    files: Sequence[Path],
    output: str,
    uri: str = "",
) -> str:
    """Write the run of an explanation; how to open it, as a sentence has it.

    Parameters
    ----------
    explained : RequestedExplanation
    folder : Path
        What was written lies there.
    files : sequence of Path
        In that folder; the report, the tables and the pictures become artefacts.
    output : str
        Folder of the default tracking store.
    uri : str
        Another address than the default one.

    Raises
    ------
    MlflowException, OSError
        One of ``PublishError``, when MLflow cannot be written.
    """
    client = connect(output, uri)
    experiment = open_experiment(client, EXPERIMENT, output, explanation_experiment_tags)
    run = write_run(client, experiment, explanation_content(explained, folder, files))
    command, page = ui_command(output, uri), run_page(experiment, run, uri)
    return f"{command}, then open {page}" if command else page


def explanation_experiment_tags(_experiment_id: str) -> dict[str, str]:
    """Description of the experiment, and its kind."""
    return {NOTE_TAG: EXPLANATIONS_NOTE, **KIND_OF_EXPERIMENT}


def explanation_content(
    explained: RequestedExplanation, folder: Path, files: Sequence[Path] = ()
) -> RunContent:
    """What the run of an explanation contains."""
    request, found = explained.request, explained.found
    at = milliseconds(explained.finished)
    return RunContent(
        f"{found.decoder_name} on {request.data.name}",
        explanation_tags(explained),
        started=milliseconds(explained.started),
        finished=at,
        params=explanation_params(explained),
        metrics=list(explanation_metrics(explained, at)),
        files={
            str(file.relative_to(folder)): file.read_bytes()
            for file in files
            if file.suffix in LOGGED_SUFFIXES
        },
    )


def explanation_params(explained: RequestedExplanation) -> dict[str, str]:
    """What was explained, and with what."""
    request, found = explained.request, explained.found
    versions = [f"{name} {number}" for name, number in explained.versions.items()]
    values = {
        **{name: as_text(value) for name, value in request.given.items()},
        "decoder": request.decoder,
        "weights_digest": explained.weights_digest,
        "data_digest": explained.data_digest,
        "unit": found.trials.unit,
        "output": found.output,
        "methods": ", ".join(found.validity["method"]),
        "n_trials": str(len(found.explained)),
        "versions": ", ".join(versions),
    }
    return {name: value[:LONGEST_PARAM] for name, value in values.items() if value}


def explanation_tags(explained: RequestedExplanation) -> dict[str, str]:
    """Kind, description, origin, and the word of trust of each method."""
    found = explained.found
    trust = dict(zip(found.trust["method"], found.trust["trust"], strict=True))
    rows = "\n".join(f"| {method} | {word} |" for method, word in trust.items())
    note = EXPLANATION_NOTE.format(
        decoder=found.decoder_name,
        data=explained.request.data.name,
        rows=rows,
        command=explained.request.command,
    )
    commit = provenance.commit()
    return {
        KIND_TAG: KIND,
        NOTE_TAG: note,
        SOURCE_TAG: explained.request.command,
        SOURCE_KIND_TAG: "LOCAL",
        MACHINE_TAG: explained.machine,
        **({COMMIT_TAG: commit} if commit else {}),
        **{VERSION_TAG + name: number for name, number in explained.versions.items()},
        **{TRUST_TAG + metric_name(method): word for method, word in trust.items()},
    }


def explanation_metrics(explained: RequestedExplanation, at: int) -> Iterator[Metric]:
    """Accuracy, what sums up each method, and the steps of every check as curves.

    The names are those of a sweep's method runs with the method behind them, such as
    ``headline/class_similarity/DeepLift``, so that the UI shows all methods side by side.
    """
    found = explained.found
    values = {
        SECONDS: explained.finished - explained.started,
        N_TRIALS: float(len(found.explained)),
        **_accuracy_metrics(found),
        **dict(_headlines(found)),
        **dict(_validity_metrics(found)),
    }
    for name, value in values.items():
        if not math.isnan(value):
            yield Metric(name, value, at, 0)
    for row in similarities_of_checks(found).to_dict("records"):
        name = (
            f"{SCORES}{row['check']}/{row['domain']}/{row['metric']}/{metric_name(row['method'])}"
        )
        yield Metric(name, float(row["mean"]), at, int(row["step"]))


def _accuracy_metrics(found: DecoderExplanation) -> dict[str, float]:
    if found.accuracy.empty:
        return {}
    row = found.accuracy.iloc[0]
    return {ACCURACY: float(row["accuracy"]), "headline/chance_accuracy": float(row["chance"])}


def _headlines(found: DecoderExplanation) -> Iterator[tuple[str, float]]:
    """What sums up the checks of each method."""
    columns = {
        name: last_step_intervals(found, check)["mean"] for name, check in HEADLINE_CHECKS.items()
    }
    columns |= {
        "null_similarity": null_levels(found),
        "deletion_area": replaced_areas(found)["area"],
    }
    for name, column in columns.items():
        for method, value in column.items():
            yield f"headline/{name}/{metric_name(str(method))}", float(value)


def _validity_metrics(found: DecoderExplanation) -> Iterator[tuple[str, float]]:
    for row in found.validity.astype(dict.fromkeys(EVIDENCE, float)).to_dict("records"):
        for name in EVIDENCE:
            yield f"validity/{name}/{metric_name(row['method'])}", float(row[name])


def metric_name(method: str) -> str:
    """A method's name in the signs that MLflow allows in names.

    Examples
    --------
    >>> metric_name("GradCAM++")
    'GradCAMplusplus'
    """
    return "".join(SIGNS.get(sign, sign) for sign in method)
