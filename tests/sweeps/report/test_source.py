"""Scores of a sweep from its store and from MLflow alone: the same, or one sentence on why not."""

import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from sweeps.design.cells import decoder_cells, method_cells
from sweeps.design.config_file import load
from sweeps.report.origin import load_origin
from sweeps.report.source import NoScoresError, load_scores
from sweeps.scores.selection import FilterError
from sweeps.store.artefacts import store_of
from sweeps.tracking import Publisher, no_pictures, publish_all
from tests.finished_cells import fill
from tests.sweeps.conftest import TINY
from tests.sweeps.processes import free_port

RUNNER = CliRunner()
COMMANDS = ("tables", "claims", "statistics", "figures", "report", "compare")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Two decoders with made-up scores in the store and in MLflow."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "tiny.yaml").write_text(TINY)
    config = load(folder / "tiny.yaml", [f"output={folder / 'runs'}"])
    decoders, methods = list(decoder_cells(config)), list(method_cells(config))
    fill(store_of(config), decoders, methods)
    publisher = Publisher(config.name, config.output, draw=no_pictures)
    publish_all(publisher, [*decoders, *methods], store_of(config))
    return config


@pytest.fixture
def uri_alone(config, tiny_file, monkeypatch):
    """The configuration file of a reader who has the tracking URI, and no store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{config.output}/mlflow.db")
    return tiny_file


def run(command, path, *options):
    other = ["--b", "training.epochs=2"] if command == "compare" else []
    return RUNNER.invoke(app, [command, str(path), *other, *options])


@pytest.mark.slow
def test_both_sources_hold_the_same_scores(config):
    pd.testing.assert_frame_equal(
        load_scores(config, "mlflow"), load_scores(config, "store"), check_dtype=False
    )
    chosen = load_scores(config, "mlflow", where="seed == 1")
    assert set(chosen["seed"]) == {1}


@pytest.mark.parametrize(
    ("source", "where", "error", "message"),
    [
        ("disk", "", ValueError, "--source 'disk' is unknown"),
        ("store", "seed > 9", FilterError, "matches no finished run"),
    ],
)
def test_a_wrong_source_or_selection_is_refused(config, source, where, error, message):
    with pytest.raises(error, match=message):
        load_scores(config, source, where=where)


def test_a_sweep_without_scores_is_refused_and_not_created(tiny, tmp_path):
    with pytest.raises(NoScoresError, match="run: eegxai sweep"):
        load_scores(tiny)
    with pytest.raises(NoScoresError, match="run: eegxai sync"):
        load_scores(tiny, "mlflow")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_does_not_answer_is_reported_in_a_sentence(tiny_file, command, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{free_port()}")
    result = run(command, tiny_file, "--source", "mlflow")
    assert result.exit_code == 2, result.output
    assert result.output.startswith("eegxai: --source mlflow: MLflow does not answer (")
    assert len(result.output.strip().splitlines()) == 1
    assert "secret" not in result.output


def test_the_store_is_read_where_the_database_is_broken(config, tmp_path, caplog, monkeypatch):
    """Also by those that ask where the results are from, and with a file that MLflow could fill."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "copy"
    shutil.copytree(config.output, folder)
    copied = config.model_copy(update={"output": str(folder)})
    for content in (b"", b"no database"):
        caplog.clear()
        (folder / "mlflow.db").write_bytes(content)
        tidy = load_scores(copied, "mlflow")
        pd.testing.assert_frame_equal(tidy, load_scores(config, "store"))
        assert "mlflow.db is broken (" in caplog.text
        assert "scores are read from the store instead" in caplog.text
        assert load_origin(copied, "mlflow", tidy, store_of(copied)).status.is_done
        assert (folder / "mlflow.db").read_bytes() == content


@pytest.mark.slow
def test_tables_claims_and_statistics_need_the_uri_alone(uri_alone):
    known = (("tables", "Saliency"), ("claims", "not class-specific"), ("statistics", "temporal: "))
    for command, word in known:
        result = run(command, uri_alone, "--source", "mlflow")
        assert result.exit_code == 0, result.output
        assert word in result.output
    assert run("tables", uri_alone).exit_code == 2


@pytest.mark.slow
def test_figures_and_report_drop_the_maps_with_a_reason(uri_alone, tmp_path):
    options = ["grid.method=[Saliency,RandomMap]", "--source", "mlflow", "--out"]
    drawn = run("figures", uri_alone, *options, str(tmp_path / "figs"), "--format", "png")
    assert drawn.exit_code == 0, drawn.output
    assert "maps (MLflow holds no maps, they need --source store)" in drawn.output
    assert (tmp_path / "figs" / "checks.png").exists()
    told = run("report", uri_alone, *options, str(tmp_path / "page.html"))
    assert told.exit_code == 0, told.output
    page = (tmp_path / "page.html").read_text()
    assert "maps (MLflow holds no maps, they need --source store)" in page
    assert "<dd>6 of 6 done</dd>" in page
    assert "torch 2" in page
    assert "2001-09-09 01:46 UTC" in page
