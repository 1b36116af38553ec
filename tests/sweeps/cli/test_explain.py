"""``eegxai explain``: what it says, writes and logs, and mistakes told before any work."""

import json

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.cli import explain as command
from tests.made_up_explanation import METHODS, labelled_trials, requested
from tests.own_decoder_files import RECORDING, WEIGHTS

RUNNER = CliRunner()
WIDTH = 80


def run(*arguments):
    return RUNNER.invoke(app, ["explain", *map(str, arguments)])


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of its own with files of the names that commands give, which nothing reads."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.chdir(tmp_path)
    for name in (RECORDING, WEIGHTS, "a-file"):
        (tmp_path / name).write_text("nothing")
    (tmp_path / "there").mkdir()
    return tmp_path


GIVEN = ("--decoder", "braindecode:EEGNet", "--weights", WEIGHTS, "--data", RECORDING)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--methods", "DeepLft"], "did you mean 'DeepLift'?"),
        (["--methods", "DeepLift,nothing"], "method 'nothing' is unknown"),
        (["--methods", "nothing", "--methods", "DeepLift"], "method 'nothing' is unknown"),
        (["--data", "no-epo.fif"], "--data no-epo.fif does not exist"),
        (["--weights", "no.pt"], "--weights no.pt does not exist"),
        (["--out", "there"], "--out 'there' exists and is not overwritten"),
        (["--out", "a-file/out"], "--out 'a-file/out' cannot be written"),
        (["--out", "x" * 300], "cannot be written"),
        (["--events", "769=left,770"], "770 has no class"),
        (["--track", "sqlite:///a.db", "--no-track"], "give only one of them"),
        (["--track", "sqlite:///a-file/a.db"], "--track 'a-file/a.db' cannot be written"),
        (["--unit", "mV"], "unit 'mV' is unknown"),
        (["--n-trials", "0"], "n_trials=0"),
        (["--seed", "-1"], "seed=-1 is negative"),
        (["--device", "nonsense"], "device='nonsense' cannot be used"),
        (["--methods", " ,"], "contains no name"),
    ],
)
def test_mistakes_are_told_in_one_sentence_before_any_work(arguments, told, here):
    before = sorted(path.name for path in here.iterdir())
    result = run(*GIVEN, *arguments)
    assert result.exit_code == 2, result.output
    assert told in result.output
    assert result.output.startswith("eegxai: ")
    assert len(result.output.splitlines()) == 1
    assert sorted(path.name for path in here.iterdir()) == before


@pytest.fixture
def made_up(here, monkeypatch):
    """The command with a made-up explanation in place of the work, and without pictures."""
    explained = requested(here)

    def explain_requested(request, trials, on_accuracy, on_progress):
        on_progress("decode", 0.0)
        on_accuracy(explained.found.accuracy, explained.found.confusion)
        on_progress("DeepLift: maps", 0.0)
        return explained

    monkeypatch.setattr(command, "read_requested", lambda request: labelled_trials())
    monkeypatch.setattr(command, "explain_requested", explain_requested)
    monkeypatch.setattr("sweeps.report.explanation_files.explanation_pictures", lambda _found: [])
    return here


def test_it_prints_accuracy_first_then_trust_notes_and_files(made_up):
    result = run(*GIVEN, "--out", "sub-01", "--no-track")
    assert result.exit_code == 0, result.output
    order = [
        "12 trials of 6 channels",
        "decoding all trials",
        "Accuracy 0.75 [0.47, 0.91]",
        "as left",
        "Saliency",
        "notes:",
        "left out, because it needs a known ground truth:",
        "relevance mass accuracy",
        "report: sub-01/report.html",
    ]
    places = [result.output.index(text) for text in order]
    assert places == sorted(places)
    assert max(map(len, result.output.splitlines())) <= WIDTH
    assert (made_up / "sub-01" / "report.html").is_file()
    assert not (made_up / "runs").exists()


def test_json_is_one_document_and_names_what_was_written(made_up, empty_database):
    (made_up / "runs").mkdir()
    (made_up / "runs" / "mlflow.db").write_bytes(empty_database.read_bytes())
    result = run(*GIVEN, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout, parse_constant=pytest.fail)
    assert {row["method"] for row in found["trust"]} > set(METHODS)
    assert found["accuracy"][0]["accuracy"] == 0.75
    assert found["confusion"]["left"] == {"left": 4, "right": 1, "feet": 1}
    assert all((made_up / path).is_file() for path in found["files"])
    assert found["files"][0].startswith("runs/explanations/braindecode-EEGNet-sub-01-epo/")
    assert "mlflow ui --backend-store-uri sqlite:///runs/mlflow.db" in found["mlflow"]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "what://is/this"])
def test_an_mlflow_that_cannot_be_written_loses_nothing(made_up, uri):
    result = run(*GIVEN, "--out", "sub-01", "--track", uri)
    assert result.exit_code == 0, result.output
    said = [line for line in result.output.splitlines() if "MLflow could not be written" in line]
    assert len(said) == 1
    assert said[0].endswith("everything is in sub-01")
    assert (made_up / "sub-01" / "maps.npz").is_file()
