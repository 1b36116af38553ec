"""``eegxai explain``: which explanation of one's own decoder on one's own recordings to trust."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console

from eegxai.atomic import UnwritableError, require_writable
from eegxai.attribution import asked_methods
from eegxai.rounding import counted
from sweeps.cli.common import (
    Json,
    errors_in_one_sentence,
    print_error,
    print_json,
    terminal,
    usage_error,
)
from sweeps.cli.share_progress import ShareProgress
from sweeps.report.explanation_files import REPORT_FILE, require_new_folder, write_explanation
from sweeps.report.explanation_tables import confusion_table, terminal_trust
from sweeps.report.explanation_texts import (
    TERMINAL_LEGEND,
    accuracy_lines,
    trust_answer,
    trust_notes,
)
from sweeps.report.terminal import print_lines, print_sentence, terminal_parts
from sweeps.tasks.own_decoder import (
    ExplainRequest,
    RequestedExplanation,
    explain_requested,
    read_requested,
)

# What is done next, in words, where it is no method.
DOING = {
    "open": "opening the decoder",
    "decode": "decoding all trials",
    "randomize": "drawing random weights",
    "patterns": "activation patterns",
    "curves": "deletion and insertion",
}
OUTPUT = "runs"  # as of a sweep: MLflow's database and the folders of explanations lie there


def explain(
    decoder: Annotated[
        str,
        typer.Option(
            help="braindecode:NAME for a model of braindecode, or MODULE:FUNCTION for a function "
            "that returns the network, in a file MODULE.py of this folder or in an installed "
            "package."
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="Labelled trials on which the network was not trained, as epochs or a recording: "
            ".fif, .set, .edf, .bdf, .vhdr, .npz, or a BIDS folder with one recording."
        ),
    ],
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Trained weights of the network: .safetensors, or .pt with the state_dict. "
            "Required unless FUNCTION returns a trained network."
        ),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            help="Events of a recording to use, such as left,right, or with the names of the "
            "classes, in the order of the network's outputs: 769=left,770=right."
        ),
    ] = None,
    class_names: Annotated[
        str | None,
        typer.Option(help="Names of the classes in the order of the outputs: left,right."),
    ] = None,
    tmin: Annotated[float | None, typer.Option(help="Start of a trial, s after its event.")] = None,
    tmax: Annotated[float | None, typer.Option(help="End of a trial, s after its event.")] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            help="Methods or groups of methods, such as DeepLift,GradCAM or study (eegxai methods "
            "lists them); may be repeated; by default a few of different kinds."
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            help="Unit of the data on which the network was trained: uV, V, or as_given for the "
            "numbers as they are in the file; by default the one with the better balanced accuracy."
        ),
    ] = None,
    n_trials: Annotated[
        int | None,
        typer.Option(
            help="Maximum number of trials to explain, among those classified correctly; "
            "64 by default."
        ),
    ] = None,
    cam_layer: Annotated[
        str | None, typer.Option(help="Dotted name of the layer used for class activation maps.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Random seed of the choice of trials, the wrong classes and the random weights."
        ),
    ] = 0,
    device: Annotated[
        str | None, typer.Option(help="Device to compute on, such as cuda; the CPU by default.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="New folder for maps, tables, pictures and the report (default: "
            "runs/explanations/DECODER-DATA)."
        ),
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="MLflow server or database in which the run is logged (default: "
            "MLFLOW_TRACKING_URI, or runs/mlflow.db).",
        ),
    ] = None,
    no_track: Annotated[bool, typer.Option("--no-track", help="Do not log an MLflow run.")] = False,
    as_json: Json = False,
) -> None:
    """Explain your own decoder on your own recordings, and check which methods can be trusted.

    For example:

    eegxai explain --decoder braindecode:EEGNet --weights eegnet.safetensors
    --data sub-01-epo.fif --out sub-01
    """
    if track and no_track:
        raise usage_error("--track and --no-track contradict each other: give only one of them")
    console = terminal(quiet=as_json)
    with errors_in_one_sentence():
        request = ExplainRequest(
            decoder=decoder,
            data=data,
            weights=weights,
            events=_events(events),
            class_names=_words_between_commas(class_names),
            tmin=tmin,
            tmax=tmax,
            methods=_methods(methods),
            unit=unit,
            n_trials=n_trials,
            cam_layer=cam_layer,
            seed=seed,
            device=device,
        )
        folder = out or Path(OUTPUT, "explanations", request.name)
        _check_files(request, folder)
        if track:
            _check_database(track)
        explained = _explain_request(request, console)
        files = write_explanation(explained, folder)
    opened = "" if no_track else _tracked(explained, folder, files, track or "")
    _print_files(console, folder, files, opened)
    if as_json:
        print_json(_explanation_document(explained, files, opened))


def _words_between_commas(words: str | None) -> tuple[str, ...] | None:
    """Words between commas; None where the option is not given."""
    if words is None:
        return None
    listed = tuple(filter(None, (word.strip() for word in words.split(","))))
    if not listed:
        raise ValueError(f"{words!r} contains no name: give names separated by commas, as a,b")
    return listed


def _events(words: str | None) -> tuple[str, ...] | dict[str, str] | None:
    """Names of events, or with names of classes where each has one."""
    listed = _words_between_commas(words)
    if listed is None or not any("=" in word for word in listed):
        return listed
    pairs = [word.partition("=") for word in listed]
    if incomplete := [word for word, sign, name in pairs if not (sign and name)]:
        raise ValueError(
            f"--events {words}: {', '.join(incomplete)} has no class; give one to each event, as "
            "769=left,770=right, or to none"
        )
    return {event: name for event, _, name in pairs}


def _methods(options: list[str] | None) -> tuple[str, ...] | None:
    """Names of methods, groups written out; one that is unknown is refused."""
    if not options:
        return None
    return tuple(asked_methods(_words_between_commas(",".join(options)) or ()))


def _check_files(request: ExplainRequest, folder: Path) -> None:
    """Refuse files that are not there and a folder that cannot be written, before any work."""
    for option, path in (("--data", request.data), ("--weights", request.weights)):
        if path is not None and not path.exists():
            raise ValueError(f"{option} {path} does not exist")
    try:
        require_new_folder(folder)
    except UnwritableError as error:
        raise UnwritableError(f"--out {error}") from error


def _check_database(uri: str) -> None:
    """Refuse a local database that cannot be written: MLflow would try it for minutes."""
    from sweeps.tracking.location import SQLITE  # takes a second

    if not uri.startswith(SQLITE):
        return
    try:
        require_writable(Path(uri.removeprefix(SQLITE)))
    except UnwritableError as error:
        raise UnwritableError(f"--track {error}") from error


def _explain_request(request: ExplainRequest, console: Console) -> RequestedExplanation:
    """Read, say how well the decoder decodes, explain, and say what is to be trusted."""
    trials = read_requested(request)
    n_trials, n_channels, n_times = trials.x.shape
    print_lines(
        console,
        [
            f"{request.data.name}: {counted(n_trials, 'trial')} of {n_channels} channels and "
            f"{n_times} samples ({n_times / trials.sfreq:g} s at {trials.sfreq:g} Hz)"
        ],
    )
    with ShareProgress(console) as progress:

        def on_accuracy(accuracy: pd.DataFrame, confusion: pd.DataFrame) -> None:
            _print_accuracy(console, accuracy, confusion)

        def on_progress(what: str, share: float) -> None:
            progress(DOING.get(what, what), share)

        explained = explain_requested(request, trials, on_accuracy, on_progress)
    _print_found(console, explained)
    return explained


def _print_accuracy(console: Console, accuracy: pd.DataFrame, confusion: pd.DataFrame) -> None:
    print_lines(console, accuracy_lines(accuracy))
    if len(confusion):
        console.print()
        for part in terminal_parts(confusion_table(confusion)):
            console.print(part)
        console.print()


def _print_found(console: Console, explained: RequestedExplanation) -> None:
    """Print which methods to trust and why, notes, and what is left out."""
    found = explained.found
    console.print()
    print_lines(console, trust_answer(found))
    console.print()
    for part in terminal_parts(terminal_trust(found)):
        console.print(part)
    print_lines(console, trust_notes(found))
    print_lines(console, TERMINAL_LEGEND, style="dim")
    _print_list(console, "notes", found.notes)
    _print_list(console, "left out, because it needs a known ground truth", found.without_truth)


def _print_list(console: Console, title: str, lines: Iterable[str]) -> None:
    if listed := [f"- {line}" for line in lines]:
        print_lines(console, ["", f"{title}:", *listed])


def _tracked(explained: RequestedExplanation, folder: Path, files: list[Path], uri: str) -> str:
    """How to open the MLflow run; empty, with a sentence, where it could not be written."""
    from sweeps.tracking import PublishError, reason_of  # takes a second
    from sweeps.tracking.explanations import log_explanation

    try:
        return log_explanation(explained, folder, files, OUTPUT, uri)
    except PublishError as error:
        reason = reason_of(error)
        print_error(f"MLflow could not be written ({reason}); everything is in {folder}")
        return ""


def _print_files(console: Console, folder: Path, files: list[Path], opened: str) -> None:
    console.print()
    print_sentence(console, f"wrote {counted(len(files), 'file')} to {folder}")
    print_sentence(console, f"report: {folder / REPORT_FILE}")
    if opened:
        print_sentence(console, f"MLflow run: {opened}")


def _explanation_document(
    explained: RequestedExplanation, files: list[Path], opened: str
) -> dict[str, Any]:
    """What was found, for scripts."""
    found = explained.found
    return {
        "command": "explain",
        "decoder": found.decoder_name,
        "data": explained.request.data,
        "unit": found.trials.unit,
        "accuracy": found.accuracy,
        "confusion": found.confusion.to_dict("index"),
        "n_explained": len(found.explained),
        "trust": found.trust,
        "validity": found.validity,
        "checks": found.checks,
        "agreement": found.agreement.to_dict("index"),
        "notes": found.notes,
        "without_truth": found.without_truth,
        "files": files,
        "mlflow": opened,
        "repeat": explained.request.command,
    }
