"""Files that turn out broken are named, set aside and recomputed by the sweep itself."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.config_file import load
from sweeps.execution import runner
from sweeps.execution import sweep as module
from sweeps.execution.runner import CellOutcome
from sweeps.execution.sweep import Sweep
from sweeps.scores.cache import tidy_from_store
from sweeps.scores.cache_file import CACHE_FILE
from sweeps.store.artefacts import store_of
from sweeps.store.checks import CHECKED_FILE
from sweeps.store.names import SUSPECTS_FOLDER, maps_of, name_of
from tests.finished_cells import fill
from tests.sweeps.processes import COMMAND, environment

pytestmark = pytest.mark.slow  # whole sweeps

RUNNER = CliRunner()
RETRAINED = ["evaluation.checks=[label_retrain]"]


class NoMlflow(Sweep):
    """The sweep of a tracking server that goes away once the work has begun."""

    def _require_tracking(self):
        """It is still there."""

    def connected(self):
        raise OSError("no server")


@pytest.fixture
def done(done_tiny):
    """A finished sweep whose files were checked once."""
    run = NoMlflow(done_tiny, Console(quiet=True))
    run.run(local=True)
    assert Path(run.store.url, CHECKED_FILE).exists()
    return run


def again(done):
    return NoMlflow(done.config, Console(quiet=True))


def scores_of(run):
    return tidy_from_store(run.methods, run.store)


def path_of(run, name):
    return Path(run.store.files.path(name))


def truncated(path):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path):
    path.write_bytes(b"")


def foreign(path):
    path.write_bytes(b"<html>502 Bad Gateway</html>" * 9)


def aside(run):
    return sorted(path.name.rpartition(".")[0] for path in Path(run.store.url, "broken").iterdir())


@pytest.mark.parametrize("spoil", [truncated, empty, foreign], ids=lambda spoil: spoil.__name__)
def test_spoilt_files_are_recomputed_by_the_same_command(done, spoil, caplog):
    """A decoder's, the scores of one of its cells and the maps of another."""
    decoder, scored, mapped = done.decoders[0], *done.methods[1:3]
    paths = [path_of(done, name) for name in (name_of(decoder), name_of(scored), maps_of(mapped))]
    table, weights = scores_of(done), done.store.read_decoder(decoder).weights
    for path in paths:
        spoil(path)
    run = again(done)
    run.run(local=True)
    assert not run.failed
    assert caplog.text.count("is set aside in broken/ and recomputed") == len(paths)
    assert {path.name for path in paths} <= {*aside(run)}
    assert not NoMlflow(done.config, Console(quiet=True)).left()
    for path in paths:
        assert str(path) in caplog.text
        assert path.stat().st_size
    assert all(run.store.has(cell) for cell in (decoder, scored, mapped))
    pd.testing.assert_frame_equal(scores_of(run), table)
    new = run.store.read_decoder(decoder).weights
    assert all((new[name] == value).all() for name, value in weights.items())
    before = caplog.text
    again(done).run(local=True)
    assert caplog.text == before


def test_a_decoder_that_breaks_under_its_methods_is_trained_again_and_they_are_explained(
    done, caplog
):
    """Found by the worker that reads it: its cells fail, and are done after the decoder."""
    decoder, cells = done.decoders[0], done.methods[:2]
    assert all(cell.decoder == decoder for cell in cells)
    table = scores_of(done)
    for cell in cells:
        path_of(done, name_of(cell)).unlink()
    truncated(path_of(done, name_of(decoder)))
    run = again(done)
    assert run.left() == set(cells)  # nothing is read to tell that
    run.run(local=True)
    assert not run.failed
    assert aside(run) == [Path(name_of(decoder)).name]
    assert all(run.store.failure(cell) is None for cell in cells)
    named = f"{run.store.path(decoder)} of {decoder.title} is broken; it is set aside"
    assert named in caplog.text
    pd.testing.assert_frame_equal(scores_of(run), table)


def test_a_file_that_breaks_time_and_again_is_recomputed_once(done, monkeypatch):
    cell, made = done.methods[1], []

    def run_local(stage, store_url, on_done):
        """Instead of explaining: a disk that spoils what it is given."""
        for cell in stage.cells:
            made.append(cell)
            path_of(done, name_of(cell)).write_bytes(b"spoilt")
            on_done(CellOutcome(cell))

    monkeypatch.setattr(module, "run_local", run_local)
    truncated(path_of(done, name_of(cell)))
    run = again(done)
    run.run(local=True)
    assert made == [cell]
    assert not run.store.has(cell)
    assert aside(run) == [Path(name_of(cell)).name] * 2


def test_what_is_left_is_decided_without_reading_or_asking_for_a_cell(done, monkeypatch):
    path_of(done, name_of(done.methods[1])).unlink()
    files = type(done.store.files)
    asked, listed = [], files._list

    def lists(files, name):
        asked.append(name)
        return listed(files, name)

    monkeypatch.setattr(files, "_list", lists)
    for method in ("read", "look"):
        monkeypatch.setattr(files, method, None)
    assert again(done).left() == {done.methods[1]}
    assert sorted(asked) == ["decoders", "methods", "suspects"]


def test_a_cell_that_another_process_has_done_meanwhile_is_not_done_twice(done, monkeypatch):
    cell = done.methods[1]
    content = path_of(done, name_of(cell)).read_bytes()
    path_of(done, name_of(cell)).unlink()
    run = again(done)
    assert run.left() == {cell}
    path_of(done, name_of(cell)).write_bytes(content)
    monkeypatch.setitem(runner.RUNNERS, "method", None)
    assert runner.run_cell("method", cell, run.store.url, "cpu", 1) == ""


def broken_one(done):
    """Scores of one cell, maps of another and a decoder, all of them truncated."""
    names = [name_of(done.methods[1]), maps_of(done.methods[2]), name_of(done.decoders[0])]
    for name in names:
        truncated(path_of(done, name))
    return [done.methods[1], done.methods[2], done.decoders[0]], names


def content(folder):
    """All files of a store but the cache of all scores and the notes of readers."""
    files = [path for path in folder.rglob("*.*") if path.parent.name != SUSPECTS_FOLDER]
    return {path: path.read_bytes() for path in files if path.name != CACHE_FILE}


# Options of the command, and which of the broken files above it reads.
COMMANDS = {
    "tables": (["--source", "store", "--format", "csv"], [0]),
    "figures": (["--format", "png"], [0, 1]),
    "report": ([], [0, 1]),
    "status": ([], [0, 2]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_reading_commands_name_broken_files_and_go_on(done, tiny_file, command, caplog):
    """The artefacts stay as they are; the report's page names files that it does not read too."""
    cells, names = broken_one(done)
    before = content(Path(done.store.url))
    options, read = COMMANDS[command]
    shown = RUNNER.invoke(app, [command, str(tiny_file), *options])
    assert shown.exit_code == 0, shown.output
    said = "".join(f"{shown.output} {caplog.text}".split())  # a terminal folds long lines
    for place in read:
        path = path_of(done, names[place])
        sentence = (
            f"the file of {cells[place].title} is broken ({path}): run eegxai sweep with the same "
            "configuration to recompute it"
        )
        assert "".join(sentence.split()) in said
    for page in Path("runs/reports").glob("*.html"):
        text = page.read_text()
        assert all(f"the file of {cell.title} is broken" in text for cell in cells)
    assert Path("runs/reports/tiny.html").exists() == (command == "report")
    assert content(Path(done.store.url)) == before


def test_a_terminal_shows_the_sentence_and_no_trace(done, tiny_file):
    """As people see it, without the logging that pytest sets up."""
    cells, _ = broken_one(done)
    command = [*COMMAND, "tables", str(tiny_file), "--source", "store", "--format", "csv"]
    shown = subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=True, timeout=300
    )
    assert shown.stderr.startswith(f"the file of {cells[0].title} is broken (")
    assert "Traceback" not in shown.stderr
    assert shown.stderr.count("is broken") == 1


def test_status_counts_a_broken_cell_as_open(done, tiny_file):
    empty(path_of(done, name_of(done.methods[3])))
    shown = RUNNER.invoke(app, ["status", str(tiny_file)])
    assert "10 cells: 9 done, 1 open" in shown.output
    assert done.methods[3].title in shown.output


def test_methods_passed_over_while_their_decoder_was_broken_are_explained_after_it(
    tiny_file, monkeypatch
):
    """It breaks after its training, which the stage between finds; the sweep does all cells."""
    tiny, broken = load(tiny_file, RETRAINED), []

    def run_local(stage, store_url, on_done):
        """Instead of the work: the decoder of the first permuted labels breaks, once."""
        for cell in stage.cells:
            store = store_of(tiny)
            if stage.name == "label_retrain" and not broken:
                broken.append(cell.decoders[0])
                Path(store.path(broken[0])).unlink()
                on_done(CellOutcome(cell, "BrokenArtefactError: its decoder is broken"))
            else:
                fill(store, *(([cell], []) if stage.kind == "decoder" else ([], [cell])))
                on_done(CellOutcome(cell))

    monkeypatch.setattr(module, "run_local", run_local)
    run = NoMlflow(tiny, Console(quiet=True))
    run.run(local=True)
    assert broken
    assert not run.failed
    assert not NoMlflow(tiny, Console(quiet=True)).left()


def test_what_was_memorised_is_told_without_a_file_that_breaks_last(tiny_file, caplog):
    run = NoMlflow(load(tiny_file, RETRAINED), Console(quiet=True))
    cell = run.permuted_label_decoders[0]
    fill(run.store, [cell])
    truncated(path_of(run, name_of(cell)))
    assert not run.memorised_accuracy()
    assert "is broken" in caplog.text
