"""``eegxai compare --methods``: one number for a paper in one command."""

import json
import shlex

import pandas as pd
import pytest
from typer.testing import CliRunner

from sweeps.cli import app
from tests.tidy_tables import tidy_table

METHODS = ("DeepLift", "GradCAM", "LRP")
EXAMPLE = "--methods DeepLift GradCAM --where \"feature == 'temporal' and snr_db == -12\" --metric"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("scores") / "mine.parquet"
    tidy_table(METHODS, seeds=range(8)).to_parquet(path)
    return path


def run(table, options):
    return CliRunner().invoke(app, ["compare", str(table), *shlex.split(options)])


@pytest.mark.parametrize("metric", ["rma", "RMA", "mass_clipped", "study"])
def test_the_example_of_the_issue(table, metric):
    shown = run(table, f"{EXAMPLE} {metric}")
    assert shown.exit_code == 0, shown.output
    last = [line for line in shown.output.splitlines() if line.startswith("for a paper: ")]
    assert len(last) == 1
    assert "Over 8 seeds (16 decoders of temporal features at -12 dB), DeepLift scored" in last[0]
    assert "mass_clipped on channels × times, higher is better" in shown.output
    assert "16 cells" not in shown.output
    assert "32 cells of 16 decoders and 8 seeds" in shown.output


def test_as_json_and_as_files(table, tmp_path):
    document = json.loads(run(table, f"{EXAMPLE} rma --json --out {tmp_path / 'pair.csv'}").stdout)
    (pair,) = document["comparisons"]
    written = pd.read_csv(tmp_path / "pair.csv").iloc[0]
    assert written["sentence"] == pair["sentence"]
    assert written["where"] == document["cells"]["where"]
    assert written["difference"] == pytest.approx(pair["difference"])
    assert pair["ceiling"] is None  # these scores have no ideal observer
    assert document["files"] == [str(tmp_path / "pair.csv")]
    assert run(table, f"{EXAMPLE} rma --out {tmp_path / 'pair.md'}").exit_code == 0
    assert pair["sentence"] in (tmp_path / "pair.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--methods DeepLift gradcam", "did you mean 'GradCAM'"),
        ("--methods DeepLift DeepLift", "compared with itself"),
        ("--methods DeepLift GradCAM --b seed=1", "--b is for two runs"),
        ("--methods DeepLift GradCAM --metric-b study", "--metric-b is for two runs"),
        ("other.yaml --methods DeepLift GradCAM", "RUN_B is for two runs"),
        ("--methods DeepLift GradCAM --metric IoU", "'rank_magnitude'"),
        ("--methods DeepLift GradCAM --metric mass_cliped", "did you mean 'mass_clipped'"),
        ("--methods DeepLift GradCAM --metric xyzzy", "choices: auprc_magnitude"),
        ("--methods DeepLift GradCAM --where 'snr_db == 5'", "snr_db is -12.0 or -3.5"),
        ("--methods DeepLift GradCAM --interval boot", "--interval 'boot' is unknown"),
        ("--methods DeepLift GradCAM --out pair.xls", "choices: .csv, .md"),
    ],
)
def test_mistakes_are_told_in_one_short_sentence(table, options, message):
    refused = run(table, options)
    assert refused.exit_code == 2
    assert message in refused.output
    assert len(refused.output.strip().splitlines()) == 1
    assert len(refused.output) < 300


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--b training.epochs=2 --metric mass_cliped", "did you mean 'mass_clipped'"),
        ("--b training.epochs=2 --metric xyzzy", "docs/evaluation.md lists all"),
        ("--b training.epochs=2 --check cascad", "did you mean 'cascade'"),
        ("--methods Saliency Salency", "did you mean 'Saliency'"),
    ],
)
def test_mistakes_are_told_before_the_store_is_read(tiny_file, tmp_path, options, message):
    refused = run(tiny_file, options)
    assert refused.exit_code == 2
    assert message in refused.output
    assert len(refused.output) < 300
    assert not (tmp_path / "runs").exists()


def test_a_run_is_not_compared_with_itself_by_an_override_that_changes_nothing(tiny_file):
    refused = run(tiny_file, "--b training.epochs=1 --b tracking.figures=true")
    assert refused.exit_code == 2
    assert "has the same cells in the same store" in refused.output


def test_two_runs_are_compared_where_an_expression_says(table, tmp_path):
    other = tmp_path / "other.csv"
    tidy_table(METHODS, seeds=range(1, 9)).to_csv(other)
    shown = run(table, f"{other} --metric rma --where \"feature == 'temporal'\"")
    assert shown.exit_code == 0, shown.output
    assert "cells where feature == 'temporal'" in shown.output
    assert "temporal: mass_clipped on channels × times, higher is better" in shown.output
    assert "spatial" not in shown.output
