"""The MLflow run of an explanation of one's own decoder, on a real SQLite store."""

import re

import mlflow
import pytest
from mlflow import MlflowClient

from sweeps.tracking.explanations import (
    EXPERIMENT,
    explanation_content,
    log_explanation,
    metric_name,
)
from sweeps.tracking.location import tracking_uri
from tests.made_up_explanation import METHODS, N_LAYERS, requested


@pytest.fixture
def logged(with_database, tmp_path):
    """What was logged, how to open it, and its run."""
    explained, folder = requested(tmp_path), tmp_path / "out"
    (folder / "figures").mkdir(parents=True)
    files = [folder / name for name in ("report.html", "trust.csv", "figures/a.png", "maps.npz")]
    for file in files:
        file.write_bytes(b"content")
    opened = log_explanation(explained, folder, files, "runs")
    client = MlflowClient(tracking_uri=tracking_uri("runs"))
    (run,) = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    return explained, opened, client, run


def test_a_run_says_what_was_explained_with_what(logged):
    explained, opened, _, run = logged
    params = run.data.params
    assert params["decoder"] == "braindecode:EEGNet"
    assert params["weights_digest"] == explained.weights_digest
    assert params["data"].endswith("sub-01-epo.fif")
    assert params["unit"] == "uV"
    assert params["seed"] == "3"
    assert "torch" in params["versions"]
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "braindecode:EEGNet on sub-01-epo.fif"
    assert run.data.tags["mlflow.source.name"] == explained.request.command
    assert run.info.run_id in opened
    assert opened.startswith("mlflow ui --backend-store-uri sqlite:///runs/mlflow.db")


def test_its_metrics_have_the_names_of_a_sweeps_runs(logged):
    _, _, client, run = logged
    metrics = run.data.metrics
    assert metrics["headline/accuracy"] == 0.75
    assert metrics["headline/class_similarity/DeepLift"] == pytest.approx(-0.4)
    assert metrics["headline/model_similarity/Saliency"] == pytest.approx(0.95)
    assert metrics["headline/null_similarity/GradCAMplusplus"] == pytest.approx(0.05)
    assert metrics["headline/deletion_area/DeepLift"] == pytest.approx(0.25)
    assert metrics["validity/completeness/DeepLift"] == 1.0
    assert "validity/completeness/Saliency" not in metrics
    curve = client.get_metric_history(
        run.info.run_id, "scores/cascade/channel_time/pearson_raw/DeepLift"
    )
    assert [point.step for point in curve] == list(range(1, N_LAYERS + 1))


def test_its_trust_is_in_tags_and_its_description(logged):
    explained, _, client, run = logged
    tags = run.data.tags
    assert {f"eegxai.trust.{metric_name(method)}" for method in METHODS} <= set(tags)
    for row in explained.found.trust.to_dict("records"):
        assert f"| {row['method']} | {row['trust']} |" in tags["mlflow.note.content"]
    experiment = client.get_experiment(run.info.experiment_id)
    assert "headline/class_similarity/METHOD" in experiment.tags["mlflow.note.content"]


def test_report_tables_and_pictures_are_artefacts(logged):
    _, _, client, run = logged
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    names |= {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    assert names == {"report.html", "trust.csv", "figures", "figures/a.png"}


def test_each_call_has_a_run_of_its_own_and_may_go_elsewhere(logged, tmp_path, empty_database):
    explained, _, client, run = logged
    log_explanation(explained, tmp_path, [], "runs")
    assert len(client.search_runs([run.info.experiment_id])) == 2
    other = tmp_path / "other.db"
    other.write_bytes(empty_database.read_bytes())
    opened = log_explanation(explained, tmp_path, [], "runs", f"sqlite:///{other}")
    assert f"sqlite:///{other}" in opened
    assert len(client.search_runs([run.info.experiment_id])) == 2
    assert mlflow.get_tracking_uri() != f"sqlite:///{other}"


def test_all_names_are_allowed_by_mlflow(tmp_path):
    content = explanation_content(requested(tmp_path), tmp_path)
    for name in (*content.params, *content.tags, *(metric.key for metric in content.metrics)):
        assert re.fullmatch(r"[\w./: -]+", name), name
