"""``eegxai compare --methods``: one number for a paper in one command."""

import json
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from eegxai.statistics import INTERVALS
from sweeps.cli import app
from sweeps.design.cells import method_cells
from sweeps.design.config_file import load
from sweeps.store.artefacts import store_of
from tests.finished_cells import method_scores
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
        ("--methods DeepLift --metric rma", "--methods takes two methods, but only one stands"),
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
        ("grid.seed=0 --methods Saliency LRP", "is not a run: --a grid.seed=0 is for RUN_A, --b"),
        ("grid.seed=0 training.epochs=2", "'grid.seed=0' is not a run: --a grid.seed=0"),
        ("one.yaml two.yaml", "two runs are compared, RUN_A and RUN_B, but there are 3"),
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


def test_decoders_at_chance_are_left_out_and_counted_or_kept(tmp_path):
    tidy = tidy_table(METHODS, ["temporal"], seeds=range(8))
    path, other = tmp_path / "weak.parquet", tmp_path / "other.parquet"
    tidy.assign(at_chance=tidy["snr_db"] == -12).to_parquet(path)
    tidy.to_parquet(other)
    for options, prefix in (("--methods DeepLift GradCAM", ""), (str(other), "a: ")):
        shown = run(path, options)
        assert (
            f"{prefix}16 of 32 decoders decode no better than chance and are left" in shown.output
        )
        kept = run(path, f"{options} --keep-at-chance")
        assert f"{prefix}16 of 32 decoders decode no better than chance and are kept" in kept.output
    assert "16 decoders; left out: 16" in run(path, "--methods DeepLift GradCAM").output
    assert (
        "32 decoders; no decoder is left out"
        in run(path, "--methods DeepLift GradCAM --keep-at-chance").output
    )


def test_differences_of_two_runs_stay_within_the_bounds_of_their_metric(tmp_path):
    tidy = tidy_table(METHODS, ["temporal"], seeds=range(3))
    paths = [tmp_path / f"{name}.parquet" for name in "ab"]
    for path, means in zip(paths, ((0.0, 0.02, 0.3), (1.0, 1.0, 1.0)), strict=True):
        tidy.assign(mean=tidy["seed"].map(dict(enumerate(means)))).to_parquet(path)
    for interval in INTERVALS:
        document = json.loads(run(paths[0], f"{paths[1]} --interval {interval} --json").stdout)
        for row in document["comparisons"]:
            assert row["low"] < row["difference"] < row["high"] <= 1


def test_what_speaks_against_a_method_is_said_below_its_comparison(tmp_path):
    tidy = tidy_table(METHODS, ["temporal"], seeds=range(3), snrs=[-12.0])
    first = (tidy["method"] == "DeepLift") & (tidy["seed"] == 0)
    tidy.loc[first, "flags"] = "0.9 of the promised sum"
    tidy = tidy.assign(n_trials=8, n_valid=np.where(first, 5, 8))
    tidy.loc[tidy["method"] == "GradCAM", ["validity", "duplicate_of"]] = "duplicate", "LRP"
    tidy.to_parquet(path := tmp_path / "scores.parquet")
    said = run(path, "--methods DeepLift GradCAM").output
    said = " ".join(said.split())
    n = tidy["seed"].nunique() * tidy["architecture"].nunique() * tidy["fold"].nunique()
    assert (
        f"a validity check of DeepLift failed on {n // 3} of {n} decoders (0.9 of the promised sum)"
        in said
    )
    assert f"DeepLift has this score on {8 * n - 3 * n // 3} of {8 * n} trials" in said
    assert f"GradCAM has the same maps as LRP on {n} of {n} decoders" in said


def test_a_metric_of_another_mode_is_said_to_be_one(table, tmp_path):
    tidy = pd.read_parquet(table)
    tidy[tidy["metric"] != "auprc_magnitude"].to_parquet(path := tmp_path / "study.parquet")
    methods = "--methods DeepLift GradCAM"
    missing = run(path, f"{methods} --metric auprc_magnitude").output
    assert "'auprc_magnitude' is not among these scores (another evaluation.mode" in missing
    assert "headline of the study (--metric study)" in run(path, methods).output


def test_two_sweeps_that_are_evaluated_differently_are_said_to_be(tiny_file):
    config = load(tiny_file)
    for own in (config, load(tiny_file, ["evaluation.n_trials=7"])):
        for cell in method_cells(own):
            store_of(own).write_scores(cell, method_scores())
    shown = run(tiny_file, "--b evaluation.n_trials=7")
    n = config.evaluation.n_trials
    assert f"the evaluations differ: a and b have n_trials {n} and 7" in shown.output


def one_seed(trials):
    """Scores of two methods on one decoder in a store, the trials of which are given."""
    config = load("tiny.yaml", ["grid.seed=[0]"])
    store = store_of(config)
    for cell in method_cells(config):
        scores = method_scores()
        here = scores.table["check"] == "ground_truth"
        kept = [trials.get(cell.method) if keep else None for keep in here]
        table = scores.table.assign(trials=pd.Series(kept, dtype=object))
        store.write_scores(cell, replace(scores, table=table))


def test_one_seed_is_compared_over_the_trials_that_the_store_keeps(tiny_file):
    trials = np.random.default_rng(0).random((2, 12), np.float32)
    one_seed(dict(zip(("Saliency", "InputXGradient"), trials, strict=True)))
    asked = "--a grid.seed=[0] --methods Saliency InputXGradient --json --metric"
    (pair,) = json.loads(run(tiny_file, f"{asked} rma").stdout)["comparisons"]
    expected = stats.ttest_rel(*trials.astype(float))
    assert pair["trials_p"] == pytest.approx(expected.pvalue, rel=1e-3)
    assert pair["trials_difference"] == pytest.approx(np.subtract(*trials).mean(), abs=1e-6)
    assert (pair["n_trials"], pair["p"]) == (12, None)
    (other,) = json.loads(run(tiny_file, f"{asked} rma --check same_spectrum").stdout)[
        "comparisons"
    ]
    assert (other["n_trials"], other["trials_p"]) == (0, None)
    lacking = run(tiny_file, "--a grid.seed=[0] --methods Saliency RandomMap --metric rma")
    assert "trial by trial: not tested, RandomMap has no scores trial by trial" in lacking.output
