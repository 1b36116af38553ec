"""A store that cannot be read ends any command that reads it in one sentence."""

import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.cli.lazy import refusal
from sweeps.store.files import StoreFiles

RUNNER = CliRunner()


@pytest.mark.parametrize("command", ["status", "tables", "statistics", "claims", "grid"])
def test_a_store_that_cannot_be_listed_is_told(command, tiny_file, monkeypatch):
    def refuses(_files, folder):
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(StoreFiles, "_list", refuses)
    told = RUNNER.invoke(app, [command, str(tiny_file)])
    assert told.exit_code == 2, told.output
    assert "eegxai: 'methods' cannot be used: Permission denied" in told.output.replace(
        "'decoders'", "'methods'"
    )
    assert "Traceback" not in told.output


def test_a_bucket_that_does_not_answer_is_told(tiny_file, monkeypatch):
    def refuses(_files, folder):
        raise OSError("AWS Error NETWORK_CONNECTION:\n  Couldn't connect")

    monkeypatch.setattr(StoreFiles, "_list", refuses)
    told = RUNNER.invoke(app, ["status", str(tiny_file)])
    assert told.exit_code == 2
    assert told.output.strip() == "eegxai: AWS Error NETWORK_CONNECTION:"


def test_a_refusal_without_words_is_called_by_its_kind():
    assert refusal(TimeoutError()) == "TimeoutError"
    assert refusal(FileNotFoundError("bucket/key")) == "FileNotFoundError: bucket/key"
    assert refusal(OSError(28, "No space left on device", "runs")) == (
        "'runs' cannot be used: No space left on device"
    )


WHERE_MISTAKES = [
    ("snr > 3", "did you mean 'snr_db'"),
    ("snr_db >=", "is not an expression"),
    ("feature == 3", "compares text with a number"),
]


@pytest.mark.parametrize(("expression", "message"), WHERE_MISTAKES)
@pytest.mark.parametrize("command", ["tables", "statistics", "claims", "compare"])
def test_a_wrong_selection_is_refused_before_the_store_is_read(
    command, expression, message, tiny_file, tmp_path
):
    told = RUNNER.invoke(app, [command, str(tiny_file), "--where", expression])
    assert told.exit_code == 2
    assert told.output.startswith("eegxai: --where")
    assert message in told.output
    assert not (tmp_path / "runs").exists()


def test_a_wrong_tree_is_refused_before_the_configuration_is_looked_for_in_it(tiny_file):
    told = RUNNER.invoke(app, ["submit", str(tiny_file), "--tree", "nowhere"])
    assert told.exit_code == 2
    assert told.output.strip() == (
        "eegxai: --tree 'nowhere' has no pyproject.toml: give the folder of the source"
    )
